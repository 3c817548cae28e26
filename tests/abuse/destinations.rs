//! Destinations of others, in every spelling.

use hongyan_grammar::stomp::Command;
use serde_json::json;

use crate::bystander::Bystanders;
use crate::house::House;
use crate::others::EVE;
use crate::others::LI;
use crate::others::PROMISE;
use crate::others::WU;
use crate::raw::Dice;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::wire::Heard;
use crate::wire::Socket;

/// Ways to write a destination of LI's that are not EVE's to hear; `{}` stands for who is meant.
const SPELLINGS: &[&str] = &[
    "/user/{}/recive",
    "/user/{}/queue/send/status",
    "/user/{}/queue/recive/status",
    "/user/{}/queue/delivery/status",
    "/user/{}/queue/status",
    "/user/{}/queue/presence",
    "/user/{}/queue/friend",
    "/user/{}/queue/group",
    "/user/{}/queue/history",
    "/user//{}/recive",
    "//user/{}/recive",
    "/user/{}//recive",
    "/user/{}/recive/",
    "/user/{}/./recive",
    "/user/./{}/recive",
    "/user/1/../{}/recive",
    "/user/user-1/../{}/recive",
    "/user/1%2F..%2F{}/recive",
    "/user/1%2f{}/recive",
    "/user/queue/../{}/recive",
    "/topic/../user/{}/recive",
    "/queue/../user/{}/recive",
    "/user/{} /recive",
    "/user/ {}/recive",
    "/user/{}/recive ",
    " /user/{}/recive",
    "/user/{}\\n/recive",
    "/user/1\\n{}/recive",
    "/user/{}\\c1/recive",
    "/user/1,{}/recive",
    "/user/1;{}/recive",
    "/user/1&{}/recive",
    "/user/{}/Recive",
    "/USER/{}/recive",
    "user/{}/recive",
    "/user/{}/receive",
    "/user/{}",
    "/user/{}/",
    "/user/{}/*",
    "/user/{}/**",
    "/user/0{}/recive",
    "/user/+{}/recive",
    "/user/-{}/recive",
    "/user/{}.0/recive",
    "/user/0x{}/recive",
    "/user/{}\u{200b}/recive",
    "/user/\u{202e}{}/recive",
    "/user/{}\u{0301}/recive",
    "/exchange/user/{}/recive",
    "/user/{}/recive?as=1",
    "/user/{}/recive#1",
    "/topic/user/{}/recive",
    "/queue/user/{}/recive",
];

/// And these, which name many.
const NETS: &[&str] = &[
    "/user/*/recive",
    "/user/**",
    "/user/#/recive",
    "/user/+/recive",
    "/user/>/recive",
    "/user/%/recive",
    "/user/.*/recive",
    "/user/{id}/recive",
    "/user/0/recive",
    "/user/9223372036854775807/recive",
    "/user/9223372036854775808/recive",
    "/user/18446744073709551618/recive",
    "/user/２/recive",
    "/user/%32/recive",
    "/user/USER-2/recive",
    "/user/usеr-2/recive",
    "/user//recive",
    "/user/recive",
    "/user",
    "/",
    "*",
    "**",
    "/**",
    "/socket/chat/send",
    "/socket/**",
    "/topic/**",
    "/topic/*",
    "/temp-queue/x",
    "/amq/queue/recive",
];

/// Eve subscribes to `destination`: she is told that it is not hers or nothing at all, and hears nothing of LI.
async fn hears_nothing(house: &House, destination: &str, number: u64) {
    let mut eve = Socket::log_in(house.address(), &people::token(EVE)).await;
    eve.say(&format!(
        "SUBSCRIBE\nid:x\ndestination:{destination}\nreceipt:subscribed\n\n\0"
    ))
    .await;
    let answer = eve.frame().await;
    let shared = destination.starts_with("/topic/") || destination.starts_with("/queue/");
    match answer.command {
        Command::Error => {
            let word = answer.headers.get("message").expect("a word");
            let words = ["access-denied", "unknown-destination"];
            assert!(words.contains(&word), "{destination}: {answer:?}");
            let closed = Heard::Closed(1002, word.to_owned());
            assert_eq!(eve.next().await, closed, "{destination}");
        }
        // What merely looks like LI's is a topic like any other.
        Command::Receipt if shared => {
            let text = format!("for LI alone {number}");
            let body = json!({ "to": LI, "content": text }).to_string();
            let sent = house
                .call_as(&people::token(WU), "POST /api/messages", &body)
                .await;
            assert_eq!(sent.status, 201, "{}", sent.body);
            eve.lives().await;
        }
        _ => panic!("{destination}: {answer:?}"),
    }
}

#[tokio::test]
async fn nobody_hears_what_is_said_to_another() {
    let mut attack = Attack::on(
        "abuse-destinations",
        PROMISE,
        "`tests/abuse/destinations.rs`, `nobody_hears_what_is_said_to_another`",
    );
    let house = House::open(&[]);
    house.know([EVE, LI, WU]).await;
    let bystanders = Bystanders::begin(&house).await;
    // That what is one's own is heard, however it is asked for, so that the rest means something.
    for own in ["/user/1/recive", "/user/user-1/recive", "/user/01/recive"] {
        let mut eve = Socket::log_in(house.address(), &people::token(EVE)).await;
        eve.subscribe(own).await;
        let content = format!("for EVE {own}");
        let body = json!({ "to": EVE, "content": content }).to_string();
        house
            .call_as(&people::token(WU), "POST /api/messages", &body)
            .await
            .json(201);
        // What came before is pushed first.
        while eve.message().await["content"] != content {}
    }
    let mut tried = 0;
    for whom in ["2", "user-2"] {
        for spelling in SPELLINGS {
            hears_nothing(&house, &spelling.replace("{}", whom), tried).await;
            tried += 1;
        }
    }
    for net in NETS {
        hears_nothing(&house, net, tried).await;
        tried += 1;
    }
    bystanders.go_on().await;
    // Pieces of destinations, put together by chance; none of them is her own.
    let pieces = [
        "/user/",
        "/",
        "2",
        "user-2",
        "/recive",
        "queue/",
        "send/status",
        "%2F",
        "..",
        "*",
        "**",
        " ",
        "/topic",
        "//",
        "recive",
        "\u{200d}",
        "９",
        "+",
        "#",
        "\\c",
        "group",
        "history",
    ];
    let mut dice = Dice::new(5);
    for _ in 0..portion(40, 5_000) {
        let count = 2 + dice.below(6);
        let parts = (0..count).map(|_| pieces[dice.below(pieces.len())]);
        let destination: String = parts.collect();
        let own = destination.starts_with("/user/queue/");
        if own || destination.is_empty() {
            continue;
        }
        hears_nothing(&house, &destination, tried).await;
        tried += 1;
    }
    bystanders.end(&house, &mut attack).await;
    attack.count("destinations of another asked for", tried);
    attack.repelled();
}
