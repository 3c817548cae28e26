//! Bytes as they arrive, to frames and heart-beats.
//!
//! It decides what is kept between two arrivals, and lets it go as soon as it can: a connection on
//! which nothing is under way holds no memory here. It does not know what the frames mean.

use std::mem;

use super::boundary::{Boundary, Extent, Limits};
use super::command::Side;
use super::read;
use super::{Frame, Version};
use crate::refusal::Refusal;

/// A buffer with no more capacity than this is not worth shrinking.
const SMALL_BYTES: usize = 4096;
/// A body of so many bytes is not copied where that can be helped: fresh memory costs more than the
/// copy.
const LARGE_BYTES: usize = 64 * 1024;

/// What stands on a STOMP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// An end of line between frames: a heart-beat, or the padding that some clients send after a
    /// frame.
    Beat,
    /// A frame.
    Frame(Frame),
}

/// Reads the units of one connection, from bytes that are cut anywhere.
///
/// [`feed`](Self::feed) it what arrives, then take units with [`next`](Self::next) until there is
/// none. It never holds more bytes than one frame within the limits and what was fed since.
#[derive(Debug)]
pub struct Decoder {
    reader: Side,
    limits: Limits,
    version: Version,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are done with.
    taken: usize,
    boundary: Boundary,
    refused: Option<Refusal>,
}

impl Decoder {
    /// A decoder for the side that reads, with limits, and with the escapes of 1.0 (that is none)
    /// until [`set_version`](Self::set_version).
    pub fn new(reader: Side, limits: Limits) -> Self {
        Self {
            reader,
            limits,
            version: Version::V1_0,
            buffer: Vec::new(),
            taken: 0,
            boundary: Boundary::default(),
            refused: None,
        }
    }

