//! The way in with nothing around it: STOMP on TCP.

use crate::assembly::doors::session_name;
use crate::gateways::drive::Context;
use crate::gateways::drive::drive;
use crate::gateways::stomp::Door;
use crate::gateways::stomp::StompSession;
use crate::transports::listener::Listener;
use crate::transports::tcp::Tcp;

/// What a client gets when there are `--max-connections` already: an ERROR as the gateway would write it.
const FULL: &[u8] = b"ERROR\nmessage:too-many-connections\ncontent-type:text/plain;charset=UTF-8\n\
    content-length:43\n\ntoo many connections; try again in a moment\0";

/// Speaks STOMP with everybody who comes to `listener`. All come by the same `door`, but for the session's name: there is
/// nothing here that could bring a token before CONNECT does.
pub(super) async fn serve(listener: Listener, context: Context, door: Door) {
    let converse = move |stream| {
        let door = Door {
            session_name: session_name(),
            ..door
        };
        let session = StompSession::new(context.clock.now(), door);
        drive(context, Tcp::new(stream), session)
    };
    listener.each(FULL, converse).await;
}
