//! The account of all that was sent and got. What the broker says it did is compared with this.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::tongue::Target;

/// A number that only rises.
#[derive(Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::SeqCst);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// What the broker should have counted, as far as its clients can know.
#[derive(Default)]
pub struct Known {
    pub connections: Count,
    pub sessions: Count,
    pub stored: Count,
    pub repeated: Count,
    /// Sent again because a cut took the answer: nobody can know whether the first one had come.
    pub resent: Count,
    pub received: Count,
    pub refusals: Count,
    pub logins_refused: Count,
    pub published: Count,
    pub passed_on: Count,
    pub queued: Count,
    pub handed_out: Count,
    pub buried: Count,
    pub stale: Count,
    /// Messages that came once more after a cut, because they had not been confirmed.
    pub again: Count,
    pub reconnections: Count,
}

/// A pair of users, or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Conversation {
    Pair(u64, u64),
    Group(u64),
}

#[derive(Clone, Copy)]
struct Message {
    from: u64,
    to: Target,
    accepted: bool,
}

#[derive(Default)]
struct Book {
    messages: HashMap<u64, Message>,
    /// Messages accepted for a user less those that came.
    due: HashMap<u64, i64>,
    groups: HashMap<u64, Vec<u64>>,
    /// Of each conversation what the broker has shown, oldest first.
    shown: HashMap<Conversation, Vec<u64>>,
}

pub struct Ledger {
    pub known: Known,
    book: Mutex<Book>,
    next: AtomicU64,
    sending: AtomicUsize,
    changed: watch::Sender<()>,
}

impl Ledger {
    pub fn new() -> Self {
        Self {
            known: Known::default(),
            book: Mutex::default(),
            next: AtomicU64::new(1),
            sending: AtomicUsize::new(0),
            changed: watch::channel(()).0,
        }
    }