    /// Sets other limits, which hold at once, also for a frame that is under way.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Sets the version that the two sides agreed on, for the frames that are taken from now on.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Takes what arrived. After a refusal it is dropped.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.refused.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next unit; `None` when it has not arrived in full.
    ///
    /// A refusal is final: there is no telling where the next frame would begin, so every later
    /// call gives it again.
    #[allow(
        clippy::should_implement_trait,
        reason = "not an iterator: `None` is not the end"
    )]
    pub fn next(&mut self) -> Result<Option<Unit>, Refusal> {
        if let Some(refusal) = &self.refused {
            return Err(refusal.clone());
        }
        self.unit().inspect_err(|refusal| {
            self.refused = Some(refusal.clone());
            self.buffer = Vec::new();
            self.taken = 0;
        })
    }

    /// Bytes that have arrived and are not yet part of a unit that was taken.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.taken
    }

    fn unit(&mut self) -> Result<Option<Unit>, Refusal> {
        loop {
            let rest = self.buffer.get(self.taken..).unwrap_or_default();
            match rest {
                [0, ..] => self.taken += 1,
                [b'\n', ..] => {
                    self.taken += 1;
                    return Ok(Some(Unit::Beat));
                }
                [b'\r', b'\n', ..] => {
                    self.taken += 2;
                    return Ok(Some(Unit::Beat));
                }
                [] | [b'\r'] => {
                    self.let_go();
                    return Ok(None);
                }
                _ => {
                    let Some(extent) = self.boundary.find(rest, &self.limits, self.reader)? else {
                        self.let_go();
                        return Ok(None);
                    };
                    let (command, headers) = read::head(rest, extent, self.version, self.reader)?;
                    let body = self.take_frame(extent);
                    return Ok(Some(Unit::Frame(Frame {
                        command,
                        headers,
                        body,
                    })));
                }
            }
        }
    }

    /// Takes the body of the frame that comes next in the buffer, with which the frame is done. A
    /// large one leaves with the buffer, so that no memory is asked for to copy it to, unless more
    /// than itself has arrived behind it and would have to be copied instead.
    fn take_frame(&mut self, extent: Extent) -> Vec<u8> {
        let start = self.taken + extent.head;
        let end = start + extent.body;
        self.boundary = Boundary::default();
        self.taken = end + 1;
        if extent.body < LARGE_BYTES || self.buffered() > extent.body {
            return self.buffer.get(start..end).unwrap_or_default().to_vec();
        }
        let behind = self.buffer.split_off(self.taken);
        let mut body = mem::replace(&mut self.buffer, behind);
        self.taken = 0;
        body.truncate(end);
        body.drain(..start);
        // What a buffer that grows has to spare was never used, and costs nothing.
        if body.capacity() / 2 > body.len() {
            body.shrink_to_fit();
        }
        body
    }

    /// Lets go of the bytes that are done with, where that costs no more than they did.
    fn let_go(&mut self) {
        let left = self.buffered();
        if left == 0 {
            self.buffer = Vec::new();
            self.taken = 0;
        } else if self.taken >= left {
            self.buffer.drain(..self.taken);
            self.taken = 0;
            if self.buffer.capacity() > SMALL_BYTES && self.buffer.capacity() / 4 > left {
                self.buffer.shrink_to(left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decoder, LARGE_BYTES, Limits, SMALL_BYTES, Side, Unit, Version};
    use crate::refusal::{Kind, Refusal};

    /// The body of the largest frame of these tests.
    const HUGE_BYTES: usize = 8 << 20;

    fn fed(limits: Limits, bytes: &[u8]) -> Decoder {
        let mut decoder = Decoder::new(Side::Server, limits);
        decoder.feed(bytes);
        decoder
    }

    fn kind(result: Result<Option<Unit>, Refusal>) -> Option<Kind> {
        result.err().map(|refusal| refusal.kind)
    }

    #[test]
    fn an_idle_decoder_holds_no_memory() {
        let mut decoder = fed(Limits::before_log_in(), b"BEGIN\ntransaction:t\n\n\0\n");
        assert!(matches!(decoder.next(), Ok(Some(Unit::Frame(_)))));
        assert_eq!(decoder.next(), Ok(Some(Unit::Beat)));
        assert_eq!(decoder.next(), Ok(None));
        assert_eq!(decoder.buffer.capacity(), 0);
    }

    #[test]
    fn a_large_frame_in_small_pieces_leaves_no_large_buffer() {
        let mut wire = b"SEND\ndestination:/topic/a\n\n".to_vec();
        wire.resize(wire.len() + HUGE_BYTES, b'a');
        wire.extend_from_slice(b"\0BEGIN\ntrans");
        let mut decoder = fed(Limits::after(HUGE_BYTES + 1024), b"");
        let mut bodies = Vec::new();
        for piece in wire.chunks(1460) {
            decoder.feed(piece);
            while let Ok(Some(Unit::Frame(frame))) = decoder.next() {
                bodies.push(frame.body.len());
            }
        }
        assert_eq!(bodies, [HUGE_BYTES]);
        assert_eq!(decoder.buffered(), b"BEGIN\ntrans".len());
        assert!(decoder.buffer.capacity() <= SMALL_BYTES);
    }

    #[test]
    fn a_large_body_is_whole_whatever_stands_beside_it() {
        let body = |octet: u8| vec![octet; 3 * LARGE_BYTES];
        let frame = |octet| [b"SEND\n\n", &*body(octet), b"\0"].concat();
        let beat = b"\n".to_vec();
        for (wire, octets) in [
            (vec![frame(b'a')], "a"),
            (vec![beat.clone(), frame(b'a'), beat], "a"),
            (vec![frame(b'a'), frame(b'b'), frame(b'c')], "abc"),
            (
                vec![frame(b'a'), b"SEND\n\nb\0".to_vec(), frame(b'c')],
                "ac",
            ),
        ] {
            for piece_bytes in [1460, LARGE_BYTES, 4 * LARGE_BYTES, usize::MAX] {
                let mut decoder = fed(Limits::after(HUGE_BYTES), b"");
                let mut bodies = Vec::new();
                for piece in wire.concat().chunks(piece_bytes) {
                    decoder.feed(piece);
                    while let Some(unit) = decoder.next().expect("good frames") {
                        bodies.extend(match unit {
                            Unit::Frame(frame) if frame.body != b"b" => Some(frame.body),
                            _ => None,
                        });
                    }
                }
                assert!(bodies.iter().all(|body| body.capacity() <= 2 * body.len()));
                assert_eq!(bodies, octets.bytes().map(body).collect::<Vec<_>>());
                assert_eq!(decoder.buffered(), 0);
                assert_eq!(decoder.buffer.capacity(), 0);
            }
        }
    }

    #[test]
    fn a_frame_is_looked_at_once() {
        let mut decoder = fed(Limits::after(HUGE_BYTES), b"SEND\n\n");
        for pieces in 1..100 {
            decoder.feed(&[b'a'; 100]);
            assert_eq!(decoder.next(), Ok(None));
            assert_eq!(decoder.boundary.seen(), 6 + pieces * 100);
        }
    }

    #[test]
    fn a_refusal_is_final_and_lets_go_of_the_bytes() {
        let mut decoder = fed(Limits::before_log_in(), b"HELLO\n\n\0");
        assert_eq!(kind(decoder.next()), Some(Kind::UnknownCommand));
        decoder.feed(b"SEND\n\n\0");
        assert_eq!(kind(decoder.next()), Some(Kind::UnknownCommand));
        assert_eq!(decoder.buffer.capacity(), 0);
    }

    #[test]
    fn other_limits_hold_for_a_frame_under_way() {
        let mut decoder = fed(
            Limits::after(100),
            &[b"SEND\n\n".as_slice(), &[b'a'; 90]].concat(),
        );
        assert_eq!(decoder.next(), Ok(None));
        decoder.set_limits(Limits::after(200));
        decoder.feed(&[b'a'; 90]);
        assert_eq!(decoder.next(), Ok(None));
        decoder.set_limits(Limits::after(50));
        assert_eq!(kind(decoder.next()), Some(Kind::FrameTooLarge));
    }

    #[test]
    fn the_version_holds_from_the_next_frame_that_is_taken() {
        let frame = b"SEND\na:\\c\n\n\0";
        let mut decoder = fed(Limits::before_log_in(), &frame.repeat(2));
        let value = |unit| match unit {
            Ok(Some(Unit::Frame(frame))) => frame.headers.get("a").map(str::to_owned),
            _ => None,
        };
        assert_eq!(value(decoder.next()).as_deref(), Some("\\c"));
        decoder.set_version(Version::V1_1);
        assert_eq!(value(decoder.next()).as_deref(), Some(":"));
    }
}
