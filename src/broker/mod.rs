//! The chat itself: users talk to users. No sockets, no SQL, no JSON, no frames.
//!
//! [`Broker::ask`] is the one way in: a session asks a [`Command`], and the answer comes to its outbox as an
//! [`event::Event::Answer`] once it is true: for a send, after the commit. What others do to a session comes the same way.

pub mod bells;
pub mod command;
pub mod delivery;
pub mod destination;
pub mod event;
pub mod friends;
pub mod groups;
mod hooks;
pub mod images;
mod inbox;
mod letters;
pub mod limits;
pub mod message;
pub mod moment;
pub mod notice;
pub mod orders;
mod outbox;
pub mod payload;
mod people;
pub mod ports;
mod posting;
mod presence;
pub mod queued;
mod queueing;
mod queues;
pub mod refusal;
mod router;
pub mod sessions;
pub mod social;
pub mod tally;
mod tending;
pub mod topics;
pub mod users;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;
use tokio::sync::oneshot;

use crate::broker::command::Command;
use crate::broker::command::Pushed;
use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::event::End;
use crate::broker::inbox::Inbox;
use crate::broker::limits::CLIENT_PAGE_MAX;
use crate::broker::limits::Limits;
use crate::broker::limits::Rates;
use crate::broker::moment::Moment;
use crate::broker::ports::Store;
use crate::broker::ports::TokenId;
use crate::broker::ports::Trouble;
use crate::broker::ports::Verdict;
use crate::broker::ports::Which;
use crate::broker::ports::outcome;
use crate::broker::presence::Presence;
use crate::broker::queueing::Queues;
use crate::broker::refusal::Refusal;
use crate::broker::router::Waiting;
use crate::broker::sessions::Session;
use crate::broker::sessions::Sessions;
use crate::broker::tally::Tally;
use crate::broker::topics::Topics;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;

/// The broker. One for a process, shared in an [`Arc`].
pub struct Broker {
    store: Arc<dyn Store>,
    limits: Limits,
    rates: Rates,
    sessions: Sessions,
    topics: RwLock<Topics<Arc<Session>>>,
    queues: Mutex<Queues>,
    /// The id of the newest message that was routed, or was there at the start.
    latest: AtomicU64,
    /// Whether a message may have been committed that was answered as not stored, and so was not routed.
    unsure: AtomicBool,
    /// Those whose read the store had no place for.
    unread: Mutex<VecDeque<Waiting>>,
    stopping: AtomicBool,
    presence: Mutex<Presence>,
    rescheduled: Notify,
    hook_kept: Notify,
    tally: Tally,
}

/// Who is to have the answer.
enum Asker {
    Session(Arc<Session>, Ticket),
    Once(oneshot::Sender<Result<Reply, Refusal>>),
}

impl Asker {
    fn answer(self, answer: Result<Reply, Refusal>) {
        match self {
            Self::Session(session, ticket) => session.answer(ticket, answer),
            Self::Once(tell) => {
                // The asker may have gone; what was done stays done.
                let _ = tell.send(answer);
            }
        }
    }
}

impl Broker {
    /// A broker over `store`, with nobody here yet.
    pub fn new(store: Arc<dyn Store>, limits: Limits) -> Arc<Self> {
        let broker = Arc::new(Self {
            store,
            limits,
            rates: Rates::new(limits.messages_per_second),
            sessions: Sessions::default(),
            topics: RwLock::default(),
            queues: Mutex::default(),
            latest: AtomicU64::new(0),
            unsure: AtomicBool::new(false),
            unread: Mutex::default(),
            stopping: AtomicBool::new(false),
            presence: Mutex::default(),
            rescheduled: Notify::new(),
            hook_kept: Notify::new(),
            tally: Tally::default(),
        });
        broker.learn_latest();
        broker
    }

