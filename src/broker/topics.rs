//! Who subscribes to which topics now: an index from a topic to its subscribers. It keeps no messages and knows no sessions,
//! only what it was given for each.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::broker::destination::Name;
use crate::broker::destination::Pattern;
use crate::broker::destination::Segment;

/// What a session calls one of its subscriptions: unlike any other of that session, also past ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u32);

/// A subscription, of all sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Subscriber {
    /// [`crate::broker::sessions::Session::number`].
    pub(super) session: u64,
    pub(super) id: SubscriptionId,
}

/// All subscriptions to topics; `S` is where each leads.
#[derive(Debug)]
pub(super) struct Topics<S> {
    /// Most subscriptions name one topic, and are found at once.
    exact: HashMap<Name, Subscribers<S>>,
    patterns: Node<S>,
    of_session: HashMap<u64, HashMap<SubscriptionId, Pattern>>,
}

type Subscribers<S> = BTreeMap<Subscriber, S>;

/// The patterns that begin with the same segments.
#[derive(Debug)]
struct Node<S> {
    /// Patterns that end here.
    here: Subscribers<S>,
    /// Patterns that go on with `**`.
    rest: Subscribers<S>,
    /// Patterns that go on with `*`.
    one: Option<Box<Node<S>>>,
    plain: HashMap<Box<str>, Node<S>>,
}

// Derived, these would ask that S has a default.
impl<S> Default for Node<S> {
    fn default() -> Self {
        Self {
            here: BTreeMap::new(),
            rest: BTreeMap::new(),
            one: None,
            plain: HashMap::new(),
        }
    }
}

impl<S> Default for Topics<S> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            patterns: Node::default(),
            of_session: HashMap::new(),
        }
    }
}

impl<S> Topics<S> {
    /// A subscription begins. One that is known begins anew.
    pub(super) fn add(&mut self, subscriber: Subscriber, pattern: Pattern, leads_to: S) {
        self.remove(subscriber);
        let subscribers = match pattern.as_name() {
            Some(name) => self.exact.entry(name).or_default(),
            None => self.patterns.subscribers(pattern.segments()),
        };
        subscribers.insert(subscriber, leads_to);
        let of_session = self.of_session.entry(subscriber.session).or_default();
        of_session.insert(subscriber.id, pattern);
    }

    /// A subscription ends.
    pub(super) fn remove(&mut self, subscriber: Subscriber) {
        let Some(of_session) = self.of_session.get_mut(&subscriber.session) else {
            return;
        };
        let pattern = of_session.remove(&subscriber.id);
        if of_session.is_empty() {
            self.of_session.remove(&subscriber.session);
        }
        if let Some(pattern) = pattern {
            self.forget(subscriber, &pattern);
        }
    }

    /// A session ends, and all its subscriptions with it.
    pub(super) fn remove_session(&mut self, session: u64) {
        for (id, pattern) in self.of_session.remove(&session).into_iter().flatten() {
            self.forget(Subscriber { session, id }, &pattern);
        }
    }

    fn forget(&mut self, subscriber: Subscriber, pattern: &Pattern) {
        match pattern.as_name() {
            None => self.patterns.remove(pattern.segments(), subscriber),
            Some(name) => {
                let subscribers = self.exact.get_mut(&name);
                let empty = subscribers.is_some_and(|subscribers| {
                    subscribers.remove(&subscriber);
                    subscribers.is_empty()
                });
                if empty {
                    self.exact.remove(&name);
                }
            }
        }
    }

    /// Calls `each` for every subscription to `topic`, once.
    pub(super) fn for_each(&self, topic: &Name, mut each: impl FnMut(Subscriber, &S)) {
        let mut all = |subscribers: &Subscribers<S>| {
            for (subscriber, leads_to) in subscribers {
                each(*subscriber, leads_to);
            }
        };
        if let Some(subscribers) = self.exact.get(topic) {
            all(subscribers);
        }
        if !self.patterns.is_empty() {
            let segments: Vec<&str> = topic.segments().collect();
            self.patterns.visit(&segments, &mut all);
        }
    }
}

