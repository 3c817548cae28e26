use super::*;
use crate::broker::destination::Name;
use crate::broker::payload::Payload;
use crate::broker::topics::SubscriptionId;

/// A queue and the store behind it: what is in it, by id.
struct Bench {
    queue: Queue<&'static str>,
    kept: BTreeMap<u64, Arc<Queued>>,
    /// Who takes nothing now.
    full: Vec<&'static str>,
    /// What everybody was handed: to whom, the id, whether again, the tag.
    handed: Vec<(&'static str, u64, bool, Tag)>,
    now_ms: u64,
}

fn subscriber(name: &str) -> Subscriber {
    Subscriber {
        session: u64::from(name.as_bytes()[0]),
        id: SubscriptionId(1),
    }
}

fn queued(id: u64, expires_ms: Option<u64>) -> Arc<Queued> {
    Arc::new(Queued {
        id: QueuedId(id),
        queue: Name::dead(),
        payload: Arc::new(Payload::new(Vec::new(), Vec::new())),
        expires_ms,
        buried: None,
    })
}

impl Bench {
    fn holding(ids: impl IntoIterator<Item = u64>) -> Self {
        Self {
            queue: Queue::new(),
            kept: ids.into_iter().map(|id| (id, queued(id, None))).collect(),
            full: Vec::new(),
            handed: Vec::new(),
            now_ms: 0,
        }
    }

    fn consume(&mut self, name: &'static str, prefetch: usize) {
        self.queue.consume(subscriber(name), name, Some(prefetch));
        self.run();
    }

    fn put(&mut self, id: u64) {
        let message = queued(id, None);
        self.kept.insert(id, Arc::clone(&message));
        self.queue.committed(message);
        self.run();
    }

    fn page(&self, which: &QueueWhich) -> QueuePage {
        let meant: Vec<_> = match which {
            QueueWhich::After(after) => self.kept.range(after.0 + 1..).map(|(_, m)| m).collect(),
            QueueWhich::These(ids) => ids.iter().filter_map(|id| self.kept.get(&id.0)).collect(),
        };
        QueuePage {
            more: meant.len() > PAGE_MESSAGES,
            messages: meant.into_iter().take(PAGE_MESSAGES).cloned().collect(),
        }
    }

    fn dispatch(&mut self) {
        let (full, handed) = (&self.full, &mut self.handed);
        let expired = self.queue.dispatch(self.now_ms, |name, handout| {
            let room = !full.contains(name);
            if room {
                handed.push((name, handout.message.id.0, handout.again, handout.tag));
            }
            room
        });
        self.queue.settled(expired.len());
        for id in expired {
            self.kept.remove(&id.0);
        }
    }

    /// Hands out and reads until nothing more is to be done.
    fn run(&mut self) {
        loop {
            self.dispatch();
            let Some(which) = self.queue.next_read() else {
                return;
            };
            let page = self.page(&which);
            self.queue.page_read(page);
        }
    }

    /// What was handed out since the last look: to whom, and which.
    fn fresh(&mut self) -> Vec<(&'static str, u64)> {
        let handed = self.handed.drain(..);
        handed.map(|(name, id, ..)| (name, id)).collect()
    }

    fn ack(&mut self, name: &str, tag: Tag, through: bool) {
        let taken = self.queue.take_out(subscriber(name), tag, through);
        self.queue.settle(taken.len());
        for (_, id) in &taken {
            self.kept.remove(&id.0);
        }
        self.queue.settled(taken.len());
        self.run();
    }

    fn nack(&mut self, name: &str, tag: Tag) {
        let taken = self.queue.take_out(subscriber(name), tag, false);
        self.queue.give_back(taken.into_iter().map(|(_, id)| id));
        self.run();
    }

