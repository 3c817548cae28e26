//! Who has the conversations of an endpoint.

use std::future::Future;

use ::http::HeaderMap;
use ::http::Method;
use warp::reply::Response;

use crate::transports::Link;

/// A request, less its path and its body.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
    /// The query string as it came, without the question mark.
    pub query: String,
}

impl Head {
    /// The first value of `name` in the query string, as it came.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// What an endpoint asks of the rest of the program.
pub trait Handler: Send + Sync + 'static {
    /// What [`Handler::admit`] found out, for [`Handler::converse`].
    type Ticket: Send + 'static;

    /// Looks at every request before anything else: an answer refuses it.
    fn knock(&self, head: &Head) -> Result<(), Box<Response>>;

    /// Lets a connection be opened, or says why not.
    fn admit(
        &self,
        head: &Head,
    ) -> impl Future<Output = Result<Self::Ticket, Box<Response>>> + Send;

    /// Has the conversation of one connection, all its namespaces together, until it is over. It begins when the client
    /// has joined the first of them.
    fn converse<L: Link + 'static>(
        &self,
        ticket: Self::Ticket,
        link: L,
    ) -> impl Future<Output = ()> + Send;
}