    /// A session of `person` begins. It hears nothing until it asks to [`Command::Listen`]. One with a `device` ends the
    /// user's other sessions that have one ([`End::Displaced`]).
    pub fn open(
        self: &Arc<Self>,
        now: Moment,
        person: Person,
        token: Option<TokenId>,
        device: Option<String>,
    ) -> Arc<Session> {
        self.tally.sessions_opened.add();
        let came = person.clone();
        let session = self.sessions.open(person, token, device, || {
            self.presence().came(now, &came);
        });
        // Looked at after the session can be found: whoever stops the broker either finds it, or is seen here.
        if self.stopping.load(Ordering::SeqCst) {
            session.end(End::Stopping);
        }
        self.tell_friends();
        session
    }

    /// The session is over. Answers still under way are dropped; what they answer is done all the same.
    pub fn close(self: &Arc<Self>, now: Moment, session: &Session) {
        self.tally.sessions_closed.add();
        self.sessions.close(session, || {
            self.presence().went(now, &session.person);
        });
        self.rescheduled.notify_one();
        self.tell_friends();
        self.unwatch_all(session);
        self.cease_all(session);
    }

    /// Whether any session of `uid` is here.
    pub fn is_online(&self, uid: Uid) -> bool {
        self.sessions.is_here(uid)
    }

    /// Asks for a session. The answer comes to its outbox under `ticket`; answers may come in another order than asked.
    pub fn ask(
        self: &Arc<Self>,
        now: Moment,
        session: &Arc<Session>,
        ticket: Ticket,
        command: Command,
    ) {
        let asker = Asker::Session(Arc::clone(session), ticket);
        match command {
            Command::Listen(ears) => {
                session.change_inbox(|inbox| inbox.listen(self.latest(), ears));
            }
            Command::Init => session.change_inbox(Inbox::init),
            Command::Watch {
                subscription,
                topics,
            } => self.watch(session, subscription, topics),
            Command::Unwatch(subscription) => self.unwatch(session, subscription),
            Command::Consume {
                subscription,
                queue,
                prefetch,
            } => self.consume(now, session, subscription, queue, prefetch),
            Command::Cease(subscription) => self.cease(now, session, subscription),
            Command::ChangeQueues(ops) => {
                let uid = session.person.uid;
                return self.change_queues(now, uid, Some(session), ops, asker);
            }
            Command::Confirm { msg_id } => {
                let pushed = Some(session.pushed());
                return self.confirm(
                    now,
                    session.person.uid,
                    Which::Named { msg_id, pushed },
                    asker,
                );
            }
            Command::Publish(post) => return self.publish(now, session, &[(ticket, post)]),
            other => return self.ask_person(now, &session.person, other, asker),
        }
        // The answer first: the messages that a Listen or an Init leads to come after it.
        asker.answer(Ok(Reply::Done));
        self.fetch(session);
    }

    /// Asks for somebody without a session (REST). What only makes sense in a session (to listen, to watch, …) does
    /// nothing here.
    pub async fn ask_once(
        self: &Arc<Self>,
        now: Moment,
        person: &Person,
        command: Command,
    ) -> Result<Reply, Refusal> {
        let (tell, told) = oneshot::channel();
        self.ask_person(now, person, command, Asker::Once(tell));
        told.await.unwrap_or(Err(Refusal::NotStored))
    }

    fn ask_person(self: &Arc<Self>, now: Moment, person: &Person, command: Command, asker: Asker) {
        if let Some(bytes) = command.weight()
            && let Err(refusal) = self.admit(now, person.uid, bytes)
        {
            return self.refuse(asker, refusal);
        }
        match command {
            Command::Send(letter) => self.send(now, person, letter, asker),
            Command::Confirm { msg_id } => {
                self.confirm(
                    now,
                    person.uid,
                    Which::Named {
                        msg_id,
                        pushed: None,
                    },
                    asker,
                );
            }
            Command::Acknowledge { last, after: None } => {
                self.confirm(now, person.uid, Which::One(last), asker)
            }
            Command::Acknowledge {
                last,
                after: Some(Pushed { after, by }),
            } => {
                self.confirm(now, person.uid, Which::Through { after, last, by }, asker);
            }
            Command::Inbox { after, limit } => {
                let done = self.answering(asker, |page: ports::InboxPage| Reply::Inbox {
                    messages: page.messages,
                    more: page.more,
                });
                self.store
                    .inbox(person.uid, after, limit.clamp(1, CLIENT_PAGE_MAX), done);
            }
            Command::History {
                with,
                before,
                limit,
            } => {
                let done = self.judging(asker, history);
                let limit = limit.clamp(1, CLIENT_PAGE_MAX);
                self.store.history(person.uid, with, before, limit, done);
            }
            Command::Since { time_ms, limit } => {
                let done = self.answering(asker, history);
                let limit = limit.clamp(1, CLIENT_PAGE_MAX);
                self.store.since(person.uid, time_ms, limit, done);
            }
            Command::ChangeQueues(ops) => self.change_queues(now, person.uid, None, ops, asker),
            Command::Listen(_)
            | Command::Init
            | Command::Watch { .. }
            | Command::Unwatch(_)
            | Command::Consume { .. }
            | Command::Cease(_)
            | Command::Publish(_) => asker.answer(Ok(Reply::Done)),
            of_people => self.ask_of_people(now, person, of_people, asker),
        }
    }

