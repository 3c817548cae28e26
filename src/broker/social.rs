//! What people may do with other people: the closed list of [`Social`] acts, and what became of one.

use crate::broker::friends::FriendRequest;
use crate::broker::friends::RequestId;
use crate::broker::groups::Gid;
use crate::broker::groups::Group;
use crate::broker::groups::GroupPatch;
use crate::broker::groups::NewGroup;
use crate::broker::groups::Roster;
use crate::broker::orders::Location;
use crate::broker::orders::OrderId;
use crate::broker::users::Person;
use crate::broker::users::UserKey;

/// Something that a user does with others. Each is one transaction of the store, which also decides whether it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Social {
    /// Ask to be a friend. Asked again it stays one request; where the other has asked already, it is a yes.
    AskFriend {
        /// Whom.
        to: UserKey,
        /// What to say.
        words: String,
    },
    /// Answer a request that was made to this user. The same answer again is no fault.
    AnswerFriend {
        /// Which.
        request: RequestId,
        /// Yes or no.
        accept: bool,
    },
    /// End a friendship. No fault where there is none.
    Unfriend(UserKey),
    /// Hear nothing of this user any more. It ends a friendship. Again is no fault.
    Block(UserKey),
    /// Take that back.
    Unblock(UserKey),
    /// Make a group.
    MakeGroup(NewGroup),
    /// Change a group's fields.
    ChangeGroup {
        /// Which.
        gid: Gid,
        /// How.
        patch: GroupPatch,
    },
    /// Make users members of a group; naming only oneself is to join. Who is one already is no fault.
    AddMembers {
        /// Which group.
        gid: Gid,
        /// Who.
        users: Vec<UserKey>,
    },
    /// Make a user no longer a member; naming oneself is to leave.
    RemoveMember {
        /// Which group.
        gid: Gid,
        /// Who.
        user: UserKey,
    },
    /// Offer an order to couriers. The same again is no fault. Only the system does this.
    PlaceOrder {
        /// Its id.
        order: OrderId,
        /// Who ordered.
        customer: UserKey,
    },
    /// Take an order: courier and customer become friends. The same courier again is no fault.
    TakeOrder(OrderId),
    /// Tell where one is.
    MoveTo(Location),
}

/// What became of a [`Social`] act: what the asker is answered, and who else is concerned. What is large is boxed: every
/// event of an outbox has room for one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A request stands.
    Asked {
        /// The request.
        request: Box<FriendRequest>,
        /// Whether it was made now; false where it stood already.
        fresh: bool,
    },
    /// A request is answered, or the two were each other's askers.
    Answered {
        /// The request.
        request: Box<FriendRequest>,
        /// Whether they are friends now.
        accepted: bool,
        /// Whether it was answered now; false where it was so already.
        fresh: bool,
    },
    /// They are no friends.
    Unfriended {
        /// The other.
        other: Person,
        /// Whether they were until now.
        fresh: bool,
    },
    /// The other is blocked, or no longer.
    Blocking {
        /// The other.
        other: Person,
        /// Whether they were friends until now.
        unfriended: bool,
    },
    /// The group as it is now.
    Group {
        /// The group.
        group: Box<Group>,
        /// Who came by this act.
        joined: Vec<Person>,
        /// Who left by this act.
        left: Vec<Person>,
        /// Whether fields changed.
        changed: bool,
        /// Whether it was made now.
        made: bool,
    },
    /// One is no longer a member (and so may not see the group as it is now).
    Left {
        /// Which group.
        gid: Gid,
        /// Its name.
        name: std::sync::Arc<str>,
        /// Who left.
        who: Person,
        /// Those who stay.
        stay: Roster,
    },
    /// The order is open to couriers.
    OrderPlaced,
    /// The order is the courier's.
    OrderTaken {
        /// Who ordered.
        customer: Person,
        /// Whether they became friends by this act.
        befriended: bool,
    },
    /// Known.
    Moved,
}
