//! The Socket.IO transport alone: each event comes back in its namespace, `ack` as an acknowledgement; `bye` ends the
//! connection; `proof` is answered by `proved` when all that was said before it has reached the client.
//!
//! `cargo run --example socketio_echo -- --listen 127.0.0.1:8082`

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use hongyan::transports::Heard;
use hongyan::transports::Link;
use hongyan::transports::Lost;
use hongyan::transports::http;
use hongyan::transports::listener::Listener;
use hongyan::transports::socketio::Endpoint;
use hongyan::transports::socketio::Handler;
use hongyan::transports::socketio::Head;
use hongyan::transports::socketio::Options;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

const CONNECTIONS_MAX: usize = 10_000;

#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 picks one
    #[arg(long, default_value = "127.0.0.1:8082")]
    listen: SocketAddr,
}

/// Says what it hears.
struct Echo;

impl Handler for Echo {
    type Ticket = ();

    fn knock(&self, _head: &Head) -> Result<(), Box<Response>> {
        Ok(())
    }

    async fn admit(&self, _head: &Head) -> Result<(), Box<Response>> {
        Ok(())
    }

    async fn converse<L: Link + 'static>(&self, _ticket: (), mut link: L) {
        while let Ok(heard) = link.hear().await {
            let said = match heard {
                Heard::Message(message) => {
                    let message: Value = serde_json::from_slice(&message).unwrap_or_default();
                    if message["event"] == "bye" {
                        return link.close(1000, "bye").await;
                    }
                    answer(&mut link, &message)
                }
                Heard::Proved(mark) => link
                    .say(json!({"namespace": "/", "event": "proved", "args": [mark]}).to_string()),
                // There is nobody to tell.
                Heard::Unproved(_) => Ok(()),
            };
            if said.is_err() || link.flush().await.is_err() {
                return;
            }
        }
    }
}

fn answer(link: &mut impl Link, message: &Value) -> Result<(), Lost> {
    let namespace = &message["namespace"];
    if message["connected"] == true {
        let welcome = json!({"namespace": namespace, "event": "welcome", "args": [message["id"]]});
        return link.say(welcome.to_string());
    }
    if let Some(ack) = message["ack"].as_u64() {
        let args = match &message["refused"] {
            Value::Null => message["args"].clone(),
            refused => json!([{ "refused": refused }]),
        };
        return link.say(json!({"ack": ack, "args": args}).to_string());
    }
    match message["event"].as_str() {
        Some("proof") => link.probe(message["args"][0].as_u64().unwrap_or_default()),
        Some(event) => {
            let echo = json!({"namespace": namespace, "event": event, "args": message["args"]});
            link.say(echo.to_string())
        }
        None => Ok(()),
    }
}

/// The endpoint.
pub fn routes() -> BoxedFilter<(Response,)> {
    let options = Options {
        namespaces: &["/", "/friend", "/group", "/server"],
        ..Options::default()
    };
    warp::path!("socket.io" / ..)
        .and(Endpoint::new(options, Echo).routes())
        .boxed()
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // It stops when it is killed.
    let (_stop, stopping) = watch::channel(false);
    let address = Arguments::parse().listen;
    let listener = Listener::bind(address, None, places, stopping.clone()).await?;
    println!("listening on http://{}", listener.address()?);
    http::serve(listener, http::Base::default(), routes(), stopping).await;
    Ok(())
}