    /// Whether `uid` may ask for something of so many bytes now. The system is the operator's own, and may always.
    fn admit(&self, now: Moment, uid: Uid, bytes: usize) -> Result<(), Refusal> {
        let bytes_max = self.limits.content_bytes_max;
        if bytes > bytes_max {
            return Err(Refusal::ContentTooLarge { bytes, bytes_max });
        }
        if uid == Uid::SYSTEM {
            return Ok(());
        }
        self.rates.take(now, uid)
    }

    /// Finds a user, and whether any session of theirs is here now.
    pub async fn find(&self, key: UserKey) -> Result<Option<(Person, bool)>, Refusal> {
        let (done, found) = outcome();
        self.store.user(key, done);
        let account = found.await.map_err(Refusal::from)?;
        Ok(account.map(|account| {
            let here = self.sessions.is_here(account.person.uid);
            (account.person, here)
        }))
    }

    /// Ends the sessions of `uid` that `token` opened.
    pub fn end_token(&self, uid: Uid, token: &str) {
        for session in self.sessions.of(uid).iter() {
            if session.token.as_deref() == Some(token) {
                session.end(End::TokenRevoked);
            }
        }
    }

    /// Tells every session that the broker is stopping, also those that still come.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for session in self.sessions.all() {
            session.end(End::Stopping);
        }
    }

    /// What was counted since the start.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether messages can be kept now.
    pub fn health(&self) -> Result<(), Trouble> {
        self.store.health()
    }

    fn settle(&self, asker: Asker, answer: Result<Reply, Refusal>) {
        match answer {
            Ok(reply) => asker.answer(Ok(reply)),
            Err(refusal) => self.refuse(asker, refusal),
        }
    }

    fn refuse(&self, asker: Asker, refusal: Refusal) {
        self.tally.refusals.add();
        asker.answer(Err(refusal));
    }

    /// What to do with what the store finds for `asker`.
    fn deciding<T: 'static>(
        self: &Arc<Self>,
        asker: Asker,
        decide: impl FnOnce(T) -> Result<Reply, Refusal> + Send + 'static,
    ) -> ports::Done<T> {
        let broker = Arc::clone(self);
        Box::new(move |found| {
            broker.settle(asker, found.map_err(Refusal::from).and_then(decide));
            broker.fetch_for_waiting();
        })
    }

    /// The same where whatever is found is a good answer.
    fn answering<T: 'static>(
        self: &Arc<Self>,
        asker: Asker,
        reply: impl FnOnce(T) -> Reply + Send + 'static,
    ) -> ports::Done<T> {
        self.deciding(asker, |found| Ok(reply(found)))
    }

    /// The same where the rules may have said no in the store.
    fn judging<T: 'static>(
        self: &Arc<Self>,
        asker: Asker,
        reply: impl FnOnce(T) -> Reply + Send + 'static,
    ) -> ports::Done<Verdict<T>> {
        self.deciding(asker, |verdict: Verdict<T>| verdict.map(reply))
    }
}

fn history(page: ports::HistoryPage) -> Reply {
    Reply::History {
        messages: page.messages,
        more: page.more,
    }
}
