//! A store on disk with users and messages in it, and how they are asked of it: through the port, as the broker asks.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;

use hongyan::broker::command::Ears;
use hongyan::broker::message::Kind;
use hongyan::broker::message::MessageId;
use hongyan::broker::message::MsgId;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Appended;
use hongyan::broker::ports::Before;
use hongyan::broker::ports::Confirmation;
use hongyan::broker::ports::Done;
use hongyan::broker::ports::NewMessage;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::StoreError;
use hongyan::broker::ports::Which;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::stores::sqlite;
use hongyan::stores::sqlite::SqliteStore;

/// What every message says.
pub const CONTENT: &str = "Whatever is said here is a hundred bytes long, as most of what people write to each other is, or so.";
/// When the first message was sent, milliseconds since the Unix epoch. Each is a millisecond later.
pub const BEGAN_MS: u64 = 1_504_712_402_000;

/// Every so many messages one belongs to the large conversation, between the users 1 and 2.
const LARGE_EVERY: u64 = 10;
/// Conversations that share the others.
const PAIRS: u64 = 1_000;

/// Messages under way where nothing is measured.
pub const FILLING_UNDER_WAY: u64 = 16_384;
/// Messages between two confirmations of all, while a store is filled.
const FILLING_AT_ONCE: u64 = 100_000;

/// A store, and how many messages are in it.
pub struct Kept {
    store: SqliteStore,
    messages: u64,
}

impl Kept {
    /// The store in `folder`, or a new one, with its users. Nothing waits in it.
    pub fn open(folder: &Path) -> Self {
        let store = SqliteStore::open(folder).expect("a store");
        let newest = ask(|done| store.inbox(uid(1), MessageId(i64::MAX as u64), 1, done)).through;
        let mut kept = Self {
            store,
            messages: newest.0,
        };
        let admit = |store: &SqliteStore, index, done| {
            let uid = uid(index + 1);
            let name = format!("user{uid}").into();
            store.admit_user(Person { uid, name }, BEGAN_MS, done);
        };
        kept.in_flow(2 + 2 * PAIRS, FILLING_UNDER_WAY, admit, |admitted| {
            matches!(admitted, AddedUser::New(_))
        });
        kept.confirm_all();
        kept
    }

    /// A folder with a store of `rows` messages, made when it is first asked for.
    pub fn filled(rows: u64) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench-store");
        let filled = folder.join(rows.to_string());
        if !filled.exists() {
            let filling = folder.join(format!("{rows}-filling"));
            let mut kept = Self::open(&filling);
            while kept.messages < rows {
                let more = FILLING_AT_ONCE.min(rows - kept.messages);
                kept.append(more, FILLING_UNDER_WAY);
                kept.confirm_all();
                eprintln!("{} of {rows} messages", kept.messages);
            }
            drop(kept);
            let report = sqlite::check(&filling).expect("a report");
            assert!(report.is_sound(), "{report}");
            fs::rename(&filling, &filled).expect("another name");
        }
        filled
    }

    /// Keeps so many more messages, of which so many are under way at a time.
    pub fn append(&mut self, count: u64, under_way: u64) {
        let first = self.messages;
        let append = |store: &SqliteStore, index, done| store.append(message(first + index), done);
        self.in_flow(count, under_way, append, |kept| {
            matches!(kept, Ok(Appended::Fresh(..)))
        });
        self.messages += count;
    }

    /// Confirms the last so many messages, each by itself.
    pub fn confirm(&mut self, count: u64, under_way: u64) {
        let first = self.messages - count;
        let confirm = |store: &SqliteStore, index, done| {
            let message = message(first + index);
            let which = Which::Named {
                msg_id: message.msg_id,
                pushed: None,
            };
            let receiver = pair(first + index).1;
            store.confirm(confirmation(receiver, which, message.time_ms), done);
        };
        self.in_flow(count, under_way, confirm, |confirmed| {
            confirmed.receipts.len() == 1
        });
    }

    /// A page of 50 messages of the large conversation: the newest, or those before this place in it.
    pub fn page(&self, before: Option<u64>) {
        let before = before.map(|place| Before::Time(BEGAN_MS + place * LARGE_EVERY));
        let page = ask(|done| self.store.history(uid(1), uid(2).into(), before, 50, done));
        assert_eq!(page.expect("a page").messages.len(), 50);
    }

    fn confirm_all(&mut self) {
        let which = Which::Through {
            after: MessageId(0),
            last: MessageId(self.messages),
            by: Ears::ALL,
        };
        let time_ms = BEGAN_MS + self.messages;
        let confirm = |store: &SqliteStore, index, done| {
            store.confirm(confirmation(uid(2 + 2 * index), which, time_ms), done);
        };
        self.in_flow(1 + PAIRS, FILLING_UNDER_WAY, confirm, |_| true);
    }

    /// Asks for so many things, of which so many wait for their answer at a time; each answer must be good.
    fn in_flow<T: Send + 'static>(
        &self,
        count: u64,
        under_way: u64,
        asked: impl Fn(&SqliteStore, u64, Done<T>),
        is_good: impl Fn(&T) -> bool,
    ) {
        let (tell, told) = mpsc::channel();
        let mut next = 0;
        for answered in 0..count {
            while next < count.min(answered + under_way) {
                let tell = tell.clone();
                asked(
                    &self.store,
                    next,
                    Box::new(move |answer| drop(tell.send(answer))),
                );
                next += 1;
            }
            let answer = told.recv().expect("an answer").expect("a store that works");
            assert!(
                is_good(&answer),
                "number {answered} of {count} was not done"
            );
        }
    }
}

/// Asks one thing and waits for the answer.
fn ask<T: Send + 'static>(asked: impl FnOnce(Done<T>)) -> T {
    let (tell, told) = mpsc::channel();
    asked(Box::new(move |answer: Result<T, StoreError>| {
        drop(tell.send(answer));
    }));
    told.recv().expect("an answer").expect("a good one")
}

/// Message number `number` of a store, from 0.
fn message(number: u64) -> NewMessage {
    let (sender, receiver) = pair(number);
    NewMessage {
        sender,
        to: receiver.into(),
        msg_id: MsgId::sha1(&number.to_string()),
        kind: Kind::Text,
        content: Arc::from(CONTENT),
        envelope: None,
        ignored: Vec::new(),
        friends_only: false,
        hook: false,
        time_ms: BEGAN_MS + number,
    }
}

/// Who sends message number `number` to whom.
fn pair(number: u64) -> (Uid, Uid) {
    let pair = match number % LARGE_EVERY {
        0 => 0,
        _ => 1 + number % PAIRS,
    };
    (uid(1 + 2 * pair), uid(2 + 2 * pair))
}

fn confirmation(receiver: Uid, which: Which, time_ms: u64) -> Confirmation {
    Confirmation {
        receiver,
        which,
        time_ms,
    }
}

fn uid(number: u64) -> Uid {
    Uid::new(number).expect("a uid")
}
