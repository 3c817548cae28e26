//! A frame to bytes: the inverse of reading.
//!
//! It decides the one form that frames are written in: LF ends the lines, nothing stands before the
//! command or after the NUL. It does not decide which headers a frame should have.

use memchr::memchr;

use super::escape::{Escapes, Part};
use super::{Command, Frame, Version};

/// Writes `frame` at the end of `out` as it is spelled in `version`.
///
/// What was written reads back to the same frame, with these exceptions, by which nothing that is
/// written can be misread as something else:
///
/// * octets that the version has no way to carry in a header become `?`: a NUL everywhere, CR in
///   1.1, CR, LF (and a colon in a name) in 1.0 and in the frames that open a session;
/// * a header with an empty name is left out;
/// * a first `content-length` that is not the body's length is corrected, and one is added where it
///   is missing and the body holds a NUL.
pub fn write(frame: &Frame, version: Version, out: &mut Vec<u8>) {
    let mut writer = FrameWriter::begin(out, frame.command, version);
    let mut has_length = false;
    for (name, value) in &frame.headers {
        if name == "content-length" && !has_length {
            has_length = true;
            if !is_length(value, frame.body.len()) {
                writer = writer.header_number(name, frame.body.len() as u64);
                continue;
            }
        }
        writer = writer.header(name, value);
    }
    if has_length || memchr(0, &frame.body).is_none() {
        writer.finish(&frame.body);
    } else {
        writer.body(&frame.body).end();
    }
}

/// Whether `value` says `length` in a way that every reader takes: digits, and no more than spaces around them.
fn is_length(value: &str, length: usize) -> bool {
    let digits = value.trim_matches(' ');
    digits.bytes().all(|octet| octet.is_ascii_digit()) && digits.parse() == Ok(length)
}

/// Writes one frame at the end of a buffer, part by part, and allocates nothing of its own.
///
/// Begin, add headers, perhaps a body, and end: a writer that is not ended leaves half a frame in
/// the buffer. The same octets are escaped, replaced and left out as by [`write()`].
#[derive(Debug)]
#[must_use = "the frame is whole only after `end`"]
pub struct FrameWriter<'a> {
    out: &'a mut Vec<u8>,
    escapes: Escapes,
    body: Option<&'a [u8]>,
}

impl<'a> FrameWriter<'a> {
    /// Begins a frame of `command`, in the spelling of `version`.
    pub fn begin(out: &'a mut Vec<u8>, command: Command, version: Version) -> Self {
        let writer = Self::resume(out, command, version, command.as_str().as_bytes());
        writer.out.push(b'\n');
        writer
    }

    /// Goes on with a frame of `command`, of which `head` was written before: all up to a line's end, in the same version.
    pub fn resume(out: &'a mut Vec<u8>, command: Command, version: Version, head: &[u8]) -> Self {
        out.extend_from_slice(head);
        Self {
            out,
            escapes: Escapes::of(command, version),
            body: None,
        }
    }

    /// Adds a header. `content-length` is for [`body`](Self::body) to add.
    pub fn header(self, name: &str, value: &str) -> Self {
        if !name.is_empty() {
            self.escapes.write(Part::Name, name, self.out);
            self.out.push(b':');
            self.escapes.write(Part::Value, value, self.out);
            self.out.push(b'\n');
        }
        self
    }

    /// Adds a header that a frame may have or not.
    pub fn header_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Adds a header whose value is a number, in decimal digits.
    pub fn header_number(self, name: &str, value: u64) -> Self {
        self.header_numbers(name, [value])
    }

    /// Adds a header whose value is numbers, in decimal digits and with a `-` between them.
    pub fn header_numbers(self, name: &str, values: impl IntoIterator<Item = u64>) -> Self {
        if name.is_empty() {
            return self;
        }
        self.escapes.write(Part::Name, name, self.out);
        let mut before = b':';
        for value in values {
            self.out.push(before);
            self.out
                .extend_from_slice(decimal(value, &mut [0; DIGITS_MAX]));
            before = b'-';
        }
        self.out.push(b'\n');
        self
    }

    /// The body that the frame is to have, any bytes; [`end`](Self::end) writes it, and a
    /// `content-length` of its octets as the last header.
    pub fn body(self, bytes: &'a [u8]) -> Self {
        Self {
            body: Some(bytes),
            ..self
        }
    }

    /// Ends the frame: the empty line, the body if there is one, the NUL.
    pub fn end(self) {
        match self.body {
            Some(body) => self
                .header_number("content-length", body.len() as u64)
                .finish(body),
            None => self.finish(&[]),
        }
    }

