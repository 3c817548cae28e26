//! Is `/metrics` true? Each metric that the generator can know has the value that it knows; the others are named here, with
//! the reason, and what can be said of them all the same.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::World;
use crate::line::Http;
use crate::line::ask;
use crate::watch;

/// All metrics now, by their names.
pub async fn read(world: &World) -> BTreeMap<String, u64> {
    let (status, _, body) =
        crate::support::client::http(&world.address, "GET", "/metrics", "", "").await;
    assert_eq!(status, 200);
    parse(&body)
}

/// The same by connections that are kept, so that one can ask again and again.
pub async fn read_by(http: &Http, world: &World) -> BTreeMap<String, u64> {
    let (status, body) = ask(http, &world.address, "GET /metrics", &[], "").await;
    assert_eq!(status, 200);
    parse(&body)
}

fn parse(body: &str) -> BTreeMap<String, u64> {
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}

/// What a metric may be when all are off line and nothing is under way.
/// `before` the metrics were read there were so many descriptors.
fn expected(world: &World, name: &str, before: u64) -> RangeInclusive<u64> {
    let known = &world.ledger.known;
    let exactly = |n: u64| n..=n;
    let (taken, failed) = world.hook.told(|told| (told.taken, told.failed));
    match name {
        "hongyan_sessions_online" | "hongyan_connections_open" => exactly(0),
        "hongyan_sessions_opened_total" | "hongyan_sessions_closed_total" => {
            exactly(known.sessions.get())
        }
        "hongyan_connections_opened_total" => exactly(known.connections.get()),
        "hongyan_messages_stored_total" => exactly(known.stored.get()),
        "hongyan_messages_received_total" => exactly(known.received.get()),
        "hongyan_refusals_total" => exactly(known.refusals.get()),
        "hongyan_logins_refused_total" => exactly(known.logins_refused.get()),
        "hongyan_topic_messages_published_total" => exactly(known.published.get()),
        "hongyan_topic_messages_passed_on_total" => exactly(known.passed_on.get()),
        "hongyan_queue_messages_stored_total" => exactly(known.queued.get()),
        "hongyan_queue_messages_handed_out_total" => exactly(known.handed_out.get()),
        "hongyan_queue_messages_buried_total" => exactly(known.buried.get()),
        "hongyan_stale_acks_total" => exactly(known.stale.get()),
        "hongyan_webhook_events_waiting" | "hongyan_webhook_events_failed_total" => exactly(0),
        "hongyan_webhook_events_sent_total" => exactly(taken),
        "hongyan_webhook_events_retried_total" => exactly(failed),
        // Nobody here is so slow, and nobody has so much to be told.
        "hongyan_notices_dropped_total"
        | "hongyan_slow_consumers_total"
        | "hongyan_connections_stalled_total" => exactly(0),

        // What a cut took the answer of is sent again: whether the first one had come, nobody outside knows.
        "hongyan_messages_repeated_total" => {
            let repeated = known.repeated.get();
            repeated..=repeated + known.resent.get()
        }
        // A session reads as many pages as it is behind, which the network decides: one at most for each message that comes
        // to it and each session that begins, and one for each that it finds nothing on.
        "hongyan_pages_read_total" => {
            let most = known.sessions.get() + known.received.get() + known.again.get();
            1..=2 * most
        }
        "hongyan_store_writable" => 1..=1,
        "hongyan_store_troubles_total"
        | "hongyan_store_recoveries_total"
        | "hongyan_store_writes_refused_total"
        | "hongyan_store_checkpoints_failed_total" => 0..=0,
        // Whatever waits shares a commit: at least one, and no more than there were writes of any kind.
        "hongyan_store_commits_total" => {
            let writes = known.stored.get()
                + 2 * known.received.get()
                + 4 * known.queued.get()
                + 3 * world.hook.told(|told| told.taken + told.failed)
                + known.repeated.get()
                + known.resent.get()
                + known.refusals.get();
            1..=writes + 10_000
        }
        "process_start_time_seconds" => world.began_s - 1..=world.began_s + 60,
        // The same numbers as the system's own, a moment apart.
        "process_resident_memory_bytes" => {
            let now = watch::resident_bytes(world.pid);
            now - now / 8..=now + now / 8
        }
        // The request for the metrics is one, and connections of before may just be closing.
        "process_open_fds" => {
            let now = watch::descriptors(world.pid);
            now.min(before)..=now.max(before) + 3
        }
        other => panic!("nobody has said what {other} should be"),
    }
}

/// Compares all of them. All are off line, and nothing is under way.
pub async fn check(world: &World) {
    let before = watch::descriptors(world.pid);
    let metrics = read(world).await;
    let wrong: Vec<String> = metrics
        .iter()
        .filter_map(|(name, value)| {
            let expected = expected(world, name, before);
            let fine = expected.contains(value);
            (!fine).then(|| format!("{name} is {value} and should be {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
