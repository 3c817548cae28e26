//! Escapes in headers: which octets a version cannot carry raw, and what stands for them.
//!
//! It decides the text of names and values alone; it does not know lines or frames.

use std::borrow::Cow;

use memchr::memchr;

use super::{Command, Version};

/// What is written for an octet that the version can carry neither raw nor escaped. Leaving it raw
/// would let one header become two, or one frame become two.
const REPLACEMENT: &[u8] = b"?";

/// The escapes that a frame is read and written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// None: a backslash is a backslash. STOMP 1.0, and the frames that open a session in every
    /// version.
    None,
    /// `\n` LF, `\c` colon, `\\` backslash (STOMP 1.1, "Value Encoding").
    V1_1,
    /// Those, and `\r` CR (STOMP 1.2, "Value Encoding").
    V1_2,
}

/// Which side of the first colon a text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Name,
    Value,
}

impl Escapes {
    /// The escapes of a frame of `command` in `version`.
    pub fn of(command: Command, version: Version) -> Self {
        match version {
            _ if command.opens_session() => Self::None,
            Version::V1_0 => Self::None,
            Version::V1_1 => Self::V1_1,
            Version::V1_2 => Self::V1_2,
        }
    }

    /// The escapes that there are to undo in `head`: none where no backslash is, as nearly everywhere.
    pub fn used_in(self, head: &str) -> Self {
        if memchr(b'\\', head.as_bytes()).is_none() {
            Self::None
        } else {
            self
        }
    }

    /// What a name or value stands for. The error is the offset of the first escape that the
    /// version does not define.
    pub fn undo(self, text: &str) -> Result<Cow<'_, str>, usize> {
        if self == Self::None || !text.contains('\\') {
            return Ok(Cow::Borrowed(text));
        }
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\\') {
            let stands_for = match (after.as_bytes().first(), self) {
                (Some(b'n'), _) => '\n',
                (Some(b'c'), _) => ':',
                (Some(b'\\'), _) => '\\',
                (Some(b'r'), Self::V1_2) => '\r',
                _ => return Err(text.len() - after.len() - 1),
            };
            plain.push_str(before);
            plain.push(stands_for);
            // Always a boundary of characters: the escape's letter was one octet.
            rest = after.get(1..).unwrap_or_default();
        }
        plain.push_str(rest);
        Ok(Cow::Owned(plain))
    }

    /// Writes a name or value so that [`undo`](Self::undo) gives it back, or with `?` for what the
    /// version has no way to carry.
    pub fn write(self, part: Part, text: &str, out: &mut Vec<u8>) {
        let mut rest = text.as_bytes();
        // Nearly every text leaves here: one pass without a branch, which the compiler makes wide.
        if !rest
            .iter()
            .fold(false, |special, octet| special | is_special(*octet))
        {
            return out.extend_from_slice(rest);
        }
        while let Some(at) = rest
            .iter()
            .position(|octet| self.stand_in(part, *octet).is_some())
        {
            let (before, after) = rest.split_at(at);
            out.extend_from_slice(before);
            if let Some((octet, after)) = after.split_first() {
                out.extend_from_slice(self.stand_in(part, *octet).unwrap_or(REPLACEMENT));
                rest = after;
            }
        }
        out.extend_from_slice(rest);
    }

    /// What is written in the place of `octet`; `None` where it is written as it is.
    #[inline]
    fn stand_in(self, part: Part, octet: u8) -> Option<&'static [u8]> {
        if !is_special(octet) {
            return None;
        }
        match (octet, self) {
            (b'\\', Self::None) => None,
            (b':', Self::None) if part == Part::Value => None,
            (b'\\', _) => Some(b"\\\\"),
            (b'\n', Self::V1_1 | Self::V1_2) => Some(b"\\n"),
            (b':', Self::V1_1 | Self::V1_2) => Some(b"\\c"),
            (b'\r', Self::V1_2) => Some(b"\\r"),
            _ => Some(REPLACEMENT),
        }
    }
}

/// Whether any version has something else than the octet itself for it, on any side of the colon.
fn is_special(octet: u8) -> bool {
    matches!(octet, 0 | b'\n' | b'\r' | b':' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::super::{Command, Version};
    use super::{Escapes, Part};

    fn written(escapes: Escapes, part: Part, text: &str) -> String {
        let mut out = Vec::new();
        escapes.write(part, text, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn each_version_undoes_what_it_defines_and_refuses_the_rest() {
        assert_eq!(
            Escapes::V1_2.undo(r"a\cb\n\r\\c").as_deref(),
            Ok("a:b\n\r\\c")
        );
        assert_eq!(Escapes::V1_1.undo(r"a\cb\n\\r").as_deref(), Ok("a:b\n\\r"));
        assert_eq!(Escapes::V1_1.undo(r"ab\r"), Err(2));
        assert_eq!(Escapes::V1_2.undo(r"\\\t"), Err(2));
        assert_eq!(Escapes::V1_2.undo(r"起\"), Err(3));
        assert_eq!(Escapes::V1_2.undo(r"\起"), Err(0));
        assert_eq!(Escapes::None.undo(r"C:\temp\").as_deref(), Ok(r"C:\temp\"));
    }

    #[test]
    fn each_version_writes_what_it_defines_and_replaces_the_rest() {
        let all = "a:\\\n\r\0b";
        assert_eq!(written(Escapes::V1_2, Part::Value, all), r"a\c\\\n\r?b");
        assert_eq!(written(Escapes::V1_1, Part::Value, all), r"a\c\\\n??b");
        assert_eq!(written(Escapes::None, Part::Value, all), r"a:\???b");
        assert_eq!(written(Escapes::None, Part::Name, all), r"a?\???b");
    }

    #[test]
    fn frames_that_open_a_session_are_not_escaped() {
        assert_eq!(
            Escapes::of(Command::Connected, Version::V1_2),
            Escapes::None
        );
        assert_eq!(Escapes::of(Command::Stomp, Version::V1_1), Escapes::None);
        assert_eq!(Escapes::of(Command::Send, Version::V1_0), Escapes::None);
        assert_eq!(Escapes::of(Command::Send, Version::V1_2), Escapes::V1_2);
    }
}
