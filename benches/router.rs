//! How much is it to bring what is published to those who subscribe, from the publisher's command into the hands of each
//! session? Beside it stands what cannot be cheaper: a plain channel for each, and even less, one more owner for each.
//!
//! `cargo bench --bench router`

mod settings;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc;

use criterion::Criterion;
use criterion::Throughput;

use hongyan::broker::Broker;
use hongyan::broker::command::Command;
use hongyan::broker::command::Ticket;
use hongyan::broker::destination::Name;
use hongyan::broker::destination::Pattern;
use hongyan::broker::event::Event;
use hongyan::broker::limits::Limits;
use hongyan::broker::moment::Moment;
use hongyan::broker::payload::Payload;
use hongyan::broker::payload::Post;
use hongyan::broker::sessions::Session;
use hongyan::broker::topics::SubscriptionId;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::stores::memory::MemoryStore;

const NOW: Moment = Moment {
    steady_ms: 0,
    epoch_ms: 1_504_712_402_000,
};
/// As many as a gateway takes at once, or more.
const EVENTS_MAX: usize = 64;

fn main() {
    let mut criterion = settings::criterion(30);
    for subscribers in [1, 1_000, 10_000] {
        fan_out(&mut criterion, subscribers);
    }
    criterion.final_summary();
}

fn fan_out(criterion: &mut Criterion, subscribers: u64) {
    let mut group = criterion.benchmark_group(format!("publish, 1 to {subscribers}"));
    group.throughput(Throughput::Elements(subscribers));

    group.bench_function("owners", |bencher| {
        let mut owners = Vec::with_capacity(subscribers as usize);
        bencher.iter(|| {
            let post = post();
            owners.extend((0..subscribers).map(|_| Arc::clone(&post)));
            black_box(&mut owners).clear();
        });
    });

    group.bench_function("channels", |bencher| {
        let channels: Vec<_> = (0..subscribers).map(|_| mpsc::channel()).collect();
        bencher.iter(|| {
            let post = post();
            for (sender, _) in &channels {
                sender.send(Arc::clone(&post)).expect("a receiver");
            }
            for (_, receiver) in &channels {
                black_box(receiver.try_recv().expect("a post"));
            }
        });
    });

    group.bench_function("broker", |bencher| {
        let broker = broker();
        let publisher = session(&broker, 1);
        let sessions: Vec<_> = (0..subscribers)
            .map(|number| subscriber(&broker, 2 + number))
            .collect();
        let mut events = Vec::new();
        bencher.iter(|| {
            broker.ask(NOW, &publisher, Ticket(0), Command::Publish(post()));
            broker.take(NOW, &publisher, &mut events, EVENTS_MAX);
            events.clear();
            for session in &sessions {
                broker.take(NOW, session, &mut events, EVENTS_MAX);
                assert!(matches!(black_box(&events)[..], [Event::Posted(..)]));
                events.clear();
            }
        });
    });
}

/// What everybody gets.
fn post() -> Arc<Post> {
    Arc::new(Post {
        topic: topic(),
        payload: Arc::new(Payload::new(Vec::new(), vec![b'x'; 100])),
    })
}

fn topic() -> Name {
    Name::parse("weather/here").expect("a name")
}

/// A broker that lets everybody publish as fast as they can.
fn broker() -> Arc<Broker> {
    let limits = Limits {
        messages_per_second: u32::MAX,
        ..Limits::default()
    };
    Broker::new(Arc::new(MemoryStore::new()), limits)
}

fn session(broker: &Arc<Broker>, uid: u64) -> Arc<Session> {
    let person = Person {
        uid: Uid::new(uid).expect("a uid"),
        name: format!("user{uid}").into(),
    };
    broker.open(NOW, person, None, None)
}

fn subscriber(broker: &Arc<Broker>, uid: u64) -> Arc<Session> {
    let session = session(broker, uid);
    let watch = Command::Watch {
        subscription: SubscriptionId(1),
        topics: Pattern::parse(topic().as_str()).expect("a pattern"),
    };
    broker.ask(NOW, &session, Ticket(0), watch);
    broker.take(NOW, &session, &mut Vec::new(), EVENTS_MAX);
    session
}
