//! Where a frame ends: at the NUL after `content-length` octets, or at the first NUL of the body.
//!
//! It decides the extent of a frame and holds the limits, and keeps where it stopped, so that no
//! byte is looked at twice. It knows one header by name and leaves the meaning of all others to
//! `read`.
//!
//! Every verdict depends on the bytes up to one position and is given in the order of positions. So
//! the verdict is the same however the bytes are cut.

use memchr::{memchr, memchr2};

use super::command::{Command, Side};
use crate::refusal::{Kind, Refusal};

/// How large a frame may be. What is larger is refused while it is still arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a whole frame, from the first byte of the command to the NUL, both counted.
    pub frame_bytes: usize,
    /// Header lines in a frame, repeats counted.
    pub headers: usize,
    /// Bytes of one header line, or of the command line: all that stands before its LF.
    pub header_bytes: usize,
}

impl Limits {
    /// The limits of a peer that has not logged in: frames of 64 KiB, 64 headers, 8 KiB a header.
    pub const fn before_log_in() -> Self {
        Self {
            frame_bytes: 64 * 1024,
            headers: 64,
            header_bytes: 8 * 1024,
        }
    }

    /// The limits of a peer that has logged in: frames of `frame_bytes`; the headers as before.
    pub const fn after(frame_bytes: usize) -> Self {
        Self {
            frame_bytes,
            ..Self::before_log_in()
        }
    }
}

/// The parts of a frame that is there in full. After the body comes the NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes of the command line, the header lines and the empty line.
    pub head: usize,
    /// Header lines in the head.
    pub headers: usize,
    /// Bytes of the body.
    pub body: usize,
}

/// The search for the end of one frame. A new one for each frame.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    place: Place,
    /// Bytes from the start of the frame that need no second look.
    seen: usize,
    /// Where the line begins that `seen` is in, or the body.
    start: usize,
    headers: usize,
    length: Option<ContentLength>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Place {
    #[default]
    CommandLine,
    HeaderLine,
    Body,
}

/// The number in the first `content-length` header.
#[derive(Debug, Clone, Copy)]
struct ContentLength {
    octets: usize,
    /// Where its line begins.
    offset: usize,
}

impl Boundary {
    /// Looks on in `bytes`, which begin with the frame and hold all that was there the last time.
    /// `None`: the frame goes on after them.
    pub fn find(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        reader: Side,
    ) -> Result<Option<Extent>, Refusal> {
        // Nothing beyond the limit is looked at, so that what lies there cannot come before the
        // refusal of the limit.
        let visible = bytes.get(..limits.frame_bytes).unwrap_or(bytes);
        let body = loop {
            match self.place {
                Place::CommandLine | Place::HeaderLine => match self.line_end(visible, limits)? {
                    Some(end) => self.end_line(visible, end, limits, reader)?,
                    None => break None,
                },
                Place::Body => break self.body_end(visible)?,
            }
        };
        match body {
            Some(body) => Ok(Some(Extent {
                head: self.start,
                headers: self.headers,
                body,
            })),
            None if visible.len() == limits.frame_bytes => Err(goes_on(limits)),
            None => Ok(None),
        }
    }

    /// Bytes from the start of the frame that will not be looked at again.
    #[cfg(test)]
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Where the LF of the present line is, if it is there.
    fn line_end(&mut self, visible: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
        let line_max = self.start.saturating_add(limits.header_bytes);
        // One byte more than the longest line, where its LF may stand.
        let window_end = visible.len().min(line_max.saturating_add(1));
        let unseen = visible.get(self.seen..window_end).unwrap_or_default();
        match memchr2(b'\n', 0, unseen).map(|at| self.seen + at) {
            Some(end) if visible.get(end) == Some(&0) => Err(Refusal::new(
                Kind::MalformedFrame,
                end,
                "a NUL among the headers: end the headers with an empty line, then comes the body, then one NUL",
            )),
            Some(end) => Ok(Some(end)),
            None if window_end > line_max => Err(Refusal::new(
                Kind::HeaderTooLong,
                self.start,
                format!(
                    "the line is longer than {} bytes, which is the limit: shorten it",
                    limits.header_bytes
                ),
            )),
            None => {
                self.seen = window_end;
                Ok(None)
            }
        }
    }

