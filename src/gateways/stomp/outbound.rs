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
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::shared::Wire;
use crate::gateways::stomp::shared::said;
use crate::gateways::stomp::shared::text;
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

/// What becomes of a message.
pub(super) fn status_tail(msg_id: &str, code: u16, content: &str) -> String {
    tail(&json(&StatusJson {
        msg_id,
        code,
        status: status(code),
        content,
    }))
}

/// An error that belongs to no message.
pub(super) fn trouble_tail(code: u16, content: &str, destination: &str) -> String {
    tail(&json(&TroubleJson {
        code,
        status: status(code),
        content,
        destination,
    }))
}

/// A message. To a group it is the same for all members, and made once.
pub(super) fn message_tail(message: &Message) -> Cow<'_, str> {
    let make = || tail(&json(&MessageJson::from(message)));
    match message.to {
        Recipient::User(_) => Cow::Owned(make()),
        Recipient::Group(_) => Cow::Borrowed(message.encoded.get(make)),
    }
}

/// A delivery notice.
pub(super) fn receipt_tail(receipt: &Receipt) -> String {
    tail(&json(&ReceiptJson {
        msg_id: receipt.msg_id.to_string(),
        state: Delivery::Received.as_str(),
        reciver_id: wire_uid(receipt.receiver),
        time: receipt.time_ms,
    }))
}

/// JSON made here.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    // Strings and numbers always can be written; an empty body would be the honest rest.
    serde_json::to_vec(value).unwrap_or_default()
}

/// How a MESSAGE of the broker's own JSON ends, whoever gets it: it is spelled alike in all versions.
pub(super) fn tail(json: &[u8]) -> String {
    text(|out| {
        FrameWriter::resume(out, Command::Message, Version::V1_2, &[])
            .header("content-type", JSON)
            .body(json)
            .end();
    })
}

/// MESSAGE to one subscription: push number `push` of the session.
pub(super) fn message(
    version: Version,
    subscription: &mut Subscription,
    push: u64,
    id: Option<MessageId>,
    tail: &str,
) -> Act {
    let message_id = subscription.message_id(push, id);
    said(|out| subscription.begin(out, version, message_id), tail)
}

/// MESSAGE of a topic. `destination` is the very string subscribed, because clients find the subscription by it; where that
/// is a pattern, the topic itself stands in `topic`.
pub(super) fn post(wire: Wire, subscription: &mut Subscription, push: u64, post: &Post) -> Act {
    let message_id = subscription.message_id(push, None);
    wire.message(&post.payload, Some(&post.topic), |out| {
        subscription.begin(out, wire.version, message_id)
    })
}

/// MESSAGE of a queue.
pub(super) fn handout(
    wire: Wire,
    subscription: &mut Subscription,
    push: u64,
    handout: &Handout,
) -> Act {
    let message = &handout.message;
    let message_id = subscription.handout_id(push, handout.tag);
    wire.message(&message.payload, None, |out| {
        let frame = subscription
            .begin(out, wire.version, message_id)
            .header_if("redelivered", handout.again.then_some("true"));
        match &message.buried {
            Some(buried) => frame
                .header(
                    "original-destination",
                    &[QUEUE, buried.from.as_str()].concat(),
                )
                .header_number("dead-since", buried.time_ms),
            None => frame,
        }
    })
}

/// CONNECTED.
pub(super) fn connected(version: Version, session: &str, beats: (u64, u64)) -> String {
    text(|out| {
        FrameWriter::begin(out, Command::Connected, version)
            .header("version", version.as_str())
            .header("heart-beat", &format!("{},{}", beats.0, beats.1))
            .header("session", session)
            .header("server", SERVER)
            .end();
    })
}

/// RECEIPT.
pub(super) fn receipt(version: Version, id: &str) -> String {
    text(|out| {
        FrameWriter::begin(out, Command::Receipt, version)
            .header("receipt-id", id)
            .end();
    })
}

/// ERROR, about a frame that asked for `receipt` or about none.
pub(super) fn error(version: Version, fault: &Fault, receipt: Option<&str>) -> String {
    let versions = (fault.word == "unsupported-version").then_some("1.0,1.1,1.2");
    text(|out| {
        FrameWriter::begin(out, Command::Error, version)
            .header("message", fault.word)
            .header("content-type", "text/plain;charset=UTF-8")
            .header_if("version", versions)
            .header_if("receipt-id", receipt)
            .body(fault.sentence.as_bytes())
            .end();
    })
}
