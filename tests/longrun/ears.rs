//! What a voice hears, of whatever tongue.

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Unit;
use serde_json::Value;

use crate::kind::Kind;
use crate::support::client;
use crate::tongue::Heard;
use crate::tongue::Voice;
use crate::words::Words;

impl Voice {
    pub(super) fn read(&mut self, text: &str) {
        if let Some(decoder) = &mut self.decoder {
            decoder.feed(text.as_bytes());
            while let Some(unit) = decoder.next().expect("a frame that reads") {
                if let Unit::Frame(frame) = unit {
                    self.ahead.push_back(stomp_heard(&self.words, &frame));
                }
            }
            return;
        }
        match self.kind {
            Kind::Packets => {
                let heard = self.packet_heard(text);
                self.ahead.push_back(heard);
            }
            _ => self.engine_heard(text),
        }
    }

    fn packet_heard(&self, text: &str) -> Heard {
        let packet: Value = serde_json::from_str(text).expect("JSON");
        let id = || packet["id"].to_string();
        match packet["type"].as_str().expect("a type") {
            "t" => {
                let content = packet["msg"].as_str().expect("a text");
                let number = self.words.numbers(content).next();
                Heard::Pushed(number.expect("one of ours"), None, false)
            }
            "A" => Heard::Sent(id(), 200),
            "E" => Heard::Refused,
            _ => Heard::Other,
        }
    }

    fn engine_heard(&mut self, text: &str) {
        let numbers: Vec<u64> = self.words.numbers(text).collect();
        let own = format!(r#""from":{},"#, self.uid);
        let heard = if let Some(answer) = text.strip_prefix("43") {
            let (id, answer) = answer.split_once('[').expect("an acknowledgement");
            match answer.contains(r#""statusCode":201"#) {
                true => Heard::Sent(id.to_owned(), 200),
                false => Heard::Refused,
            }
        } else if text.contains(r#"["news",{"info":"error""#) || text.contains("refused") {
            Heard::Refused
        } else if text.contains("shistory") || numbers.is_empty() {
            match text.contains(r#""code":4"#) || text.contains(r#"\"code\":4"#) {
                true => Heard::Refused,
                false => Heard::Other,
            }
        } else if text.contains(r#"["saoff""#) {
            let waited = numbers.iter().map(|n| Heard::Pushed(*n, None, true));
            return self.ahead.extend(waited);
        } else if matches!(self.kind, Kind::Rooms(_)) && text.contains(&own) {
            Heard::Sent(numbers[0].to_string(), 200)
        } else {
            assert_eq!(numbers.len(), 1, "{text}");
            Heard::Pushed(numbers[0], None, false)
        };
        self.ahead.push_back(heard);
    }
}

fn stomp_heard(words: &Words, frame: &Frame) -> Heard {
    let header = |name: &str| frame.headers.get(name).unwrap_or_default().to_owned();
    match frame.command {
        Command::Receipt => return Heard::Receipt(header("receipt-id")),
        Command::Message => {}
        _ => panic!("{frame:?}"),
    }
    let destination = header("destination");
    let body = || client::json(frame);
    let answer = |body: &Value| {
        let id = body["msgID"].as_str().unwrap_or_default().to_owned();
        let code = body["code"].as_u64().expect("a code") as u16;
        (id, code)
    };
    match destination.as_str() {
        "/user/queue/send/status" => {
            let (id, code) = answer(&body());
            Heard::Sent(id, code)
        }
        "/user/queue/recive/status" => {
            let (id, code) = answer(&body());
            Heard::Confirmed(id, code)
        }
        topic if topic.starts_with("/topic/") => {
            Heard::Post(String::from_utf8_lossy(&frame.body).into_owned())
        }
        queue if queue.starts_with("/queue/") => {
            let text = String::from_utf8_lossy(&frame.body).into_owned();
            Heard::Handed(text, header("ack"))
        }
        "/user/queue/history"
        | "/user/queue/delivery/status"
        | "/user/queue/presence"
        | "/user/queue/friend" => Heard::Other,
        "/user/queue/status" => Heard::Refused,
        _ => {
            let body = body();
            let Some(content) = body["content"].as_str() else {
                return Heard::Other;
            };
            let id = body["chatID"].as_str().map(str::to_owned);
            match words.numbers(content).next() {
                Some(number) => Heard::Pushed(number, id, false),
                None => Heard::Other,
            }
        }
    }
}
