//! What clients had been told by some moment of a recorded run, and whether a store that was opened after a power loss at
//! that moment keeps it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use hongyan::broker::command::Address;
use hongyan::broker::groups::Gid;
use hongyan::broker::message::MsgId;
use hongyan::broker::ports::Appended;
use hongyan::broker::ports::NewMessage;
use hongyan::stores::sqlite::SqliteStore;
use hongyan::stores::sqlite::check;
use rusqlite::Connection;

use crate::asker::Asker;
use crate::asker::new_message;
use crate::asker::uid;
use crate::ledger::Block;
use crate::ledger::Got;
use crate::ledger::parse;
use crate::load::BLOCKED;
use crate::load::BLOCKER;
use crate::load::RECEIVERS;
use crate::load::receiver_of;

/// Messages of each lane that are sent again after a power loss.
const AGAIN: u64 = 4;

/// What was marked so far.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The key of tokens, once a broker has said that it listens.
    key: Option<String>,
    group: Option<u64>,
    /// Messages that got 200, by lane.
    kept: BTreeMap<String, u64>,
    got: BTreeMap<(u64, String), Got>,
    put: BTreeSet<u64>,
    /// Bodies below this may have been taken from the queue; those below `took` surely were.
    taking: u64,
    took: u64,
    block: Block,
    painted: Vec<String>,
}

impl Facts {
    /// Learns one mark.
    pub fn learn(&mut self, mark: &str) {
        let words: Vec<&str> = mark.split(' ').collect();
        let number = |at: usize| -> u64 { words[at].parse().expect("a number") };
        match words[0] {
            "key" => self.key = Some(words[1].to_owned()),
            "up" => {}
            "group" => self.group = Some(number(1)),
            "kept" => drop(self.kept.insert(words[1].to_owned(), number(2))),
            "confirming" => {
                let asked = &mut self.got(number(1), words[2]).asked;
                *asked = (*asked).max(number(3));
            }
            "confirmed" => {
                let confirmed = &mut self.got(number(1), words[2]).confirmed;
                *confirmed = (*confirmed).max(number(3));
            }
            "put" => drop(self.put.insert(number(1))),
            "taking" => self.taking = self.taking.max(number(1) + 1),
            "took" => self.took = self.took.max(number(1) + 1),
            "blocking" => self.block.asked = Some(words[1] == "true"),
            "blocked" => {
                self.block.answered = words[1] == "true";
                self.block.asked = None;
            }
            "painted" => self.painted.push(words[1].to_owned()),
            other => panic!("{other} is no mark"),
        }
    }

    fn got(&mut self, receiver: u64, lane: &str) -> &mut Got {
        self.got.entry((receiver, lane.to_owned())).or_default()
    }

    /// Whether the data in `dir` keep all of it; panics where they don't. What got no answer is sent again then.
    pub fn hold(&self, dir: &Path) {
        if let Some(key) = &self.key {
            let found = std::fs::read_to_string(dir.join("jwt.key")).expect("the key is there");
            assert_eq!(found.trim(), key, "tokens are signed with the same key");
        }
        let asker = Asker::of(SqliteStore::open(dir).expect("the data open without complaint"));
        let conn = Connection::open(dir.join("hongyan.db")).expect("the database");
        let lanes = lanes(&conn);
        self.messages_hold(&asker, &lanes);
        self.queue_holds(&conn);
        self.people_hold(&asker, dir);
        self.send_again(&asker, &conn, &lanes);
        drop((asker, conn));
        let report = check(dir).expect("it can be opened");
        assert!(report.is_sound(), "{report}");
    }

