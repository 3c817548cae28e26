//! What somebody does besides chat: errors, topics, queues and pictures.

use std::collections::HashMap;
use std::sync::Arc;

use hongyan_grammar::stomp::Command;
use serde_json::Value;

use crate::line::ask;
use crate::person::Person;
use crate::support::client::soon;
use crate::tongue::Heard;
use crate::tongue::Target;

impl Person {
    /// Says what is wrong, what was said before, and what can't be understood.
    pub async fn err(&mut self) {
        let world = Arc::clone(&self.world);
        let known = &world.ledger.known;
        let nobody = world.ledger.unused();
        if !self.kind.sends() {
            let status = self.post(nobody, Target::User(999_999), "to nobody").await;
            assert_eq!(status, 404);
            known.refusals.add(1);
            if let Some(last) = self.last {
                let (to, content) = (world.ledger.to(last), world.words.content(last));
                assert_eq!(self.post(last, to, &content).await, 201);
                known.repeated.add(1);
                assert_eq!(self.post(last, to, "other words").await, 409);
                known.refusals.add(1);
            }
            let headers = [("authorization", "Bearer nonsense")];
            let (status, _) = ask(&self.http, &world.address, "GET /api/inbox", &headers, "").await;
            assert_eq!(status, 401);
            known.logins_refused.add(1);
            return;
        }
        self.voice().say_wrong(nobody);
        self.refusal("to nobody", 404).await;
        known.refusals.add(1);
        self.voice().say_nonsense();
        self.refusal("nonsense", 400).await;
        if let Some(last) = self.last.filter(|_| self.kind.repeats()) {
            let (to, content) = (world.ledger.to(last), world.words.content(last));
            self.voice().send(last, to, &content);
            self.refusal("the same", 200).await;
            known.repeated.add(1);
            self.voice().send(last, to, "other words");
            self.refusal("other words", 409).await;
            known.refusals.add(1);
        }
        self.voice().ask_history(world.next_of(self.uid));
        if self.kind.is_stomp() {
            self.voice().confirm(&"0".repeat(40));
            self.refusal("confirms nothing", 404).await;
            known.refusals.add(1);
            self.voice().settle(Command::Ack, "nothing", "stale");
            self.voice.as_mut().expect("a voice").receipt("stale").await;
            known.stale.add(1);
        }
    }

    /// Waits for an answer; where answers have codes, for this one.
    async fn refusal(&mut self, what: &str, wanted: u16) {
        let (uid, kind) = (self.uid, self.kind);
        let voice = self.voice.as_mut().expect("a connection");
        let what = format!("{uid} on {kind:?}: {what}");
        soon(&what, async {
            loop {
                match voice.hear().await.expect("an answer") {
                    Heard::Sent(_, code) | Heard::Confirmed(_, code) => {
                        return assert_eq!(code, wanted, "{what}");
                    }
                    Heard::Refused => return assert_ne!(wanted, 200, "{what}"),
                    Heard::Pushed(number, ..) => panic!("{what}: {number} was pushed"),
                    _ => {}
                }
            }
        })
        .await;
    }

    /// Subscribes to the topic of all.
    pub async fn watch_topic(&mut self) {
        if self.kind.is_stomp() {
            self.voice().subscribe(crate::TOPIC, "auto");
            let voice = self.voice.as_mut().expect("a voice");
            voice.receipt(crate::TOPIC).await;
        }
    }

    /// Publishes to the topic and hears what all publish: `posts` of each of `people`. Then leaves it.
    pub async fn post_to_topic(&mut self, posts: u64, people: u64) {
        if !self.kind.is_stomp() {
            return;
        }
        let (uid, known) = (self.uid, &self.world.ledger.known);
        let voice = self.voice.as_mut().expect("a voice");
        for post in 0..posts {
            voice.publish(crate::TOPIC, &format!("{uid}:{post}"), "post");
            known.published.add(1);
            known.passed_on.add(people);
        }
        let mut got: HashMap<String, u64> = HashMap::new();
        let (mut left, mut receipts) = (posts * people, posts);
        while left + receipts > 0 {
            match soon("a post", voice.hear()).await.expect("a connection") {
                Heard::Post(post) => {
                    let (from, number) = post.split_once(':').expect("a post");
                    let next = got.entry(from.to_owned()).or_default();
                    assert_eq!(number, next.to_string(), "the posts of {from}");
                    *next += 1;
                    left -= 1;
                }
                Heard::Receipt(_) => receipts -= 1,
                Heard::Pushed(number, ..) => panic!("{number} was pushed"),
                _ => {}
            }
        }
        voice.unsubscribe(crate::TOPIC);
        voice.receipt("unsubscribed").await;
    }

