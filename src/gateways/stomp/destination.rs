//! Which strings are destinations: what may be subscribed to, what may be sent to, and the list that errors teach.

use crate::broker::command::Ears;
use crate::broker::destination::Name;
use crate::broker::destination::Pattern;
use crate::broker::users::UserKey;

/// What a subscription receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Messages to the user.
    Inbox,
    /// What became of each SEND of a message.
    SendStatus,
    /// What became of each confirmation.
    ConfirmStatus,
    /// Errors that belong to no message.
    Status,
    /// That the user's own messages were received.
    DeliveryStatus,
    /// That friends came on line or went off.
    Presence,
    /// What became of friendships.
    Friend,
    /// Messages to the user's groups, and what happened in them.
    Group,
    /// Pages of history that were asked for.
    History,
    /// What is sent to topics.
    Topic,
    /// Messages of a queue.
    Queue,
}

/// What a SUBSCRIBE asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Something of the user's own; none is shared.
    Own(Source),
    /// What anybody sends to these topics.
    Topics(Pattern),
    /// A part of what is in this queue.
    Queue(Name),
}

/// Where a SEND goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The chat.
    Chat(Target),
    /// Whoever subscribes to this topic now.
    Topic(Name),
    /// This queue.
    Queue(Name),
}

/// What a SEND asks of the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Send,
    SendGroup,
    Confirm,
    Init,
    History,
}

/// Why a string is no source for this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSource {
    /// It names another user, known or not.
    Another,
    /// There is nothing of that name.
    Unknown,
}

/// Begins the destination of topics.
pub(super) const TOPIC: &str = "/topic/";

/// Begins the destination of a queue.
pub(super) const QUEUE: &str = "/queue/";

const SOURCES: [(&str, Source); 8] = [
    ("send/status", Source::SendStatus),
    ("recive/status", Source::ConfirmStatus),
    ("status", Source::Status),
    ("delivery/status", Source::DeliveryStatus),
    ("presence", Source::Presence),
    ("friend", Source::Friend),
    ("group", Source::Group),
    ("history", Source::History),
];

const TARGETS: [(&str, Target); 5] = [
    ("/socket/chat/send", Target::Send),
    ("/socket/chat/recive", Target::Confirm),
    ("/socket/chat/init", Target::Init),
    ("/socket/chat/history", Target::History),
    ("/socket/group/send", Target::SendGroup),
];

/// What an ERROR about an unknown destination teaches.
pub(super) const SOURCES_TAUGHT: &str = "subscribe to /user/{your uid or name}/recive, /user/queue/send/status, \
     /user/queue/recive/status, /user/queue/delivery/status, /user/queue/status, /user/queue/group, /user/queue/friend, \
     /user/queue/presence or /user/queue/history, or to /topic/NAME, /topic/PATTERN or /queue/NAME: \
     a name has 1 to 128 characters, in segments between slashes, none of them empty, with no spaces, control \
     characters, ':', '\\' or '*'; in a pattern, a segment * stands for any one, and ** at the end for all the rest";

/// The same for SEND.
pub(super) const TARGETS_TAUGHT: &str = "send to /socket/chat/send, /socket/group/send, /socket/chat/recive, /socket/chat/init or /socket/chat/history, or to \
     /topic/NAME or /queue/NAME: a name has 1 to 128 characters, in segments between slashes, none of them empty, with no spaces, control characters, ':', '\\' or '*'";

impl Wanted {
    /// Reads the destination of a SUBSCRIBE by a user whom `is_own` knows. `/user/queue/…` is the asker's own;
    /// `/user/{key}/queue/…` and `/user/{key}/recive` are the literal forms, for their owner alone.
    pub(super) fn parse(text: &str, is_own: impl Fn(&UserKey) -> bool) -> Result<Self, NotSource> {
        let shared = if let Some(topics) = text.strip_prefix(TOPIC) {
            Pattern::parse(topics).map(Self::Topics)
        } else if let Some(queue) = text.strip_prefix(QUEUE) {
            Name::parse(queue).map(Self::Queue)
        } else {
            return Source::parse(text, is_own).map(Self::Own);
        };
        shared.ok_or(NotSource::Unknown)
    }
}

impl Goal {
    /// Reads the destination of a SEND.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(topic) = text.strip_prefix(TOPIC) {
            Name::parse(topic).map(Self::Topic)
        } else if let Some(queue) = text.strip_prefix(QUEUE) {
            Name::parse(queue).map(Self::Queue)
        } else {
            Target::parse(text).map(Self::Chat)
        }
    }
}

impl Source {
    /// Which messages of people it brings.
    pub(super) fn ears(self) -> Ears {
        Ears {
            direct: self == Self::Inbox,
            groups: self == Self::Group,
        }
    }

    fn parse(text: &str, is_own: impl Fn(&UserKey) -> bool) -> Result<Self, NotSource> {
        let path = text.strip_prefix("/user/").ok_or(NotSource::Unknown)?;
        if let Some(source) = path.strip_prefix("queue/").and_then(Self::queue) {
            return Ok(source);
        }
        let (key, rest) = path.split_once('/').ok_or(NotSource::Unknown)?;
        let source = match rest.strip_prefix("queue/") {
            Some(queue) => Self::queue(queue),
            None => (rest == "recive").then_some(Self::Inbox),
        };
        let source = source.ok_or(NotSource::Unknown)?;
        let own = UserKey::parse(key).is_some_and(|key| is_own(&key));
        if own {
            Ok(source)
        } else {
            Err(NotSource::Another)
        }
    }

    fn queue(name: &str) -> Option<Self> {
        SOURCES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, source)| *source)
    }
}

impl Target {
    /// The destination itself.
    pub(super) fn as_str(self) -> &'static str {
        TARGETS
            .iter()
            .find(|(_, target)| *target == self)
            .map_or("", |(known, _)| known)
    }

    fn parse(text: &str) -> Option<Self> {
        TARGETS
            .iter()
            .find(|(known, _)| *known == text)
            .map(|(_, target)| *target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_the_users_own() {
        let own = |key: &UserKey| {
            *key == UserKey::Name("li".into()) || UserKey::parse("7").as_ref() == Some(key)
        };
        for (text, source) in [
            ("/user/li/recive", Ok(Source::Inbox)),
            ("/user/7/recive", Ok(Source::Inbox)),
            ("/user/8/recive", Err(NotSource::Another)),
            ("/user/queue/recive", Err(NotSource::Another)),
            ("/user/queue/send/status", Ok(Source::SendStatus)),
            ("/user/queue/recive/status", Ok(Source::ConfirmStatus)),
            ("/user/queue/delivery/status", Ok(Source::DeliveryStatus)),
            ("/user/queue/status", Ok(Source::Status)),
            ("/user/li/queue/status", Ok(Source::Status)),
            ("/user/queue/group", Ok(Source::Group)),
            ("/user/7/queue/presence", Ok(Source::Presence)),
            ("/user/8/queue/friend", Err(NotSource::Another)),
            ("/user/queue/history", Ok(Source::History)),
            ("/user/wu/queue/status", Err(NotSource::Another)),
            ("/user/queue/nothing", Err(NotSource::Unknown)),
            ("/user/li/nothing", Err(NotSource::Unknown)),
            ("/user/li", Err(NotSource::Unknown)),
            ("", Err(NotSource::Unknown)),
        ] {
            assert_eq!(Source::parse(text, own), source, "{text:?}");
        }
    }
}
