//! From what the broker tells to STOMP frames. The JSON bodies are those of seed 003.

use std::borrow::Cow;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::FrameWriter;
use hongyan_grammar::stomp::Version;
use serde::Serialize;

use crate::broker::delivery::Delivery;
use crate::broker::delivery::Receipt;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::Recipient;
use crate::broker::payload::Post;
use crate::broker::queued::Handout;
use crate::broker::refusal::status;
use crate::gateways::Act;
use crate::gateways::json::MessageJson;
use crate::gateways::json::wire_uid;
use crate::gateways::stomp::destination::QUEUE;
use crate::gateways::stomp::destination::TOPIC;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::shared::Wire;
use crate::gateways::stomp::shared::sized;
use crate::gateways::stomp::subscriptions::Subscription;

/// The `server` header: no space, because some clients can't read one.
const SERVER: &str = concat!("hongyan/", env!("CARGO_PKG_VERSION"));

const JSON: &str = "application/json;charset=UTF-8";

/// What a 200 says beside 成功: the seed's own face.
pub(super) const CONTENT_OK: &str = "(=ↀωↀ=)";

#[derive(Serialize)]
struct StatusJson<'a> {
    #[serde(rename = "msgID")]
    msg_id: &'a str,
    code: u16,
    status: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct TroubleJson<'a> {
    code: u16,
    status: &'static str,
    content: &'a str,
    destination: &'a str,
}

#[derive(Serialize)]
struct ReceiptJson<'a> {
    #[serde(rename = "msgID")]
    msg_id: String,
    state: &'a str,
    #[serde(rename = "reciverId")]
    reciver_id: u64,
    time: u64,
}

/// A body, made once for all subscriptions that get it.
pub(super) fn status_body(msg_id: &str, code: u16, content: &str) -> Vec<u8> {
    json(&StatusJson {
        msg_id,
        code,
        status: status(code),
        content,
    })
}

/// The body of an error that belongs to no message.
pub(super) fn trouble_body(code: u16, content: &str, destination: &str) -> Vec<u8> {
    json(&TroubleJson {
        code,
        status: status(code),
        content,
        destination,
    })
}

/// The body of a message. To a group it is the same for all members, and made once.
pub(super) fn message_body(message: &Message) -> Cow<'_, [u8]> {
    let make = || json(&MessageJson::from(message));
    match message.to {
        Recipient::User(_) => Cow::Owned(make()),
        Recipient::Group(_) => Cow::Borrowed(message.encoded.get(make)),
    }
}

/// The body of a delivery notice.
pub(super) fn receipt_body(receipt: &Receipt) -> Vec<u8> {
    json(&ReceiptJson {
        msg_id: receipt.msg_id.to_string(),
        state: Delivery::Received.as_str(),
        reciver_id: wire_uid(receipt.receiver),
        time: receipt.time_ms,
    })
}

/// JSON made here.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    // Strings and numbers always can be written; an empty body would be the honest rest.
    serde_json::to_vec(value).unwrap_or_default()
}

/// MESSAGE to one subscription: push number `push` of the session.
pub(super) fn message(
    version: Version,
    subscription: &mut Subscription,
    push: u64,
    id: Option<MessageId>,
    body: &[u8],
) -> String {
    let message_id = subscription.message_id(push, id);
    frame(Command::Message, version, Some(body), |frame| {
        let frame = frame
            .header("destination", &subscription.destination)
            .header("content-type", JSON)
            .header("message-id", &message_id);
        let frame = match &subscription.id {
            Some(id) => frame.header("subscription", id),
            None => frame,
        };
        match subscription.asks_for_acks() {
            true => frame.header("ack", &message_id),
            false => frame,
        }
    })
}

/// MESSAGE of a topic. `destination` is the very string subscribed, because clients find the subscription by it; where that
/// is a pattern, the topic itself stands in `topic`.
pub(super) fn post(wire: Wire, subscription: &mut Subscription, push: u64, post: &Post) -> Act {
    let message_id = subscription.message_id(push, None);
    let destination = &*subscription.destination;
    let topic = match destination.strip_prefix(TOPIC) {
        Some(topic) if topic == post.topic.as_str() => Cow::Borrowed(destination),
        _ => Cow::Owned([TOPIC, post.topic.as_str()].concat()),
    };
    let own = [
        ("destination", destination),
        ("message-id", &message_id),
        ("topic", &topic),
        optional("subscription", subscription.id.as_deref()),
        optional("ack", subscription.asks_for_acks().then_some(&message_id)),
    ];
    wire.message(&own, &post.payload)
}

/// MESSAGE of a queue.
pub(super) fn handout(
    wire: Wire,
    subscription: &Subscription,
    push: u64,
    handout: &Handout,
) -> Act {
    let message = &handout.message;
    let message_id = subscription.handout_id(push, handout.tag);
    let buried = message.buried.as_ref();
    let origin = buried.map(|buried| [QUEUE, buried.from.as_str()].concat());
    let since = buried.map(|buried| buried.time_ms.to_string());
    let own = [
        ("destination", &*subscription.destination),
        ("message-id", &message_id),
        optional("subscription", subscription.id.as_deref()),
        optional("ack", subscription.asks_for_acks().then_some(&message_id)),
        optional("redelivered", handout.again.then_some("true")),
        optional("original-destination", origin.as_deref()),
        optional("dead-since", since.as_deref()),
    ];
    wire.message(&own, &message.payload)
}

/// A header that is left out where it has no value.
fn optional<'a>(name: &'a str, value: Option<&'a str>) -> (&'a str, &'a str) {
    value.map_or(("", ""), |value| (name, value))
}

/// CONNECTED.
pub(super) fn connected(version: Version, session: &str, beats: (u64, u64)) -> String {
    let beats = format!("{},{}", beats.0, beats.1);
    frame(Command::Connected, version, None, |frame| {
        frame
            .header("version", version.as_str())
            .header("heart-beat", &beats)
            .header("session", session)
            .header("server", SERVER)
    })
}

/// RECEIPT.
pub(super) fn receipt(version: Version, id: &str) -> String {
    frame(Command::Receipt, version, None, |frame| {
        frame.header("receipt-id", id)
    })
}

/// ERROR, about a frame that asked for `receipt` or about none.
pub(super) fn error(version: Version, fault: &Fault, receipt: Option<&str>) -> String {
    let sentence = fault.sentence.as_bytes();
    frame(Command::Error, version, Some(sentence), |frame| {
        let frame = frame
            .header("message", fault.word)
            .header("content-type", "text/plain;charset=UTF-8");
        let frame = match fault.word {
            "unsupported-version" => frame.header("version", "1.0,1.1,1.2"),
            _ => frame,
        };
        match receipt {
            Some(id) => frame.header("receipt-id", id),
            None => frame,
        }
    })
}

fn frame(
    command: Command,
    version: Version,
    body: Option<&[u8]>,
    fill: impl for<'b> FnOnce(FrameWriter<'b>) -> FrameWriter<'b>,
) -> String {
    sized(|bytes| {
        let frame = fill(FrameWriter::begin(bytes, command, version));
        match body {
            Some(body) => frame.body(body).end(),
            None => frame.end(),
        }
        // Everything said here was made of strings, so it is UTF-8; the loss is for the compiler.
        String::from_utf8_lossy(bytes).into_owned()
    })
}
