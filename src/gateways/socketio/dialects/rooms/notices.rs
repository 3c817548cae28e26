//! What clients of seed 000 are told of people: friends and their requests, who is here, who comes to a group.

use serde::Serialize;

use crate::broker::groups::Gid;
use crate::broker::notice::GroupChange;
use crate::broker::notice::GroupNews;
use crate::broker::notice::Notice;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::gateways::Act;
use crate::gateways::json::wire_uid;
use crate::gateways::socketio::wire::Joined;
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::emit;

/// What happened between people, to a client that is connected to where such is told.
pub(super) fn notice(me: &Person, joined: Joined, notice: &Notice, acts: &mut Vec<Act>) {
    let place = match notice {
        Notice::FriendAsked(_) | Notice::FriendGone { .. } | Notice::Presence { .. } => {
            Namespace::Friend
        }
        Notice::FriendAnswered { .. } => Namespace::Server,
        Notice::Group(_) => Namespace::Group,
    };
    if !joined.has(place) {
        return;
    }
    match notice {
        Notice::FriendAsked(request) if request.to == *me => {
            let social = Social {
                id: request.id.0.to_string(),
                from: request.from.uid.get(),
                to: me.uid.get(),
                what: "addfriend",
                datetime: request.time_ms,
                msg: &request.words,
            };
            acts.push(social.say(Namespace::Friend));
        }
        Notice::FriendAnswered {
            request, accepted, ..
        } if request.from == *me => acts.push(answered(&request.to, *accepted)),
        Notice::FriendGone { by, other, time_ms } if other == me => {
            let social = Social {
                id: format!("{}-{}-{time_ms}", by.uid, other.uid),
                from: by.uid.get(),
                to: me.uid.get(),
                what: "deletefriend",
                datetime: *time_ms,
                msg: "",
            };
            acts.push(social.say(Namespace::Friend));
        }
        Notice::Presence {
            person,
            online,
            time_ms,
        } => acts.push(presence(person.uid, *online, *time_ms)),
        Notice::Group(news) => group(news, acts),
        // One's own doing.
        Notice::FriendAsked(_) | Notice::FriendAnswered { .. } | Notice::FriendGone { .. } => {}
    }
}

/// `addfriend`, `deletefriend`, `joingroup` and `exitgroup`.
#[derive(Serialize)]
struct Social<'a> {
    #[serde(rename = "_id")]
    id: String,
    from: u64,
    to: u64,
    #[serde(rename = "type")]
    what: &'static str,
    datetime: u64,
    msg: &'a str,
}

impl Social<'_> {
    fn say(&self, namespace: Namespace) -> Act {
        emit(namespace, self.what, self)
    }
}

/// `news` of how a friend request was answered, for which the seed has no event.
fn answered(by: &Person, accepted: bool) -> Act {
    #[derive(Serialize)]
    struct News {
        info: &'static str,
        msg: String,
    }
    let word = if accepted { "accepted" } else { "rejected" };
    let news = News {
        info: "info",
        msg: format!("{} ({}) {word} your friend request", by.name, by.uid),
    };
    emit(Namespace::Server, "news", &news)
}

/// `sfonline` or `sfoffline`.
fn presence(uid: Uid, online: bool, time_ms: u64) -> Act {
    #[derive(Serialize)]
    struct Sfonline {
        #[serde(rename = "Date")]
        date: u64,
        id: u64,
    }
    let event = if online { "sfonline" } else { "sfoffline" };
    let told = Sfonline {
        date: time_ms,
        id: uid.get(),
    };
    emit(Namespace::Friend, event, &told)
}

/// Members of a group who come or leave at once and are told one by one. Of more, it is told who let them.
const MEMBERS_TOLD_MAX: usize = 64;

fn group(news: &GroupNews, acts: &mut Vec<Act>) {
    let (what, people) = match &news.what {
        GroupChange::Joined(people) => ("joingroup", people.as_slice()),
        GroupChange::Left(people) => ("exitgroup", people.as_slice()),
        GroupChange::Made => ("joingroup", std::slice::from_ref(&news.by)),
        // The seed has no event for it.
        GroupChange::Changed => return,
    };
    if people.len() > MEMBERS_TOLD_MAX {
        let msg = format!("{} members of {}", people.len(), news.name);
        acts.push(member(news.gid, &news.by, what, news.time_ms, &msg));
        return;
    }
    for person in people {
        acts.push(member(news.gid, person, what, news.time_ms, &news.name));
    }
}

/// `joingroup` or `exitgroup`; `msg` is the group's name.
fn member(gid: Gid, person: &Person, what: &'static str, time_ms: u64, msg: &str) -> Act {
    let social = Social {
        id: format!("{gid}-{}-{time_ms}", wire_uid(person.uid)),
        from: wire_uid(person.uid),
        to: gid.get(),
        what,
        datetime: time_ms,
        msg,
    };
    social.say(Namespace::Group)
}
