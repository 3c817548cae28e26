//! A session: what a client was told and what it told us, between one HTTP request and the next.
//!
//! ```text
//!            xhr, eventsource, …                  xhr_send, jsonp_send
//!   Receiver ◀────── said ──────┐          ┌────── heard ◀──────── post
//!   (one at most)               │          ▼
//!                            SessionLink, which a conversation has
//! ```
//!
//! Both queues are bounded: `flush` waits while `said` is full, whoever posts waits while `heard` is. A session that
//! nobody receives from is gone after a while; one whose receiver breaks off is gone at once, because what was on its way
//! may be lost.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use hongyan_grammar::sockjs;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;

use crate::transports::Heard;
use crate::transports::Link;
use crate::transports::Lost;
use crate::transports::sockjs::state::Said;
use crate::transports::sockjs::state::State;

/// How long a post waits for room.
const ROOM_WITHIN: Duration = Duration::from_secs(10);

/// How long a post waits until its messages are taken, so that a client that waits for the answer is held back a little
/// before it is refused.
const TAKEN_WITHIN: Duration = Duration::from_millis(50);

/// How long the end of a conversation waits until the client has asked for its last frame.
const PARTED_WITHIN: Duration = Duration::from_secs(5);

/// How long a second receiver waits for the first, whose end may be on its way to us.
const GRACE: Duration = Duration::from_millis(50);

/// What a session belongs to: a request that shows another key is none of its client's.
pub type Key = String;

/// The messages of a session both ways, and who receives.
pub(super) struct Session {
    key: Key,
    state: Mutex<State>,
    /// Whose turn it is to post: one after the other, so that no more than one body is in memory. It is read with this.
    posting: tokio::sync::Mutex<sockjs::Reader>,
    /// There is something to hear, room to say more, or an end.
    for_link: Notify,
    /// There is something to receive.
    for_receiver: Notify,
    /// Messages were heard.
    for_posts: Notify,
    /// The receiver came or went.
    for_keeper: Notify,
    /// The receiver went.
    for_next: Notify,
}

