//! How fast is STOMP written, and what a gateway says in it? Each thing written stands beside a plain copy of the same bytes,
//! which no writer can be faster than.
//!
//! `cargo bench --bench encoding`

mod settings;

use std::hint::black_box;
use std::sync::Arc;

use criterion::BenchmarkGroup;
use criterion::Criterion;
use criterion::Throughput;
use criterion::measurement::WallTime;

use hongyan::broker::command::Command;
use hongyan::broker::destination::Name;
use hongyan::broker::event::Event;
use hongyan::broker::message::Encoded;
use hongyan::broker::message::Kind;
use hongyan::broker::message::Message;
use hongyan::broker::message::MessageId;
use hongyan::broker::message::MsgId;
use hongyan::broker::message::Recipient;
use hongyan::broker::message::Seq;
use hongyan::broker::moment::Moment;
use hongyan::broker::payload::Payload;
use hongyan::broker::payload::Post;
use hongyan::broker::topics::SubscriptionId;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::gateways::Act;
use hongyan::gateways::Admitted;
use hongyan::gateways::Machine;
use hongyan::gateways::stomp::Door;
use hongyan::gateways::stomp::StompSession;
use hongyan_grammar::sockjs;
use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;

const MESSAGE: &str = include_str!("../frames/stomp/1.2/54-message.wire");
const ESCAPED: &str = include_str!("../frames/stomp/1.2/55-message-ack.wire");
/// The content of a chat message, and a long one.
const SHORT_BYTES: usize = 100;
const LONG_BYTES: usize = 64 * 1024;

fn main() {
    let mut criterion = settings::criterion(30);
    frames(&mut criterion);
    sockjs_frames(&mut criterion);
    gateway(&mut criterion);
    criterion.final_summary();
}

/// Frames of STOMP.
fn frames(criterion: &mut Criterion) {
    for (name, wire) in [("write MESSAGE", MESSAGE), ("write escapes", ESCAPED)] {
        let frame = read(wire);
        let mut group = beside_a_copy(criterion, name, wire);
        group.bench_function("written", |bencher| {
            bencher.iter(|| {
                let mut out = Vec::with_capacity(wire.len());
                stomp::write(black_box(&frame), Version::V1_2, &mut out);
                assert_eq!(black_box(out).len(), wire.len());
            });
        });
    }
}

/// The same in the framing of SockJS, where all of it is a JSON string.
fn sockjs_frames(criterion: &mut Criterion) {
    let long = "起来聊天 over the wire\n".repeat(LONG_BYTES / 24);
    for (name, text) in [
        ("write SockJS, MESSAGE", MESSAGE),
        ("write SockJS, 64 KiB", &*long),
    ] {
        let mut group = beside_a_copy(criterion, name, text);
        group.bench_function("written", |bencher| {
            bencher.iter(|| {
                let mut out = String::new();
                sockjs::write_array(black_box(&[text]), &mut out);
                black_box(out);
            });
        });
    }
}

/// From an event of the broker to what the gateway says of it. What is published to a topic is encoded once for all, so here
/// it is the headers of one subscriber that are written, before what is there.
fn gateway(criterion: &mut Criterion) {
    let (mut session, topic) = subscribed();
    for (name, event) in [
        ("say chat, 100 bytes", chat(SHORT_BYTES)),
        ("say chat, 64 KiB", chat(LONG_BYTES)),
        ("say topic, 100 bytes", post(SHORT_BYTES, topic)),
        ("say topic, 64 KiB", post(LONG_BYTES, topic)),
    ] {
        let mut acts = Vec::new();
        session.told(Moment::default(), event.clone(), &mut acts);
        let [Act::Say(said)] = &*acts else {
            panic!("one MESSAGE, not {acts:?}");
        };
        let mut group = beside_a_copy(criterion, name, said);
        group.bench_function("written", |bencher| {
            bencher.iter(|| {
                acts.clear();
                session.told(Moment::default(), black_box(event.clone()), &mut acts);
                black_box(&acts);
            });
        });
    }
}

/// A group that has the copy of `text` already.
fn beside_a_copy<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    text: &str,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::ElementsAndBytes {
        elements: 1,
        bytes: text.len() as u64,
    });
    group.bench_function("copied", |bencher| {
        bencher.iter(|| black_box(black_box(text).to_owned()));
    });
    group
}

fn read(wire: &str) -> Frame {
    let mut decoder = Decoder::new(Side::Client, Limits::before_log_in());
    decoder.set_version(Version::V1_2);
    decoder.feed(wire.as_bytes());
    match decoder.next() {
        Ok(Some(Unit::Frame(frame))) => frame,
        other => panic!("a frame, not {other:?}"),
    }
}

fn person(uid: u64, name: &str) -> Person {
    Person {
        uid: Uid::new(uid).expect("a uid"),
        name: name.into(),
    }
}

/// A session that is logged in, and hears of its messages and of a topic; what it calls the latter.
fn subscribed() -> (StompSession, SubscriptionId) {
    const FRAMES: &str = "CONNECT\naccept-version:1.2\n\n\0\
         SUBSCRIBE\nid:sub-0\ndestination:/user/2/recive\n\n\0\
         SUBSCRIBE\nid:sub-1\ndestination:/topic/weather\n\n\0";
    let door = Door {
        admitted: Some(Admitted {
            person: person(2, "liaojiekx"),
            token: None,
            expires_s: None,
            device: None,
        }),
        session_name: "5f0c6a1e".to_owned(),
        frame_bytes_max: 1 << 20,
        ..Door::default()
    };
    let mut session = StompSession::new(Moment::default(), door);
    let mut acts = Vec::new();
    session.hear(Moment::default(), FRAMES.as_bytes(), &mut acts);
    let watched = acts.into_iter().find_map(|act| match act {
        Act::Ask(_, command) => match *command {
            Command::Watch { subscription, .. } => Some(subscription),
            _ => None,
        },
        _ => None,
    });
    (session, watched.expect("a subscription"))
}

fn chat(bytes: usize) -> Event {
    let content = "x".repeat(bytes);
    Event::Message(Arc::new(Message {
        id: MessageId(255),
        seq: Seq(17),
        msg_id: MsgId::sha1(&content),
        sender: person(1, "wususu"),
        to: Recipient::User(person(2, "liaojiekx")),
        kind: Kind::Text,
        content: content.into(),
        envelope: None,
        time_ms: 1_504_712_402_000,
        encoded: Encoded::default(),
    }))
}

fn post(bytes: usize, subscription: SubscriptionId) -> Event {
    let post = Post {
        topic: Name::parse("weather").expect("a name"),
        payload: Arc::new(Payload::new(Vec::new(), vec![b'x'; bytes])),
    };
    Event::Posted(subscription, Arc::new(post))
}
