//! Friendship and its opposite: who asked whom, who is whose friend, who wants to hear nothing of whom; and the rules of
//! both, which stores apply in their transactions.
//!
//! Friends never block each other: to block ends a friendship and forgets all requests between the two, and who asks for
//! friendship, or takes the other's order, takes the own block back. Who become friends by an order have no open requests
//! left: those are accepted by it. To unfriend takes one's own open request to the other back, too, and forgets the
//! answered ones between the two; a new request forgets the earlier ones of the same to the same.

use crate::broker::limits;
use crate::broker::refusal::Refusal;
use crate::broker::users::Person;
use crate::broker::users::Uid;

/// The number of a friend request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

impl RequestId {
    /// Where two became friends without a request: by an order.
    pub const NONE: Self = Self(0);
}

/// That somebody wants to be somebody's friend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendRequest {
    /// Its number.
    pub id: RequestId,
    /// Who asks.
    pub from: Person,
    /// Who is asked.
    pub to: Person,
    /// What the asker says.
    pub words: String,
    /// When it was asked, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// A user's friends and what is still to be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Friends {
    /// The friends, by rising uid.
    pub friends: Vec<Person>,
    /// Requests of others to this user, oldest first.
    pub asked: Vec<FriendRequest>,
    /// Requests of this user to others, oldest first.
    pub asking: Vec<FriendRequest>,
}

/// What another is to a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// They are friends.
    pub friends: bool,
    /// The user has blocked the other.
    pub blocks: bool,
    /// The other has blocked the user.
    pub blocked: bool,
}

/// Whether `sender` may write to `receiver`, who is this to `sender`. The system writes to everybody, and everybody to
/// oneself.
pub fn may_write(
    sender: Uid,
    receiver: Uid,
    standing: Standing,
    friends_only: bool,
) -> Result<(), Refusal> {
    if sender == receiver || sender == Uid::SYSTEM {
        return Ok(());
    }
    if standing.blocked {
        return Err(Refusal::Blocked);
    }
    if friends_only && !standing.friends {
        return Err(Refusal::NotFriends);
    }
    Ok(())
}

/// Whether `by` may do something with `other` that takes two people: to ask, to unfriend, to block and take it back.
pub fn are_two(by: Uid, other: Uid) -> Result<(), Refusal> {
    if by == Uid::SYSTEM || other == Uid::SYSTEM {
        return Err(Refusal::NoSuchUser);
    }
    if by == other {
        return Err(Refusal::Oneself);
    }
    Ok(())
}

/// What is to be known of two users before one asks the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    /// Of the one who asks.
    pub standing: Standing,
    /// Whether the same was asked before and is not answered yet.
    pub asked: bool,
    /// Whether the other has asked, and is not answered yet.
    pub crossing: bool,
    /// How many requests of the one who asks are not answered yet.
    pub open_of_asker: usize,
    /// How many requests to the other are not answered yet.
    pub open_to_asked: usize,
    /// How many friends the one who asks has.
    pub friends_of_asker: usize,
    /// How many friends the other has.
    pub friends_of_asked: usize,
}

/// What becomes of a question that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A request is made. Earlier ones of the same to the same, all answered, are forgotten.
    Fresh,
    /// The request that stands is enough; its words stay.
    Stands,
    /// The other's request is accepted by it.
    Crosses,
}

/// What becomes of a question. Who asks has named another, who exists ([`are_two`]).
pub fn ask(words: &str, facts: &Asking) -> Result<Asked, Refusal> {
    if words.len() > limits::REQUEST_BYTES_MAX {
        return Err(Refusal::ContentTooLarge {
            bytes: words.len(),
            bytes_max: limits::REQUEST_BYTES_MAX,
        });
    }
    if facts.standing.blocked {
        return Err(Refusal::Blocked);
    }
    if facts.standing.friends {
        return Err(Refusal::FriendsAlready);
    }
    if facts.crossing {
        return befriend(facts.friends_of_asker, facts.friends_of_asked).map(|()| Asked::Crosses);
    }
    if facts.asked {
        return Ok(Asked::Stands);
    }
    if facts.open_of_asker >= limits::REQUESTS_OF_MAX {
        return Err(limits::REQUESTS_OF_FULL);
    }
    if facts.open_to_asked >= limits::REQUESTS_TO_MAX {
        return Err(limits::REQUESTS_TO_FULL);
    }
    Ok(Asked::Fresh)
}

/// Whether two, with so many friends each, may become friends too.
pub fn befriend(friends_of_one: usize, friends_of_other: usize) -> Result<(), Refusal> {
    if friends_of_one.max(friends_of_other) >= limits::FRIENDS_MAX {
        return Err(limits::FRIENDS_FULL);
    }
    Ok(())
}

/// Whether an answer to a request is news. `asked` is who was asked, `before` an earlier answer.
///
/// Where it is a yes and news, the two must also be allowed to [`befriend`].
pub fn answer(by: Uid, asked: Uid, before: Option<bool>, accept: bool) -> Result<bool, Refusal> {
    if by != asked {
        return Err(Refusal::NoSuchRequest);
    }
    match before {
        None => Ok(true),
        Some(answer) if answer == accept => Ok(false),
        Some(_) => Err(Refusal::AnsweredOtherwise),
    }
}

