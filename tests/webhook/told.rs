//! What is told, when, how often and to whom: over a broker in memory, on a pretend clock.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use hongyan::broker::Broker;
use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::limits::Limits;
use hongyan::broker::message::MsgId;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;
use hongyan::broker::users::UserKey;
use hongyan::gateways::tally::Tally;
use hongyan::gateways::webhook;
use hongyan::gateways::webhook::AT_ONCE_MAX;
use hongyan::gateways::webhook::TRIES_MAX;
use hongyan::gateways::webhook::WAITS_MS;
use hongyan::gateways::webhook::Webhook;
use hongyan::stores::memory::MemoryStore;

use crate::operator::Operator;
use crate::operator::hmac;

const START: Moment = Moment {
    steady_ms: 0,
    epoch_ms: 1_504_712_402_000,
};

struct Stage {
    broker: Arc<Broker>,
    store: Arc<dyn Store>,
    tally: Arc<Tally>,
    webhook: Webhook,
    operator: Operator,
    people: Vec<Person>,
}

impl Stage {
    /// A broker with li (1), wu (2) and jun (3).
    async fn set() -> Self {
        let operator = Operator::listen().await;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let limits = Limits {
            webhook: true,
            ..Limits::default()
        };
        let broker = Broker::new(Arc::clone(&store), limits);
        let mut people = Vec::new();
        for name in ["li", "wu", "jun"] {
            let (done, added) = outcome();
            store.add_user(name.to_owned(), None, START.epoch_ms, done);
            let Ok(AddedUser::New(person)) = added.await else {
                panic!("{name} is taken");
            };
            people.push(person);
        }
        let tally = Arc::new(Tally::default());
        let options = webhook::Options {
            url: operator.url.parse().expect("a URL"),
            key: b"Jefe".to_vec(),
        };
        let webhook = Webhook::new(Arc::clone(&broker), Arc::clone(&tally), options);
        Self {
            webhook: webhook.expect("a webhook"),
            broker,
            store,
            tally,
            operator,
            people,
        }
    }

    async fn ask(&self, command: Command) -> Reply {
        let asked = self.broker.ask_once(START, &self.people[0], command);
        asked.await.expect("a good command")
    }

    /// li writes.
    async fn write(&self, to: impl Into<Address>, number: u8) {
        let letter = Letter::new(to, MsgId([number; 20]), format!("number {number}"));
        self.ask(Command::Send(letter)).await;
    }

    /// Tells what is due `ms` after the start; each request is answered by `answer`, in the order of their coming.
    async fn tell(&mut self, ms: u64, answers: &[&str]) -> Vec<Value> {
        let mut events = Vec::new();
        let now = START.after_ms(ms);
        let told = self.webhook.tell_due(|| now);
        let answering = async {
            for status in answers {
                let heard = self.operator.next().await;
                events.push(heard.event());
                heard.say_status(status);
            }
        };
        let (told, ()) = tokio::join!(told, answering);
        told.expect("a good store");
        assert!(self.operator.has_heard_nothing(), "more than {answers:?}");
        events
    }

    async fn counts(&self) -> (u64, u64) {
        let (done, counted) = outcome();
        self.store.counts(done);
        let counts = counted.await.expect("counts");
        (counts.hooks, counts.hooks_failed)
    }
}

#[tokio::test]
async fn a_message_for_who_is_away_is_told_once_and_signed() {
    let mut stage = Stage::set().await;
    stage.write(stage.people[1].uid, 7).await;
    let (told, ()) = tokio::join!(stage.webhook.tell_due(|| START), async {
        let heard = stage.operator.next().await;
        assert!(
            heard.head.starts_with("POST /hook?a=1 HTTP/1.1\r\n"),
            "{}",
            heard.head
        );
        assert_eq!(heard.header("content-type"), "application/json");
        let event = heard.event();
        assert_eq!(heard.header("x-hongyan-event"), event["id"].to_string());
        let signature = heard.header("x-hongyan-signature");
        // printf '%s' "$body" | openssl dgst -sha256 -hmac Jefe
        assert_eq!(signature, format!("sha256={}", hmac(b"Jefe", &heard.body)));
        let id = "07".repeat(20);
        let message = json!({
            "id": 1, "chatID": id, "sender": "li", "reciver": "wu", "content": "number 7",
            "time": START.epoch_ms, "senderId": 1, "reciverId": 2,
        });
        let expected =
            json!({"event": "message", "id": event["id"], "message": message, "users": [2]});
        assert_eq!(event, expected);
        heard.say_status("204 No Content");
    });
    assert_eq!(told, Ok(false));
    assert_eq!(stage.counts().await, (0, 0));
    assert_eq!(stage.tally.hooks_told.get(), 1);
    stage.tell(10_000_000, &[]).await;
}

