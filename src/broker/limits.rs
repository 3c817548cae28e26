//! Every bound of the broker, with what happens at it. Bounds of a protocol or a transport live with them.

use dashmap::DashMap;

use crate::broker::moment::Moment;
use crate::broker::ports::QueueLimits;
use crate::broker::refusal::Refusal;
use crate::broker::users::Uid;

/// Messages that may wait in a session's outbox. At the bound the session falls behind: the rest waits in the store.
pub const OUTBOX_MESSAGES_MAX: usize = 512;

/// Content bytes that may wait in a session's outbox (a single larger message still fits an empty one). As above.
pub const OUTBOX_BYTES_MAX: usize = 256 * 1024;

/// Notices, of deliveries and of people, that may wait in a session's outbox. Beyond, they are dropped and counted: what
/// lasts of it can be asked for.
pub const OUTBOX_NOTICES_MAX: usize = 4_096;

/// Topic messages that may wait in a session's outbox. Beyond, the session ends ([`crate::broker::event::End::SlowConsumer`]):
/// nothing keeps them, so there is nowhere to catch up from. More than [`UNANSWERED_MAX`], so that one sender's burst fits.
pub const OUTBOX_POSTS_MAX: usize = 4_096;

/// Bytes of topic messages that may wait in a session's outbox (a single larger one still fits an empty one). As above.
pub const OUTBOX_POST_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Messages of queues that may wait in a session's outbox. At the bound the rest waits in the queue, for anybody.
pub const OUTBOX_HANDOUTS_MAX: usize = 256;

/// Bytes of messages of queues that may wait in a session's outbox (a single larger one still fits an empty one). As above.
pub const OUTBOX_HANDOUT_BYTES_MAX: usize = 256 * 1024;

/// Milliseconds that a user must have been without a session before friends are told.
pub const PRESENCE_QUIET_MS: u64 = 2_000;

/// Users who may be waiting for that. Beyond, whoever has waited longest is told of at once.
pub const PRESENCE_LEAVING_MAX: usize = 65_536;

/// News of who came and who went that may wait until friends are told. Beyond, they are dropped and counted: who is here
/// can be asked for.
pub const PRESENCE_NEWS_MAX: usize = 65_536;

/// Messages that a consumer may have unsettled where it does not say how many.
pub const PREFETCH_DEFAULT: usize = 1_000;

/// Most messages that a consumer may ask to have unsettled.
pub const PREFETCH_MAX: usize = 10_000;

/// Commands of one session that may be unanswered. At the bound its gateway stops reading from it.
pub const UNANSWERED_MAX: usize = 1_024;

/// Messages read from the store at once, for a session that is behind or for a queue.
pub const PAGE_MESSAGES: usize = 128;

/// Messages on a page of history or inbox that a client asks for. A larger request gets this many.
pub const CLIENT_PAGE_MAX: usize = 200;

/// Members of a group. Beyond: [`Refusal::GroupFull`].
pub const GROUP_MEMBERS_MAX: usize = 20_000;

/// Groups that a user may be in. Beyond: [`GROUPS_FULL`].
pub const GROUPS_MAX: usize = 1_000;

/// See [`GROUPS_MAX`].
pub const GROUPS_FULL: Refusal =
    Refusal::TooMany("a user is in at most 1000 groups; one must be left first");

/// Characters of a group's name. Beyond: [`Refusal::BadGroup`].
pub const GROUP_NAME_CHARS_MAX: usize = 128;

/// Fields of the clients' own that a group may have. Beyond: [`Refusal::BadGroup`].
pub const GROUP_FIELDS_MAX: usize = 64;

/// Bytes of the names and values of these fields in all. Beyond: [`Refusal::BadGroup`].
pub const GROUP_FIELD_BYTES_MAX: usize = 16 * 1024;

/// Members whom one message may leave out. Beyond: [`IGNORED_FULL`].
pub const IGNORED_MAX: usize = 1_000;

/// See [`IGNORED_MAX`].
pub const IGNORED_FULL: Refusal =
    Refusal::TooMany("a message leaves out at most 1000 members; write to the others instead");

/// Friends of a user. Beyond: [`FRIENDS_FULL`].
pub const FRIENDS_MAX: usize = 5_000;

/// See [`FRIENDS_MAX`].
pub const FRIENDS_FULL: Refusal =
    Refusal::TooMany("a user has at most 5000 friends; a friendship must be ended first");

/// Requests for friendship to a user that are not answered yet. Beyond: [`REQUESTS_TO_FULL`].
pub const REQUESTS_TO_MAX: usize = 1_000;

/// See [`REQUESTS_TO_MAX`].
pub const REQUESTS_TO_FULL: Refusal = Refusal::TooMany(
    "1000 friend requests to this user wait for an answer; ask again when some are answered",
);

/// Requests for friendship of a user that are not answered yet. Beyond: [`REQUESTS_OF_FULL`].
pub const REQUESTS_OF_MAX: usize = 1_000;

