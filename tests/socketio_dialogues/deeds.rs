//! What others do in a dialogue: its `B:` lines.

use futures_util::FutureExt;
use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::friends::RequestId;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::message::Kind;
use hongyan::broker::message::MessageId;
use hongyan::broker::message::MsgId;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;
use hongyan::broker::users::UserKey;
use hongyan::gateways::Machine;
use hongyan::gateways::Mishap;

use crate::stage::Connection;
use crate::stage::Stage;

impl Stage {
    fn ask(&self, person: &Person, command: Command) -> Result<Reply, String> {
        let asked = self.broker.ask_once(self.now, person, command);
        let answer = asked.now_or_never().ok_or("no answer at once")?;
        answer.map_err(|refusal| format!("refused: {refusal}"))
    }

    fn send(
        &mut self,
        from: &Person,
        to: Address,
        content: &str,
        kind: Kind,
    ) -> Result<(), String> {
        self.sent += 1;
        let mut id = [0xee; 20];
        id[12..].copy_from_slice(&self.sent.to_be_bytes());
        let letter = Letter {
            kind,
            ..Letter::new(to, MsgId(id), content)
        };
        self.ask(from, Command::Send(letter)).map(drop)
    }

    /// Does what a `B:` line says.
    pub(super) fn broker_does(&mut self, what: &str) -> Result<(), String> {
        let words: Vec<&str> = what.splitn(4, ' ').collect();
        let key = |name: &str| UserKey::parse(name).ok_or("no name");
        match words[..] {
            ["stops"] => {
                self.broker.stop();
                let now = self.now;
                let waits = |c: &Connection| c.session.is_none() && !c.over;
                let waiting = self.connections.iter().filter(|(_, c)| waits(c));
                let names: Vec<String> = waiting.map(|(name, _)| name.clone()).collect();
                for name in names {
                    self.let_machine(&name, |machine, acts| {
                        machine.mishap(now, Mishap::Stopping, acts);
                    })?;
                }
            }
            ["revokes", name] => {
                let person = self.person(name)?;
                self.revoked.insert(name.to_owned());
                let token = format!("token-of-{name}");
                self.broker.end_token(person.uid, &token);
            }
            ["pushes", to, number, data] => {
                let number = number.parse().map_err(|_| "not a number")?;
                let to = Address::User(key(to)?);
                self.send(&Person::system(), to, data, Kind::Push(number))?;
            }
            [from, "sends", to, content] => {
                let from = self.person(from)?;
                let to = match to.parse().ok().and_then(Gid::new) {
                    Some(gid) => Address::Group(gid),
                    None => Address::User(key(to)?),
                };
                let times = content
                    .strip_prefix('(')
                    .and_then(|more| more.strip_suffix(" times)"));
                match times.and_then(|times| times.parse().ok()) {
                    Some(times) => {
                        for n in 1..=times {
                            let number: u32 = n;
                            self.send(&from, to.clone(), &number.to_string(), Kind::Text)?;
                        }
                    }
                    None => self.send(&from, to, content, Kind::Text)?,
                }
            }
            [who, "has", count, "waiting"] => {
                let inbox = Command::Inbox {
                    after: MessageId(0),
                    limit: 200,
                };
                let Reply::Inbox { messages, .. } = self.ask(&self.person(who)?, inbox)? else {
                    return Err("no inbox".to_owned());
                };
                if messages.len().to_string() != count {
                    return Err(format!("{} wait: {messages:?}", messages.len()));
                }
            }
            [by, act, ref rest @ ..] => {
                let act = match (act, rest) {
                    ("asks", [to, words]) => Social::AskFriend {
                        to: key(to)?,
                        words: (*words).to_owned(),
                    },
                    ("accepts" | "rejects", [number]) => Social::AnswerFriend {
                        request: RequestId(number.parse().map_err(|_| "not a number")?),
                        accept: act == "accepts",
                    },
                    ("unfriends", [other]) => Social::Unfriend(key(other)?),
                    ("blocks", [other]) => Social::Block(key(other)?),
                    ("groups", [name, members]) => Social::MakeGroup(NewGroup {
                        name: (*name).to_owned(),
                        members: members.split(',').map(key).collect::<Result<_, _>>()?,
                        ..NewGroup::default()
                    }),
                    ("joins" | "leaves", [gid]) => {
                        let gid = gid.parse().ok().and_then(Gid::new).ok_or("not a group")?;
                        let user = key(by)?;
                        if act == "joins" {
                            Social::AddMembers {
                                gid,
                                users: vec![user],
                            }
                        } else {
                            Social::RemoveMember { gid, user }
                        }
                    }
                    _ => return Err("the broker does no such thing".to_owned()),
                };
                let changed = self.ask(&self.person(by)?, Command::Social(act))?;
                match changed {
                    Reply::Social(Changed::Group { group, .. }) => {
                        self.captured.set("gid", group.gid.get().into());
                    }
                    Reply::Social(Changed::Asked { request, .. }) => {
                        self.captured.set("request", request.id.0.into());
                    }
                    _ => {}
                }
            }
            _ => return Err("the broker does no such thing".to_owned()),
        }
        Ok(())
    }
}
