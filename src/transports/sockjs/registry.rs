//! The sessions of an endpoint: opened, found again, and forgotten.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::Entry;

use crate::transports::Lost;
use crate::transports::sockjs::session::Session;
use crate::transports::sockjs::session::SessionLink;

/// Sessions by their id.
#[derive(Default)]
pub(super) struct Registry(DashMap<Box<str>, Arc<Session>>);

impl Registry {
    /// The session `id`.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.0.get(id).map(|session| Arc::clone(&session))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds `new` as session `id` and runs its conversation, unless there is one already: that one is returned.
    pub(super) fn open<C>(
        self: &Arc<Self>,
        id: &str,
        new: Session,
        disconnect_delay: Duration,
        converse: impl FnOnce(SessionLink) -> C,
    ) -> Arc<Session>
    where
        C: Future<Output = ()> + Send + 'static,
    {
        let session = match self.0.entry(id.into()) {
            Entry::Occupied(known) => return Arc::clone(known.get()),
            Entry::Vacant(place) => Arc::clone(&place.insert(Arc::new(new))),
        };
        let kept = Kept {
            registry: Arc::clone(self),
            id: id.into(),
            session: Arc::clone(&session),
        };
        let conversation = converse(SessionLink(Arc::clone(&session)));
        tokio::spawn(kept.keep(conversation, disconnect_delay));
        session
    }
}

/// A session that is to be forgotten, also when its conversation panics.
struct Kept {
    registry: Arc<Registry>,
    id: Box<str>,
    session: Arc<Session>,
}

impl Kept {
    async fn keep(self, conversation: impl Future<Output = ()>, disconnect_delay: Duration) {
        let mut conversation = pin!(conversation);
        tokio::select! {
            () = conversation.as_mut() => {}
            () = self.session.abandoned(disconnect_delay) => {
                self.session.lose(Lost::Gone);
                conversation.await;
            }
        }
        // Nobody hears what is posted from here on.
        self.session.lose(Lost::Gone);
        if self.session.is_closed() {
            self.session.abandoned(disconnect_delay).await;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.registry.0.remove(&self.id);
        self.session.end();
    }
}
