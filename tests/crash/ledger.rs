//! What the clients know, whatever broker they met: what was begun, what got its answer, and what must therefore hold.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// The messages of one sender to one receiver or group, numbered from 0. A content is `lane:number`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lane {
    /// So many were sent.
    pub begun: u64,
    /// So many, from the first on, got 200.
    pub kept: u64,
}

/// How far a receiver has come in a lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Got {
    /// So many, from the first on, were pushed and confirmed.
    pub asked: u64,
    /// So many of these confirmations got 200: these are never pushed again.
    pub confirmed: u64,
}

/// A shared queue, with one producer and one consumer. A body is a number, rising from 0.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// So many were sent.
    pub begun: u64,
    /// Those that got no RECEIPT before the broker died: nobody knows whether they are there.
    pub unsure: BTreeSet<u64>,
    /// Below this everything was acknowledged by the consumer (or lost without a RECEIPT).
    pub asked: u64,
    /// Below this that got its RECEIPT: it never comes again.
    pub taken: u64,
}

/// Whether one user blocks another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Block {
    /// As it was answered last.
    pub answered: bool,
    /// What was asked for since, and not answered.
    pub asked: Option<bool>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// By name.
    pub lanes: BTreeMap<String, Lane>,
    /// By receiver and lane.
    pub got: BTreeMap<(u64, String), Got>,
    /// The queue.
    pub work: Work,
    /// The block.
    pub block: Block,
    /// The ids of pictures that got 201, in order.
    pub pictures: Vec<String>,
}

impl Ledger {
    /// The lane of this name.
    pub fn lane(&mut self, name: &str) -> &mut Lane {
        self.lanes.entry(name.to_owned()).or_default()
    }

    /// How far `receiver` has come in the lane of this name.
    pub fn got(&mut self, receiver: u64, lane: &str) -> &mut Got {
        self.got.entry((receiver, lane.to_owned())).or_default()
    }

    /// Messages that were sent.
    pub fn begun(&self) -> u64 {
        self.lanes.values().map(|lane| lane.begun).sum()
    }

    /// Messages that got 200.
    pub fn kept(&self) -> u64 {
        self.lanes.values().map(|lane| lane.kept).sum()
    }
}

/// The lane and the number in a content.
pub fn parse(content: &str) -> (&str, u64) {
    let (lane, rest) = content.split_once(':').expect("lane:number");
    let number = rest.split(' ').next().expect("a number");
    (lane, number.parse().expect("a number"))
}