    /// Takes the line that ends with the LF at `end`.
    fn end_line(
        &mut self,
        visible: &[u8],
        end: usize,
        limits: &Limits,
        reader: Side,
    ) -> Result<(), Refusal> {
        let line = visible.get(self.start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let offset = self.start;
        self.start = end + 1;
        self.seen = end + 1;
        match self.place {
            Place::CommandLine => {
                // Asked already here, so that a stranger to STOMP is told so after a line, not
                // after a limit.
                known_command(line, reader)?;
                self.place = Place::HeaderLine;
            }
            Place::HeaderLine if line.is_empty() => {
                self.check_length(limits)?;
                self.place = Place::Body;
            }
            Place::HeaderLine => {
                self.headers += 1;
                if self.headers > limits.headers {
                    return Err(Refusal::new(
                        Kind::TooManyHeaders,
                        offset,
                        format!(
                            "the frame has more than {} headers, which is the limit: send fewer",
                            limits.headers
                        ),
                    ));
                }
                if self.length.is_none()
                    && let Some(value) = line.strip_prefix(b"content-length:")
                {
                    self.length = Some(ContentLength {
                        octets: number(value, offset)?,
                        offset,
                    });
                    self.check_length(limits)?;
                }
            }
            Place::Body => {}
        }
        Ok(())
    }

    /// Refuses a frame whose head so far, its body as announced, and its NUL are more than the
    /// limit.
    fn check_length(&self, limits: &Limits) -> Result<(), Refusal> {
        let Some(length) = self.length else {
            return Ok(());
        };
        let whole = self.start.saturating_add(length.octets).saturating_add(1);
        if whole <= limits.frame_bytes {
            return Ok(());
        }
        let sentence = format!(
            "a frame with content-length {} is {whole} bytes or more, and the limit is {}: send a smaller frame",
            length.octets, limits.frame_bytes
        );
        Err(Refusal::new(Kind::FrameTooLarge, length.offset, sentence))
    }

    /// The size of the body, if its NUL is there.
    fn body_end(&mut self, visible: &[u8]) -> Result<Option<usize>, Refusal> {
        if let Some(length) = self.length {
            // Cannot overflow: `check_length` has compared this sum, and one more, with the limit.
            let end = self.start + length.octets;
            return match visible.get(end) {
                None => Ok(None),
                Some(0) => Ok(Some(length.octets)),
                Some(_) => Err(Refusal::new(
                    Kind::MalformedFrame,
                    end,
                    format!(
                        "no NUL after the {} octets that content-length announces: \
                         count the body's octets, not its characters, and end the frame with a NUL",
                        length.octets
                    ),
                )),
            };
        }
        let end = memchr(0, visible.get(self.seen..).unwrap_or_default()).map(|at| self.seen + at);
        self.seen = end.unwrap_or(visible.len());
        Ok(end.map(|end| end - self.start))
    }
}

/// The command in the first line of a frame, or the refusal of what stands there.
pub(super) fn known_command(line: &[u8], reader: Side) -> Result<Command, Refusal> {
    Command::parse(line, reader).ok_or_else(|| {
        let (sender, commands) = match reader {
            Side::Server => ("client", Command::OF_CLIENTS.as_slice()),
            Side::Client => ("server", Command::OF_SERVERS.as_slice()),
        };
        let names: Vec<&str> = commands.iter().map(|command| command.as_str()).collect();
        let shown: String = String::from_utf8_lossy(line)
            .chars()
            .take(32)
            .flat_map(char::escape_debug)
            .collect();
        let sentence = format!(
            "`{shown}` is not a command that a {sender} sends; those are {}",
            names.join(", ")
        );
        Refusal::new(Kind::UnknownCommand, 0, sentence)
    })
}

/// The number of a `content-length` header, whose line is at `offset`. What is too large for a
/// number is the largest.
fn number(value: &[u8], offset: usize) -> Result<usize, Refusal> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::new(
            Kind::MalformedFrame,
            offset,
            "content-length is not a number: write the count of the body's octets in decimal digits, or leave it out",
        ));
    }
    let digit = |octet: &u8| usize::from(octet.wrapping_sub(b'0'));
    Ok(digits.iter().fold(0, |sum: usize, octet| {
        sum.saturating_mul(10).saturating_add(digit(octet))
    }))
}

/// The refusal of a frame that has not ended within the limit.
fn goes_on(limits: &Limits) -> Refusal {
    let sentence = format!(
        "the frame goes on after {} bytes, which is the limit: send a smaller frame",
        limits.frame_bytes
    );
    Refusal::new(Kind::FrameTooLarge, limits.frame_bytes, sentence)
}
