//! Socket.IO: the gateway's machine on the transport's links.

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::assembly::doors;
use crate::assembly::doors::Doors;
use crate::gateways::drive::drive;
use crate::gateways::socketio::Door;
use crate::gateways::socketio::SocketIoSession;
use crate::transports::Link;
use crate::transports::socketio::Endpoint;
use crate::transports::socketio::Handler;
use crate::transports::socketio::Head;
use crate::transports::socketio::Options;

/// The namespaces of CONTRACT section 6. All of a client's are one conversation.
const NAMESPACES: &[&str] = &["/", "/friend", "/group", "/server"];

/// `/socket.io/`, for at most so many connections at a time.
pub(super) fn routes(doors: Doors, connections_max: usize) -> BoxedFilter<(Response,)> {
    let options = Options {
        namespaces: NAMESPACES,
        message_bytes_max: doors.frame_bytes_max,
        connections_max,
        ..Options::default()
    };
    let endpoint = Endpoint::new(options, doors);
    let path = warp::path!("socket.io" / ..);
    path.and(endpoint.routes()).boxed()
}

impl Handler for Doors {
    type Ticket = Door;

    fn knock(&self, head: &Head) -> Result<(), Box<Response>> {
        match self.origins.allow(&head.headers) {
            true => Ok(()),
            false => Err(Box::new(doors::origin_refused())),
        }
    }

    /// Who it is, the client says in its first event.
    async fn admit(&self, _head: &Head) -> Result<Door, Box<Response>> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| {
            tracing::error!(%error, "there is no chance to be had");
            Box::new(doors::refused(500, "try again in a moment"))
        })?;
        Ok(Door { secret })
    }

    fn converse<L: Link + 'static>(&self, door: Door, link: L) -> impl Future<Output = ()> + Send {
        let session = SocketIoSession::new(self.context.clock.now(), door);
        drive(self.context.clone(), link, session)
    }
}
