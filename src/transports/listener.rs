//! A listener: accepts TCP connections while there are places, and hands each on as a stream. Knows nothing of what is
//! spoken there.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;

/// How long to wait when the process has no file descriptors left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Where connections come in.
pub struct Listener {
    tcp: TcpListener,
    places: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Listener {
    /// Listens at `address` until `stopping` becomes true. Each connection takes one of `places`, which several listeners
    /// may share.
    pub async fn bind(
        address: SocketAddr,
        places: Arc<Semaphore>,
        stopping: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        Ok(Self {
            tcp: TcpListener::bind(address).await?,
            places,
            stopping,
        })
    }

    /// Where it listens: the port that was picked, if 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves each connection in a task of its own, until it is time to stop. Who comes when all places are taken gets
    /// `full` and is let go.
    pub async fn each<F, S>(mut self, full: &'static [u8], serve: F)
    where
        F: Fn(Stream) -> S,
        S: Future<Output = ()> + Send + 'static,
    {
        loop {
            let accepted = tokio::select! {
                accepted = self.tcp.accept() => accepted,
                () = stopped(&mut self.stopping) => return,
            };
            let tcp = match accepted {
                Ok((tcp, _)) => tcp,
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                tracing::warn!("all connections are taken (--max-connections)");
                // As much of it as the socket takes at once: there is no place to wait in.
                let _ = tcp.try_write(full);
                continue;
            };
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%error, "a connection broke before it was served");
                continue;
            }
            tokio::spawn(serve(Stream { tcp, _place: place }));
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
    tcp: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
