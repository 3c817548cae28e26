//! How much a page may hold, whatever was asked for.

/// Most messages on one page.
const PAGE_MESSAGES_MAX: usize = 4096;
/// Most bytes of content on one page, except that the first message always fits.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// The room left on a page.
pub(super) struct Room {
    messages: usize,
    bytes: usize,
    empty: bool,
}

impl Room {
    /// A page for `limit` messages: at least one, at most what a page may hold.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            messages: limit.clamp(1, PAGE_MESSAGES_MAX),
            bytes: PAGE_BYTES_MAX,
            empty: true,
        }
    }

    /// Takes the room for one message of so many bytes, if it is there.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let fits = self.messages > 0 && (self.empty || bytes <= self.bytes);
        if fits {
            self.messages -= 1;
            self.bytes = self.bytes.saturating_sub(bytes);
            self.empty = false;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_fits_whatever_its_size() {
        let mut room = Room::new(0);
        assert!(room.take(2 * PAGE_BYTES_MAX));
        assert!(!room.take(0));
    }

    #[test]
    fn a_page_ends_by_count_or_by_bytes() {
        let mut room = Room::new(usize::MAX);
        assert_eq!(
            (0..=PAGE_MESSAGES_MAX).filter(|_| room.take(0)).count(),
            PAGE_MESSAGES_MAX
        );
        let mut room = Room::new(10);
        assert!(room.take(PAGE_BYTES_MAX - 1));
        assert!(!room.take(2));
        assert!(room.take(1));
    }
}
