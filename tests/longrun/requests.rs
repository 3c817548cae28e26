//! The ways that are made of requests: SockJS without a WebSocket, and polling of Engine.IO.

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use crate::line::CLOSE;
use crate::line::Ends;
use crate::line::LEFT;
use crate::line::LIVES_EVERY;
use crate::line::ask;
use crate::line::http;
use crate::line::request;
use crate::line::unframe;

pub(super) async fn xhr(streaming: bool, ends: Ends, tasks: &mut JoinSet<()>) {
    let Ends {
        address,
        path,
        tell,
        mut said,
        mut paused,
    } = ends;
    let http = http();
    let (path, query) = path.split_once('?').expect("a token");
    let poll = format!("POST {path}/xhr?{query}");
    let listen = match streaming {
        true => format!("POST {path}/xhr_streaming?{query}"),
        false => poll.clone(),
    };
    let send = format!("POST {path}/xhr_send?{query}");
    // Nothing can be sent before the session is there.
    let (status, opened) = ask(&http, &address, &poll, &[], "").await;
    assert_eq!((status, opened.as_str()), (200, "o\n"));
    let (reader, at) = (http.clone(), address.clone());
    tasks.spawn(async move {
        loop {
            let _ = paused.wait_for(|paused| !paused).await;
            let answer = request(&reader, &at, &listen, &[], Bytes::new()).await;
            if answer.status() != 200 {
                return;
            }
            let mut body = answer.into_body();
            let mut frames = Vec::new();
            while let Some(Ok(part)) = body.frame().await {
                frames.extend_from_slice(&part.into_data().expect("bytes"));
                while let Some(end) = frames.iter().position(|byte| *byte == b'\n') {
                    let frame: Vec<u8> = frames.drain(..=end).collect();
                    let frame = String::from_utf8(frame).expect("UTF-8");
                    if !unframe(frame.trim_end(), &tell) {
                        return;
                    }
                }
            }
        }
    });
    tasks.spawn(async move {
        while let Some(first) = said.recv().await {
            let mut texts = vec![first];
            while let Ok(more) = said.try_recv() {
                texts.push(more);
            }
            let body = serde_json::json!(texts).to_string();
            let (status, _) = ask(&http, &address, &send, &[], body).await;
            if status != 204 {
                return;
            }
        }
    });
}

pub(super) async fn polling(engine: u8, ends: Ends, tasks: &mut JoinSet<()>) {
    let Ends {
        address,
        path,
        tell,
        mut said,
        mut paused,
    } = ends;
    let http = http();
    let (status, body) = ask(&http, &address, &format!("GET {path}"), &[], "").await;
    assert_eq!(status, 200, "{body}");
    let mut packets = split(engine, &body).into_iter();
    let open = packets.next().expect("an open packet");
    let open: serde_json::Value = serde_json::from_str(&open[1..]).expect("JSON");
    let sid = open["sid"].as_str().expect("a name");
    let path = format!("{path}&sid={sid}");
    packets.for_each(|packet| {
        let _ = tell.send(packet);
    });
    let (poll, post) = (format!("GET {path}"), format!("POST {path}"));
    let (answer, mut answers) = unbounded_channel();
    let (reader, at) = (http.clone(), address.clone());
    tasks.spawn(async move {
        loop {
            let _ = paused.wait_for(|paused| !paused).await;
            let (status, body) = ask(&reader, &at, &poll, &[], "").await;
            if status != 200 {
                return;
            }
            for packet in split(engine, &body) {
                match packet.as_str() {
                    "1" => return,
                    "2" => {
                        let _ = answer.send("3".to_owned());
                    }
                    "3" | "6" => {}
                    _ => {
                        if packet == LEFT {
                            let _ = answer.send(CLOSE.to_owned());
                        }
                        let _ = tell.send(packet);
                    }
                }
            }
        }
    });
    tasks.spawn(async move {
        let mut lives = tokio::time::interval(LIVES_EVERY);
        lives.tick().await;
        loop {
            let first = tokio::select! {
                text = said.recv() => text,
                text = answers.recv() => text,
                _ = lives.tick(), if engine == 3 => Some("2".to_owned()),
            };
            let Some(first) = first else { return };
            let mut packets = vec![first];
            while packets.len() < 32
                && let Ok(more) = said.try_recv()
            {
                packets.push(more);
            }
            if packets.iter().any(|packet| packet == LEFT) {
                packets.push(CLOSE.to_owned());
            }
            let body = match engine {
                3 => packets
                    .iter()
                    .map(|packet| format!("{}:{packet}", packet.len()))
                    .collect(),
                _ => packets.join("\u{1e}"),
            };
            let (status, _) = ask(&http, &address, &post, &[], body).await;
            if status != 200 {
                return;
            }
        }
    });
}

/// The packets in a body. All of them are ASCII here, so that letters are bytes.
fn split(engine: u8, body: &str) -> Vec<String> {
    if engine == 4 {
        return body.split('\u{1e}').map(str::to_owned).collect();
    }
    let mut packets = Vec::new();
    let mut rest = body;
    while let Some((length, after)) = rest.split_once(':') {
        let length: usize = length.parse().expect("a length");
        packets.push(after[..length].to_owned());
        rest = &after[length..];
    }
    packets
}