    /// Puts `jobs` in a queue of its own, takes them and is cut before it has acknowledged the second half; comes back, takes
    /// those, and buries the last.
    pub async fn work(&mut self, jobs: u64) {
        if !self.kind.is_stomp() {
            return;
        }
        let queue = format!("/queue/long/{}", self.uid);
        let world = Arc::clone(&self.world);
        let known = &world.ledger.known;
        let voice = self.voice.as_mut().expect("a voice");
        for job in 0..jobs {
            voice.publish(&queue, &job.to_string(), "job");
            voice.receipt("job").await;
        }
        known.queued.add(jobs);
        let first = self.take_jobs(&queue, 0..jobs).await;
        for (job, ack) in first.iter().enumerate().take(jobs as usize / 2) {
            self.settle(Command::Ack, ack, &format!("ack-{job}")).await;
        }
        self.leave(true).await;
        known.reconnections.add(1);
        self.enter(self.kind).await;
        let left = self.take_jobs(&queue, jobs / 2..jobs).await;
        let (last, others) = left.split_last().expect("a job");
        for ack in others {
            self.settle(Command::Ack, ack, "ack").await;
        }
        self.settle(Command::Nack, last, "bury").await;
        known.buried.add(1);
    }

    async fn take_jobs(&mut self, queue: &str, jobs: std::ops::Range<u64>) -> Vec<String> {
        self.world
            .ledger
            .known
            .handed_out
            .add(jobs.end - jobs.start);
        let voice = self.voice.as_mut().expect("a voice");
        voice.subscribe(queue, "client-individual");
        let mut acks = Vec::new();
        for job in jobs {
            acks.push(loop {
                match soon("a job", voice.hear()).await.expect("a connection") {
                    Heard::Handed(text, ack) => {
                        assert_eq!(text, job.to_string(), "{queue}");
                        break ack;
                    }
                    Heard::Pushed(number, ..) => panic!("{number} was pushed"),
                    _ => {}
                }
            });
        }
        acks
    }

    async fn settle(&mut self, command: Command, ack: &str, receipt: &str) {
        let voice = self.voice.as_mut().expect("a voice");
        voice.settle(command, ack, receipt);
        voice.receipt(receipt).await;
    }

    /// Empties the queue of the dead, in which there are so many.
    pub async fn bury(&mut self, dead: u64) {
        self.world.ledger.known.handed_out.add(dead);
        let voice = self.voice.as_mut().expect("a voice");
        voice.subscribe("/queue/dead", "client-individual");
        for _ in 0..dead {
            let ack = loop {
                let heard = soon("a dead one", voice.hear()).await;
                if let Heard::Handed(_, ack) = heard.expect("a connection") {
                    break ack;
                }
            };
            voice.settle(Command::Ack, &ack, "dead");
            voice.receipt("dead").await;
        }
        voice.unsubscribe("/queue/dead");
        voice.receipt("unsubscribed").await;
    }

    /// Keeps a picture, and looks at it.
    pub async fn show_picture(&mut self) {
        // The shortest gif: one pixel, and a comment that makes each another.
        let mut gif = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00".to_vec();
        let number = self.world.ledger.unused();
        gif.extend_from_slice(b"!\xfe\x08");
        gif.extend_from_slice(&number.to_be_bytes());
        gif.extend_from_slice(b"\x00;");
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "image/gif"),
        ];
        let call = "POST /api/images";
        let (status, body) = ask(&self.http, &self.world.address, call, &headers, gif).await;
        assert!((200..300).contains(&status), "{status} {body}");
        let kept: Value = serde_json::from_str(&body).expect("JSON");
        let id = kept["id"].as_str().expect("an id");
        let (status, _) = self.call(&format!("GET /api/images/{id}"), "").await;
        assert_eq!(status, 200);
    }
}
