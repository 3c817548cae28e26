//! The broker behind the transports: two users chat over each of them.

use std::time::Duration;

use hongyan_grammar::sockjs;
use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;

use crate::sockjs::http::Answer;
use crate::sockjs::http::Connection;
use crate::sockjs::http::ask;
use crate::sockjs::http::post;
use crate::sockjs::http::session;
use crate::support::client::chat;
use crate::support::client::json;
use crate::support::people;
use crate::support::running::Running;

/// How a client receives.
#[derive(Clone, Copy, Debug)]
enum Way {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
}

/// A user's STOMP session over SockJS.
struct Talker {
    address: String,
    session: String,
    query: String,
    way: Way,
    /// The answer that goes on.
    stream: Option<Connection>,
    decoder: Decoder,
}

impl Talker {
    async fn log_in(broker: &Running, uid: u64, way: Way) -> Self {
        let mut talker = Self {
            address: broker.address.clone(),
            session: session("/socketServer"),
            query: format!("srect={}", people::token(uid)),
            way,
            stream: None,
            decoder: Decoder::new(Side::Client, Limits::after(1 << 20)),
        };
        assert_eq!(talker.frame().await, "o");
        talker
            .send(Frame::new(Command::Connect).header("accept-version", "1.2"))
            .await;
        assert_eq!(talker.next().await.command, Command::Connected);
        talker.decoder.set_version(Version::V1_2);
        talker
    }

    async fn send(&self, frame: Frame) {
        let mut wire = Vec::new();
        stomp::write(&frame, Version::V1_2, &mut wire);
        let wire = String::from_utf8(wire).expect("text");
        let array = serde_json::json!([wire]).to_string();
        let send = match self.way {
            Way::Jsonp => "jsonp_send",
            _ => "xhr_send",
        };
        let path = format!("{}/{send}?{}", self.session, self.query);
        let sent = post(&self.address, &path, &array).await;
        assert!([200, 204].contains(&sent.status), "{sent:?}");
    }

    /// The next STOMP frame.
    async fn next(&mut self) -> Frame {
        loop {
            if let Some(Unit::Frame(frame)) = self.decoder.next().expect("STOMP") {
                return frame;
            }
            let frame = self.frame().await;
            let messages = sockjs::Reader::default().read(frame.trim_start_matches('a'));
            for message in messages.expect("an array") {
                self.decoder.feed(message.as_bytes());
            }
        }
    }

    /// The next SockJS frame, out of its envelope.
    async fn frame(&mut self) -> String {
        let (method, transport) = match self.way {
            Way::Xhr => ("POST", "xhr?"),
            Way::XhrStreaming => ("POST", "xhr_streaming?"),
            Way::EventSource => ("GET", "eventsource?"),
            Way::HtmlFile => ("GET", "htmlfile?c=x&"),
            Way::Jsonp => ("GET", "jsonp?c=x&"),
        };
        let line = format!("{method} {}/{transport}{}", self.session, self.query);
        let chunk = match self.way {
            Way::Xhr | Way::Jsonp => {
                let Answer { status, body, .. } = ask(&self.address, &line, "", "").await;
                assert_eq!(status, 200, "{body}");
                body
            }
            _ => {
                if self.stream.is_none() {
                    let mut stream = Connection::open(&self.address).await;
                    assert_eq!(stream.ask(&line, "", b"").await.status, 200);
                    stream.chunk().await;
                    self.stream = Some(stream);
                }
                self.stream.as_mut().expect("a stream").chunk().await
            }
        };
        let text = match self.way {
            Way::Xhr | Way::XhrStreaming => Some(chunk.trim_end()),
            Way::EventSource => chunk.strip_prefix("data: ").map(str::trim_end),
            Way::HtmlFile => chunk
                .strip_prefix("<script>\np(")
                .and_then(|rest| rest.strip_suffix(");\n</script>\r\n")),
            Way::Jsonp => chunk
                .strip_prefix("/**/x(")
                .and_then(|rest| rest.strip_suffix(");\r\n")),
        };
        let text = text.unwrap_or_else(|| panic!("{chunk}"));
        match self.way {
            Way::HtmlFile | Way::Jsonp => serde_json::from_str(text).expect("a string"),
            // As clients do.
            Way::EventSource => text.replace("%25", "%"),
            _ => text.to_owned(),
        }
    }

    async fn subscribe(&mut self, destination: &str) {
        let frame = Frame::new(Command::Subscribe)
            .header("id", destination)
            .header("destination", destination)
            .header("receipt", "subscribed");
        self.send(frame).await;
        assert_eq!(self.next().await.command, Command::Receipt);
    }
}

#[tokio::test]
async fn two_users_chat_over_every_transport() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    for (number, (mine, yours)) in [
        (Way::Xhr, Way::Xhr),
        (Way::XhrStreaming, Way::EventSource),
        (Way::HtmlFile, Way::Jsonp),
    ]
    .into_iter()
    .enumerate()
    {
        let mut me = Talker::log_in(&broker, 1, mine).await;
        let mut you = Talker::log_in(&broker, 2, yours).await;
        me.subscribe("/user/queue/send/status").await;
        you.subscribe("/user/2/recive").await;
        let content = format!("起来聊天 100% </script> {number}");
        let msg_id = people::msg_id(&content);
        me.send(chat(2, &msg_id, &content)).await;
        assert_eq!(json(&me.next().await)["code"], 200, "{mine:?}");
        let message = json(&you.next().await);
        assert_eq!(message["content"], content, "{yours:?}");
        assert_eq!(message["senderId"], 1);
    }
}

#[tokio::test]
async fn a_session_is_its_users_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    let own = Talker::log_in(&broker, 1, Way::Xhr).await;
    for query in ["", "?srect=", &format!("?srect={}", people::token(2))] {
        for transport in ["xhr", "xhr_send", "xhr_streaming"] {
            let path = format!("{}/{transport}{query}", own.session);
            let answer = post(&broker.address, &path, "[\"SEND\\n\\n\\u0000\"]").await;
            assert_eq!(answer.status, 404, "{path}");
        }
    }
    for transport in ["xhr", "xhr_streaming"] {
        let path = format!("{}/{transport}?srect=bad", session("/socketServer"));
        let line = format!("POST {path}");
        let answer = ask(&broker.address, &line, "Origin: http://page\r\n", "").await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.head.get("access-control-allow-origin"),
            "http://page"
        );
    }
}

#[tokio::test]
async fn a_stopping_broker_says_good_bye_to_those_who_poll() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    let mut streaming = Talker::log_in(&broker, 1, Way::XhrStreaming).await;
    let stopped = tokio::task::spawn_blocking(move || broker.terminate());
    assert_eq!(streaming.next().await.command, Command::Error);
    assert!(streaming.frame().await.starts_with("c["));
    let status = tokio::time::timeout(Duration::from_secs(30), stopped).await;
    assert!(status.expect("soon").expect("no panic").success());
}
