//! A store behind a gate. The test says when what is asked is done, when it is answered, in which order, and what fails;
//! so every interleaving of commits, reads and answers can be had, and had again. All answers come on the test's own thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use hongyan::broker::command::Address;
use hongyan::broker::command::GroupName;
use hongyan::broker::destination::Name;
use hongyan::broker::friends::Friends;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::Group;
use hongyan::broker::groups::Roster;
use hongyan::broker::images::Image;
use hongyan::broker::images::ImageId;
use hongyan::broker::message::MessageId;
use hongyan::broker::orders::Location;
use hongyan::broker::ports::Account;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Appended;
use hongyan::broker::ports::Before;
use hongyan::broker::ports::Confirmation;
use hongyan::broker::ports::Confirmed;
use hongyan::broker::ports::Counts;
use hongyan::broker::ports::Done;
use hongyan::broker::ports::HistoryPage;
use hongyan::broker::ports::Hook;
use hongyan::broker::ports::HookFate;
use hongyan::broker::ports::InboxPage;
use hongyan::broker::ports::NewMessage;
use hongyan::broker::ports::QueueChange;
use hongyan::broker::ports::QueueChanged;
use hongyan::broker::ports::QueuePage;
use hongyan::broker::ports::QueueWhich;
use hongyan::broker::ports::SocialAct;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::StoreError;
use hongyan::broker::ports::TokenId;
use hongyan::broker::ports::Trouble;
use hongyan::broker::ports::Verdict;
use hongyan::broker::social::Changed;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::broker::users::UserKey;

/// How long the store behind the gate may take for anything before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is refused, and nothing of it is kept.
    Refused,
    /// The same, because too much waits.
    Busy,
    /// It is committed, and the answer is a failure all the same.
    AnswerLost,
}

/// Where the gate is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// What is asked waits, and is not done.
    Before,
    /// What is asked is done, and the answers wait.
    Behind,
}

/// Reads and writes have no order between them; among themselves they keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    Write,
}

type Answer = Box<dyn FnOnce() + Send>;
type Asked = Box<dyn FnOnce(&Gate) + Send>;

pub struct Gate {
    store: Arc<dyn Store>,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    shut: Option<Shut>,
    failing: Option<Failure>,
    /// Whose answers come first when the gate is opened.
    first: Option<Kind>,
    asked: VecDeque<Asked>,
    /// What was asked of the store, in that order, and is not answered yet.
    places: VecDeque<Place>,
    count: u64,
}

struct Place {
    number: u64,
    kind: Kind,
    /// There once the store has done it.
    answer: Option<Answer>,
}

