//! Bytes to frames of STOMP, however they are cut, and back.

use hongyan_grammar::refusal::Refusal;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;
use hongyan_grammar::stomp::write;

/// Small, so that the limits are met as often as the grammar.
const SMALL: Limits = Limits {
    frame_bytes: 96,
    headers: 4,
    header_bytes: 24,
};

/// What was written for what was read may be longer, by escapes.
const WIDE: Limits = Limits {
    frame_bytes: 1 << 22,
    headers: 1 << 12,
    header_bytes: 1 << 20,
};

/// A wire read by one side in one piece, behind every byte and cut at will gives the same units and the same refusal; what
/// it keeps is bounded; and what was read is written as what reads the same.
pub fn stomp_reading(wire: &[u8]) {
    for version in Version::ALL {
        for reader in [Side::Server, Side::Client] {
            for limits in [Limits::before_log_in(), SMALL] {
                let one = Reading {
                    reader,
                    version,
                    limits,
                };
                let whole = one.read(wire, |_| false);
                assert_eq!(one.read(wire, |_| true), whole, "{one:?}, byte by byte");
                let cuts = Cuts::of(wire);
                assert_eq!(one.read(wire, |at| cuts.at(at)), whole, "{one:?}, cut");
                if limits == SMALL {
                    continue;
                }
                for unit in &whole.0 {
                    one.there_and_back(unit);
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    reader: Side,
    version: Version,
    limits: Limits,
}

impl Reading {
    /// The units in `wire`, and why the rest was refused if it was.
    fn read(&self, wire: &[u8], cut: impl Fn(usize) -> bool) -> (Vec<Unit>, Option<Refusal>) {
        let mut decoder = Decoder::new(self.reader, self.limits);
        decoder.set_version(self.version);
        let mut units = Vec::new();
        let mut start = 0;
        for end in (1..=wire.len()).filter(|end| *end == wire.len() || cut(*end)) {
            decoder.feed(&wire[start..end]);
            start = end;
            loop {
                match decoder.next() {
                    Ok(Some(unit)) => {
                        self.within_limits(&unit);
                        units.push(unit);
                    }
                    Ok(None) => break,
                    Err(refusal) => {
                        decoder.feed(b"SEND\n\n\0");
                        assert_eq!(decoder.next(), Err(refusal.clone()), "a refusal is final");
                        assert_eq!(decoder.buffered(), 0, "what is refused is not kept");
                        assert!(refusal.offset <= self.limits.frame_bytes, "{refusal:?}");
                        let sentence = &refusal.sentence;
                        let one_line = !sentence.contains(char::is_control);
                        assert!(one_line && sentence.len() < 400, "{sentence:?}");
                        return (units, Some(refusal));
                    }
                }
            }
            assert!(
                decoder.buffered() < self.limits.frame_bytes,
                "it keeps more than a frame"
            );
        }
        (units, None)
    }

    fn within_limits(&self, unit: &Unit) {
        let Unit::Frame(frame) = unit else { return };
        let Limits {
            frame_bytes,
            headers,
            header_bytes,
        } = self.limits;
        assert!(frame.headers.len() <= headers);
        for (name, value) in &frame.headers {
            assert!(!name.is_empty() && name.len() + value.len() < header_bytes);
        }
        assert!(frame.body.len() < frame_bytes);
    }

    fn there_and_back(&self, unit: &Unit) {
        let Unit::Frame(frame) = unit else { return };
        let once = written(frame, self.version);
        let wide = Self {
            limits: WIDE,
            ..*self
        };
        let (again, refusal) = wide.read(&once, |_| false);
        assert_eq!(refusal, None, "what is written reads: {frame:?}");
        let [Unit::Frame(again)] = again.as_slice() else {
            panic!("{frame:?} became {again:?}");
        };
        assert_eq!(again.command, frame.command);
        assert_eq!(again.body, frame.body);
        assert_eq!(written(again, self.version), once);
        if self.version == Version::V1_2 && !frame.command.opens_session() {
            // There is nothing that 1.2 can read and can't carry.
            assert_eq!(kept(again), kept(frame));
        }
    }
}

fn written(frame: &hongyan_grammar::stomp::Frame, version: Version) -> Vec<u8> {
    let mut wire = Vec::new();
    write(frame, version, &mut wire);
    wire
}

/// The headers but for `content-length`, which may be corrected or added.
fn kept(frame: &hongyan_grammar::stomp::Frame) -> Vec<(&str, &str)> {
    let headers = frame.headers.iter();
    headers
        .filter(|(name, _)| *name != "content-length")
        .collect()
}

/// Where bytes are cut: anywhere, and the same for the same bytes.
pub(super) struct Cuts(u64);

impl Cuts {
    /// Cuts that depend on all of `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        // FNV-1a.
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash)
    }

    /// Whether a piece ends at `at`.
    pub(super) fn at(&self, at: usize) -> bool {
        let mixed = (self.0 ^ at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40).is_multiple_of(5)
    }
}