/// Why messages were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Session {
    /// A session of a client that showed `key`.
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            state: Mutex::new(State::new()),
            posting: tokio::sync::Mutex::default(),
            for_link: Notify::new(),
            for_receiver: Notify::new(),
            for_posts: Notify::new(),
            for_keeper: Notify::new(),
            for_next: Notify::new(),
        }
    }

    /// Whether the session belongs to a client that shows `key`.
    pub(super) fn is_of(&self, key: &str) -> bool {
        self.key == key
    }

    /// Waits for the turn to [`Self::post`], which is to be held until then.
    pub(super) async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, sockjs::Reader>, Full> {
        timeout(ROOM_WITHIN, self.posting.lock())
            .await
            .map_err(|_| Full)
    }

    /// Hands the client's messages over: when this returns they are usually heard.
    pub(super) async fn post(&self, messages: Vec<String>) -> Result<(), Full> {
        let fits = |state: &State| state.is_deaf() || state.has_room(&messages);
        if timeout(ROOM_WITHIN, self.posts_until(fits)).await.is_err() {
            return Err(Full);
        }
        {
            let mut state = self.lock();
            if state.is_deaf() || messages.is_empty() {
                return Ok(());
            }
            state.post(messages);
        }
        self.for_link.notify_one();
        let taken = |state: &State| state.listens || state.is_deaf();
        let _ = timeout(TAKEN_WITHIN, self.posts_until(taken)).await;
        Ok(())
    }

    async fn posts_until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let mut rung = std::pin::pin!(self.for_posts.notified());
            // From here on a ring is not missed.
            rung.as_mut().enable();
            if holds(&self.lock()) {
                return;
            }
            rung.await;
        }
    }

    /// Takes the place of the receiver. `None` where somebody else has it.
    pub(super) async fn receive(self: &Arc<Self>, beat: Duration) -> Option<Receiver> {
        let taken = async {
            loop {
                let mut rung = std::pin::pin!(self.for_next.notified());
                rung.as_mut().enable();
                if self.lock().take_place() {
                    return;
                }
                rung.await;
            }
        };
        timeout(GRACE, taken).await.ok()?;
        self.for_keeper.notify_one();
        Some(Receiver {
            session: Arc::clone(self),
            beat,
            has_place: true,
        })
    }

    fn leave_place(&self, broke_off: bool) {
        self.lock().leave_place(broke_off);
        self.for_keeper.notify_one();
        self.for_link.notify_one();
        self.for_posts.notify_waiters();
        self.for_next.notify_waiters();
    }

    /// Ends the conversation, as soon as it has heard what is there.
    pub(super) fn lose(&self, lost: Lost) {
        self.lock().lost.get_or_insert(lost);
        self.for_link.notify_one();
        self.for_posts.notify_waiters();
    }

    /// Returns when nobody has received for `delay`.
    pub(super) async fn abandoned(&self, delay: Duration) {
        loop {
            let end = self.lock().free_since().map(|since| since + delay);
            match end {
                Some(end) if end <= Instant::now() => return,
                Some(end) => {
                    tokio::select! {
                        () = sleep_until(end) => {}
                        () = self.for_keeper.notified() => {}
                    }
                }
                None => self.for_keeper.notified().await,
            }
        }
    }

    /// Whether the conversation said good-bye, or the client broke off: then everybody who asks is told.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed.is_some()
    }

    /// Lets nobody wait any more.
    pub(super) fn end(&self) {
        {
            let mut state = self.lock();
            state.over = true;
            state.lost.get_or_insert(Lost::Gone);
        }
        self.for_link.notify_one();
        self.for_receiver.notify_one();
        self.for_posts.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who receives a session's frames. Dropped before [`Receiver::leave`], it has broken off.
pub(super) struct Receiver {
    session: Arc<Session>,
    beat: Duration,
    has_place: bool,
}

impl Receiver {
    /// The next frame: a heart-beat, when there is no other in time.
    pub(super) async fn next(&mut self) -> Said {
        let beat_at = Instant::now() + self.beat;
        loop {
            let said = self.session.lock().receive();
            if let Some(said) = said {
                // There may be room now.
                self.session.for_link.notify_one();
                return said;
            }
            tokio::select! {
                () = self.session.for_receiver.notified() => {}
                () = sleep_until(beat_at) => return Said::Frame(sockjs::heartbeat().to_owned()),
            }
        }
    }

    /// Leaves the place to the next one, having received all that it asked for.
    pub(super) fn leave(&mut self) {
        if std::mem::take(&mut self.has_place) {
            self.session.leave_place(false);
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.has_place {
            self.session.leave_place(true);
        }
    }
}

/// The end of a session that a conversation holds.
pub(super) struct SessionLink(pub(super) Arc<Session>);

impl Link for SessionLink {
    async fn hear(&mut self) -> Result<Heard, Lost> {
        loop {
            {
                let mut state = self.0.lock();
                if let Some(message) = state.hear() {
                    return Ok(Heard::Message(message.into()));
                }
                if let Some(lost) = state.lost {
                    return Err(lost);
                }
                state.listens = true;
            }
            self.0.for_posts.notify_waiters();
            self.0.for_link.notified().await;
        }
    }

    fn say(&mut self, message: String) -> Result<(), Lost> {
        let mut state = self.0.lock();
        if state.lost == Some(Lost::Gone) {
            return Err(Lost::Gone);
        }
        state.say(message);
        Ok(())
    }

    fn say_bytes(&mut self, message: Vec<u8>) -> Result<(), Lost> {
        self.say(String::from_utf8_lossy(&message).into_owned())
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        self.0.for_receiver.notify_one();
        loop {
            {
                let state = self.0.lock();
                if state.lost == Some(Lost::Gone) {
                    return Err(Lost::Gone);
                }
                if !state.is_full() {
                    return Ok(());
                }
            }
            self.0.for_link.notified().await;
        }
    }

    /// Waits a little until the client has asked for what it was told last: a broker that stops keeps connections open
    /// for that only as long as there are conversations.
    async fn close(self, code: u16, reason: &str) {
        self.0
            .lock()
            .closed
            .get_or_insert_with(|| sockjs::close(code, reason));
        self.0.for_receiver.notify_one();
        self.0.for_posts.notify_waiters();
        let parted = async {
            loop {
                {
                    let state = self.0.lock();
                    if state.parted || state.over || state.lost == Some(Lost::Gone) {
                        return;
                    }
                }
                self.0.for_link.notified().await;
            }
        };
        let _ = timeout(PARTED_WITHIN, parted).await;
    }
}