impl Gate {
    /// A gate that stands open.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let line = Arc::default();
        Self { store, line }
    }

    /// Lets the next write fail.
    pub fn fail_next(&self, failure: Option<Failure>) {
        self.line.state().failing = failure;
    }

    /// Whether a write is still to fail.
    pub fn will_fail(&self) -> Option<Failure> {
        self.line.state().failing
    }

    pub fn shut(&self, shut: Shut) {
        self.line.state().shut = Some(shut);
    }

    pub fn is_shut(&self) -> Option<Shut> {
        self.line.state().shut
    }

    /// What waits is done; its answers can be let through, those of reads or of writes first.
    pub fn open(&self, first: Option<Kind>) {
        let asked = {
            let mut state = self.line.state();
            state.shut = None;
            state.first = first;
            std::mem::take(&mut state.asked)
        };
        asked.into_iter().for_each(|ask| ask(self));
    }

    /// Lets one answer through, if there is one and the gate is open.
    pub fn let_through(&self) -> bool {
        let mut state = self.line.state();
        if state.shut.is_some() || state.places.is_empty() {
            return false;
        }
        let preferred = |place: &Place| Some(place.kind) == state.first;
        let at = state.places.iter().position(preferred).unwrap_or(0);
        let number = state.places[at].number;
        state = self.line.wait(state, |place| place.number == number);
        let at = state.places.iter().position(|place| place.number == number);
        let place = at.and_then(|at| state.places.remove(at)).expect("a place");
        drop(state);
        place.answer.expect("it was waited for")();
        true
    }

    /// The process is gone: what waits before the gate is never done, and nothing is answered any more.
    pub fn abandon(&self) {
        let mut state = self.line.state();
        state.asked.clear();
        state.failing = None;
        let mut state = self.line.wait(state, |_| true);
        let places = std::mem::take(&mut state.places);
        drop(state);
        drop(places);
    }

    fn pass<T: Send + 'static>(
        &self,
        kind: Kind,
        done: Done<T>,
        ask: impl FnOnce(&dyn Store, Done<T>) + Send + 'static,
    ) {
        let mut state = self.line.state();
        let failure = match kind {
            Kind::Write => state.failing.take(),
            Kind::Read => None,
        };
        if state.shut == Some(Shut::Before) {
            let later = move |gate: &Self| gate.pass_now(kind, failure, done, ask);
            state.asked.push_back(Box::new(later));
            return;
        }
        drop(state);
        self.pass_now(kind, failure, done, ask);
    }

    fn pass_now<T: Send + 'static>(
        &self,
        kind: Kind,
        failure: Option<Failure>,
        done: Done<T>,
        ask: impl FnOnce(&dyn Store, Done<T>),
    ) {
        // A read sees what was written before it, and nothing later; writes in a row may share a commit.
        let state = self.line.state();
        let mut state = self.line.wait(state, |place| place.kind != kind);
        state.count += 1;
        let number = state.count;
        state.places.push_back(Place {
            number,
            kind,
            answer: None,
        });
        drop(state);
        let line = Arc::clone(&self.line);
        let broken = || Err(StoreError::Broken("told to fail".to_owned()));
        match failure {
            None => {
                let later = move |result| line.fill(number, Box::new(move || done(result)));
                ask(&*self.store, Box::new(later));
            }
            Some(Failure::Refused) => line.fill(number, Box::new(move || done(broken()))),
            Some(Failure::Busy) => {
                line.fill(number, Box::new(move || done(Err(StoreError::Busy))));
            }
            Some(Failure::AnswerLost) => {
                let later = move |_| line.fill(number, Box::new(move || done(broken())));
                ask(&*self.store, Box::new(later));
            }
        }
    }

    fn read<T: Send + 'static>(
        &self,
        done: Done<T>,
        ask: impl FnOnce(&dyn Store, Done<T>) + Send + 'static,
    ) {
        self.pass(Kind::Read, done, ask);
    }

    fn write<T: Send + 'static>(
        &self,
        done: Done<T>,
        ask: impl FnOnce(&dyn Store, Done<T>) + Send + 'static,
    ) {
        self.pass(Kind::Write, done, ask);
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while it is held")
    }

    fn fill(&self, number: u64, answer: Answer) {
        let mut state = self.state();
        let mut places = state.places.iter_mut();
        if let Some(place) = places.find(|place| place.number == number) {
            place.answer = Some(answer);
        }
        self.done.notify_all();
    }

    /// Waits until the store has done all that is meant.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        meant: impl Fn(&Place) -> bool,
    ) -> MutexGuard<'a, State> {
        let under_way = |place: &Place| meant(place) && place.answer.is_none();
        let (state, timeout) = self
            .done
            .wait_timeout_while(state, PATIENCE, |state| state.places.iter().any(under_way))
            .expect("no panic while it is held");
        assert!(!timeout.timed_out(), "the store does not answer");
        state
    }
}

impl Store for Gate {
    fn append(&self, message: NewMessage, done: Done<Verdict<Appended>>) {
        self.write(done, |store, done| store.append(message, done));
    }

    fn confirm(&self, confirmation: Confirmation, done: Done<Confirmed>) {
        self.write(done, move |store, done| store.confirm(confirmation, done));
    }

    fn inbox(&self, uid: Uid, after: MessageId, limit: usize, done: Done<InboxPage>) {
        self.read(done, move |store, done| {
            store.inbox(uid, after, limit, done)
        });
    }

