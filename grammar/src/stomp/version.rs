//! The versions of STOMP, and how the two sides agree on one.
//!
//! It decides which version is spoken; it does not know what differs between them (`escape` does).

use std::fmt;

/// A version of STOMP. Later versions are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// STOMP 1.0: no escapes, no heart-beats, no NACK.
    V1_0,
    /// STOMP 1.1: the escapes `\n`, `\c` and `\\`.
    V1_1,
    /// STOMP 1.2: `\r` too, and lines may end in CR LF.
    V1_2,
}

impl Version {
    /// All versions, the lowest first: what the `version` header of an ERROR lists when there is
    /// none in common.
    pub const ALL: [Self; 3] = [Self::V1_0, Self::V1_1, Self::V1_2];

    /// The version as `accept-version` and `version` headers spell it: `1.0`, `1.1` or `1.2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// The version that headers spell as `text`, exactly; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
    }

    /// The WebSocket subprotocol of the version: `v10.stomp`, `v11.stomp` or `v12.stomp`.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::V1_0 => "v10.stomp",
            Self::V1_1 => "v11.stomp",
            Self::V1_2 => "v12.stomp",
        }
    }

    /// The highest version in an `accept-version` header, a list with commas (STOMP 1.2, "Protocol
    /// Negotiation").
    ///
    /// No header means 1.0, the only version that had none. `None` means that there is no version
    /// in common.
    pub fn negotiate(accept_version: Option<&str>) -> Option<Self> {
        match accept_version {
            None => Some(Self::V1_0),
            Some(list) => list
                .split(',')
                .filter_map(|item| Self::parse(item.trim()))
                .max(),
        }
    }

    /// The highest version offered in a `Sec-WebSocket-Protocol` header, a list with commas (RFC
    /// 6455, section 4.2.2).
    ///
    /// `None` means that no STOMP was offered, and that none is to be echoed.
    pub fn from_subprotocols(offered: &str) -> Option<Self> {
        let named = |item: &str| {
            Self::ALL
                .into_iter()
                .find(|version| version.subprotocol() == item)
        };
        offered
            .split(',')
            .filter_map(|item| named(item.trim()))
            .max()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Version::{self, V1_0, V1_1, V1_2};

    #[test]
    fn the_highest_common_version_is_taken_in_any_order() {
        assert_eq!(Version::negotiate(Some("1.2,1.1,1.0")), Some(V1_2));
        assert_eq!(Version::negotiate(Some("1.0,1.1,1.2")), Some(V1_2));
        assert_eq!(Version::negotiate(Some("1.1, 1.0")), Some(V1_1));
        assert_eq!(Version::negotiate(Some("1.1,2.0")), Some(V1_1));
        assert_eq!(Version::negotiate(Some("2.0")), None);
        assert_eq!(Version::negotiate(Some("")), None);
    }

    #[test]
    fn no_accept_version_means_the_version_that_had_none() {
        assert_eq!(Version::negotiate(None), Some(V1_0));
    }

    #[test]
    fn the_highest_subprotocol_is_taken_and_strangers_are_passed_over() {
        assert_eq!(
            Version::from_subprotocols("v10.stomp, v11.stomp, v12.stomp"),
            Some(V1_2)
        );
        assert_eq!(
            Version::from_subprotocols("v11.stomp,v10.stomp,STOMP"),
            Some(V1_1)
        );
        assert_eq!(Version::from_subprotocols("mqtt"), None);
        assert_eq!(Version::from_subprotocols(""), None);
    }

    #[test]
    fn a_version_reads_back_as_it_is_spelled() {
        for version in Version::ALL {
            assert_eq!(Version::parse(version.as_str()), Some(version));
            assert_eq!(
                Version::from_subprotocols(version.subprotocol()),
                Some(version)
            );
        }
        assert!(V1_0 < V1_1 && V1_1 < V1_2);
    }
}
