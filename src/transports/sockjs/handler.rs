//! Who has the conversations of an endpoint.

use std::future::Future;

use ::http::HeaderMap;
use ::http::Method;
use warp::reply::Response;

use crate::transports::Link;
use crate::transports::sockjs::query;
use crate::transports::sockjs::session::Key;

/// A request, less its path and its body.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
    /// The query string as it came, without the question mark.
    pub query: String,
    /// Whether it asks for a WebSocket without SockJS framing.
    pub raw: bool,
}

impl Head {
    /// The first value of `name` in the query string.
    pub fn parameter(&self, name: &str) -> Option<String> {
        query::value(&self.query, name)
    }
}

/// What an endpoint asks of the rest of the program.
pub trait Handler: Send + Sync + 'static {
    /// What [`Handler::admit`] found out, for [`Handler::converse`].
    type Ticket: Send + 'static;

    /// Looks at every request below the base before anything else. The key it gives is what a session is known by
    /// besides its id: whoever shows another one later finds no such session. An id alone is only what a script of the
    /// client's has drawn by lot.
    fn knock(&self, head: &Head) -> Result<Key, Box<Response>>;

    /// The subprotocol for a WebSocket without SockJS framing.
    fn subprotocol(&self, _head: &Head) -> Option<&'static str> {
        None
    }

    /// Lets a session be opened, or says why not.
    fn admit(
        &self,
        head: &Head,
    ) -> impl Future<Output = Result<Self::Ticket, Box<Response>>> + Send;

    /// Has the conversation of one session, until it is over.
    fn converse<L: Link + 'static>(
        &self,
        ticket: Self::Ticket,
        link: L,
    ) -> impl Future<Output = ()> + Send;
}
