//! The packets of seed 004, in `frames/packets/`.

use std::fs;
use std::path::Path;

use hongyan_grammar::packet::{ClientPacket, Content, Id, Message, Refused, Request, ServerPacket};
use serde_json::{Value, json};

use crate::partner::{field, list, object};
use crate::{folder, partner_of, stems};

#[test]
fn what_clients_say_reads_as_its_partner_says_and_is_written_back() {
    let folders = ["packets/client", "packets/also-accepted", "packets/refused"];
    for stem in folders.iter().flat_map(|folder| stems(folder)) {
        let wire = wire(&stem);
        let read = ClientPacket::read(&wire);
        check(&stem, read.as_ref().map(client_fields));
        if let Ok(packet) = read {
            written_back(&stem, &packet.write());
        }
    }
}

#[test]
fn what_a_server_says_reads_as_its_partner_says_and_is_written_back() {
    for stem in stems("packets/server") {
        let read = ServerPacket::read(&wire(&stem));
        check(&stem, read.as_ref().map(server_fields));
        written_back(&stem, &read.expect("a packet").write());
    }
}

#[test]
fn the_corpus_has_every_type_of_both_sides() {
    for (side, types) in [("client", "PTSOHti"), ("server", "LPOHAECtis")] {
        let all: Vec<Value> = stems(&format!("packets/{side}"))
            .map(|stem| serde_json::from_str(&wire(&stem)).expect("JSON"))
            .collect();
        for one in types.chars() {
            let there = all.iter().any(|packet| packet["type"] == one.to_string());
            assert!(there, "no {one} of a {side}");
        }
    }
}

/// The text of a wire file, which ends without a line end.
fn wire(stem: &Path) -> String {
    fs::read_to_string(stem.with_extension("wire")).expect("a wire file")
}

/// Compares with the partner what was read, or writes the partner anew.
fn check(stem: &Path, read: Result<Vec<String>, &Refused>) {
    let old = partner_of(stem).unwrap_or_else(|| json!({"note": "?"}));
    let note = field("note", &old["note"]);
    let refused = read.is_err();
    let lines = match read {
        Ok(fields) => [vec![note], fields].concat(),
        Err(Refused { id, refusal }) => vec![
            note,
            id_field(id.as_ref()),
            field("kind", &json!(format!("{:?}", refusal.kind))),
            field("offset", &json!(refusal.offset)),
            field("sentence", &json!(refusal.sentence)),
        ],
    };
    let text = format!("{}\n", object(&lines));
    if std::env::var_os("BLESS").is_some() {
        let extension = if refused { "refusal" } else { "json" };
        fs::write(stem.with_extension(extension), &text).expect("a partner");
    }
    let read: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(Some(read), partner_of(stem), "{}", stem.display());
    assert_eq!(refused, folder(stem) == "refused", "{}", stem.display());
}

fn written_back(stem: &Path, written: &str) {
    let canonical = fs::read_to_string(stem.with_extension("canonical.wire"));
    let has_canonical = canonical.is_ok();
    let expected = canonical.unwrap_or_else(|_| wire(stem));
    assert_eq!(written, expected, "{}", stem.display());
    assert_eq!(
        has_canonical,
        folder(stem) == "also-accepted",
        "{}",
        stem.display()
    );
}

/// The id as it is written: what a JSON reader would make of a number is not the point.
fn id_field(id: Option<&Id>) -> String {
    field("id", &json!(id.map(Id::as_json)))
}

fn client_fields(packet: &ClientPacket) -> Vec<String> {
    let (kind, says) = match &packet.request {
        Request::Ping => ("P", vec![]),
        Request::Online(uid) => ("O", vec![("uid", json!(uid))]),
        Request::History(time_ms) => ("H", vec![("time", json!(time_ms))]),
        Request::TakeOrder(order) => ("T", vec![("order", json!(order))]),
        Request::Site {
            longitude,
            latitude,
        } => {
            let place = vec![
                ("longitude", json!(longitude)),
                ("latitude", json!(latitude)),
            ];
            ("S", place)
        }
        Request::Text { to, text } => ("t", vec![("to", json!(to)), ("text", json!(text))]),
        Request::Image { to, image } => ("i", vec![("to", json!(to)), ("image", json!(image))]),
    };
    fields(Some(&packet.id), kind, &says)
}

fn server_fields(packet: &ServerPacket) -> Vec<String> {
    match packet {
        ServerPacket::Login { id } => fields(Some(id), "L", &[]),
        ServerPacket::Pong { id } => fields(Some(id), "P", &[]),
        ServerPacket::Online { id, uid, online } => {
            let says = [("uid", json!(uid)), ("online", json!(online))];
            fields(Some(id), "O", &says)
        }
        ServerPacket::History { id, packets, more } => {
            let packets: Vec<String> = packets
                .iter()
                .map(|one| object(&message_fields(one)))
                .collect();
            let packets = format!("\"packets\": {}", list(&packets));
            let mut lines = fields(Some(id), "H", &[("more", json!(more))]);
            lines.push(packets);
            lines
        }
        ServerPacket::Done { id, customer } => {
            fields(Some(id), "A", &[("customer", json!(customer))])
        }
        ServerPacket::Error { id, reason } => {
            fields(id.as_ref(), "E", &[("reason", json!(reason))])
        }
        ServerPacket::Close { id, reason } => fields(Some(id), "C", &[("reason", json!(reason))]),
        ServerPacket::Message(message) => message_fields(message),
    }
}

fn message_fields(message: &Message) -> Vec<String> {
    let (kind, says) = match &message.content {
        Content::Text(text) => ("t", ("text", json!(text))),
        Content::Image(image) => ("i", ("image", json!(image))),
        Content::System(msg) => ("s", ("msg", msg.clone())),
    };
    let optional = [
        ("to", message.to),
        ("group", message.group),
        ("time", message.time_ms),
    ];
    let mut all = vec![("from", json!(message.from)), says];
    all.extend(
        optional
            .into_iter()
            .filter_map(|(name, number)| Some((name, json!(number?)))),
    );
    fields(Some(&message.id), kind, &all)
}

fn fields(id: Option<&Id>, kind: &str, says: &[(&str, Value)]) -> Vec<String> {
    let mut lines = vec![id_field(id), field("type", &json!(kind))];
    lines.extend(says.iter().map(|(name, value)| field(name, value)));
    lines
}
