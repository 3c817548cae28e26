//! The keys by which other servers call this one.

use std::hint::black_box;

use sha1::Digest;
use sha1::Sha1;

/// The allowed keys, as digests: all of one length, so that comparing them tells nothing about any.
pub(super) struct ApiKeys(Vec<[u8; 20]>);

impl ApiKeys {
    pub(super) fn new(keys: &[String]) -> Self {
        Self(keys.iter().map(|key| digest(key)).collect())
    }

    /// Whether `key` is one of them, in a time that depends on neither.
    pub(super) fn has(&self, key: &str) -> bool {
        let given = digest(key);
        self.0.iter().fold(false, |found, allowed| {
            let differing = allowed
                .iter()
                .zip(given)
                .fold(0, |bits, (a, b)| bits | (a ^ b));
            found | (black_box(differing) == 0)
        })
    }
}

fn digest(key: &str) -> [u8; 20] {
    Sha1::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_keys_are_known() {
        let keys = ApiKeys::new(&["0123456789abcdef".into(), "fedcba9876543210".into()]);
        assert!(keys.has("0123456789abcdef"));
        assert!(keys.has("fedcba9876543210"));
        for wrong in ["", "0123456789abcde", "0123456789abcdef "] {
            assert!(!keys.has(wrong), "{wrong:?}");
        }
        assert!(!ApiKeys::new(&[]).has(""));
    }
}