impl<S> Node<S> {
    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.rest.is_empty() && self.one.is_none() && self.plain.is_empty()
    }

    /// Where the subscribers of a pattern are kept; made where there are none yet.
    fn subscribers<'a>(
        &mut self,
        mut segments: impl Iterator<Item = Segment<'a>>,
    ) -> &mut Subscribers<S> {
        match segments.next() {
            None => &mut self.here,
            Some(Segment::Rest) => &mut self.rest,
            Some(Segment::One) => self.one.get_or_insert_default().subscribers(segments),
            Some(Segment::Plain(text)) => {
                let next = self.plain.entry(text.into()).or_default();
                next.subscribers(segments)
            }
        }
    }

    /// Removes a subscriber, and the nodes that nobody needs any more.
    fn remove<'a>(
        &mut self,
        mut segments: impl Iterator<Item = Segment<'a>>,
        subscriber: Subscriber,
    ) {
        match segments.next() {
            None => drop(self.here.remove(&subscriber)),
            Some(Segment::Rest) => drop(self.rest.remove(&subscriber)),
            Some(Segment::One) => {
                if let Some(next) = &mut self.one {
                    next.remove(segments, subscriber);
                    if next.is_empty() {
                        self.one = None;
                    }
                }
            }
            Some(Segment::Plain(text)) => {
                if let Some(next) = self.plain.get_mut(text) {
                    next.remove(segments, subscriber);
                    if next.is_empty() {
                        self.plain.remove(text);
                    }
                }
            }
        }
    }

    fn visit(&self, segments: &[&str], all: &mut impl FnMut(&Subscribers<S>)) {
        let Some((first, behind)) = segments.split_first() else {
            return all(&self.here);
        };
        all(&self.rest);
        if let Some(next) = &self.one {
            next.visit(behind, all);
        }
        if let Some(next) = self.plain.get(*first) {
            next.visit(behind, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(session: u64, id: u32) -> Subscriber {
        let id = SubscriptionId(id);
        Subscriber { session, id }
    }

    fn add(topics: &mut Topics<&'static str>, session: u64, id: u32, pattern: &'static str) {
        let parsed = Pattern::parse(pattern).expect("a pattern");
        topics.add(subscriber(session, id), parsed, pattern);
    }

    fn found(topics: &Topics<&'static str>, topic: &str) -> Vec<&'static str> {
        let mut found = Vec::new();
        let topic = Name::parse(topic).expect("a name");
        topics.for_each(&topic, |_, leads_to| found.push(*leads_to));
        found.sort_unstable();
        found
    }

    #[test]
    fn a_topic_finds_its_subscribers_and_patterns() {
        let mut topics = Topics::default();
        let patterns = ["a", "a/b", "*", "a/*", "*/b", "a/**", "**", "a/*/c"];
        for (id, pattern) in patterns.iter().enumerate() {
            add(&mut topics, 1, id as u32, pattern);
        }
        assert_eq!(found(&topics, "a"), ["*", "**", "a"]);
        assert_eq!(found(&topics, "a/b"), ["**", "*/b", "a/*", "a/**", "a/b"]);
        assert_eq!(found(&topics, "a/b/c"), ["**", "a/**", "a/*/c"]);
        assert_eq!(found(&topics, "x/y"), ["**"]);
    }

    #[test]
    fn each_subscription_is_found_once_whoever_has_it() {
        let mut topics = Topics::default();
        for (session, id) in [(1, 1), (1, 2), (2, 1)] {
            add(&mut topics, session, id, "a/*");
        }
        assert_eq!(found(&topics, "a/b"), ["a/*"; 3]);
        topics.remove(subscriber(1, 2));
        topics.remove(subscriber(1, 2));
        assert_eq!(found(&topics, "a/b"), ["a/*"; 2]);
        add(&mut topics, 2, 1, "b");
        assert_eq!(found(&topics, "a/b"), ["a/*"], "it begins anew");
    }

    #[test]
    fn nothing_is_left_of_sessions_that_end() {
        let mut topics = Topics::default();
        for (id, pattern) in ["a", "a/*", "**", "*/b/**", "c/d"].iter().enumerate() {
            add(&mut topics, 1, id as u32, pattern);
            add(&mut topics, 2, id as u32, pattern);
        }
        topics.remove_session(1);
        topics.remove_session(1);
        assert_eq!(found(&topics, "a"), ["**", "a"]);
        topics.remove_session(2);
        assert!(topics.of_session.is_empty() && topics.exact.is_empty());
        assert!(topics.patterns.is_empty());
    }
}
