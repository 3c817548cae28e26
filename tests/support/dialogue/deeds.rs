//! What people do elsewhere while a dialogue goes on: friendships, groups, pushes. `frames/conversations/README.md` lists them.

use std::sync::Arc;

use futures_util::FutureExt;

use hongyan::broker::Broker;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::friends::RequestId;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::GroupPatch;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::message::Kind;
use hongyan::broker::message::MsgId;
use hongyan::broker::moment::Moment;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;
use hongyan::broker::users::UserKey;

use crate::support::dialogue::patterns::Captured;
use crate::support::dialogue::people::People;

/// Who does it, and what there is to do it with.
pub(super) struct Elsewhere<'a> {
    pub(super) broker: &'a Arc<Broker>,
    pub(super) now: Moment,
    pub(super) people: &'a People,
    /// What `{name}` stands for: `{gid}` is the last group made, `{request}` the last request.
    pub(super) captured: &'a mut Captured,
}

impl Elsewhere<'_> {
    /// Does what `words` say, such as `befriends li wu`. The error says what is wrong.
    pub(super) fn perform(&mut self, words: &[&str]) -> Result<(), String> {
        match *words {
            ["befriends", one, other] => {
                self.ask(one, other)?;
                self.ask(other, one)
            }
            ["asks", one, other] => self.ask(one, other),
            ["accepts", who] => self.answer(who, true),
            ["rejects", who] => self.answer(who, false),
            ["parts", one, other] => self.act(one, Social::Unfriend(self.key(other)?)),
            ["groups", maker, ref others @ ..] => {
                let members = others.iter().map(|name| self.key(name));
                let new = NewGroup {
                    name: "flock".to_owned(),
                    members: members.collect::<Result<_, _>>()?,
                    ..NewGroup::default()
                };
                self.act(maker, Social::MakeGroup(new))
            }
            ["renames", who, name] => {
                let patch = GroupPatch {
                    name: Some(name.to_owned()),
                    ..GroupPatch::default()
                };
                let gid = self.gid()?;
                self.act(who, Social::ChangeGroup { gid, patch })
            }
            ["adds", who, other] => {
                let (gid, users) = (self.gid()?, vec![self.key(other)?]);
                self.act(who, Social::AddMembers { gid, users })
            }
            ["removes", who, other] => {
                let (gid, user) = (self.gid()?, self.key(other)?);
                self.act(who, Social::RemoveMember { gid, user })
            }
            ["pushes", to, content] => {
                let to = self.person(to)?.uid;
                let letter = Letter {
                    kind: Kind::Push(5),
                    ..Letter::new(to, MsgId([5; 20]), content)
                };
                self.command(&Person::system(), Command::Send(letter))
                    .map(drop)
            }
            _ => Err("nobody does that elsewhere".to_owned()),
        }
    }

    fn ask(&mut self, one: &str, other: &str) -> Result<(), String> {
        let to = self.key(other)?;
        let words = "hello".to_owned();
        self.act(one, Social::AskFriend { to, words })
    }

    fn answer(&mut self, who: &str, accept: bool) -> Result<(), String> {
        let number = self.captured.get("request");
        let number = number.and_then(|number| number.parse().ok());
        let request = RequestId(number.ok_or("nobody has asked yet")?);
        self.act(who, Social::AnswerFriend { request, accept })
    }

    fn act(&mut self, who: &str, act: Social) -> Result<(), String> {
        let person = self.person(who)?.clone();
        let mut note = |name: &str, value: u64| {
            self.captured.set(name, value.to_string());
        };
        match Self::done(self.broker, self.now, &person, Command::Social(act))? {
            Reply::Social(Changed::Group { group, .. }) => note("gid", group.gid.get()),
            Reply::Social(Changed::Asked { request, .. }) => note("request", request.id.0),
            _ => {}
        }
        Ok(())
    }

    fn command(&self, person: &Person, command: Command) -> Result<Reply, String> {
        Self::done(self.broker, self.now, person, command)
    }

    /// The store in memory answers at once.
    fn done(
        broker: &Arc<Broker>,
        now: Moment,
        person: &Person,
        command: Command,
    ) -> Result<Reply, String> {
        let answer = broker.ask_once(now, person, command).now_or_never();
        let answer = answer.expect("an answer at once");
        answer.map_err(|refusal| refusal.to_string())
    }

    fn person(&self, name: &str) -> Result<&Person, String> {
        self.people.get(name).ok_or(format!("no user {name}"))
    }

    fn key(&self, name: &str) -> Result<UserKey, String> {
        self.person(name).map(|person| UserKey::Uid(person.uid))
    }

    fn gid(&self) -> Result<Gid, String> {
        let number = self.captured.get("gid");
        let gid = number.and_then(|gid| gid.parse().ok()).and_then(Gid::new);
        gid.ok_or("no group was made yet".to_owned())
    }
}