    fn cease(&mut self, name: &str) {
        self.queue.cease(subscriber(name));
        self.run();
    }
}

#[test]
fn consumers_take_turns_and_none_takes_more_than_its_credit() {
    let mut bench = Bench::holding(1..=3);
    bench.consume("a", 2);
    assert_eq!(bench.fresh(), [("a", 1), ("a", 2)]);
    bench.consume("b", 5);
    assert_eq!(bench.fresh(), [("b", 3)]);
    for id in 4..=6 {
        bench.put(id);
    }
    assert_eq!(bench.fresh(), [("b", 4), ("b", 5), ("b", 6)]);
    bench.cease("b");
    bench.consume("c", 9);
    assert_eq!(bench.fresh(), [("c", 3), ("c", 4), ("c", 5), ("c", 6)]);
    bench.put(7);
    bench.ack("a", Tag(1), false);
    bench.put(8);
    bench.put(9);
    assert_eq!(bench.fresh(), [("c", 7), ("a", 8), ("c", 9)]);
}

#[test]
fn what_comes_back_goes_first_and_says_so() {
    let mut bench = Bench::holding(1..=5);
    bench.consume("a", 3);
    bench.nack("a", Tag(2));
    let handed: Vec<_> = bench
        .handed
        .iter()
        .map(|(_, id, again, _)| (*id, *again))
        .collect();
    assert_eq!(handed, [(1, false), (2, false), (3, false), (2, true)]);
    bench.fresh();
    bench.cease("a");
    bench.consume("b", 9);
    let handed: Vec<_> = bench
        .handed
        .iter()
        .map(|(_, id, again, _)| (*id, *again))
        .collect();
    assert_eq!(
        handed,
        [(1, true), (2, true), (3, true), (4, false), (5, false)]
    );
}

#[test]
fn nothing_overtakes_what_is_being_read_again() {
    let mut bench = Bench::holding(1..=3);
    bench.consume("a", 1);
    bench.queue.give_back([QueuedId(1)]);
    let read = bench.queue.next_read();
    assert_eq!(read, None, "nobody could take it");
    bench.consume("b", 9);
    assert_eq!(bench.fresh(), [("a", 1), ("b", 1), ("b", 2), ("b", 3)]);
    let taken = bench.queue.take_out(subscriber("b"), Tag(3), false);
    bench.queue.give_back(taken.into_iter().map(|(_, id)| id));
    let read = bench.queue.next_read();
    assert_eq!(read, Some(QueueWhich::These(vec![QueuedId(2)])));
    bench.queue.committed(queued(4, None));
    bench.dispatch();
    assert_eq!(bench.fresh(), [], "4 waits for 2");
    bench.queue.page_missed();
    bench.run();
    assert_eq!(bench.fresh(), [("b", 2), ("b", 4)]);
}

#[test]
fn an_ack_may_count_for_all_before_it_and_a_stale_one_for_nothing() {
    let mut bench = Bench::holding(1..=4);
    bench.consume("a", 9);
    bench.ack("a", Tag(2), true);
    bench.ack("a", Tag(2), true);
    bench.ack("b", Tag(3), true);
    bench.ack("a", Tag(9), false);
    assert_eq!(bench.kept.len(), 2);
    bench.ack("a", Tag(u64::MAX), true);
    assert!(bench.kept.is_empty());
    bench.nack("a", Tag(1));
    assert_eq!(bench.fresh().len(), 4, "it was settled");
}

#[test]
fn a_million_waiting_messages_are_a_page() {
    let mut bench = Bench::holding([]);
    bench.consume("a", 1);
    for id in 1..=100_000 {
        bench.queue.committed(queued(id, None));
        bench.dispatch();
    }
    assert!(bench.queue.ready.len() <= 2 * PAGE_MESSAGES);
    assert!(bench.queue.missed.is_empty());
    assert_eq!(bench.fresh(), [("a", 1)]);
}

#[test]
fn all_of_a_long_queue_comes_in_order_whatever_is_committed_meanwhile() {
    let mut bench = Bench::holding(1..=1_000);
    bench.full.push("a");
    bench.consume("a", 9_999);
    let mut next = 1_001;
    for _ in 0..50 {
        bench.put(next);
        next += 1;
    }
    bench.full.clear();
    bench.queue.has_room(subscriber("a"));
    loop {
        bench.dispatch();
        let Some(which) = bench.queue.next_read() else {
            break;
        };
        let page = bench.page(&which);
        // Committed after the page's snapshot.
        if next < 1_100 {
            let message = queued(next, None);
            bench.kept.insert(next, Arc::clone(&message));
            bench.queue.committed(message);
            next += 1;
        }
        bench.queue.page_read(page);
    }
    let handed: Vec<u64> = bench.fresh().into_iter().map(|(_, id)| id).collect();
    assert_eq!(handed, (1..next).collect::<Vec<_>>());
}

#[test]
fn who_has_no_room_is_passed_over_until_it_has() {
    let mut bench = Bench::holding(1..=2);
    bench.full.push("a");
    bench.consume("a", 9);
    assert_eq!(bench.fresh(), []);
    bench.consume("b", 1);
    assert_eq!(bench.fresh(), [("b", 1)]);
    bench.full.clear();
    bench.run();
    assert_eq!(bench.fresh(), [], "it has not said so");
    bench.queue.has_room(subscriber("a"));
    bench.run();
    assert_eq!(bench.fresh(), [("a", 2)]);
}

#[test]
fn the_expired_are_handed_to_nobody() {
    let mut bench = Bench::holding([]);
    for (id, expires_ms) in [(1, Some(5)), (2, None), (3, Some(6))] {
        bench.kept.insert(id, queued(id, expires_ms));
    }
    bench.now_ms = 5;
    bench.consume("a", 9);
    assert_eq!(bench.fresh(), [("a", 2), ("a", 3)]);
    assert!(!bench.kept.contains_key(&1));
    // 3 expires while it is out, comes back, and is not handed out again.
    bench.now_ms = 6;
    bench.cease("a");
    bench.consume("b", 9);
    assert_eq!(bench.fresh(), [("b", 2)]);
}

#[test]
fn an_idle_queue_is_forgotten_unless_it_knows_more_than_the_store() {
    let mut bench = Bench::holding(1..=2);
    assert!(bench.queue.is_idle());
    bench.full.push("a");
    bench.consume("a", 9);
    bench.cease("a");
    assert!(bench.queue.is_idle(), "nobody has seen any of it");
    bench.consume("b", 1);
    bench.cease("b");
    assert!(!bench.queue.is_idle(), "1 was pushed before");
    bench.consume("c", 1);
    let taken = bench
        .queue
        .take_out(subscriber("c"), bench.handed[1].3, false);
    bench.queue.settle(taken.len());
    bench.queue.cease(subscriber("c"));
    assert!(!bench.queue.is_idle(), "the end of 1 is not committed");
    bench.queue.settled(taken.len());
    assert!(bench.queue.is_idle());
}

#[test]
fn what_was_not_taken_after_all_is_the_consumer_s_again() {
    let mut bench = Bench::holding(1..=2);
    bench.consume("a", 9);
    let taken = bench.queue.take_out(subscriber("a"), Tag(2), true);
    bench.queue.restore(subscriber("a"), taken.clone());
    bench.run();
    assert_eq!(bench.fresh().len(), 2, "nothing is pushed again");
    let again = bench.queue.take_out(subscriber("a"), Tag(2), true);
    assert_eq!(again, taken);
    bench.cease("a");
    bench.queue.restore(subscriber("a"), taken);
    bench.consume("b", 9);
    assert_eq!(bench.fresh(), [("b", 1), ("b", 2)]);
}
