//! What each user of the load does, until the broker is gone.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::Value;

use crate::ledger::Ledger;
use crate::ledger::parse;
use crate::load::BLOCKED;
use crate::load::BLOCKER;
use crate::load::CONSUMER;
use crate::load::PAINTER;
use crate::load::PRODUCER;
use crate::load::QUEUE;
use crate::load::Round;
use crate::load::WINDOW;
use crate::load::picture;
use crate::load::receiver_of;
use crate::support::client::Client;
use crate::support::client::chat;
use crate::support::client::json;
use crate::support::people::msg_id;

/// The next frame; `None` when the broker is gone, or says that it goes.
async fn told(client: &mut Client) -> Option<Frame> {
    let frame = client.next().await?;
    let stopping = frame.headers.get("message") == Some("broker-stopping");
    (!stopping).then_some(frame)
}

fn to_group(group: u64, content: &str) -> Frame {
    let body =
        serde_json::json!({ "msgID": msg_id(content), "groupId": group, "content": content });
    Frame::new(Command::Send)
        .header("destination", "/socket/group/send")
        .body(body.to_string())
}

/// Sends what has no 200 yet, then more, in turn to its receiver and to the group.
pub(super) async fn send(round: Arc<Round>, uid: u64) {
    let mut client = round.log_in(uid, &["/user/queue/send/status"]).await;
    let lanes = [format!("{uid}>{}", receiver_of(uid)), format!("{uid}>g")];
    let mut next = lanes.clone().map(|lane| round.ledger().lane(&lane).kept);
    let mut waiting: VecDeque<(usize, String)> = VecDeque::new();
    let mut turn = 0;
    loop {
        while waiting.len() < WINDOW {
            let begun = [0, 1].map(|at: usize| round.ledger().lane(&lanes[at]).begun);
            turn = (turn + 1) % 2;
            if round.settling {
                let Some(left) = [0, 1].into_iter().find(|at| next[*at] < begun[*at]) else {
                    break;
                };
                turn = left;
            }
            let (lane, number) = (&lanes[turn], next[turn]);
            let padding = " ".repeat(round.padding);
            let content = format!("{lane}:{number}{padding}");
            next[turn] += 1;
            round.knows(|ledger| {
                let lane = ledger.lane(lane);
                lane.begun = lane.begun.max(next[turn]);
            });
            waiting.push_back((turn, msg_id(&content)));
            client
                .queue(match turn {
                    0 => chat(receiver_of(uid), &msg_id(&content), &content),
                    _ => to_group(round.group, &content),
                })
                .await;
        }
        if waiting.is_empty() {
            return;
        }
        client.flush().await;
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        let status = json(&frame);
        assert_eq!(status["code"], 200, "{status}");
        let (turn, name) = waiting.pop_front().expect("something was sent");
        assert_eq!(
            status["msgID"], *name,
            "statuses come in the order of the messages"
        );
        let kept = round.knows(|ledger| {
            let lane = ledger.lane(&lanes[turn]);
            lane.kept += 1;
            lane.kept
        });
        round.answered(|| format!("kept {} {kept}", lanes[turn]));
    }
}

/// Receives all, and confirms it. In each lane there is no gap, nothing comes twice, and nothing that was confirmed.
pub(super) async fn receive(round: Arc<Round>, uid: u64) {
    let own = format!("/user/{uid}/recive");
    let subscriptions = [&own, "/user/queue/group", "/user/queue/recive/status"];
    let mut client = Client::log_in(&round.address, uid).await;
    for destination in subscriptions {
        client.subscribe(destination).await;
    }
    let init = Frame::new(Command::Send)
        .header("destination", "/socket/chat/init")
        .header("receipt", "init");
    client.send(init).await;
    let mut next: HashMap<String, u64> = HashMap::new();
    let mut waiting: VecDeque<(String, u64)> = VecDeque::new();
    // A confirmation that was kept and not answered brings nothing again, so what was asked for is what counts.
    let all_asked = |ledger: &mut Ledger| {
        let mine = |lane: &&String| lane.ends_with(&format!(">{uid}")) || lane.ends_with(">g");
        let mine: Vec<String> = ledger.lanes.keys().filter(mine).cloned().collect();
        mine.iter()
            .all(|lane| ledger.got(uid, lane).asked == ledger.lane(lane).kept)
    };
    let mut begun = false;
    while !(round.settling && begun && waiting.is_empty() && all_asked(&mut round.ledger())) {
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        if frame.command == Command::Receipt {
            // What is new must not come before what init brings, which would come again then.
            round.all_here.wait().await;
            begun = true;
            continue;
        }
        let body = json(&frame);
        if body.get("code").is_some() {
            assert_eq!(body["code"], 200, "{body}");
            let (lane, number) = waiting.pop_front().expect("a confirmation");
            round.knows(|ledger| {
                let got = ledger.got(uid, &lane);
                got.confirmed = got.confirmed.max(number + 1);
            });
            round.answered(|| format!("confirmed {uid} {lane} {}", number + 1));
            continue;
        }
        let content = body["content"].as_str().expect("a content");
        let (lane, number) = parse(content);
        let got = round.knows(|ledger| {
            let begun = ledger.lane(lane).begun;
            assert!(number < begun, "{lane}:{number}, of {begun}");
            let got = ledger.got(uid, lane);
            let before = *got;
            got.asked = got.asked.max(number + 1);
            before
        });
        match next.get(lane) {
            Some(expected) => assert_eq!(
                number, *expected,
                "user {uid}: {lane}:{number} where {expected} was to come (lost, doubled or out of order)"
            ),
            None => assert!(
                (got.confirmed..=got.asked).contains(&number),
                "user {uid}: {lane}:{number} comes first, after {got:?}"
            ),
        }
        next.insert(lane.to_owned(), number + 1);
        round.mark(|| format!("confirming {uid} {lane} {}", number + 1));
        waiting.push_back((lane.to_owned(), number));
        let name = body["chatID"].as_str().expect("a msgID");
        client.confirm(name).await;
    }
}