#[tokio::test]
async fn who_is_here_is_none_of_its_business() {
    let mut stage = Stage::set().await;
    let members = stage.people[1..].iter();
    let members = members.map(|person| UserKey::Uid(person.uid)).collect();
    let new = NewGroup {
        members,
        ..NewGroup::default()
    };
    let Reply::Social(Changed::Group { group, .. }) =
        stage.ask(Command::Social(Social::MakeGroup(new))).await
    else {
        panic!("no group");
    };
    let open = |stage: &Stage, index: usize| {
        let person = stage.people[index].clone();
        stage.broker.open(START, person, None, None)
    };
    let wu = open(&stage, 1);
    stage.write(stage.people[1].uid, 1).await;
    stage.tell(0, &[]).await;
    stage.write(Address::Group(group.gid), 2).await;
    let told = stage.tell(0, &["200 OK"]).await;
    assert_eq!(
        (&told[0]["users"], &told[0]["message"]["groupId"]),
        (&json!([3]), &json!(group.gid.get()))
    );
    // Whoever comes before it is told need not be told of.
    stage.write(stage.people[2].uid, 3).await;
    let jun = open(&stage, 2);
    stage.tell(0, &[]).await;
    assert_eq!(stage.counts().await, (0, 0));
    assert_eq!(
        (
            stage.tally.hooks_told.get(),
            stage.tally.hooks_needless.get()
        ),
        (1, 1)
    );
    stage.broker.close(START, &wu);
    stage.broker.close(START, &jun);
}

#[tokio::test]
async fn it_is_told_again_later_and_later_and_at_last_given_up() {
    let mut stage = Stage::set().await;
    stage.write(stage.people[1].uid, 1).await;
    let first = stage.tell(0, &["500 Internal Server Error"]).await;
    let mut at_ms = 0;
    for (index, wait_ms) in WAITS_MS.iter().enumerate() {
        at_ms += wait_ms;
        stage.tell(at_ms - 1, &[]).await;
        let again = stage.tell(at_ms, &["404 Not Found"]).await;
        assert_eq!(again, first, "the same event each time");
        let vain = (index + 2).min(WAITS_MS.len());
        assert_eq!(stage.tally.hooks_retried.get(), vain as u64);
        if index + 2 < TRIES_MAX as usize {
            assert_eq!(stage.counts().await, (1, 0));
        }
    }
    assert_eq!(stage.counts().await, (0, 1));
    assert_eq!(stage.tally.hooks_failed.get(), 1);
    stage.tell(u64::MAX / 4, &[]).await;
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let mut stage = Stage::set().await;
    let mut elsewhere = Operator::listen().await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        stage
            .write(stage.people[1].uid, stage.tally.hooks_retried.get() as u8)
            .await;
        let answer = format!("{status}\r\nLocation: {}", elsewhere.url);
        let told = stage.tell(0, &[&answer]).await;
        assert_eq!(told.len(), 1);
    }
    assert_eq!(stage.tally.hooks_retried.get(), 4);
    assert!(elsewhere.has_heard_nothing());
}

#[tokio::test]
async fn an_answer_is_read_no_further_than_its_status() {
    let mut stage = Stage::set().await;
    stage.write(stage.people[1].uid, 1).await;
    let (told, ()) = tokio::join!(stage.webhook.tell_due(|| START), async {
        // A body that never ends: nobody waits for it.
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\nand so on";
        stage.operator.next().await.say(answer);
    });
    assert_eq!(told, Ok(false));
    assert_eq!(stage.tally.hooks_told.get(), 1);
}

#[tokio::test]
async fn what_is_no_answer_is_tried_again() {
    let mut stage = Stage::set().await;
    for number in 0..2 {
        stage.write(stage.people[1].uid, number).await;
    }
    let (told, ()) = tokio::join!(stage.webhook.tell_due(|| START), async {
        stage
            .operator
            .next()
            .await
            .say("SSH-2.0-nothing of the kind\r\n\r\n");
        // And one that hangs up.
        drop(stage.operator.next().await.answer);
    });
    assert_eq!(told, Ok(false));
    assert_eq!(stage.tally.hooks_retried.get(), 2);
}

/// Time jumps over the wait, since nothing else is left to happen.
#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let stage = Stage::set().await;
    stage.write(stage.people[1].uid, 1).await;
    let Stage {
        webhook,
        mut operator,
        tally,
        ..
    } = stage;
    let began = tokio::time::Instant::now();
    let told = webhook.tell_due(|| START).await;
    assert_eq!(told, Ok(false));
    assert_eq!(tally.hooks_retried.get(), 1);
    assert_eq!(began.elapsed().as_secs(), 10);
    let _ = operator.heard.try_recv();
}

#[tokio::test]
async fn a_few_are_told_at_once_and_the_others_wait() {
    const EVENTS: u8 = 12;
    let mut stage = Stage::set().await;
    for number in 0..EVENTS {
        stage.write(stage.people[1].uid, number).await;
    }
    let (told, ()) = tokio::join!(stage.webhook.tell_due(|| START), async {
        let mut waiting = Vec::new();
        for _ in 0..EVENTS {
            waiting.push(stage.operator.next().await);
            assert!(waiting.len() <= AT_ONCE_MAX);
            // All that may come at once have come before one is answered.
            if waiting.len() == AT_ONCE_MAX {
                waiting.remove(0).say_status("200 OK");
            }
        }
        waiting
            .into_iter()
            .for_each(|heard| heard.say_status("200 OK"));
    });
    assert_eq!(told, Ok(false));
    assert_eq!(stage.tally.hooks_told.get(), u64::from(EVENTS));
}

#[tokio::test]
async fn no_webhook_keeps_nothing() {
    let stage = Stage::set().await;
    let broker = Broker::new(Arc::clone(&stage.store), Limits::default());
    let letter = Letter::new(stage.people[1].uid, MsgId([1; 20]), "x");
    let sent = broker.ask_once(START, &stage.people[0], Command::Send(letter));
    sent.await.expect("a good command");
    assert_eq!(stage.counts().await, (0, 0));
}
