//! What people do with other people: the rules of the broker decide, and what follows is written here.

use crate::broker::friends;
use crate::broker::friends::Asked;
use crate::broker::friends::Asking;
use crate::broker::friends::RequestId;
use crate::broker::orders;
use crate::broker::orders::OrderId;
use crate::broker::orders::Taken;
use crate::broker::orders::Taking;
use crate::broker::ports::SocialAct;
use crate::broker::ports::StoreError;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::stores::memory::books::Books;
use crate::stores::memory::people::Order;

impl Books {
    /// Does an act, if it may be.
    pub(super) fn social(&mut self, asked: SocialAct) -> Result<Verdict<Changed>, StoreError> {
        let by = self
            .person(asked.by)
            .ok_or_else(|| StoreError::Broken("who acts is not a user".to_owned()))?;
        Ok(self.act(&by, asked))
    }

    fn act(&mut self, by: &Person, asked: SocialAct) -> Verdict<Changed> {
        let (time_ms, friends_only) = (asked.time_ms, asked.friends_only);
        match asked.act {
            Social::AskFriend { to, words } => self.ask_friend(by, &to, words, time_ms),
            Social::AnswerFriend { request, accept } => self.answer_friend(by, request, accept),
            Social::Unfriend(key) => {
                let other = self.another(by, &key)?;
                // It takes an own request back, but answers none of the other's.
                self.people.forget_requests(by.uid, other.uid, false);
                self.people.forget_requests(other.uid, by.uid, true);
                let fresh = self.people.unfriend(by.uid, other.uid);
                Ok(Changed::Unfriended { other, fresh })
            }
            Social::Block(key) => self.block(by, &key),
            Social::Unblock(key) => {
                let other = self.another(by, &key)?;
                self.people.unblock(by.uid, other.uid);
                let unfriended = false;
                Ok(Changed::Blocking { other, unfriended })
            }
            Social::MakeGroup(new) => self.make_group(by, &new, friends_only, time_ms),
            Social::ChangeGroup { gid, patch } => self.change_group(by, gid, &patch, friends_only),
            Social::AddMembers { gid, users } => self.add_members(by, gid, &users, friends_only),
            Social::RemoveMember { gid, user } => self.remove_member(by, gid, &user),
            Social::PlaceOrder { order, customer } => self.place_order(by, order, &customer),
            Social::TakeOrder(order) => self.take_order(by, &order),
            Social::MoveTo(_) if by.is_system() => Err(Refusal::NoSuchUser),
            Social::MoveTo(location) => {
                self.people.move_to(by.uid, location);
                Ok(Changed::Moved)
            }
        }
    }

    /// Another user, whom `by` names.
    fn another(&self, by: &Person, key: &UserKey) -> Verdict<Person> {
        let other = self.known(key).ok_or(Refusal::NoSuchUser)?;
        friends::are_two(by.uid, other.uid)?;
        Ok(other)
    }

    fn ask_friend(
        &mut self,
        by: &Person,
        to: &UserKey,
        words: String,
        time_ms: u64,
    ) -> Verdict<Changed> {
        let to = self.another(by, to)?;
        let people = &self.people;
        let stands = people.open_request(by.uid, to.uid);
        let crossing = people.open_request(to.uid, by.uid);
        let facts = Asking {
            standing: people.standing(by.uid, to.uid),
            asked: stands.is_some(),
            crossing: crossing.is_some(),
            open_of_asker: people.open_requests().filter(|r| r.from == *by).count(),
            open_to_asked: people.open_requests().filter(|r| r.to == to).count(),
            friends_of_asker: people.friends_of(by.uid),
            friends_of_asked: people.friends_of(to.uid),
        };
        let asked = friends::ask(&words, &facts)?;
        self.people.unblock(by.uid, to.uid);
        match (asked, stands, crossing) {
            (Asked::Crosses, _, Some(crossing)) => self.answered(crossing, true, true),
            (Asked::Stands, Some(stands), _) => {
                let kept = self.people.requests.get(&stands);
                let request = kept.ok_or(Refusal::NoSuchRequest)?.request.clone();
                let request = Box::new(request);
                let fresh = false;
                Ok(Changed::Asked { request, fresh })
            }
            _ => {
                self.people.forget_requests(by.uid, to.uid, false);
                let request = self.people.make_request(by.clone(), to, words, time_ms);
                let request = Box::new(request);
                let fresh = true;
                Ok(Changed::Asked { request, fresh })
            }
        }
    }