    fn book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        look(&mut self.book.lock().expect("no panic"))
    }

    pub fn add_group(&self, gid: u64, members: Vec<u64>) {
        self.book(|book| book.groups.insert(gid, members));
    }

    /// A message that nobody has sent, and that never counts.
    pub fn unused(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// A message is about to be sent: its number.
    pub fn begin(&self, from: u64, to: Target) -> u64 {
        let number = self.unused();
        let message = Message {
            from,
            to,
            accepted: false,
        };
        self.book(|book| book.messages.insert(number, message));
        number
    }

    /// The broker has it.
    pub fn accept(&self, number: u64) {
        self.book(|book| {
            let message = book.messages.get_mut(&number).expect("begun");
            assert!(!message.accepted, "{number} was accepted twice");
            message.accepted = true;
            let message = *message;
            let receivers = receivers(book, message);
            self.known.stored.add(1);
            self.known.received.add(receivers.len() as u64);
            for uid in receivers {
                *book.due.entry(uid).or_default() += 1;
            }
        });
        self.changed.send_replace(());
    }

    pub fn to(&self, number: u64) -> Target {
        self.book(|book| book.messages[&number].to)
    }

    /// It has come to `uid` for the first time.
    pub fn came(&self, number: u64, uid: u64) {
        self.book(|book| {
            let message = *book.messages.get(&number).unwrap_or_else(|| {
                panic!("{uid} got {number}, which is of another round or was never sent")
            });
            let receivers = receivers(book, message);
            assert!(receivers.contains(&uid), "{number} is not for {uid}");
            *book.due.entry(uid).or_default() -= 1;
        });
    }

    /// The webhook was told of a message that was for these users.
    pub fn told(&self, number: u64, users: &[u64]) {
        self.book(|book| {
            let message = *book.messages.get(&number).expect("a message of this round");
            let receivers = receivers(book, message);
            let strangers = users.iter().filter(|uid| !receivers.contains(uid));
            assert_eq!(strangers.count(), 0, "{number} is not for all of {users:?}");
        });
    }

    pub fn due(&self, uid: u64) -> i64 {
        self.book(|book| book.due.get(&uid).copied().unwrap_or_default())
    }

    /// So many people send now.
    pub fn begin_sending(&self, people: usize) {
        self.sending.store(people, Ordering::SeqCst);
    }

    pub fn finish_sending(&self) {
        self.sending.fetch_sub(1, Ordering::SeqCst);
        self.changed.send_replace(());
    }

    /// How many people still send.
    pub fn still_send(&self) -> usize {
        self.sending.load(Ordering::SeqCst)
    }

    pub fn all_sent(&self) -> bool {
        self.still_send() == 0
    }

    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The conversations that something was sent in since the last [`Self::end_round`], and who is in them.
    pub fn conversations(&self) -> HashMap<Conversation, Vec<u64>> {
        self.book(|book| {
            let messages = book.messages.values().filter(|message| message.accepted);
            messages
                .map(|message| {
                    let conversation = conversation(message);
                    let people = match conversation {
                        Conversation::Pair(a, b) => vec![a, b],
                        Conversation::Group(gid) => book.groups[&gid].clone(),
                    };
                    (conversation, people)
                })
                .collect()
        })
    }

    /// The last message of a conversation that was shown in an earlier round.
    pub fn last_shown(&self, conversation: Conversation) -> Option<u64> {
        self.book(|book| book.shown.get(&conversation)?.last().copied())
    }

    pub fn shown(&self) -> HashMap<Conversation, Vec<u64>> {
        self.book(|book| book.shown.clone())
    }

    /// The broker shows these as what was said in a conversation since the last round. It must be what it has accepted, each
    /// once.
    pub fn show(&self, conversation_: Conversation, numbers: &[u64]) {
        self.book(|book| {
            let accepted: HashSet<u64> = book
                .messages
                .iter()
                .filter(|(_, message)| {
                    message.accepted && conversation(message) == conversation_
                })
                .map(|(number, _)| *number)
                .collect();
            let shown: HashSet<u64> = numbers.iter().copied().collect();
            assert_eq!(shown.len(), numbers.len(), "doubled in {conversation_:?}");
            let lost: Vec<_> = accepted.difference(&shown).collect();
            let never: Vec<_> = shown.difference(&accepted).collect();
            assert!(
                lost.is_empty() && never.is_empty(),
                "{conversation_:?}: accepted and not in the history: {lost:?}; never accepted: {never:?}"
            );
            book.shown
                .entry(conversation_)
                .or_default()
                .extend_from_slice(numbers);
        });
    }

    /// Whether numbers, in the order in which they came on one connection, have the order of their conversations.
    pub fn check_order(&self, uid: u64, came: &[u64], places: &HashMap<u64, usize>) {
        self.book(|book| {
            let mut last: HashMap<Conversation, u64> = HashMap::new();
            for number in came {
                let conversation = conversation(&book.messages[number]);
                if let Some(before) = last.insert(conversation, *number) {
                    assert!(
                        places[&before] < places[number],
                        "{uid} got {before} before {number}; {conversation:?} has another order"
                    );
                }
            }
        });
    }

    /// All is over that was sent so far: nothing of it may come again.
    pub fn end_round(&self) {
        self.book(|book| {
            let due: Vec<_> = book.due.iter().filter(|(_, due)| **due != 0).collect();
            assert!(due.is_empty(), "did not come: {due:?}");
            book.messages.clear();
        });
    }
}

fn receivers(book: &Book, message: Message) -> Vec<u64> {
    match message.to {
        Target::User(uid) => vec![uid],
        Target::Group(gid) => {
            let members = book.groups[&gid].iter().copied();
            members.filter(|uid| *uid != message.from).collect()
        }
    }
}

fn conversation(message: &Message) -> Conversation {
    match message.to {
        Target::User(uid) => Conversation::Pair(uid.min(message.from), uid.max(message.from)),
        Target::Group(gid) => Conversation::Group(gid),
    }
}
