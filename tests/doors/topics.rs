//! Topics, where much is said in one message: each frame has its effect in its place.

use hongyan_grammar::stomp::Command;

use crate::house::House;
use crate::support::people;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::subscribe;

fn post(topic: &str, body: &str) -> String {
    format!("SEND\ndestination:/topic/{topic}\nreceipt:{body}\n\n{body}\0")
}

async fn bodies(reader: &mut Socket, count: usize) -> Vec<String> {
    let mut bodies = Vec::new();
    while bodies.len() < count {
        let frame = reader.frame().await;
        if frame.command == Command::Message {
            bodies.push(String::from_utf8(frame.body).expect("text"));
        }
    }
    bodies
}

#[tokio::test]
async fn what_is_published_in_one_breath_comes_in_its_order() {
    let house = House::open(&[]);
    let mut reader = Socket::log_in(house.address(), &people::token(1)).await;
    reader.subscribe("/topic/*").await;
    let mut both = Socket::log_in(house.address(), &people::token(2)).await;
    let breath = [
        post("a", "before"),
        subscribe("/topic/a"),
        post("a", "1"),
        post("a", "2"),
        post("b", "elsewhere"),
        post("a", "3"),
        "UNSUBSCRIBE\nid:/topic/a\n\n\0".to_owned(),
        post("a", "between"),
        subscribe("/topic/a"),
        post("a", "4"),
    ];
    both.say(&breath.concat()).await;
    let all = ["before", "1", "2", "elsewhere", "3", "between", "4"];
    assert_eq!(bodies(&mut reader, all.len()).await, all);
    assert_eq!(bodies(&mut both, 4).await, ["1", "2", "3", "4"]);
    let receipt = both.expect(Command::Receipt).await;
    assert_eq!(receipt.headers.get("receipt-id"), Some("4"));
    both.lives().await;
    house
        .metric_becomes("hongyan_topic_messages_published_total", 7)
        .await;
}

#[tokio::test]
async fn of_what_is_published_too_fast_the_first_still_comes() {
    let house = House::with_rate("2");
    let mut reader = Socket::log_in(house.address(), &people::token(1)).await;
    reader.subscribe("/topic/a").await;
    let mut sender = Socket::log_in(house.address(), &people::token(2)).await;
    let numbers: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let breath: String = numbers.iter().map(|number| post("a", number)).collect();
    sender.say(&breath).await;
    let mut receipts = Vec::new();
    let error = loop {
        let frame = sender.frame().await;
        if frame.command == Command::Error {
            break frame;
        }
        receipts.push(frame.headers.get("receipt-id").expect("an id").to_owned());
    };
    assert_eq!(error.headers.get("message"), Some("too-fast"), "{error:?}");
    assert!(matches!(sender.next().await, Heard::Closed(..)));
    assert!(receipts.len() >= 2, "{receipts:?}");
    assert_eq!(receipts, numbers[..receipts.len()]);
    assert_eq!(bodies(&mut reader, receipts.len()).await, receipts);
}