    fn answer_friend(&mut self, by: &Person, id: RequestId, accept: bool) -> Verdict<Changed> {
        let asked = self.people.requests.get(&id);
        let asked = asked.ok_or(Refusal::NoSuchRequest)?;
        let request = &asked.request;
        let fresh = friends::answer(by.uid, request.to.uid, asked.accepted, accept)?;
        let (from, to) = (request.from.uid, request.to.uid);
        if fresh && accept && !self.people.are_friends(from, to) {
            friends::befriend(self.people.friends_of(from), self.people.friends_of(to))?;
        }
        self.answered(id, accept, fresh)
    }

    fn answered(&mut self, id: RequestId, accepted: bool, fresh: bool) -> Verdict<Changed> {
        let asked = self.people.requests.get(&id);
        let request = asked.ok_or(Refusal::NoSuchRequest)?.request.clone();
        if fresh {
            self.people.settle_request(id, accepted);
        }
        if fresh && accepted {
            self.people.befriend(request.from.uid, request.to.uid);
        }
        Ok(Changed::Answered {
            request: Box::new(request),
            accepted,
            fresh,
        })
    }

    fn block(&mut self, by: &Person, key: &UserKey) -> Verdict<Changed> {
        let other = self.another(by, key)?;
        if !self.people.standing(by.uid, other.uid).blocks {
            friends::block(self.people.blocked_by(by.uid))?;
        }
        self.people.forget_requests(by.uid, other.uid, false);
        self.people.forget_requests(other.uid, by.uid, false);
        let unfriended = self.people.unfriend(by.uid, other.uid);
        self.people.block(by.uid, other.uid);
        Ok(Changed::Blocking { other, unfriended })
    }

    fn place_order(&mut self, by: &Person, id: OrderId, customer: &UserKey) -> Verdict<Changed> {
        // Who may not place orders does not learn who is a user.
        if !by.is_system() {
            return Err(Refusal::ServerOnly);
        }
        let customer = self.known(customer).ok_or(Refusal::NoSuchUser)?;
        let placed = self.people.orders.get(&id).map(Order::placed);
        if orders::place(by.uid, customer.uid, placed)? {
            let courier = None;
            let order = Order { customer, courier };
            self.people.orders.insert(id, order);
        }
        Ok(Changed::OrderPlaced)
    }

    fn take_order(&mut self, by: &Person, id: &OrderId) -> Verdict<Changed> {
        let people = &mut self.people;
        let order = people.orders.get(id);
        let facts = order.map_or_else(Taking::default, |order| Taking {
            placed: Some(order.placed()),
            standing: people.standing(by.uid, order.customer.uid),
            friends_of_courier: people.friends_of(by.uid),
            friends_of_customer: people.friends_of(order.customer.uid),
        });
        let customer = order.map(|order| order.customer.clone());
        let taken = orders::take(by.uid, &facts)?;
        let customer = customer.ok_or(Refusal::NoSuchOrder)?;
        let mut befriended = false;
        if let Taken::Fresh { befriends } = taken {
            befriended = befriends;
            if let Some(order) = people.orders.get_mut(id) {
                order.courier = Some(by.uid);
            }
            if befriends {
                people.befriend(by.uid, customer.uid);
            }
        }
        Ok(Changed::OrderTaken {
            customer,
            befriended,
        })
    }
}
