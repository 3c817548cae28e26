//! What people do with people, and ask about them: the store decides by the rules, here those concerned are told.

use std::sync::Arc;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::broker::Asker;
use crate::broker::Broker;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::friends::FriendRequest;
use crate::broker::friends::Friends;
use crate::broker::friends::RequestId;
use crate::broker::moment::Moment;
use crate::broker::notice::GroupChange;
use crate::broker::notice::GroupNews;
use crate::broker::notice::Notice;
use crate::broker::ports::Account;
use crate::broker::ports::SocialAct;
use crate::broker::ports::StoreError;
use crate::broker::presence::News;
use crate::broker::presence::Presence;
use crate::broker::refusal::Refusal;
use crate::broker::router::Waiting;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::broker::users::UserKey;

impl Broker {
    /// Does one of the commands about people; any other means nothing here.
    pub(super) fn ask_of_people(
        self: &Arc<Self>,
        now: Moment,
        person: &Person,
        command: Command,
        asker: Asker,
    ) {
        let uid = person.uid;
        let broker = Arc::clone(self);
        match command {
            Command::Social(act) => self.act(now, person, act, asker),
            Command::Friends => {
                let done = self.answering(asker, move |friends| broker.with_who_is_here(friends));
                self.store.friends(uid, done);
            }
            Command::Blocks => self.store.blocks(uid, self.answering(asker, Reply::Blocks)),
            Command::Groups => self.store.groups(uid, self.answering(asker, Reply::Groups)),
            Command::Group(gid) => {
                let done = self.judging(asker, |group| Reply::Group(Box::new(group)));
                self.store.group(uid, gid, done);
            }
            Command::Online(key) => {
                let done = self.deciding(asker, move |account: Option<Account>| {
                    let person = account.ok_or(Refusal::NoSuchUser)?.person;
                    let online = broker.sessions.is_here(person.uid);
                    Ok(Reply::Online { person, online })
                });
                self.store.user(key, done);
            }
            Command::Location(key) => self.locate(person, key, asker),
            Command::KeepImage(image) => {
                let done = self.judging(asker, Reply::ImageKept);
                self.store.keep_image(uid, image, now.epoch_ms, done);
            }
            Command::Image(id) => {
                let done = self.deciding(asker, |image: Option<_>| {
                    image.map(Reply::Image).ok_or(Refusal::NoSuchImage)
                });
                self.store.image(uid, id, done);
            }
            _ => asker.answer(Ok(Reply::Done)),
        }
    }

    fn with_who_is_here(&self, friends: Friends) -> Reply {
        let uids = friends.friends.iter().map(|friend| friend.uid);
        let here = uids.filter(|uid| self.sessions.is_here(*uid)).collect();
        let friends = Box::new(friends);
        Reply::Friends { friends, here }
    }

    /// Does an act in the store, then tells those concerned and answers.
    fn act(self: &Arc<Self>, now: Moment, person: &Person, act: Social, asker: Asker) {
        let order = match &act {
            Social::TakeOrder(order) => Some(order.clone()),
            _ => None,
        };
        let broker = Arc::clone(self);
        let by = person.clone();
        let done = Box::new(move |changed: Result<_, StoreError>| {
            let changed: Changed = match changed.map_err(Refusal::from).flatten() {
                Ok(changed) => changed,
                Err(refusal) => return broker.refuse(asker, refusal),
            };
            broker.tell_concerned(now, &by, &changed);
            match order {
                Some(order) => broker.tell_customer(now, &by, order, changed, asker),
                None => broker.settle(asker, Ok(Reply::Social(changed))),
            }
        });
        let act = SocialAct {
            by: person.uid,
            act,
            friends_only: self.limits.friends_only && !person.is_system(),
            time_ms: now.epoch_ms,
        };
        self.store.social(act, done);
    }

    /// Tells whoever is here and concerned by what `by` did.
    fn tell_concerned(&self, now: Moment, by: &Person, changed: &Changed) {
        let time_ms = now.epoch_ms;
        match changed {
            Changed::Asked {
                request,
                fresh: true,
            } => self.tell(
                &pair(&request.from, &request.to),
                Notice::FriendAsked((**request).clone()),
            ),
            Changed::Answered {
                request,
                accepted,
                fresh: true,
            } => self.tell(
                &pair(&request.from, &request.to),
                Notice::FriendAnswered {
                    request: (**request).clone(),
                    accepted: *accepted,
                    time_ms,
                },
            ),
            Changed::Unfriended { other, fresh: true }
            | Changed::Blocking {
                other,
                unfriended: true,
            } => self.tell(
                &pair(by, other),
                Notice::FriendGone {
                    by: by.clone(),
                    other: other.clone(),
                    time_ms,
                },
            ),
            Changed::Group {
                group,
                joined,
                left,
                changed,
                made,
            } => {
                let changes = [
                    made.then_some(GroupChange::Made),
                    // Whoever a group was made with is told of the making.
                    (!made && !joined.is_empty()).then(|| GroupChange::Joined(joined.clone())),
                    (!left.is_empty()).then(|| GroupChange::Left(left.clone())),
                    (!made && *changed).then_some(GroupChange::Changed),
                ];
                for what in changes.into_iter().flatten() {
                    let news = GroupNews {
                        gid: group.gid,
                        name: Arc::clone(&group.name),
                        what,
                        by: by.clone(),
                        time_ms,
                    };
                    self.tell_group(&group.members, left, news);
                }
            }
            Changed::Left {
                gid,
                name,
                who,
                stay,
            } => {
                let left = vec![who.clone()];
                let news = GroupNews {
                    gid: *gid,
                    name: Arc::clone(name),
                    what: GroupChange::Left(left.clone()),
                    by: by.clone(),
                    time_ms,
                };
                self.tell_group(stay, &left, news);
            }
            // To take an order asks and answers in one.
            Changed::OrderTaken {
                customer,
                befriended: true,
            } => self.tell(
                &pair(by, customer),
                Notice::FriendAnswered {
                    request: FriendRequest {
                        id: RequestId::NONE,
                        from: by.clone(),
                        to: customer.clone(),
                        words: String::new(),
                        time_ms,
                    },
                    accepted: true,
                    time_ms,
                },
            ),
            Changed::Asked { .. }
            | Changed::Answered { .. }
            | Changed::Unfriended { .. }
            | Changed::Blocking { .. }
            | Changed::OrderPlaced
            | Changed::OrderTaken { .. }
            | Changed::Moved => {}
        }
    }

