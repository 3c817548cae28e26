//! JSON from clients: packets there and back, and what several gateways read alike.

use hongyan::broker::message::MsgId;
use hongyan::gateways::envelope::Envelope;
use hongyan::gateways::json;
use hongyan::gateways::url;
use hongyan_grammar::json::DEPTH_MAX;
use hongyan_grammar::json::depth;
use hongyan_grammar::packet::ClientPacket;
use hongyan_grammar::packet::Id;
use hongyan_grammar::packet::Refused;
use hongyan_grammar::packet::Request;
use hongyan_grammar::packet::ServerPacket;
use hongyan_grammar::packet::TEXT_CHARS_MAX;
use serde_json::Value;
use serde_json::value::RawValue;

/// What is read is within its bounds, and is written as what reads the same.
pub fn json_texts(data: &[u8]) {
    deep_no_deeper_than_allowed(data);
    bodies(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    of_clients(text);
    of_servers(text);
    ids(text);
    urls(text);
    if let Some(id) = MsgId::parse(text) {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
}

fn deep_no_deeper_than_allowed(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let deep = deep(&value);
    // Of two fields of one name the value keeps but one.
    assert!(depth(data) >= deep);
    assert_eq!(json::read::<Value>(data).is_ok(), depth(data) <= DEPTH_MAX);
    let written = value.to_string();
    assert_eq!(depth(written.as_bytes()), deep, "{written}");
}

fn deep(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(deep).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(deep).max().unwrap_or_default(),
        _ => 0,
    }
}

fn bodies(data: &[u8]) {
    let told = |why: String| {
        assert!((1..400).contains(&why.chars().count()), "{why}");
    };
    if let Ok(json::UidJson(uid)) = json::read::<json::UidJson>(data) {
        let number = json::wire_uid(uid).to_string();
        let again = json::read::<json::UidJson>(number.as_bytes());
        assert_eq!(again.map(|again| again.0), Ok(uid));
    }
    if let Ok(json::UsersJson(users)) = json::read::<json::UsersJson>(data) {
        assert!(users.len() <= json::LISTED_MAX);
    }
    let _ = json::read::<json::UserJson>(data).map_err(told);
    let _ = json::read::<json::OtherJson>(data).map_err(told);
    let _ = json::read::<json::GidJson>(data).map_err(told);
    let _ = json::read::<json::NumberJson>(data).map_err(told);
    let _ = json::read_object::<json::GroupFields>(data).map_err(told);
    if let Ok(envelope) = json::read_object::<Envelope>(data) {
        let written = envelope.write().unwrap_or_else(|| "{}".to_owned());
        let again: Envelope = serde_json::from_str(&written).expect("what is written reads");
        assert_eq!(again.write(), envelope.write());
        let id = |envelope: &Envelope| envelope.id.as_deref().map(RawValue::get).map(str::to_owned);
        assert_eq!(id(&again), id(&envelope));
    }
}

fn of_clients(text: &str) {
    match ClientPacket::read(text) {
        Ok(packet) => {
            if let Request::Text { text, .. } = &packet.request {
                assert!(text.chars().count() <= TEXT_CHARS_MAX);
            }
            let written = packet.write();
            assert!(!written.contains('\n'), "{written}");
            assert_eq!(ClientPacket::read(&written), Ok(packet), "{written}");
        }
        Err(refused) => is_told(text, &refused),
    }
}

fn of_servers(text: &str) {
    match ServerPacket::read(text) {
        Ok(packet) => {
            let written = packet.write();
            let again = ServerPacket::read(&written).expect("what is written reads");
            // Fractions of what the system says may lose their last digit when they are read.
            assert!(
                again.write().len().abs_diff(written.len()) <= 32,
                "{written}"
            );
            if !written.contains(['.', 'e']) {
                assert_eq!(again, packet, "{written}");
            }
        }
        Err(refused) => is_told(text, &refused),
    }
}

fn is_told(text: &str, Refused { id, refusal }: &Refused) {
    assert!(refusal.offset <= text.len(), "{refusal:?}");
    let one_line = !refusal.sentence.contains(char::is_control);
    assert!(one_line && refusal.sentence.len() < 400, "{refusal:?}");
    if let Some(id) = id {
        assert!(text.contains(id.as_json()), "{id:?} is not what was sent");
    }
}

fn ids(text: &str) {
    if let Some(id) = Id::from_json(text) {
        assert_eq!(Id::from_json(id.as_json()), Some(id.clone()));
        assert!((1..=130).contains(&id.as_json().len()), "{id:?}");
        assert!(!id.text().is_empty());
        let value: Value = serde_json::from_str(id.as_json()).expect("an id is JSON");
        assert!(value.is_string() || value.is_number());
    }
    if let Some(id) = Id::from_text(text) {
        assert_eq!(id.text(), text);
    }
}

fn urls(text: &str) {
    let Some(plain) = url::decode(text) else {
        return;
    };
    let encoded: String = plain.bytes().map(|octet| format!("%{octet:02X}")).collect();
    assert_eq!(url::decode(&encoded).as_ref(), Some(&plain));
    let query = url::Query::parse(&format!("a={encoded}&a=2"));
    assert_eq!(
        query.as_ref().and_then(|query| query.get("a")),
        Some(&*plain)
    );
    let _ = url::Query::parse(text);
}
