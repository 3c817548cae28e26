//! What a session hears, in whatever is spoken.

use Kind::*;
use hongyan_grammar::sockjs;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Unit;
use serde_json::Value;

use crate::lifecycle::line::Line;
use crate::lifecycle::session::Kind;
use crate::lifecycle::session::Said;
use crate::lifecycle::session::Session;
use crate::lifecycle::session::number_in;
use crate::support::client;
use crate::support::client::confirm;

impl Session {
    pub(super) async fn sock_js(&mut self, text: &str) {
        let text = text.trim_end();
        if let Some(messages) = text.strip_prefix('a') {
            let messages = sockjs::Reader::default().read(messages);
            for message in messages.expect("an array") {
                self.stomp(message.as_bytes()).await;
            }
        } else if text.starts_with('c') {
            assert_eq!(text, r#"c[1001,"broker-stopping"]"#);
            self.sock_js_over = true;
            self.farewell.closed = self.kind == SockJsPolling;
        } else if text == "o" {
            self.heard.push_back(Said::Other(text.to_owned()));
        }
    }

    pub(super) async fn stomp(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
        while let Some(unit) = self.decoder.next().expect("STOMP") {
            let Unit::Frame(frame) = unit else { continue };
            let header = |name| frame.headers.get(name).unwrap_or_default().to_owned();
            match frame.command {
                Command::Error => {
                    assert_eq!(header("message"), "broker-stopping", "{frame:?}");
                    self.farewell.told = true;
                }
                Command::Message => {
                    let body = client::json(&frame);
                    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                    match header("subscription").as_str() {
                        "/user/queue/send/status" => {
                            assert_eq!(body["code"], 200, "{body}");
                            let number = self.waiting.remove(&text("msgID"));
                            self.heard
                                .push_back(Said::Kept(number.expect("one of ours")));
                        }
                        "/user/queue/recive/status" => {
                            assert_eq!(body["code"], 200, "{body}");
                            // It may come twice before that, and is confirmed twice then.
                            let content = self.confirming.get(&text("msgID")).cloned();
                            let content = content.expect("one of ours");
                            self.heard.push_back(Said::Confirmed(content));
                        }
                        _ => {
                            self.heard.push_back(Said::Message(text("content")));
                            self.confirming.insert(text("chatID"), text("content"));
                            let confirmation = confirm(&text("chatID"));
                            self.frame(&confirmation).await;
                        }
                    }
                }
                Command::Receipt => {
                    let receipt = format!("RECEIPT {}", header("receipt-id"));
                    self.heard.push_back(Said::Other(receipt));
                }
                command => self
                    .heard
                    .push_back(Said::Other(command.as_str().to_owned())),
            }
        }
    }

    pub(super) fn packet(&mut self, text: &str) {
        let packet: Value = serde_json::from_str(text).expect("JSON");
        let msg = packet["msg"].as_str().unwrap_or_default().to_owned();
        self.heard.push_back(match packet["type"].as_str() {
            Some("A") => {
                let id = packet["id"].as_str().expect("an id of ours");
                Said::Kept(number_in(self.uid, id))
            }
            Some("t") => Said::Message(msg),
            Some("C") => {
                assert!(msg.contains("the broker is stopping"), "{text}");
                self.farewell.told = true;
                return;
            }
            Some("L") => Said::Other(msg),
            _ => panic!("an unexpected packet: {text}"),
        });
    }

    pub(super) async fn socket_io(&mut self, text: &str) {
        if text == "2" {
            return self.say("3").await;
        }
        if text == "41" {
            // Socket.IO tells the end in each namespace; upon that a client closes.
            self.farewell.closed = true;
            match &mut self.line {
                Line::Web(socket) => drop(socket.close(None).await),
                _ => self.say("1").await,
            }
            return;
        }
        if text.contains("the broker is stopping") {
            self.farewell.told = true;
            return;
        }
        let said = match text.split_once('[') {
            Some((head, _)) if head.starts_with("43") && head != "430" => {
                let answer: Value = serde_json::from_str(&text[head.len()..]).expect("JSON");
                assert_eq!(answer[0]["statusCode"], 201, "{text}");
                let ticket: u64 = head[2..].parse().expect("a ticket");
                Said::Kept(ticket - 1)
            }
            Some((head, _)) if head.starts_with("42") => {
                let event: Value = serde_json::from_str(&text[head.len()..]).expect("JSON");
                self.event(&event, text)
            }
            _ => Said::Other(text.to_owned()),
        };
        self.heard.push_back(said);
    }

    fn event(&self, event: &Value, text: &str) -> Said {
        let said = &event[1];
        let string = |value: &Value| value.as_str().expect("a text").to_owned();
        match event[0].as_str() {
            Some("sfmsg") if said["from"] == self.uid => {
                Said::Kept(number_in(self.uid, &string(&said["msg"])))
            }
            Some("sfmsg") => Said::Message(string(&said["msg"])),
            Some("message/direct") => Said::Message(string(&said["textContent"])),
            Some("message") => {
                let said: Value = serde_json::from_str(&string(said)).expect("JSON");
                match said["type"].as_u64() {
                    Some(3) => Said::Message(string(&said["data"]["content"])),
                    _ => Said::Other(text.to_owned()),
                }
            }
            _ => Said::Other(text.to_owned()),
        }
    }
}
