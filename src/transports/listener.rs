//! A listener: accepts TCP connections while there are places, makes them secure where it has a certificate, and hands
//! each on as a stream, of one kind for both. Knows nothing of what is spoken there.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use crate::transports::tls::Tls;

/// How long to wait when the process has no file descriptors left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How long the log is spared what it was told to be over.
const QUIET_FOR: Duration = Duration::from_secs(10);

/// Where connections come in.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Tls>,
    places: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Listener {
    /// Listens at `address`, behind `tls` if there is one, until `stopping` becomes true. Each connection takes one of
    /// `places`, which several listeners may share.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Tls>,
        places: Arc<Semaphore>,
        stopping: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        Ok(Self {
            tcp: TcpListener::bind(address).await?,
            tls,
            places,
            stopping,
        })
    }

    /// Where it listens: the port that was picked, if 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves each connection in a task of its own, until it is time to stop. Who comes when all places are taken gets
    /// `full` and is let go; behind TLS, where that would take a handshake, without a word.
    pub async fn each<F, S>(mut self, full: &'static [u8], serve: F)
    where
        F: FnOnce(Stream) -> S + Clone + Send + 'static,
        S: Future<Output = ()> + Send,
    {
        let (mut unaccepted, mut turned_away) = (Plight::default(), Plight::default());
        loop {
            let accepted = tokio::select! {
                accepted = self.tcp.accept() => accepted,
                () = stopped(&mut self.stopping) => return,
            };
            let tcp = match accepted {
                Ok((tcp, _)) => tcp,
                // One connection broke before it was accepted.
                Err(error) if is_of_one(&error) => continue,
                Err(error) => {
                    if unaccepted.is_news() {
                        tracing::warn!(%error, "can't accept connections; they wait until that works again");
                    }
                    tokio::select! {
                        () = tokio::time::sleep(ACCEPT_AGAIN_AFTER) => continue,
                        () = stopped(&mut self.stopping) => return,
                    }
                }
            };
            if let Some(tries) = unaccepted.is_over() {
                tracing::info!(tries, "connections are accepted again");
            }
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                if turned_away.is_news() {
                    tracing::warn!("all connections are taken (--max-connections)");
                }
                if self.tls.is_none() {
                    // As much of it as the socket takes at once: there is no place to wait in.
                    let _ = tcp.try_write(full);
                }
                continue;
            };
            if let Some(turned_away) = turned_away.is_over() {
                tracing::info!(turned_away, "there is a place for a connection again");
            }
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%error, "a connection broke before it was served");
                continue;
            }
            let secured = secure(self.tls.clone(), tcp, self.stopping.clone());
            let serve = serve.clone();
            tokio::spawn(async move {
                if let Some(socket) = secured.await {
                    serve(Stream {
                        socket,
                        _place: place,
                    })
                    .await;
                }
            });
        }
    }
}

/// Something that keeps connections out: told to the log when it begins and when it is over, however many come meanwhile,
/// and not again for a while, however often it comes and goes.
#[derive(Default)]
struct Plight {
    connections: u64,
    told: bool,
    quiet_until: Option<Instant>,
}

impl Plight {
    /// One more is kept out. True when the log is to be told.
    fn is_news(&mut self) -> bool {
        self.connections += 1;
        let quiet = self.quiet_until.is_some_and(|until| Instant::now() < until);
        let news = !self.told && !quiet;
        self.told |= news;
        news
    }

    /// One is let in. How many were kept out, when the log is to be told.
    fn is_over(&mut self) -> Option<u64> {
        if !self.told {
            return None;
        }
        let connections = self.connections;
        *self = Self {
            quiet_until: Some(Instant::now() + QUIET_FOR),
            ..Self::default()
        };
        Some(connections)
    }
}

/// Whether an error of accept is that of the connection, and not of the listener (accept(2)).
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

/// The connection, when the handshake is over; `None` where it failed, or where it is time to stop.
async fn secure(
    tls: Option<Tls>,
    tcp: TcpStream,
    mut stopping: watch::Receiver<bool>,
) -> Option<Socket> {
    let Some(tls) = tls else {
        return Some(Socket::Plain(tcp));
    };
    // In a box, because it needs far more room than the connection will.
    let handshake = Box::pin(tls.accept(tcp));
    let secured = tokio::select! {
        secured = handshake => secured,
        () = stopped(&mut stopping) => return None,
    };
    match secured {
        Ok(stream) => Some(Socket::Secure(Box::new(stream))),
        Err(error) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
    }
}

/// Waits until it is time to stop.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Nobody left who could say so means the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// A connection. It holds its place for as long as it lives, also after an upgrade.
pub struct Stream {
    socket: Socket,
    _place: OwnedSemaphorePermit,
}

enum Socket {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_read(context, into),
            Socket::Secure(tls) => Pin::new(tls).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Socket::Secure(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    /// Without this hyper would copy each answer whole, and keep the copy until it is taken.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_write_vectored(context, parts),
            Socket::Secure(tls) => Pin::new(tls).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(tcp) => tcp.is_write_vectored(),
            Socket::Secure(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Socket::Secure(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Socket::Secure(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
