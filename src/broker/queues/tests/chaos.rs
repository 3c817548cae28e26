//! What one queue does, whatever happens: a seeded mess, with the rules beside it.

use super::*;

/// A queue, a store that answers when it likes, and consumers that come, go, acknowledge and refuse.
struct Chaos {
    bench: Bench,
    dice: u64,
    last: u64,
    /// Committed, and the queue not told yet.
    untold: Vec<u64>,
    /// A page that was read, or is still to be read.
    reading: Option<(QueueWhich, Option<QueuePage>)>,
    /// Taken out, and the end of it not committed yet.
    settling: Vec<(&'static str, Vec<(Tag, QueuedId)>)>,
    /// Who has which, and under which tag.
    out: BTreeMap<u64, (&'static str, Tag)>,
    here: Vec<&'static str>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

impl Chaos {
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX.
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    /// Hands out, and looks whether that was right.
    fn go_on(&mut self) {
        self.bench.dispatch();
        for (name, id, _, tag) in std::mem::take(&mut self.bench.handed) {
            let unsettled = self.bench.kept.range(..id).map(|(id, _)| *id);
            let settling: Vec<u64> = self.settling_ids();
            let mut overtaken = unsettled.filter(|id| !settling.contains(id));
            let before = overtaken.find(|id| !self.out.contains_key(id));
            assert_eq!(before, None, "{id} overtook it");
            assert!(!settling.contains(&id), "{id} is being settled");
            let owner = self.out.insert(id, (name, tag));
            assert_eq!(owner, None, "{id} was handed out twice");
        }
        if self.reading.is_none() {
            self.reading = self.bench.queue.next_read().map(|which| (which, None));
        }
    }

    fn settling_ids(&self) -> Vec<u64> {
        let taken = self.settling.iter().flat_map(|(_, taken)| taken);
        taken.map(|(_, id)| id.0).collect()
    }

    fn step(&mut self) {
        let name = NAMES[self.roll(3) as usize];
        match self.roll(12) {
            0 | 1 => {
                self.last += 1 + self.roll(2);
                let id = self.last;
                self.bench.kept.insert(id, queued(id, None));
                self.untold.push(id);
            }
            2..=4 if !self.untold.is_empty() => {
                let id = self.untold.remove(0);
                self.bench.queue.committed(queued(id, None));
            }
            5..=7 => self.read(),
            8 if self.here.contains(&name) => {
                self.here.retain(|here| *here != name);
                self.out.retain(|_, (owner, _)| *owner != name);
                self.bench.queue.cease(subscriber(name));
            }
            8 => {
                self.here.push(name);
                let credit = 1 + self.roll(9) as usize;
                let queue = &mut self.bench.queue;
                queue.consume(subscriber(name), name, Some(credit));
            }
            9 | 10 => self.settle(),
            _ => self.commit(),
        }
        self.go_on();
    }

    /// First what is there is read, later the queue gets it; or the store has no place for it.
    fn read(&mut self) {
        match self.reading.take() {
            Some((which, None)) if self.roll(5) > 0 => {
                let page = self.bench.page(&which);
                self.reading = Some((which, Some(page)));
            }
            Some((_, Some(page))) => self.bench.queue.page_read(page),
            Some((_, None)) => self.bench.queue.page_missed(),
            None => {}
        }
    }

    fn settle(&mut self) {
        let Some((id, (name, tag))) = self.out.first_key_value() else {
            return;
        };
        let (id, name, tag) = (*id, *name, *tag);
        let through = self.roll(4) == 0;
        let taken = self.bench.queue.take_out(subscriber(name), tag, through);
        assert!(taken.contains(&(tag, QueuedId(id))));
        for (_, id) in &taken {
            self.out.remove(&id.0);
        }
        if self.roll(3) == 0 {
            let ids = taken.into_iter().map(|(_, id)| id);
            self.bench.queue.give_back(ids);
        } else {
            self.bench.queue.settle(taken.len());
            self.settling.push((name, taken));
        }
    }

    fn commit(&mut self) {
        let Some((name, taken)) = self.settling.pop() else {
            return;
        };
        let queue = &mut self.bench.queue;
        queue.settled(taken.len());
        if self.dice.is_multiple_of(4) {
            if self.here.contains(&name) {
                let owned = taken.iter().map(|(tag, id)| (id.0, (name, *tag)));
                self.out.extend(owned);
            }
            queue.restore(subscriber(name), taken);
        } else {
            for (_, id) in taken {
                self.bench.kept.remove(&id.0);
            }
        }
    }
}

#[test]
fn whatever_happens_each_message_is_one_consumer_s_and_in_its_turn() {
    for seed in 0..60 {
        let mut chaos = Chaos {
            bench: Bench::holding([]),
            dice: seed,
            last: 0,
            untold: Vec::new(),
            reading: None,
            settling: Vec::new(),
            out: BTreeMap::new(),
            here: Vec::new(),
        };
        for _ in 0..1_000 {
            chaos.step();
        }
        // In the end everything that was not settled comes to the one who stays.
        while let Some(id) = (!chaos.untold.is_empty()).then(|| chaos.untold.remove(0)) {
            chaos.bench.queue.committed(queued(id, None));
        }
        while !chaos.settling.is_empty() {
            chaos.commit();
        }
        for name in std::mem::take(&mut chaos.here) {
            chaos.out.retain(|_, (owner, _)| *owner != name);
            chaos.bench.queue.cease(subscriber(name));
        }
        let queue = &mut chaos.bench.queue;
        queue.consume(subscriber("z"), "z", Some(usize::MAX));
        chaos.go_on();
        while let Some((which, page)) = chaos.reading.take() {
            let page = page.unwrap_or_else(|| chaos.bench.page(&which));
            chaos.bench.queue.page_read(page);
            chaos.go_on();
        }
        let handed: Vec<u64> = chaos.out.keys().copied().collect();
        let kept: Vec<u64> = chaos.bench.kept.keys().copied().collect();
        assert_eq!(handed, kept, "seed {seed}");
    }
}