/// See [`REQUESTS_OF_MAX`].
pub const REQUESTS_OF_FULL: Refusal = Refusal::TooMany(
    "1000 friend requests of yours wait for an answer; take one back by DELETE /api/friends/{uid}",
);

/// Bytes of what one says with a request for friendship. Beyond: [`Refusal::ContentTooLarge`].
pub const REQUEST_BYTES_MAX: usize = 1024;

/// Users that a user may have blocked. Beyond: [`BLOCKS_FULL`].
pub const BLOCKS_MAX: usize = 5_000;

/// See [`BLOCKS_MAX`].
pub const BLOCKS_FULL: Refusal =
    Refusal::TooMany("a user blocks at most 5000 others; take a block back first");

/// Pictures of a user. Beyond: [`IMAGES_FULL`].
pub const IMAGES_MAX: u64 = 10_000;

/// Bytes of the pictures of a user. Beyond: [`IMAGES_FULL`].
pub const IMAGES_BYTES_MAX: u64 = 1 << 30;

/// See [`IMAGES_MAX`] and [`IMAGES_BYTES_MAX`].
pub const IMAGES_FULL: Refusal =
    Refusal::TooMany("a user keeps at most 10000 pictures of 1 GiB in all");

/// Users whose sending rate is remembered before the idle ones are forgotten.
const RATES_KEPT: usize = 65_536;

/// The bounds, and the rules, that an operator may set.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one content (`--max-content`). Beyond: [`Refusal::ContentTooLarge`].
    pub content_bytes_max: usize,
    /// Messages, acts and questions a second of one user (`--message-rate`), and as many at once. Beyond: [`Refusal::TooFast`].
    pub messages_per_second: u32,
    /// What queues may hold. Beyond: [`Refusal::QueueFull`], [`Refusal::TooManyQueues`].
    pub queues: QueueLimits,
    /// Whether only friends may write to each other (`--friends-only`). Else: [`Refusal::NotFriends`].
    pub friends_only: bool,
    /// Whether a webhook is to be told of messages to users without a session (`--webhook`).
    pub webhook: bool,
}

/// The defaults of the options (CONTRACT section 1).
impl Default for Limits {
    fn default() -> Self {
        Self {
            content_bytes_max: 64 * 1024,
            messages_per_second: 100,
            queues: QueueLimits::default(),
            friends_only: false,
            webhook: false,
        }
    }
}

/// How fast each user sends: a bucket that holds a second's worth and fills at the allowed rate.
pub(super) struct Rates {
    per_second: u32,
    buckets: DashMap<Uid, Bucket>,
}

/// Counted in thousandths of a message, so that one millisecond adds exactly `per_second` of them.
#[derive(Clone, Copy)]
struct Bucket {
    thousandths: u64,
    filled_ms: u64,
}

const MESSAGE: u64 = 1_000;

impl Rates {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: DashMap::new(),
        }
    }

    /// Takes one message from the bucket of `uid`.
    pub(super) fn take(&self, now: Moment, uid: Uid) -> Result<(), Refusal> {
        if self.buckets.len() >= RATES_KEPT && !self.buckets.contains_key(&uid) {
            self.buckets
                .retain(|_, bucket| self.level(*bucket, now) < self.full());
        }
        let mut bucket = self.buckets.entry(uid).or_insert(Bucket {
            thousandths: self.full(),
            filled_ms: now.steady_ms,
        });
        let level = self.level(*bucket, now);
        bucket.filled_ms = bucket.filled_ms.max(now.steady_ms);
        match level.checked_sub(MESSAGE) {
            Some(left) => {
                bucket.thousandths = left;
                Ok(())
            }
            None => {
                bucket.thousandths = level;
                Err(Refusal::TooFast {
                    per_second: self.per_second,
                })
            }
        }
    }

    fn full(&self) -> u64 {
        u64::from(self.per_second.max(1)) * MESSAGE
    }

    fn level(&self, bucket: Bucket, now: Moment) -> u64 {
        let passed_ms = now.steady_ms.saturating_sub(bucket.filled_ms);
        let added = passed_ms.saturating_mul(u64::from(self.per_second));
        bucket.thousandths.saturating_add(added).min(self.full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_may_send_a_second_s_worth_at_once_and_then_at_the_rate() {
        let rates = Rates::new(10);
        let (li, wu) = (Uid::new(1).unwrap(), Uid::new(2).unwrap());
        let start = Moment::default().after_ms(5_000);
        for _ in 0..10 {
            assert_eq!(rates.take(start, li), Ok(()));
        }
        assert_eq!(
            rates.take(start, li),
            Err(Refusal::TooFast { per_second: 10 })
        );
        assert_eq!(
            rates.take(start, wu),
            Ok(()),
            "another user's rate is another's"
        );
        assert!(rates.take(start.after_ms(99), li).is_err());
        assert_eq!(rates.take(start.after_ms(100), li), Ok(()));
        assert!(rates.take(start.after_ms(100), li).is_err());
    }
}
