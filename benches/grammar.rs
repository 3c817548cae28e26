//! How fast is STOMP read? Each thing read stands beside a plain copy of the same bytes, which no reader can be faster than.
//! A reader copies everything twice: from the socket's buffer into its own, and from there into the frame.
//!
//! `cargo bench --bench grammar`

mod settings;

use std::hint::black_box;
use std::iter;

use criterion::Criterion;
use criterion::Throughput;

use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Side::Client;
use hongyan_grammar::stomp::Side::Server;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;

/// Small frames in one reading, so that the decoder itself is made seldom, as on a connection.
const FRAMES: usize = 1_000;
/// As many as come together on a busy connection.
const TOGETHER: usize = 20;
/// What a TCP segment holds on an Ethernet.
const PIECE_BYTES: usize = 1_460;
const MIB: usize = 1 << 20;

const SEND: &[u8] = include_bytes!("../frames/stomp/1.2/37-send-spring.wire");
const MESSAGE: &[u8] = include_bytes!("../frames/stomp/1.2/54-message.wire");
const ACK: &[u8] = include_bytes!("../frames/stomp/1.2/12-ack-stompjs.wire");
const ESCAPED: &[u8] = include_bytes!("../frames/stomp/1.2/46-escapes.wire");

fn main() {
    let mut criterion = settings::criterion(30);
    small_frames(&mut criterion);
    large_bodies(&mut criterion);
    bodies_in_pieces(&mut criterion);
    criterion.final_summary();
}

/// Frames a second.
fn small_frames(criterion: &mut Criterion) {
    for (name, reader, frame) in [
        ("SEND", Server, SEND),
        ("MESSAGE", Client, MESSAGE),
        ("ACK", Server, ACK),
        ("escapes", Server, ESCAPED),
    ] {
        let wire = frame.repeat(FRAMES);
        let mut group = criterion.benchmark_group(format!("read {name}"));
        group.throughput(Throughput::Elements(FRAMES as u64));
        group.bench_function("copied", |bencher| {
            bencher.iter(|| wire.chunks(frame.len()).for_each(copy));
        });
        group.bench_function("one by one", |bencher| {
            bencher.iter(|| read(reader, wire.chunks(frame.len()), FRAMES));
        });
        group.bench_function("together", |bencher| {
            bencher.iter(|| read(reader, wire.chunks(frame.len() * TOGETHER), FRAMES));
        });
    }
}

/// Bytes a second where all is there at once.
fn large_bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read 8 MiB");
    group.throughput(Throughput::Bytes(8 * MIB as u64));
    let [(_, wire), _] = large_frames(8 * MIB);
    group.bench_function("copied", |bencher| bencher.iter(|| copy(&wire)));
    for (name, wire) in large_frames(8 * MIB) {
        group.bench_function(name, |bencher| {
            bencher.iter(|| read(Server, iter::once(&*wire), 1));
        });
    }
}

/// The same in pieces: as many bytes a second whatever the size, or reading is not linear.
fn bodies_in_pieces(criterion: &mut Criterion) {
    for mib in [1, 2, 4, 8] {
        let mut group = criterion.benchmark_group(format!("read {mib} MiB in pieces"));
        group.throughput(Throughput::Bytes((mib * MIB) as u64));
        let [(_, wire), _] = large_frames(mib * MIB);
        group.bench_function("copied", |bencher| {
            bencher.iter(|| {
                let mut whole = Vec::new();
                for piece in wire.chunks(PIECE_BYTES) {
                    whole.extend_from_slice(black_box(piece));
                }
                black_box(whole);
            });
        });
        for (name, wire) in large_frames(mib * MIB) {
            group.bench_function(name, |bencher| {
                bencher.iter(|| read(Server, wire.chunks(PIECE_BYTES), 1));
            });
        }
    }
}

/// A frame whose body ends by its length, and one whose body ends with the NUL.
fn large_frames(bytes: usize) -> [(&'static str, Vec<u8>); 2] {
    let body = vec![b'x'; bytes];
    let head = format!("SEND\ndestination:/queue/a\ncontent-length:{bytes}\n\n");
    [
        ("content-length", [head.as_bytes(), &*body, b"\0"].concat()),
        (
            "NUL",
            [b"SEND\ndestination:/queue/a\n\n", &*body, b"\0"].concat(),
        ),
    ]
}

fn copy(bytes: &[u8]) {
    black_box(black_box(bytes).to_vec());
}

/// Reads what comes in these arrivals, which is so many frames.
fn read<'a>(reader: Side, arrivals: impl Iterator<Item = &'a [u8]>, frames: usize) {
    let mut decoder = Decoder::new(reader, Limits::after(16 * MIB));
    decoder.set_version(Version::V1_2);
    let mut found = 0;
    for arrival in arrivals {
        decoder.feed(black_box(arrival));
        while let Some(unit) = decoder.next().expect("good frames") {
            found += usize::from(matches!(black_box(unit), Unit::Frame(_)));
        }
    }
    assert_eq!(found, frames);
}
