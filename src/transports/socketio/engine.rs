//! socketioxide as a function: a request in, an answer out. Requests get here whole, and their answers come back whole.

use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;
use std::task::Context;
use std::task::Poll;

use ::http::Method;
use ::http::Request;
use ::http::Response;
use ::http::StatusCode;
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Full;
use socketioxide::SocketIo;
use socketioxide::SocketIoBuilder;
use socketioxide::service::SocketIoService;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tower_service::Service;

/// The path that socketioxide knows itself by.
const PATH: &str = "/socket.io/";

/// socketioxide's service.
#[derive(Clone)]
pub(super) struct Engine(SocketIoService<Nothing>);

impl Engine {
    /// The service that `builder` describes, and what its namespaces are defined on.
    pub(super) fn build(builder: SocketIoBuilder) -> (Self, SocketIo) {
        let (service, io) = builder.build_with_inner_svc(Nothing);
        (Self(service), io)
    }

    /// Answers a request with this query. Whatever [`Request::extensions`] hold is kept with the session that it opens.
    pub(super) async fn answer(
        &self,
        mut request: Request<Full<Bytes>>,
        query: &str,
    ) -> Response<Bytes> {
        if let Some(uri) = uri(query) {
            *request.uri_mut() = uri;
        }
        let answered = self.0.clone().call(request).await;
        let (head, body) = answered.unwrap_or_else(|never| match never {}).into_parts();
        let body = body.collect().await.map(|body| body.to_bytes());
        Response::from_parts(head, body.unwrap_or_default())
    }

    /// Speaks on a WebSocket whose handshake is over.
    pub(super) fn speak<S>(&self, stream: S, mut request: Request<()>, query: &str)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if let Some(uri) = uri(query) {
            *request.uri_mut() = uri;
        }
        // Answers at once, and speaks in a task of its own. What it may refuse was looked at before the handshake.
        drop(self.0.clone().call((stream, request)));
    }

    /// Ends a session that polls, as its client would by a packet `1`. No other is touched.
    pub(super) async fn close(&self, id: &str) {
        let mut close = Request::new(Full::new(Bytes::from_static(b"1")));
        *close.method_mut() = Method::POST;
        let query = format!("EIO=4&transport=polling&sid={id}");
        let _ = self.answer(close, &query).await;
    }
}

fn uri(query: &str) -> Option<::http::Uri> {
    format!("{PATH}?{query}").parse().ok()
}

/// What there is beside Socket.IO: nothing.
#[derive(Clone)]
pub(super) struct Nothing;

impl Service<Request<Full<Bytes>>> for Nothing {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_FOUND;
        ready(Ok(response))
    }
}
