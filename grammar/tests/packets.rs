//! What holds for every packet, not only for those that somebody thought of.

use hongyan_grammar::packet::{
    ClientPacket, Content, Id, Message, Request, ServerPacket, TEXT_CHARS_MAX,
};
use hongyan_grammar::refusal::Kind;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};

proptest! {
    #[test]
    fn what_a_client_writes_reads_back(packet in client_packet()) {
        prop_assert_eq!(ClientPacket::read(&packet.write()), Ok(packet));
    }

    #[test]
    fn what_a_server_writes_reads_back(packet in server_packet()) {
        prop_assert_eq!(ServerPacket::read(&packet.write()), Ok(packet));
    }

    #[test]
    fn what_is_written_is_one_json_object_in_one_line(packet in server_packet()) {
        let written = packet.write();
        let value: Value = serde_json::from_str(&written).expect("JSON");
        prop_assert!(value["type"].is_string() && value.get("id").is_some());
        prop_assert!(!written.contains('\n'));
    }

    #[test]
    fn no_text_is_beyond_the_reader(text in "\\PC*|[\\[{\"\\\\:,a0\\]}]{0,40}") {
        let _ = ClientPacket::read(&text);
        let _ = ServerPacket::read(&text);
    }

    #[test]
    fn a_refused_packet_keeps_its_id(id in id(), kind in "[A-Za-z]{2,5}") {
        let text = format!(r#"{{"type":"{kind}","id":{}}}"#, id.as_json());
        let refused = ClientPacket::read(&text).expect_err("of no known type");
        prop_assert_eq!(refused.id, Some(id));
        prop_assert_eq!(refused.refusal.kind, Kind::UnknownType);
    }

    #[test]
    fn a_text_is_counted_in_characters(character in any::<char>(), more in 0..3_usize) {
        let text: String = std::iter::repeat_n(character, TEXT_CHARS_MAX + more).collect();
        let packet = json!({"id": 1, "to": 2, "type": "t", "msg": text}).to_string();
        let read = ClientPacket::read(&packet);
        prop_assert_eq!(read.is_ok(), more == 0);
    }
}

fn id() -> impl Strategy<Value = Id> {
    let text = "\\PC{1,12}".prop_filter_map("too long", |text| Id::from_text(&text));
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?"
        .prop_filter_map("not finite", |number| Id::from_json(&number));
    prop_oneof![text, number]
}

fn client_packet() -> impl Strategy<Value = ClientPacket> {
    let uid = || 1..u64::MAX;
    let request = prop_oneof![
        Just(Request::Ping),
        uid().prop_map(Request::Online),
        any::<u64>().prop_map(Request::History),
        "\\PC{1,16}".prop_map(Request::TakeOrder),
        // What a decimal with few digits loses on its way is nothing.
        (-180_000..=180_000_i32, -90_000..=90_000_i32).prop_map(|(east, north)| Request::Site {
            longitude: f64::from(east) / 1_000.0,
            latitude: f64::from(north) / 1_000.0,
        }),
        (uid(), ".{0,40}").prop_map(|(to, text)| Request::Text { to, text }),
        (uid(), "[0-9a-f]{32}").prop_map(|(to, image)| Request::Image { to, image }),
    ];
    (id(), request).prop_map(|(id, request)| ClientPacket { id, request })
}

fn server_packet() -> impl Strategy<Value = ServerPacket> {
    prop_oneof![
        id().prop_map(|id| ServerPacket::Login { id }),
        id().prop_map(|id| ServerPacket::Pong { id }),
        (id(), any::<u64>(), any::<bool>()).prop_map(|(id, uid, online)| ServerPacket::Online {
            id,
            uid,
            online
        }),
        (id(), vec(message(), 0..4), any::<bool>())
            .prop_map(|(id, packets, more)| ServerPacket::History { id, packets, more }),
        (id(), of(any::<u64>())).prop_map(|(id, customer)| ServerPacket::Done { id, customer }),
        (of(id()), ".{0,40}").prop_map(|(id, reason)| ServerPacket::Error { id, reason }),
        (id(), ".{0,40}").prop_map(|(id, reason)| ServerPacket::Close { id, reason }),
        message().prop_map(ServerPacket::Message),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let content = prop_oneof![
        ".{0,40}".prop_map(Content::Text),
        "[0-9a-f]{32}".prop_map(Content::Image),
        ".{0,40}".prop_map(|order| Content::System(Value::from(order))),
        any::<u64>().prop_map(|data| Content::System(json!({"type": 5, "data": [data, null]}))),
    ];
    let number = || of(any::<u64>());
    (id(), any::<u64>(), number(), number(), content, number()).prop_map(
        |(id, from, to, group, content, time_ms)| Message {
            id,
            from,
            to,
            group,
            content,
            time_ms,
        },
    )
}
