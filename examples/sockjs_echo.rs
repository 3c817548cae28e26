//! The SockJS transports alone: the services that the protocol's public test suite asks for.
//!
//! `cargo run --example sockjs_echo -- --listen 127.0.0.1:8081`

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use hongyan::transports::Heard;
use hongyan::transports::Link;
use hongyan::transports::http;
use hongyan::transports::http::Base;
use hongyan::transports::listener::Listener;
use hongyan::transports::sockjs::Endpoint;
use hongyan::transports::sockjs::Handler;
use hongyan::transports::sockjs::Head;
use hongyan::transports::sockjs::Key;
use hongyan::transports::sockjs::Options;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

const CONNECTIONS_MAX: usize = 10_000;

#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 picks one
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
}

/// What a service says.
#[derive(Clone, Copy)]
enum Service {
    /// What it hears.
    Echo,
    /// Good-bye, at once.
    Close,
    /// 2^n times "x", when it hears n.
    Amplify,
}

impl Handler for Service {
    type Ticket = ();

    fn knock(&self, _head: &Head) -> Result<Key, Box<Response>> {
        Ok(Key::new())
    }

    async fn admit(&self, _head: &Head) -> Result<(), Box<Response>> {
        Ok(())
    }

    async fn converse<L: Link + 'static>(&self, _ticket: (), mut link: L) {
        if let Self::Close = self {
            return link.close(3000, "Go away!").await;
        }
        while let Ok(Heard::Message(heard)) = link.hear().await {
            let heard = String::from_utf8_lossy(&heard).into_owned();
            let said = match self {
                Self::Amplify => amplified(&heard),
                _ => heard,
            };
            if link.say(said).is_err() || link.flush().await.is_err() {
                return;
            }
        }
    }
}

fn amplified(heard: &str) -> String {
    let power = heard.trim().parse().ok().filter(|n| (1..=18).contains(n));
    "x".repeat(1 << power.unwrap_or(1_u32))
}

/// All services.
pub fn routes() -> BoxedFilter<(Response,)> {
    let options = Options {
        response_bytes_max: 4096,
        ..Options::default()
    };
    let endpoint = |service, options: &Options| Endpoint::new(options.clone(), service).routes();
    let no_websocket = Options {
        websocket: false,
        ..options.clone()
    };
    let cookie_needed = Options {
        cookie_needed: true,
        ..options.clone()
    };
    let echo = warp::path!("echo" / ..).and(endpoint(Service::Echo, &options));
    let disabled = warp::path!("disabled_websocket_echo" / ..);
    let disabled = disabled.and(endpoint(Service::Echo, &no_websocket));
    let cookie = warp::path!("cookie_needed_echo" / ..);
    let cookie = cookie.and(endpoint(Service::Echo, &cookie_needed));
    let close = warp::path!("close" / ..).and(endpoint(Service::Close, &options));
    let amplify = warp::path!("amplify" / ..).and(endpoint(Service::Amplify, &options));
    let echoes = echo.or(disabled).unify().or(cookie).unify();
    echoes.or(close).unify().or(amplify).unify().boxed()
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // It stops when it is killed.
    let (_stop, stopping) = watch::channel(false);
    let address = Arguments::parse().listen;
    let listener = Listener::bind(address, None, places, stopping.clone()).await?;
    println!("listening on http://{}", listener.address()?);
    http::serve(listener, Base::default(), routes(), stopping).await;
    Ok(())
}
