//! Where WebSocket frames begin and end in a stream that goes by (RFC 6455, 5.2), however it is cut. Knows headers, and the
//! first bytes of what is in a frame; keeps nothing else.

/// The most bytes of a header.
const HEADER_BYTES_MAX: usize = 14;

/// How many of a frame's first bytes are kept: enough for a mark in a pong.
pub(super) const LEAD_BYTES: usize = 8;

/// What follows another frame's message.
pub(super) const CONTINUATION: u8 = 0x0;

/// A text.
pub(super) const TEXT: u8 = 0x1;

/// The first opcode of control frames.
pub(super) const CONTROL: u8 = 0x8;

/// The answer to a ping.
pub(super) const PONG: u8 = 0xA;

/// A frame: all of its header, and its first bytes unmasked as far as they have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) length: u64,
    pub(super) lead: [u8; LEAD_BYTES],
}

impl Frame {
    /// The first bytes of what is in it.
    pub(super) fn begins_with(&self, bytes: &[u8]) -> bool {
        self.length >= bytes.len() as u64 && self.lead.starts_with(bytes)
    }
}

/// What a stream has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// The header of a frame.
    Header(Frame),
    /// The last byte of a frame.
    End(Frame),
}

/// A stream of frames in one direction.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: usize,
    /// The frame whose header is whole, its mask, and how much of it has passed.
    open: Option<(Frame, [u8; 4], u64)>,
}

impl Frames {
    /// Whether no frame is half passed.
    pub(super) fn at_boundary(&self) -> bool {
        self.header_bytes == 0 && self.open.is_none()
    }

    /// Takes bytes from `bytes` until something has passed; `None` when all are taken.
    pub(super) fn pass(&mut self, bytes: &mut &[u8]) -> Option<Passed> {
        loop {
            if let Some((frame, mask, passed)) = &mut self.open {
                let left = usize::try_from(frame.length - *passed).unwrap_or(usize::MAX);
                let (part, rest) = bytes.split_at(left.min(bytes.len()));
                let seen = usize::try_from(*passed)
                    .unwrap_or(LEAD_BYTES)
                    .min(LEAD_BYTES);
                for (at, byte) in (seen..LEAD_BYTES).zip(part) {
                    frame.lead[at] = byte ^ mask[at % mask.len()];
                }
                *passed += part.len() as u64;
                *bytes = rest;
                if *passed < frame.length {
                    return None;
                }
                let frame = *frame;
                self.open = None;
                return Some(Passed::End(frame));
            }
            let (first, rest) = bytes.split_first()?;
            *bytes = rest;
            self.header[self.header_bytes] = *first;
            self.header_bytes += 1;
            if let Some((frame, mask)) = self.whole_header() {
                self.header_bytes = 0;
                self.open = Some((frame, mask, 0));
                return Some(Passed::Header(frame));
            }
        }
    }
    /// The header that has been collected, if that is all of it.
    fn whole_header(&self) -> Option<(Frame, [u8; 4])> {
        let (extended, mask) = match self.header[1] & 0x7F {
            126 => (2, 4),
            127 => (8, 10),
            _ => (0, 2),
        };
        let is_masked = self.header[1] & 0x80 != 0;
        let whole = 2 + extended + if is_masked { 4 } else { 0 };
        if self.header_bytes < 2 || self.header_bytes < whole {
            return None;
        }
        let number = self.header[2..2 + extended].iter();
        let length = match extended {
            0 => u64::from(self.header[1] & 0x7F),
            _ => number.fold(0, |number, byte| number << 8 | u64::from(*byte)),
        };
        let frame = Frame {
            opcode: self.header[0] & 0x0F,
            length,
            lead: [0; LEAD_BYTES],
        };
        let key = match is_masked {
            true => std::array::from_fn(|at| self.header[mask + at]),
            false => [0; 4],
        };
        Some((frame, key))
    }
}

/// A ping that carries `mark`, as a server sends it.
pub(super) fn ping(mark: u64) -> [u8; 2 + LEAD_BYTES] {
    let mut frame = [0; 2 + LEAD_BYTES];
    frame[0] = 0x89;
    frame[1] = LEAD_BYTES as u8;
    frame[2..].copy_from_slice(&mark.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, mask: Option<[u8; 4]>, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80 | opcode];
        let masked = if mask.is_some() { 0x80 } else { 0 };
        match content.len() {
            short @ ..126 => bytes.push(masked | short as u8),
            middle @ ..65_536 => {
                bytes.push(masked | 126);
                bytes.extend((middle as u16).to_be_bytes());
            }
            long => {
                bytes.push(masked | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        let mask = mask.inspect(|mask| bytes.extend(mask)).unwrap_or_default();
        bytes.extend(
            content
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ mask[at % 4]),
        );
        bytes
    }

    fn passed(bytes: &[u8], cut: usize) -> Vec<Passed> {
        let mut frames = Frames::default();
        let mut all = Vec::new();
        for mut piece in bytes.chunks(cut) {
            while let Some(passed) = frames.pass(&mut piece) {
                all.push(passed);
            }
        }
        assert!(frames.at_boundary());
        all
    }

    #[test]
    fn frames_are_found_wherever_the_stream_is_cut() {
        let mut bytes = frame(TEXT, Some([1, 2, 3, 4]), b"42[\"news\",1]");
        bytes.extend(frame(PONG, Some([9, 9, 9, 9]), &7_u64.to_be_bytes()));
        bytes.extend(frame(TEXT, None, &[b'x'; 200]));
        bytes.extend(frame(CONTINUATION, None, &vec![b'y'; 70_000]));
        bytes.extend(frame(TEXT, Some([5, 6, 7, 8]), b""));
        bytes.extend(ping(8));
        let whole = passed(&bytes, bytes.len());
        let ends: Vec<Frame> = whole
            .iter()
            .filter_map(|passed| match passed {
                Passed::End(frame) => Some(*frame),
                Passed::Header(_) => None,
            })
            .collect();
        let seen = |at: usize| (ends[at].opcode, ends[at].length, ends[at].lead);
        assert_eq!(seen(0), (TEXT, 12, *b"42[\"news"));
        assert_eq!(seen(1), (PONG, 8, 7_u64.to_be_bytes()));
        assert_eq!(seen(2), (TEXT, 200, [b'x'; 8]));
        assert_eq!(seen(3), (CONTINUATION, 70_000, [b'y'; 8]));
        assert_eq!(seen(4), (TEXT, 0, [0; 8]));
        assert_eq!(seen(5), (0x9, 8, 8_u64.to_be_bytes()));
        for cut in [1, 2, 3, 5, 7, 11, 4096] {
            assert_eq!(passed(&bytes, cut), whole, "in pieces of {cut}");
        }
    }

    #[test]
    fn a_short_frame_does_not_begin_with_more_than_it_has() {
        let ends = passed(&frame(TEXT, None, b"4"), 1);
        let Some(Passed::End(frame)) = ends.last() else {
            panic!("no end: {ends:?}");
        };
        assert!(frame.begins_with(b"4"));
        assert!(!frame.begins_with(b"4\0"));
    }
}
