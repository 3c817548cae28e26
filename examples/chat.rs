//! A chat in a terminal, with tokio-tungstenite and the grammar of this house: every line typed goes to PEER.
//!
//! `cargo run --example chat -- NAME PASSWORD PEER`

use std::error::Error;
use std::time::UNIX_EPOCH;

use futures_util::SinkExt;
use futures_util::StreamExt;
use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;
use serde_json::Value;
use serde_json::json;
use sha1::Digest;
use sha1::Sha1;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

type Done<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Done<()> {
    let url = std::env::var("HONGYAN_URL").unwrap_or("http://127.0.0.1:8080".to_owned());
    let (_, address) = url.split_once("://").ok_or("HONGYAN_URL is no URL")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, password, peer] = &arguments[..] else {
        return Err("chat NAME PASSWORD PEER".into());
    };
    let account = json!({ "name": name, "password": password }).to_string();
    // Makes the account, unless the name is taken.
    rest(address, "POST /api/users", "", &account).await?;
    let login = rest(address, "POST /api/login", "", &account).await?;
    let token = login["token"].as_str().ok_or("wrong name or password")?;

    let stream = TcpStream::connect(address).await?;
    let place = format!("ws://{address}/client?srect={token}");
    let mut talk = Talk {
        socket: client_async(place, stream).await?.0,
        decoder: Decoder::new(Side::Client, Limits::after(1 << 20)),
    };
    talk.say(Frame::new(Command::Connect).header("accept-version", "1.2"))
        .await?;
    talk.hear().await?.ok_or("closed before CONNECTED")?;
    talk.decoder.set_version(Version::V1_2);
    for destination in ["/user/queue/send/status", &format!("/user/{name}/recive")] {
        let subscribe = Frame::new(Command::Subscribe).header("id", destination);
        talk.say(subscribe.header("destination", destination))
            .await?;
    }
    // Push what came while I was away.
    talk.send("/socket/chat/init", "").await?;

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut typing = true;
    loop {
        tokio::select! {
            frame = talk.hear() => match frame? {
                Some(frame) => talk.show(&frame).await?,
                None => return Ok(()),
            },
            line = lines.next_line(), if typing => match line? {
                Some(content) => {
                    let peer: String = peer.bytes().map(|byte| format!("%{byte:02X}")).collect();
                    let peer = rest(address, &format!("GET /api/users/{peer}"), token, "").await?;
                    let Some(uid) = peer["uid"].as_u64() else {
                        println!("{}", peer["content"].as_str().unwrap_or_default());
                        continue;
                    };
                    let now_ms = UNIX_EPOCH.elapsed()?.as_millis();
                    let sha1 = Sha1::digest(format!("{content}{now_ms}"));
                    let msg_id: String = sha1.iter().map(|byte| format!("{byte:02x}")).collect();
                    let body = json!({ "msgID": msg_id, "reciverId": uid, "content": content });
                    talk.send("/socket/chat/send", &body.to_string()).await?;
                }
                None => {
                    typing = false;
                    talk.say(Frame::new(Command::Disconnect).header("receipt", "bye")).await?;
                }
            },
        }
    }
}

/// A STOMP connection.
struct Talk {
    socket: WebSocketStream<TcpStream>,
    decoder: Decoder,
}

impl Talk {
    async fn say(&mut self, frame: Frame) -> Done<()> {
        let mut wire = Vec::new();
        stomp::write(&frame, Version::V1_2, &mut wire);
        let message = Message::text(String::from_utf8(wire)?);
        Ok(self.socket.send(message).await?)
    }

    async fn send(&mut self, destination: &str, body: &str) -> Done<()> {
        let frame = Frame::new(Command::Send).header("destination", destination);
        self.say(frame.body(body)).await
    }

    /// The next frame; `None` at the end.
    async fn hear(&mut self) -> Done<Option<Frame>> {
        loop {
            if let Some(Unit::Frame(frame)) = self.decoder.next()? {
                return Ok(Some(frame));
            }
            match self.socket.next().await {
                Some(message @ Ok(Message::Text(_) | Message::Binary(_))) => {
                    self.decoder.feed(&message?.into_data());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Ok(None),
            }
        }
    }

    async fn show(&mut self, frame: &Frame) -> Done<()> {
        if frame.command == Command::Error {
            return Err(String::from_utf8_lossy(&frame.body).into());
        }
        if frame.command != Command::Message {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&frame.body)?;
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        if frame.headers.get("destination") == Some("/user/queue/send/status") {
            println!("{} {} {}", body["code"], text("status"), text("content"));
            return Ok(());
        }
        println!("{}: {}", text("sender"), text("content"));
        let arrived = json!({ "msgID": body["chatID"] }).to_string();
        self.send("/socket/chat/recive", &arrived).await
    }
}

/// A REST call: the JSON of its answer. A program that has an HTTP client uses that.
async fn rest(address: &str, call: &str, token: &str, body: &str) -> Done<Value> {
    let length = body.len();
    let request = format!(
        "{call} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    Ok(serde_json::from_str(body)?)
}