    /// Tells the members of a group, and those who are members no longer where that is the news.
    fn tell_group(&self, members: &[Person], left: &[Person], news: GroupNews) {
        let left = match news.what {
            GroupChange::Left(_) => left,
            _ => &[],
        };
        let notice = Arc::new(Notice::Group(news));
        self.inform(members, &notice);
        let mut left = left.to_vec();
        left.sort_unstable_by_key(|person| person.uid);
        self.inform(&left, &notice);
    }

    fn tell(&self, people: &[Person], notice: Notice) {
        self.inform(people, &Arc::new(notice));
    }

    /// Puts a notice in the outbox of each session of these people, who are by rising uid.
    fn inform(&self, people: &[Person], notice: &Arc<Notice>) {
        self.sessions.for_each_of(people, |session| {
            if !session.inform(notice) {
                self.tally.notices_dropped.add();
            }
        });
    }

    /// Where a user is: for friends, for the user, and for the system.
    fn locate(self: &Arc<Self>, by: &Person, key: UserKey, asker: Asker) {
        let broker = Arc::clone(self);
        let by = by.clone();
        let done = Box::new(move |account: Result<Option<Account>, StoreError>| {
            let person = match account {
                Ok(Some(account)) => account.person,
                Ok(None) if by.is_system() => return broker.refuse(asker, Refusal::NoSuchUser),
                Ok(None) => return broker.refuse(asker, Refusal::NotFriends),
                Err(error) => return broker.refuse(asker, error.into()),
            };
            if by.is_system() || by == person {
                return broker.tell_location(person, asker);
            }
            let (one, other) = (by.uid, person.uid);
            let told = Arc::clone(&broker);
            let done = Box::new(move |friends| match friends {
                Ok(true) => told.tell_location(person, asker),
                Ok(false) => told.refuse(asker, Refusal::NotFriends),
                Err(error) => told.refuse(asker, StoreError::into(error)),
            });
            broker.store.are_friends(one, other, done);
        });
        self.store.user(key, done);
    }

    fn tell_location(self: &Arc<Self>, person: Person, asker: Asker) {
        let uid = person.uid;
        let done = self.deciding(asker, |location: Option<_>| {
            let location = location.ok_or(Refusal::NoLocation)?;
            Ok(Reply::Location { person, location })
        });
        self.store.location(uid, done);
    }

    /// When [`Self::woken`] has something to do, on the steady clock; [`Self::rescheduled`] says when that changes.
    pub fn wake_at_ms(&self) -> Option<u64> {
        self.presence().wake_at_ms()
    }

    /// Waits until [`Self::wake_at_ms`] may name an earlier time than before. Safe to drop and call again.
    pub async fn rescheduled(&self) {
        self.rescheduled.notified().await;
    }

    /// The time that [`Self::wake_at_ms`] named has come, or an earlier one.
    pub fn woken(self: &Arc<Self>, now: Moment) {
        self.presence().woken(now);
        self.tell_friends();
    }

    /// Tells friends of who came and who went: what there is to tell, one after the other.
    pub(super) fn tell_friends(self: &Arc<Self>) {
        loop {
            let (next, lost) = {
                let mut presence = self.presence();
                (presence.next(), presence.take_lost())
            };
            self.tally.notices_dropped.add_many(lost);
            let Some(news) = next else {
                return;
            };
            let broker = Arc::clone(self);
            let uid = news.person.uid;
            let done = Box::new(move |friends| broker.tell_friends_of(news, friends));
            self.store.friends(uid, done);
            if !self.presence().asked() {
                return;
            }
        }
    }

    fn tell_friends_of(self: &Arc<Self>, news: News, friends: Result<Friends, StoreError>) {
        match friends {
            Ok(friends) => {
                let notice = Notice::Presence {
                    person: news.person,
                    online: news.online,
                    time_ms: news.time_ms,
                };
                self.tell(&friends.friends, notice);
            }
            Err(StoreError::Busy) => {
                self.presence().untold(news);
                return self.wait_for_a_read(Waiting::Presence);
            }
            Err(StoreError::Broken(_) | StoreError::Unable(_) | StoreError::Closed) => {
                self.tally.notices_dropped.add()
            }
        }
        self.go_on_telling();
        self.fetch_for_waiting();
    }

    /// What was to be told is told, or can be tried again.
    pub(super) fn go_on_telling(self: &Arc<Self>) {
        let goes_on = self.presence().told();
        if goes_on {
            self.tell_friends();
        }
    }

    pub(super) fn presence(&self) -> MutexGuard<'_, Presence> {
        // No change of it can panic half-way.
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two people, by rising uid.
fn pair(one: &Person, other: &Person) -> [Person; 2] {
    let mut pair = [one.clone(), other.clone()];
    pair.sort_unstable_by_key(|person| person.uid);
    pair
}
