//! A store behind a gate. The test says when what is asked is done, when it is answered, in which order, and what fails;
//! so every interleaving of commits, reads and answers can be had, and had again. All answers come on the test's own thread.

mod port;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use hongyan::broker::ports::Done;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::StoreError;

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