/// Whether somebody who blocks so many already may block one more.
pub fn block(blocks: usize) -> Result<(), Refusal> {
    if blocks >= limits::BLOCKS_MAX {
        return Err(limits::BLOCKS_FULL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGERS: Standing = Standing {
        friends: false,
        blocks: false,
        blocked: false,
    };
    const FRIENDS: Standing = Standing {
        friends: true,
        ..STRANGERS
    };
    const BLOCKED: Standing = Standing {
        blocked: true,
        ..STRANGERS
    };
    const BLOCKS: Standing = Standing {
        blocks: true,
        ..STRANGERS
    };

    fn uid(number: u64) -> Uid {
        Uid::new(number).expect("a uid")
    }

    #[test]
    fn who_may_write_to_whom() {
        let (li, wu) = (uid(1), uid(2));
        for (sender, standing, open, friends_only) in [
            (li, STRANGERS, Ok(()), Err(Refusal::NotFriends)),
            (li, FRIENDS, Ok(()), Ok(())),
            (li, BLOCKS, Ok(()), Err(Refusal::NotFriends)),
            (li, BLOCKED, Err(Refusal::Blocked), Err(Refusal::Blocked)),
            (wu, STRANGERS, Ok(()), Ok(())),
            (Uid::SYSTEM, STRANGERS, Ok(()), Ok(())),
        ] {
            assert_eq!(may_write(sender, wu, standing, false), open);
            assert_eq!(may_write(sender, wu, standing, true), friends_only);
        }
    }

    #[test]
    fn it_takes_two_people() {
        assert_eq!(are_two(uid(1), uid(2)), Ok(()));
        assert_eq!(are_two(uid(1), uid(1)), Err(Refusal::Oneself));
        assert_eq!(are_two(uid(1), Uid::SYSTEM), Err(Refusal::NoSuchUser));
        assert_eq!(are_two(Uid::SYSTEM, uid(1)), Err(Refusal::NoSuchUser));
    }

    #[test]
    fn who_may_ask_whom() {
        let plain = Asking::default();
        for (facts, outcome) in [
            (plain, Ok(Asked::Fresh)),
            (
                Asking {
                    standing: BLOCKS,
                    ..plain
                },
                Ok(Asked::Fresh),
            ),
            (
                Asking {
                    standing: BLOCKED,
                    crossing: true,
                    ..plain
                },
                Err(Refusal::Blocked),
            ),
            (
                Asking {
                    standing: FRIENDS,
                    ..plain
                },
                Err(Refusal::FriendsAlready),
            ),
            (
                Asking {
                    asked: true,
                    open_of_asker: 1_000,
                    open_to_asked: 1_000,
                    ..plain
                },
                Ok(Asked::Stands),
            ),
            (
                Asking {
                    crossing: true,
                    open_of_asker: 1_000,
                    friends_of_asker: 4_999,
                    ..plain
                },
                Ok(Asked::Crosses),
            ),
            (
                Asking {
                    crossing: true,
                    friends_of_asked: 5_000,
                    ..plain
                },
                Err(limits::FRIENDS_FULL),
            ),
            (
                Asking {
                    open_of_asker: 1_000,
                    ..plain
                },
                Err(limits::REQUESTS_OF_FULL),
            ),
            (
                Asking {
                    open_to_asked: 1_000,
                    ..plain
                },
                Err(limits::REQUESTS_TO_FULL),
            ),
            (
                Asking {
                    open_of_asker: 999,
                    open_to_asked: 999,
                    friends_of_asker: 5_000,
                    ..plain
                },
                Ok(Asked::Fresh),
            ),
        ] {
            assert_eq!(ask("hello", &facts), outcome, "{facts:?}");
        }
        assert_eq!(ask(&"x".repeat(1_024), &plain), Ok(Asked::Fresh));
        let long = Refusal::ContentTooLarge {
            bytes: 1_025,
            bytes_max: 1_024,
        };
        assert_eq!(ask(&"x".repeat(1_025), &plain), Err(long));
    }

    #[test]
    fn only_who_was_asked_answers_and_an_answer_stays() {
        let (asker, asked) = (uid(1), uid(2));
        for accept in [true, false] {
            assert_eq!(answer(asked, asked, None, accept), Ok(true));
            assert_eq!(answer(asked, asked, Some(accept), accept), Ok(false));
            assert_eq!(
                answer(asked, asked, Some(!accept), accept),
                Err(Refusal::AnsweredOtherwise)
            );
            assert_eq!(
                answer(asker, asked, None, accept),
                Err(Refusal::NoSuchRequest)
            );
        }
    }

    #[test]
    fn friends_and_blocks_end() {
        assert_eq!(befriend(4_999, 4_999), Ok(()));
        assert_eq!(befriend(5_000, 0), Err(limits::FRIENDS_FULL));
        assert_eq!(befriend(0, 5_000), Err(limits::FRIENDS_FULL));
        assert_eq!(block(4_999), Ok(()));
        assert_eq!(block(5_000), Err(limits::BLOCKS_FULL));
    }
}