    /// Ends the frame with a body whose length no header gives, or one that was already written.
    fn finish(self, body: &[u8]) {
        self.out.push(b'\n');
        self.out.extend_from_slice(body);
        self.out.push(0);
    }
}

/// Digits of the largest `u64`.
const DIGITS_MAX: usize = 20;

/// `value` in decimal digits, which are put at the end of `digits`.
fn decimal(value: u64, digits: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut left = value;
    let mut start = DIGITS_MAX;
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        // A remainder by ten fits an octet.
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        start = at;
        if left == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Command, DIGITS_MAX, Frame, FrameWriter, Version, decimal, write};

    fn written(frame: &Frame, version: Version) -> String {
        let mut out = Vec::new();
        write(frame, version, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, 1_504_712_402_000, u64::MAX] {
            let digits = number.to_string();
            assert_eq!(decimal(number, &mut [0; DIGITS_MAX]), digits.as_bytes());
        }
    }

    #[test]
    fn a_writer_makes_a_frame_with_its_length() {
        let mut out = b"before".to_vec();
        FrameWriter::begin(&mut out, Command::Message, Version::V1_2)
            .header("destination", "/queue/a:b")
            .header_numbers("message-id", [1, 255])
            .body("起\0".as_bytes())
            .end();
        let frame =
            "beforeMESSAGE\ndestination:/queue/a\\cb\nmessage-id:1-255\ncontent-length:4\n\n起\0\0";
        assert_eq!(out, frame.as_bytes());
    }

    #[test]
    fn a_frame_goes_on_where_its_head_ends() {
        let mut head = Vec::new();
        let _ = FrameWriter::begin(&mut head, Command::Message, Version::V1_2)
            .header("destination", "/topic/a:b");
        let mut out = Vec::new();
        FrameWriter::resume(&mut out, Command::Message, Version::V1_2, &head)
            .header_if("ack", None)
            .header_number("", 7)
            .header_if("topic", Some("a:b"))
            .body(b"c")
            .end();
        let frame = "MESSAGE\ndestination:/topic/a\\cb\ntopic:a\\cb\ncontent-length:1\n\nc\0";
        assert_eq!(out, frame.as_bytes());
    }

    #[test]
    fn a_frame_without_a_body_has_no_length() {
        let mut out = Vec::new();
        FrameWriter::begin(&mut out, Command::Receipt, Version::V1_0)
            .header("receipt-id", "1")
            .end();
        assert_eq!(out, b"RECEIPT\nreceipt-id:1\n\n\0");
    }

    #[test]
    fn a_length_is_written_as_every_reader_takes_it() {
        for (length, version) in [
            ("+3", Version::V1_2),
            ("3\n", Version::V1_2),
            ("3\r", Version::V1_0),
            ("\u{a0}3", Version::V1_2),
            ("", Version::V1_2),
        ] {
            let frame = Frame::new(Command::Send).header("content-length", length);
            let frame = frame.body("abc");
            let corrected = "SEND\ncontent-length:3\n\nabc\0";
            assert_eq!(written(&frame, version), corrected, "{length:?}");
        }
        let spaces = Frame::new(Command::Send).header("content-length", " 03 ");
        assert_eq!(
            written(&spaces.body("abc"), Version::V1_2),
            "SEND\ncontent-length: 03 \n\nabc\0"
        );
    }

    #[test]
    fn a_wrong_length_is_corrected_and_a_needed_one_added() {
        let wrong = Frame::new(Command::Send)
            .header("content-length", "9")
            .header("content-length", "8")
            .body("abc");
        assert_eq!(
            written(&wrong, Version::V1_2),
            "SEND\ncontent-length:3\ncontent-length:8\n\nabc\0"
        );
        let mut missing = Frame::new(Command::Send);
        missing.body = b"a\0b".to_vec();
        assert_eq!(
            written(&missing, Version::V1_2),
            "SEND\ncontent-length:3\n\na\0b\0"
        );
        missing.body = b"ab".to_vec();
        assert_eq!(written(&missing, Version::V1_2), "SEND\n\nab\0");
    }

    #[test]
    fn no_header_becomes_two() {
        let frame = Frame::new(Command::Send)
            .header("a", "b\nc:d\0")
            .header("", "x");
        assert_eq!(written(&frame, Version::V1_0), "SEND\na:b?c:d?\n\n\0");
        assert_eq!(written(&frame, Version::V1_1), "SEND\na:b\\nc\\cd?\n\n\0");
    }
}
