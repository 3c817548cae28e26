//! Friendship and its opposite, orders, and where people are.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::broker::friends::FriendRequest;
use crate::broker::friends::Friends;
use crate::broker::friends::RequestId;
use crate::broker::friends::Standing;
use crate::broker::orders::Location;
use crate::broker::orders::OrderId;
use crate::broker::orders::Placed;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::stores::memory::books::Books;

/// What people are to each other.
#[derive(Default)]
pub(super) struct People {
    /// Both directions of each friendship.
    friends: HashMap<Uid, BTreeSet<Uid>>,
    blocks: HashMap<Uid, BTreeSet<Uid>>,
    pub(super) requests: BTreeMap<RequestId, Asked>,
    last_request: u64,
    pub(super) orders: HashMap<OrderId, Order>,
    locations: HashMap<Uid, Location>,
}

/// A friend request, and its answer if there is one.
pub(super) struct Asked {
    pub(super) request: FriendRequest,
    pub(super) accepted: Option<bool>,
}

/// An order, and who took it.
pub(super) struct Order {
    pub(super) customer: Person,
    pub(super) courier: Option<Uid>,
}

impl Order {
    /// As the rules see it.
    pub(super) fn placed(&self) -> Placed {
        Placed {
            customer: self.customer.uid,
            courier: self.courier,
        }
    }
}

impl People {
    pub(super) fn are_friends(&self, one: Uid, other: Uid) -> bool {
        has(&self.friends, one, other)
    }

    /// How many friends a user has.
    pub(super) fn friends_of(&self, uid: Uid) -> usize {
        self.friends.get(&uid).map_or(0, BTreeSet::len)
    }

    /// How many a user has blocked.
    pub(super) fn blocked_by(&self, uid: Uid) -> usize {
        self.blocks.get(&uid).map_or(0, BTreeSet::len)
    }

    /// How many friendships there are.
    pub(super) fn friendships(&self) -> u64 {
        let sides: usize = self.friends.values().map(BTreeSet::len).sum();
        sides as u64 / 2
    }

    /// Makes two users friends. Requests between them are accepted by it, and blocks taken back.
    pub(super) fn befriend(&mut self, one: Uid, other: Uid) {
        self.friends.entry(one).or_default().insert(other);
        self.friends.entry(other).or_default().insert(one);
        for (uid, other) in [(one, other), (other, one)] {
            self.unblock(uid, other);
            if let Some(open) = self.open_request(uid, other) {
                self.settle_request(open, true);
            }
        }
    }

    /// Ends a friendship; whether there was one.
    pub(super) fn unfriend(&mut self, one: Uid, other: Uid) -> bool {
        let mut remove = |uid: Uid, friend: Uid| {
            let friends = self.friends.get_mut(&uid);
            friends.is_some_and(|friends| friends.remove(&friend))
        };
        remove(other, one);
        remove(one, other)
    }

    pub(super) fn block(&mut self, uid: Uid, other: Uid) {
        self.blocks.entry(uid).or_default().insert(other);
    }

    pub(super) fn unblock(&mut self, uid: Uid, other: Uid) {
        if let Some(blocked) = self.blocks.get_mut(&uid) {
            blocked.remove(&other);
        }
    }

    /// The request of one user to another that is not answered yet.
    pub(super) fn open_request(&self, from: Uid, to: Uid) -> Option<RequestId> {
        let mut open = self.open_requests();
        let found = open.find(|request| request.from.uid == from && request.to.uid == to)?;
        Some(found.id)
    }

    /// All requests that are not answered yet, oldest first.
    pub(super) fn open_requests(&self) -> impl Iterator<Item = &FriendRequest> {
        let open = self.requests.values();
        open.filter(|asked| asked.accepted.is_none())
            .map(|asked| &asked.request)
    }

    /// A new request, under a number that no other ever had.
    pub(super) fn make_request(
        &mut self,
        from: Person,
        to: Person,
        words: String,
        time_ms: u64,
    ) -> FriendRequest {
        self.last_request += 1;
        let request = FriendRequest {
            id: RequestId(self.last_request),
            from,
            to,
            words,
            time_ms,
        };
        let asked = Asked {
            request: request.clone(),
            accepted: None,
        };
        self.requests.insert(request.id, asked);
        request
    }

    /// Keeps the answer to a request.
    pub(super) fn settle_request(&mut self, id: RequestId, accepted: bool) {
        if let Some(asked) = self.requests.get_mut(&id) {
            asked.accepted = Some(accepted);
        }
    }

    /// Forgets the requests of one user to another; only those that are answered, or all.
    pub(super) fn forget_requests(&mut self, from: Uid, to: Uid, only_answered: bool) {
        self.requests.retain(|_, asked| {
            let other = asked.request.from.uid != from || asked.request.to.uid != to;
            other || (only_answered && asked.accepted.is_none())
        });
    }

    /// What `other` is to `uid`.
    pub(super) fn standing(&self, uid: Uid, other: Uid) -> Standing {
        Standing {
            friends: self.are_friends(uid, other),
            blocks: has(&self.blocks, uid, other),
            blocked: has(&self.blocks, other, uid),
        }
    }

    pub(super) fn move_to(&mut self, uid: Uid, location: Location) {
        self.locations.insert(uid, location);
    }

    pub(super) fn location(&self, uid: Uid) -> Option<Location> {
        self.locations.get(&uid).copied()
    }
}

fn has(sets: &HashMap<Uid, BTreeSet<Uid>>, one: Uid, other: Uid) -> bool {
    sets.get(&one).is_some_and(|set| set.contains(&other))
}

impl Books {
    pub(super) fn friends(&self, uid: Uid) -> Friends {
        let open = || self.people.open_requests();
        Friends {
            friends: self.named_people(self.people.friends.get(&uid)),
            asked: open()
                .filter(|asked| asked.to.uid == uid)
                .cloned()
                .collect(),
            asking: open()
                .filter(|asked| asked.from.uid == uid)
                .cloned()
                .collect(),
        }
    }

    pub(super) fn blocks(&self, uid: Uid) -> Vec<Person> {
        self.named_people(self.people.blocks.get(&uid))
    }

    fn named_people(&self, uids: Option<&BTreeSet<Uid>>) -> Vec<Person> {
        let uids = uids.into_iter().flatten();
        uids.filter_map(|uid| self.person(*uid)).collect()
    }
}
