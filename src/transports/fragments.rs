//! Counts the fragments of each WebSocket message as its bytes pass (RFC 6455, 5.2 and 5.4): the library that puts them
//! together does not, and a message of many small ones costs far more than its bytes.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::ReadBuf;

use crate::transports::through::write_through;

/// Most fragments of a message (CONTRACT section 9).
pub(super) const FRAGMENTS_MAX: usize = 64;

/// Bytes of the key that a client's frame is masked with.
const MASK_BYTES: u64 = 4;

/// A stream that fails to be read where a message has a fragment too many. All that came before is read as ever.
pub(super) struct Counted<S> {
    stream: S,
    counter: Counter,
    exceeded: bool,
}

impl<S> Counted<S> {
    /// Counts what comes from `stream`, which begins with a frame.
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            counter: Counter::default(),
            exceeded: false,
        }
    }

    /// Whether that is why reading failed.
    pub(super) fn has_exceeded(&self) -> bool {
        self.exceeded
    }

    /// The stream, for bytes that need no counting.
    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.exceeded {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let read = buffer.filled().get(before..).unwrap_or_default();
            let Some(good) = this.counter.pass(read) else {
                return Poll::Ready(Ok(()));
            };
            this.exceeded = true;
            buffer.set_filled(before + good);
            // Nothing at all would be the end of the stream.
            if good > 0 {
                return Poll::Ready(Ok(()));
            }
        }
        let refusal = "a message has too many fragments";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refusal)))
    }
}

write_through!(Counted);

/// Where in a frame the next byte is, and how many fragments the message has so far.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    place: Place,
    fragments: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// The byte that says what the frame is.
    #[default]
    Kind,
    /// The byte with the length, or with how many bytes that has.
    Length,
    /// So many bytes of the length are missing; what is known of it; the bytes of the mask that follows.
    LongLength(u8, u64, u64),
    /// So many bytes of mask and payload are missing.
    Rest(u64),
}

impl Counter {
    /// Goes on through `bytes`. Where a frame begins that is one too many, its place.
    fn pass(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            self.place = match self.place {
                Place::Kind => {
                    if !self.count(byte) {
                        return Some(at - 1);
                    }
                    Place::Length
                }
                Place::Length => {
                    let mask = if byte & 0x80 == 0 { 0 } else { MASK_BYTES };
                    match byte & 0x7f {
                        126 => Place::LongLength(2, 0, mask),
                        127 => Place::LongLength(8, 0, mask),
                        length => Place::after_head(mask + u64::from(length)),
                    }
                }
                Place::LongLength(missing, known, mask) => {
                    let known = known << 8 | u64::from(byte);
                    match missing {
                        1 => Place::after_head(known.saturating_add(mask)),
                        _ => Place::LongLength(missing - 1, known, mask),
                    }
                }
                Place::Rest(missing) => {
                    // All of it that is here, of which one byte is counted already.
                    let here = u64::try_from(bytes.len() - at + 1).unwrap_or(u64::MAX);
                    let passed = missing.min(here);
                    at += usize::try_from(passed - 1).unwrap_or(usize::MAX);
                    Place::after_head(missing - passed)
                }
            };
        }
        None
    }

    /// Whether a frame that begins with `byte` may come.
    fn count(&mut self, byte: u8) -> bool {
        let (is_last, kind) = (byte & 0x80 != 0, byte & 0x0f);
        match kind {
            0 => self.fragments += 1,
            1..8 => self.fragments = 1,
            // Ping, pong and close may stand between fragments.
            _ => return true,
        }
        let may_come = self.fragments <= FRAGMENTS_MAX;
        if is_last {
            self.fragments = 0;
        }
        may_come
    }
}

impl Place {
    /// Where one is with so many bytes behind the head missing.
    fn after_head(missing: u64) -> Self {
        match missing {
            0 => Self::Kind,
            _ => Self::Rest(missing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a client sends it.
    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![kind];
        match length {
            0..126 => frame.push(0x80 | length as u8),
            126..65_536 => {
                frame.push(0xfe);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(0xff);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        // Neither mask nor payload are looked at: each of these would begin a fragment.
        frame.extend(vec![0x00; 4 + length]);
        frame
    }

    /// The fragments of a message, of every size, with a ping before each.
    fn message(fragments: usize) -> Vec<Vec<u8>> {
        let sizes = [0, 1, 125, 126, 300, 65_535, 65_536].into_iter().cycle();
        let frames = sizes.take(fragments).enumerate().flat_map(|(n, size)| {
            let last = if n + 1 == fragments { 0x80 } else { 0 };
            let kind = if n == 0 { 0x01 } else { 0x00 };
            [frame(0x89, 5), frame(last | kind, size)]
        });
        frames.collect()
    }

    /// The place of the first fragment too many, with the bytes cut into such pieces.
    fn exceeds(bytes: &[u8], piece_bytes: usize) -> Option<usize> {
        let mut counter = Counter::default();
        let mut pieces = bytes.chunks(piece_bytes).enumerate();
        pieces.find_map(|(n, piece)| Some(n * piece_bytes + counter.pass(piece)?))
    }

    #[test]
    fn fragments_are_counted_for_each_message_however_the_bytes_are_cut() {
        let good = [message(FRAGMENTS_MAX), message(1), message(FRAGMENTS_MAX)].concat();
        let mut bad = [message(2), message(FRAGMENTS_MAX + 1)].concat();
        let one_too_many = bad.pop().expect("a fragment");
        let place = bad.concat().len();
        let bad = [bad.concat(), one_too_many, message(1).concat()].concat();
        for piece_bytes in [1, 2, 3, 7, 4_096, bad.len()] {
            assert_eq!(exceeds(&good.concat(), piece_bytes), None, "{piece_bytes}");
            assert_eq!(exceeds(&bad, piece_bytes), Some(place), "{piece_bytes}");
        }
    }

    #[test]
    fn a_length_beyond_all_bounds_is_passed_over() {
        let huge = [&[0x82, 0xff][..], &[0xff; 8], &[0; 100]].concat();
        assert_eq!(exceeds(&huge, 3), None);
    }
}