    fn messages_hold(&self, asker: &Asker, lanes: &BTreeMap<String, u64>) {
        for (lane, kept) in &self.kept {
            let there = lanes.get(lane).copied().unwrap_or_default();
            assert!(
                there >= *kept,
                "lane {lane}: {kept} messages got 200, and only {there} are there"
            );
        }
        for receiver in RECEIVERS {
            let mut waiting: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            if self.group.is_none() {
                continue;
            }
            let mut after = 0;
            loop {
                let page = asker.inbox(receiver, after, 4_000);
                for message in &page.messages {
                    let (lane, number) = parse(&message.content);
                    waiting.entry(lane.to_owned()).or_default().push(number);
                    after = message.id.0;
                }
                if !page.more {
                    break;
                }
            }
            for (lane, there) in lanes {
                if !(lane.ends_with(">g") || lane.ends_with(&format!(">{receiver}"))) {
                    continue;
                }
                let got = self.got.get(&(receiver, lane.clone()));
                let got = got.copied().unwrap_or_default();
                // Confirmations are kept in their order, so what waits is the rest.
                let waiting = waiting.remove(lane).unwrap_or_default();
                let first = waiting.first().copied().unwrap_or(*there);
                assert!(
                    (got.confirmed..=got.asked).contains(&first),
                    "user {receiver}, lane {lane}: {first} waits first, after {got:?}"
                );
                assert!(
                    waiting.iter().copied().eq(first..*there),
                    "user {receiver}, lane {lane}: {waiting:?} wait of {there}"
                );
            }
            assert!(waiting.is_empty(), "{waiting:?}");
        }
    }

    fn queue_holds(&self, conn: &Connection) {
        let there = texts(conn, "SELECT CAST(body AS TEXT) FROM queued ORDER BY id");
        let there: Vec<u64> = there.iter().map(|n| n.parse().expect("a number")).collect();
        assert!(there.is_sorted_by(|one, next| one < next), "{there:?}");
        assert!(
            there.first().is_none_or(|first| *first >= self.took),
            "{there:?}, and below {} all were taken",
            self.took
        );
        for number in self.put.range(self.taking..) {
            assert!(there.contains(number), "{number} is not in the queue");
        }
    }

    fn people_hold(&self, asker: &Asker, dir: &Path) {
        let blocks = asker.ask(|store, done| store.blocks(uid(BLOCKER), done));
        let blocked = blocks.iter().any(|person| person.uid == uid(BLOCKED));
        assert!(
            blocked == self.block.answered || Some(blocked) == self.block.asked,
            "{blocked}, and yet {:?}",
            self.block
        );
        for id in &self.painted {
            let file = dir.join("images").join(id);
            let bytes = std::fs::read(&file).expect("a picture that got 201 is there");
            assert!(bytes.len() > 2_000 && bytes.starts_with(b"\x89PNG"), "{id}");
        }
    }

    fn send_again(&self, asker: &Asker, conn: &Connection, lanes: &BTreeMap<String, u64>) {
        let Some(group) = self.group else { return };
        for (lane, kept) in &self.kept {
            let (sender, to) = lane.split_once('>').expect("sender>receiver");
            let sender: u64 = sender.parse().expect("a uid");
            for number in *kept..*kept + AGAIN {
                let content = format!("{lane}:{number}");
                let mut message = NewMessage {
                    msg_id: MsgId::sha1(&content),
                    time_ms: u64::MAX >> 12,
                    ..new_message(sender, receiver_of(sender), 0, &content)
                };
                if to == "g" {
                    message.to = Address::Group(Gid::new(group).expect("a gid"));
                }
                let appended = asker.append(message).expect("nothing against it");
                let again = matches!(appended, Appended::Again(..));
                assert_eq!(again, number < lanes.get(lane).copied().unwrap_or_default());
            }
        }
        let now = self::lanes(conn);
        for (lane, kept) in &self.kept {
            let there = lanes.get(lane).copied().unwrap_or_default();
            assert_eq!(now[lane], there.max(kept + AGAIN), "lane {lane}");
        }
    }
}

fn texts(conn: &Connection, sql: &str) -> Vec<String> {
    let mut select = conn.prepare(sql).expect("sound");
    let rows = select.query_map([], |row| row.get(0)).expect("sound");
    rows.map(|row| row.expect("a text")).collect()
}

/// How many messages there are in each lane: all from 0 on, in order, each once.
fn lanes(conn: &Connection) -> BTreeMap<String, u64> {
    let mut lanes: BTreeMap<String, u64> = BTreeMap::new();
    for content in texts(
        conn,
        "SELECT content FROM messages WHERE content LIKE '%>%' ORDER BY id",
    ) {
        let (lane, number) = parse(&content);
        let next = lanes.entry(lane.to_owned()).or_default();
        assert_eq!(number, *next, "lane {lane}: lost, doubled or out of order");
        *next += 1;
    }
    lanes
}
