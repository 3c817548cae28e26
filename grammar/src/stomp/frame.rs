//! A frame, as a value: a command, headers in their order, and a body of any bytes.
//!
//! It decides how a frame is kept in memory; it does not know how it looks on the wire.

use std::fmt;

use super::Command;

/// One frame of STOMP, read or to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the frame asks or says.
    pub command: Command,
    /// The headers in their order, unescaped.
    pub headers: Headers,
    /// The body: any bytes, NUL too. Empty where there is none.
    pub body: Vec<u8>,
}

impl Frame {
    /// A frame with no headers and no body.
    pub fn new(command: Command) -> Self {
        Self {
            command,
            headers: Headers::default(),
            body: Vec::new(),
        }
    }

    /// The same frame with one more header, at the end.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The same frame with this body, and with a `content-length` at the end of the headers if it
    /// had none.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        if self.headers.get("content-length").is_none() {
            self.headers
                .push("content-length", &self.body.len().to_string());
        }
        self
    }
}

const COLON: char = ':';

/// The headers of a frame: ordered, and with repeats kept. The first of a name is the one that
/// counts (STOMP 1.2, "Repeated Header Entries").
///
/// All text is in one string, because a broker reads millions of small headers: two allocations for
/// a frame, whatever the number of its headers, and one copy for each of them.
#[derive(Clone, Default)]
pub struct Headers {
    /// Names and values, one after another, with a colon behind each name.
    text: String,
    /// Where in `text` the name ends, and where its value does. The name begins where the value
    /// before it ends.
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// No headers yet, but room for `headers` of them with `bytes` of text.
    pub(super) fn with_capacity(headers: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(headers),
        }
    }

    /// The value of the first header called `name`. Names are compared by case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(called, _)| *called == name)
            .map(|(_, value)| value)
    }

    /// Adds a header at the end, whether or not there is one of that name.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name_end = self.text.len();
        self.text.push(COLON);
        self.text.push_str(value);
        self.ends.push((name_end, self.text.len()));
    }

    /// The same for a header that stands together in `line`: a name of `name_bytes`, a colon, and the
    /// value.
    pub(super) fn push_line(&mut self, line: &str, name_bytes: usize) {
        let name_end = self.text.len() + name_bytes;
        self.text.push_str(line);
        self.ends.push((name_end, self.text.len()));
    }

    /// The names and values, in their order.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            text: &self.text,
            start: 0,
            ends: self.ends.iter(),
        }
    }

    /// How many headers there are, repeats counted.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no header.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.ends == other.ends && self.text == other.text
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.push(name.as_ref(), value.as_ref());
        }
        headers
    }
}

/// The names and values of [`Headers`], in their order.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    text: &'a str,
    start: usize,
    ends: std::slice::Iter<'a, (usize, usize)>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name_end, value_end) = *self.ends.next()?;
        // Always `Some`: only `push` and `push_line` make the ends, where a name or a value ended.
        let pair = (
            self.text.get(self.start..name_end)?,
            self.text.get(name_end + COLON.len_utf8()..value_end)?,
        );
        self.start = value_end;
        Some(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::{Command, Frame, Headers};

    #[test]
    fn headers_keep_their_order_and_repeats_and_the_first_counts() {
        let headers: Headers = [("foo", "1"), ("bar", ""), ("foo", "2")]
            .into_iter()
            .collect();
        assert_eq!(headers.len(), 3);
        assert_eq!(headers.get("foo"), Some("1"));
        assert_eq!(headers.get("bar"), Some(""));
        assert_eq!(headers.get("Foo"), None);
        assert_eq!(
            headers.iter().collect::<Vec<_>>(),
            [("foo", "1"), ("bar", ""), ("foo", "2")]
        );
    }

    #[test]
    fn the_same_text_cut_elsewhere_is_another_header() {
        let one: Headers = [("ab", "c")].into_iter().collect();
        let other: Headers = [("a", "bc")].into_iter().collect();
        assert_ne!(one, other);
    }

    #[test]
    fn a_body_brings_its_length_unless_it_is_there() {
        let frame = Frame::new(Command::Send)
            .header("destination", "/topic/a")
            .header("content-length", "3")
            .body("起");
        assert_eq!(frame.headers.len(), 2);
        assert_eq!(frame.headers.get("content-length"), Some("3"));
        assert_eq!(frame.body, "起".as_bytes());
    }
}
