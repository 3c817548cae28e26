//! Names of topics and queues, and patterns of such names. What stands before them on the wire (`/topic/`, `/queue/`) is the
//! gateways' matter.

use std::fmt;
use std::sync::Arc;

/// Most characters of a name or a pattern.
const NAME_CHARS_MAX: usize = 128;

/// The name of a topic or a queue: `news/sport`. No wildcards, and nothing that a simple client can't read in a header.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Reads a name; `None` where it has an empty segment, a character that some clients can't read in a header, or too many.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.chars().count() <= NAME_CHARS_MAX && text.split('/').all(is_plain);
        fits.then(|| Self(text.into()))
    }

    /// The queue of what no consumer would have.
    pub fn dead() -> Self {
        Self("dead".into())
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands between the slashes.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.0)
    }
}

/// One segment of a [`Pattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// This very segment.
    Plain(&'a str),
    /// `*`: any one segment.
    One,
    /// `**`: all the rest, at least one segment.
    Rest,
}

impl<'a> Segment<'a> {
    fn of(text: &'a str) -> Self {
        match text {
            "*" => Self::One,
            "**" => Self::Rest,
            plain => Self::Plain(plain),
        }
    }
}

/// Which names are meant: a name, or one with wildcards: `news/*`, `news/**`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Reads a pattern; `None` where it is neither a name nor one with wildcards for whole segments.
    pub fn parse(text: &str) -> Option<Self> {
        let wild = |segment: &str| segment == "*" || is_plain(segment);
        let before_rest = match text.strip_suffix("**") {
            Some("") => return Some(Self(text.into())),
            Some(before) => before.strip_suffix('/')?,
            None => text,
        };
        let fits = text.chars().count() <= NAME_CHARS_MAX && before_rest.split('/').all(wild);
        fits.then(|| Self(text.into()))
    }

    /// What stands between the slashes.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.0.split('/').map(Segment::of)
    }

    /// The name that this is, if it has no wildcard.
    pub fn as_name(&self) -> Option<Name> {
        let plain = !self.0.contains('*');
        plain.then(|| Name(Arc::clone(&self.0)))
    }

    /// Whether it means every name that `other` means.
    pub fn covers(&self, other: &Self) -> bool {
        let (mut own, mut others) = (self.segments(), other.segments());
        loop {
            return match (own.next(), others.next()) {
                (None, None) | (Some(Segment::Rest), Some(_)) => true,
                (Some(Segment::One), Some(Segment::One | Segment::Plain(_))) => continue,
                (Some(Segment::Plain(own)), Some(Segment::Plain(other))) if own == other => {
                    continue;
                }
                _ => false,
            };
        }
    }
}

impl From<&Name> for Pattern {
    fn from(name: &Name) -> Self {
        Self(Arc::clone(&name.0))
    }
}

fn is_plain(segment: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '\\' | '*');
    !segment.is_empty() && !segment.contains(strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for good in ["a", "news/sport.1", "消息", "a-b_c~d", &"x".repeat(128)] {
            assert!(Name::parse(good).is_some(), "{good:?}");
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", "a b", "a:b", "a\\b", "a\nb", "*", "a/*", "a*", "**",
        ] {
            assert_eq!(Name::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Name::parse(&"x".repeat(129)), None);
    }

    #[test]
    fn patterns_have_wildcards_for_whole_segments() {
        for good in ["a", "*", "**", "a/*", "*/b", "*/*/**", "a/**"] {
            assert!(Pattern::parse(good).is_some(), "{good:?}");
        }
        for bad in [
            "", "a*", "**/a", "a/**/b", "a**", "***", "a/***", "a//**", "/**",
        ] {
            assert_eq!(Pattern::parse(bad), None, "{bad:?}");
        }
        let name = |text| Pattern::parse(text).and_then(|pattern| pattern.as_name());
        assert_eq!(name("a/b"), Name::parse("a/b"));
        assert_eq!(name("a/*"), None);
    }

    #[test]
    fn a_pattern_covers_what_means_no_more() {
        for (wide, narrow, covers) in [
            ("a", "a", true),
            ("a", "b", false),
            ("*", "a", true),
            ("*", "*", true),
            ("*", "a/b", false),
            ("*", "**", false),
            ("**", "*", true),
            ("**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/**", "a/b", true),
            ("a/**", "a/*/c", true),
            ("a/**", "**", false),
            ("a/*", "a/**", false),
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/d", false),
            ("a/b", "a", false),
        ] {
            let [wide, narrow] = [wide, narrow].map(|text| Pattern::parse(text).unwrap());
            assert_eq!(wide.covers(&narrow), covers, "{wide:?} {narrow:?}");
        }
    }
}
