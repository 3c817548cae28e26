//! Does what the fuzz targets of `fuzz/` hold the broker to hold for the sentences of `frames/`, and for mutations of
//! them? `tests/fire/parts/fuzz` lets a fuzzer look for more.
//!
//! `FUZZED_SEED=7` goes through the mutations of another seed, `FUZZED_ROUNDS=1000` through more of them.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::panic::catch_unwind;

use fuzz::TARGETS;
use fuzz::Target;
use fuzz::seeds;

/// Mutations of each seed.
const ROUNDS: u64 = 4;

#[test]
fn stomp_is_read_alike_however_it_is_cut_and_written_as_it_was_read() {
    hold("stomp_reading");
}

#[test]
fn frames_of_any_parts_are_written_as_what_reads_the_same() {
    hold("stomp_writing");
}

#[test]
fn sockjs_clients_are_understood_or_refused_whole() {
    hold("sockjs_texts");
}

#[test]
fn json_is_read_within_bounds_and_written_as_it_was_read() {
    hold("json_texts");
}

#[test]
fn no_bytes_break_a_stomp_session_or_another() {
    hold("stomp_machine");
}

#[test]
fn no_message_breaks_a_session_of_packets_or_another() {
    hold("packets_machine");
}

#[test]
fn no_event_breaks_a_socketio_session_or_another() {
    hold("socketio_machine");
}

#[test]
fn no_request_breaks_the_doors_of_http() {
    hold("http_requests");
}

#[test]
fn what_breaks_a_promise_is_found() {
    fn broken(bytes: &[u8]) {
        assert!(!bytes.starts_with(b"SEND"), "a promise is broken");
    }
    let found = catch_unwind(|| go_through("stomp_reading", broken, 0, 1));
    assert!(found.is_err(), "seeds begin with SEND");
}

fn hold(name: &str) {
    let (_, target) = TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("a target");
    let number = |name: &str, otherwise| match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => otherwise,
    };
    let (seed, rounds) = (number("FUZZED_SEED", 1), number("FUZZED_ROUNDS", ROUNDS));
    go_through(name, target, seed, rounds);
}

/// Every seed as it is, and mutated so often.
fn go_through(name: &str, target: Target, seed: u64, rounds: u64) {
    let corpus = seeds(name);
    assert!(corpus.len() >= 10, "{name} has only {} seeds", corpus.len());
    let mut lot = Lot(seed);
    for (at, bytes) in corpus.iter().enumerate() {
        attack(target, bytes, &format!("{name}: seed {at}"));
        for round in 0..rounds {
            let mut bytes = bytes.clone();
            for _ in 0..=lot.below(3) {
                mutate(&mut bytes, &corpus, &mut lot);
            }
            let what = format!("{name}: seed {at}, FUZZED_SEED={seed}, round {round}");
            attack(target, &bytes, &what);
        }
    }
}

fn attack(target: Target, bytes: &[u8], what: &str) {
    if catch_unwind(|| target(bytes)).is_err() {
        panic!("{what}: {}", bytes.escape_ascii());
    }
}

/// Numbers that look like chance, and are the same each time (SplitMix64).
struct Lot(u64);

impl Lot {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).expect("below a usize")
    }
}

/// Bytes that mean something in one of the languages.
const WORDS: [&[u8]; 20] = [
    b"\0",
    b"\n",
    b"\r\n",
    b":",
    b"\\",
    b"\\n",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\xff",
    b"\xe8\xb5\xb7",
    b"\\ud83d",
    b"\x1e1",
    b"\x1e2",
    b"\x1d",
    b"0",
    b"18446744073709551616",
    b"content-length:3\n",
];

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], lot: &mut Lot) {
    let at = lot.below(bytes.len() + 1);
    let end = (at + lot.below(16)).min(bytes.len());
    match lot.below(6) {
        0 => drop(bytes.drain(at..end)),
        1 => {
            if let Some(octet) = bytes.get_mut(at) {
                *octet ^= 1 << lot.below(8);
            }
        }
        2 => {
            let word = WORDS[lot.below(WORDS.len())];
            bytes.splice(at..end, word.iter().copied());
        }
        3 => {
            let word = WORDS[lot.below(WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        4 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let other = &corpus[lot.below(corpus.len())];
            let from = lot.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}