/// Puts numbers into the queue.
pub(super) async fn produce(round: Arc<Round>) {
    let mut client = round.log_in(PRODUCER, &[]).await;
    let mut waiting = VecDeque::new();
    loop {
        while waiting.len() < if round.settling { 1 } else { WINDOW } {
            let number = round.knows(|ledger| {
                let number = ledger.work.begun;
                ledger.work.begun += 1;
                ledger.work.unsure.insert(number);
                number
            });
            waiting.push_back(number);
            let frame = Frame::new(Command::Send)
                .header("destination", QUEUE)
                .header("receipt", &number.to_string())
                .body(number.to_string());
            client.queue(frame).await;
        }
        client.flush().await;
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        assert_eq!(frame.command, Command::Receipt, "{frame:?}");
        let number = waiting.pop_front().expect("something was sent");
        assert_eq!(frame.headers.get("receipt-id"), Some(&*number.to_string()));
        round.ledger().work.unsure.remove(&number);
        round.answered(|| format!("put {number}"));
        if round.settling {
            return;
        }
    }
}

/// Takes numbers from the queue: none is missing that got its RECEIPT, and none comes again whose ACK did.
pub(super) async fn consume(round: Arc<Round>) {
    let mut client = round.log_in(CONSUMER, &[]).await;
    let subscribe = Frame::new(Command::Subscribe)
        .header("id", "q")
        .header("destination", QUEUE)
        .header("ack", "client-individual")
        .header("prefetch-count", "5");
    client.send(subscribe).await;
    let mut next = None;
    let mut waiting = VecDeque::new();
    loop {
        if round.settling {
            let work = &round.ledger().work;
            if work.taken == work.begun {
                return;
            }
        }
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        if frame.command == Command::Receipt {
            let number: u64 = waiting.pop_front().expect("an ACK");
            round.ledger().work.taken = number + 1;
            round.answered(|| format!("took {number}"));
            continue;
        }
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        let body = String::from_utf8(frame.body).expect("text");
        let number: u64 = body.parse().expect("a number");
        round.knows(|ledger| {
            let work = &mut ledger.work;
            // The ACKs of an earlier session may or may not have been kept.
            let (from, excused) = next.map_or((work.taken, work.asked), |next| (next, next));
            assert!(number >= from, "{number} comes again, after {from}");
            for missing in from.max(excused)..number {
                assert!(
                    work.unsure.contains(&missing),
                    "{number} comes, and {missing} had its RECEIPT"
                );
            }
            work.asked = work.asked.max(number + 1);
        });
        next = Some(number + 1);
        round.mark(|| format!("taking {number}"));
        waiting.push_back(number);
        let ack = Frame::new(Command::Ack)
            .header("id", frame.headers.get("ack").expect("an id"))
            .header("receipt", &number.to_string());
        client.send(ack).await;
    }
}

/// Blocks somebody, and takes it back. What was answered last holds, or what was asked for after it.
pub(super) async fn block(round: Arc<Round>) {
    round.all_here.wait().await;
    let path = format!("/api/blocks/{BLOCKED}");
    let shown = round.ask(BLOCKER, &format!("GET {path}"), b"").await;
    let Some((200, body)) = shown else {
        assert!(shown.is_none(), "{shown:?}");
        return;
    };
    let shown: Value = serde_json::from_slice(&body).expect("JSON");
    let mut blocked = shown["blocked"].as_bool().expect("yes or no");
    {
        let block = &mut round.ledger().block;
        assert!(
            blocked == block.answered || Some(blocked) == block.asked,
            "{blocked}, and yet {block:?}"
        );
        block.answered = blocked;
        block.asked = None;
    }
    // What was shown is as good as answered.
    round.mark(|| format!("blocked {blocked}"));
    if round.settling {
        return;
    }
    loop {
        blocked = !blocked;
        round.ledger().block.asked = Some(blocked);
        round.mark(|| format!("blocking {blocked}"));
        let call = if blocked { "PUT" } else { "DELETE" };
        let Some((code, _)) = round.ask(BLOCKER, &format!("{call} {path}"), b"").await else {
            return;
        };
        assert_eq!(code, 204);
        let block = &mut round.ledger().block;
        block.answered = blocked;
        block.asked = None;
        round.answered(|| format!("blocked {blocked}"));
    }
}

/// Keeps pictures, once it has seen the newest of those before (all of them at the end).
pub(super) async fn paint(round: Arc<Round>) {
    round.all_here.wait().await;
    let kept = round.ledger().pictures.clone();
    let from = if round.settling {
        0
    } else {
        kept.len().saturating_sub(2)
    };
    for (number, id) in kept.iter().enumerate().skip(from) {
        let shown = round
            .ask(PAINTER, &format!("GET /api/images/{id}"), b"")
            .await;
        let Some((code, bytes)) = shown else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        assert_eq!(code, 200, "picture {number}, {id}");
        assert!(
            bytes == picture(number),
            "picture {number}, {id} is another"
        );
    }
    if round.settling {
        return;
    }
    loop {
        let number = round.ledger().pictures.len();
        let kept = round
            .ask(PAINTER, "POST /api/images", &picture(number))
            .await;
        let Some((code, body)) = kept else {
            return;
        };
        assert_eq!(code, 201, "{}", String::from_utf8_lossy(&body));
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let id = body["id"].as_str().expect("an id").to_owned();
        round.ledger().pictures.push(id.clone());
        round.answered(|| format!("painted {id}"));
    }
}
