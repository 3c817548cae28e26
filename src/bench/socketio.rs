//! Socket.IO in words of STOMP, so that one load serves both: an event is a MESSAGE, an acknowledgement a RECEIPT. The events are
//! those of seed 001, over Engine.IO 4 on a WebSocket.

use std::borrow::Cow;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use http::Uri;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::line::Line;
use crate::bench::line::unexpected;
use crate::bench::people::Person;

/// What enters the namespace `/`.
pub(super) const ENTER: &str = "40";
/// What answers Engine.IO's ping.
pub(super) const PONG: &str = "3";

/// What a packet of Engine.IO is to the load.
pub(super) enum Packet {
    /// CONNECTED, MESSAGE or RECEIPT.
    Frame(Frame),
    /// To be answered at once.
    Ping,
}

/// Reads a packet. Errors: one that ends the connection, or that no server should send.
pub(super) fn read(packet: &str) -> Result<Packet, Failed> {
    let strange = || failed("a packet of Socket.IO", packet);
    let frame = match (packet.get(..2), packet.as_bytes().first()) {
        (_, Some(b'2')) => return Ok(Packet::Ping),
        (_, Some(b'0')) | (Some("40"), _) => Frame::new(Command::Connected),
        (Some("42"), _) => Frame::new(Command::Message).body(&packet[2..]),
        (Some("43"), _) => {
            let body = packet.find('[').ok_or_else(strange)?;
            Frame::new(Command::Receipt)
                .header("receipt-id", &packet[2..body])
                .body(&packet[body..])
        }
        _ => return Err(strange()),
    };
    Ok(Packet::Frame(frame))
}

/// Where `url` speaks Engine.IO 4 over a WebSocket from the beginning.
pub(super) fn over_websocket(url: &Uri) -> Result<Uri, Failed> {
    let url = format!("{url}?EIO=4&transport=websocket").parse();
    url.map_err(|why| failed("--url", why))
}

/// Logs `person` in. Gives the session token.
pub(super) async fn log_in(line: &mut Line, person: &Person) -> Result<String, Failed> {
    let fields = json!({ "userId": person.uid, "token": person.token });
    let event = format!("420{}", json!(["logIn", fields]));
    line.queue(event.as_bytes()).await?;
    line.flush().await?;
    // What the server tells of itself meanwhile is passed over.
    let mut answer = line.next().await?;
    while answer.command != Command::Receipt {
        answer = line.next().await?;
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match told[0]["sessionToken"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => Err(unexpected("a session token", &answer)),
    }
}

/// The event with message `number`.
pub(super) fn direct(number: u64, session_token: &str, to: u64, content: &str) -> Vec<u8> {
    format!(
        r#"42{number}["message/direct",{{"sessionToken":"{session_token}","targetIds":[{to}],"type":"text","textContent":"{content}"}}]"#
    )
    .into_bytes()
}

/// Whether `frame` acknowledges message `number` with 201.
pub(super) fn is_yes(frame: &Frame, number: u64) -> bool {
    #[derive(Deserialize)]
    struct Status {
        #[serde(rename = "statusCode")]
        status_code: u16,
    }
    let status: Result<[Status; 1], _> = serde_json::from_slice(&frame.body);
    let receipt = frame.headers.get("receipt-id");
    receipt == Some(&number.to_string()) && status.is_ok_and(|[it]| it.status_code == 201)
}

/// The content of the message that `frame` pushes.
pub(super) fn pushed(frame: &Frame) -> Result<Cow<'_, str>, Failed> {
    #[derive(Deserialize)]
    struct Direct<'a> {
        #[serde(borrow, rename = "textContent")]
        text_content: Cow<'a, str>,
    }
    let push: Result<(Cow<'_, str>, Direct<'_>), _> = serde_json::from_slice(&frame.body);
    match push {
        Ok((name, direct)) if name == "message/direct" => Ok(direct.text_content),
        _ => Err(unexpected("message/direct", frame)),
    }
}

#[cfg(test)]
mod tests {
    use hongyan_grammar::stomp::Command;
    use hongyan_grammar::stomp::Frame;

    use super::Packet;
    use super::is_yes;
    use super::pushed;
    use super::read;

    fn frame(packet: &str) -> Frame {
        match read(packet) {
            Ok(Packet::Frame(frame)) => frame,
            _ => panic!("no frame: {packet}"),
        }
    }

    #[test]
    fn packets_are_read_as_frames() {
        assert!(matches!(read("2"), Ok(Packet::Ping)));
        assert_eq!(frame(r#"0{"sid":"a"}"#).command, Command::Connected);
        assert_eq!(frame(r#"40{"sid":"a"}"#).command, Command::Connected);
        let push = frame(r#"42["message/direct",{"from":1,"textContent":"7 x"}]"#);
        assert_eq!(pushed(&push).expect("a push"), "7 x");
        assert!(pushed(&frame(r#"42["news",{"textContent":"7 x"}]"#)).is_err());
        let yes = frame(r#"4312[{"statusCode":201,"body":{}}]"#);
        assert!(is_yes(&yes, 12) && !is_yes(&yes, 1));
        assert!(!is_yes(&frame(r#"4312[{"statusCode":404,"body":{}}]"#), 12));
        for end in ["41", "44{}", "1", "", "437"] {
            assert!(read(end).is_err(), "{end:?}");
        }
    }
}