    fn history(
        &self,
        reader: Uid,
        with: Address,
        before: Option<Before>,
        limit: usize,
        done: Done<Verdict<HistoryPage>>,
    ) {
        self.read(done, move |store, done| {
            store.history(reader, with, before, limit, done);
        });
    }

    fn since(&self, uid: Uid, from_ms: u64, limit: usize, done: Done<HistoryPage>) {
        self.read(done, move |store, done| {
            store.since(uid, from_ms, limit, done);
        });
    }

    fn social(&self, act: SocialAct, done: Done<Verdict<Changed>>) {
        self.write(done, move |store, done| store.social(act, done));
    }

    fn friends(&self, uid: Uid, done: Done<Friends>) {
        self.read(done, move |store, done| store.friends(uid, done));
    }

    fn are_friends(&self, one: Uid, other: Uid, done: Done<bool>) {
        self.read(done, move |store, done| store.are_friends(one, other, done));
    }

    fn blocks(&self, uid: Uid, done: Done<Vec<Person>>) {
        self.read(done, move |store, done| store.blocks(uid, done));
    }

    fn groups(&self, uid: Uid, done: Done<Vec<GroupName>>) {
        self.read(done, move |store, done| store.groups(uid, done));
    }

    fn group(&self, reader: Uid, gid: Gid, done: Done<Verdict<Group>>) {
        self.read(done, move |store, done| store.group(reader, gid, done));
    }

    fn roster(&self, gid: Gid, done: Done<Roster>) {
        self.read(done, move |store, done| store.roster(gid, done));
    }

    fn location(&self, uid: Uid, done: Done<Option<Location>>) {
        self.read(done, move |store, done| store.location(uid, done));
    }

    fn keep_image(&self, owner: Uid, image: Image, time_ms: u64, done: Done<Verdict<ImageId>>) {
        self.write(done, move |store, done| {
            store.keep_image(owner, image, time_ms, done);
        });
    }

    fn image(&self, reader: Uid, id: ImageId, done: Done<Option<Image>>) {
        self.read(done, move |store, done| store.image(reader, id, done));
    }

    fn due_hooks(&self, now_ms: u64, limit: usize, done: Done<Vec<Hook>>) {
        self.read(done, move |store, done| {
            store.due_hooks(now_ms, limit, done)
        });
    }

    fn settle_hook(&self, id: u64, fate: HookFate, done: Done<()>) {
        self.write(done, move |store, done| store.settle_hook(id, fate, done));
    }

    fn change_queues(&self, change: QueueChange, done: Done<QueueChanged>) {
        self.write(done, |store, done| store.change_queues(change, done));
    }

    fn queue_page(&self, queue: Name, which: QueueWhich, done: Done<QueuePage>) {
        self.read(done, |store, done| store.queue_page(queue, which, done));
    }

    fn add_user(
        &self,
        name: String,
        password_hash: Option<String>,
        time_ms: u64,
        done: Done<AddedUser>,
    ) {
        self.write(done, move |store, done| {
            store.add_user(name, password_hash, time_ms, done);
        });
    }

    fn admit_user(&self, person: Person, time_ms: u64, done: Done<AddedUser>) {
        self.write(done, move |store, done| {
            store.admit_user(person, time_ms, done)
        });
    }

    fn user(&self, key: UserKey, done: Done<Option<Account>>) {
        self.read(done, |store, done| store.user(key, done));
    }

    fn revoke(&self, token: TokenId, expires_s: u64, done: Done<()>) {
        self.write(done, move |store, done| {
            store.revoke(token, expires_s, done)
        });
    }

    fn revoked(&self, now_s: u64, done: Done<Vec<TokenId>>) {
        self.write(done, move |store, done| store.revoked(now_s, done));
    }

    fn counts(&self, done: Done<Counts>) {
        self.read(done, |store, done| store.counts(done));
    }

    fn health(&self) -> Result<(), Trouble> {
        self.store.health()
    }

    fn close(&self) {
        self.store.close();
    }
}
