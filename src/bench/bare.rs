//! The server of the ceilings: it hands on what it reads over the same WebSockets, and does nothing else. What a broker reaches
//! of it is what its work costs.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::SinkExt;
use futures_util::StreamExt;
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::ErrorResponse;
use tokio_tungstenite::tungstenite::handshake::server::Request;
use tokio_tungstenite::tungstenite::handshake::server::Response;

use crate::bench::Failed;
use crate::bench::failed;

/// Where each message is sent back to whom it came from.
pub(super) const ECHO: &str = "/client";
/// Where each message is sent back, and written to all who are at [`RECEIVE`].
pub(super) const SEND: &str = "/send";
/// See [`SEND`]. What is said here is not read.
pub(super) const RECEIVE: &str = "/receive";

type Socket = WebSocketStream<TcpStream>;

/// Those at [`RECEIVE`]; taken out by who writes to them.
type Receivers = Rc<RefCell<Vec<Socket>>>;

/// Hands on every message, until the process is ended.
pub(super) async fn serve() -> Result<Infallible, Failed> {
    let doing = "the bare server";
    let bound = TcpListener::bind("127.0.0.1:0").await;
    let listener = bound.map_err(|why| failed(doing, why))?;
    let address = listener.local_addr().map_err(|why| failed(doing, why))?;
    println!("listening on http://{address}");
    let receivers = Receivers::default();
    loop {
        let (stream, _) = listener.accept().await.map_err(|why| failed(doing, why))?;
        tokio::task::spawn_local(welcome(stream, Rc::clone(&receivers)));
    }
}

async fn welcome(stream: TcpStream, receivers: Receivers) {
    let _ = stream.set_nodelay(true);
    let mut path = String::new();
    #[allow(clippy::result_large_err, reason = "the library's type of answer")]
    let shake = |request: &Request, mut answer: Response| -> Result<Response, ErrorResponse> {
        request.uri().path().clone_into(&mut path);
        // The load asks for this subprotocol, wherever it connects to.
        let stomp = HeaderValue::from_static("v12.stomp");
        answer.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, stomp);
        Ok(answer)
    };
    let Ok(socket) = accept_hdr_async(stream, shake).await else {
        return;
    };
    match path.as_str() {
        RECEIVE => receivers.borrow_mut().push(socket),
        SEND => hand_on(socket, Some(receivers)).await,
        _ => hand_on(socket, None).await,
    }
}

/// Sends back all that comes, and writes it to the receivers if there are any.
async fn hand_on(mut socket: Socket, receivers: Option<Receivers>) {
    while let Some(Ok(message)) = socket.next().await {
        let mut batch = Vec::new();
        let mut next = Some(message);
        while let Some(message) = next {
            if message.is_text() || message.is_binary() {
                batch.push(message);
            }
            next = socket.next().now_or_never().flatten().and_then(Result::ok);
        }
        if let Some(receivers) = &receivers {
            let mut taken = receivers.take();
            for receiver in &mut taken {
                // One that has left is not missed here; the load would say so.
                let _ = write(receiver, batch.iter().cloned()).await;
            }
            receivers.borrow_mut().append(&mut taken);
        }
        if write(&mut socket, batch).await.is_none() {
            return;
        }
    }
}

/// Writes the batch with one flush.
async fn write(socket: &mut Socket, batch: impl IntoIterator<Item = Message>) -> Option<()> {
    for message in batch {
        socket.feed(message).await.ok()?;
    }
    socket.flush().await.ok()
}
