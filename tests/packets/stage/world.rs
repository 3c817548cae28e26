//! What the people of a dialogue do beside it: they register, befriend each other, make groups and write.

use std::sync::Arc;
use std::sync::Mutex;

use futures_util::FutureExt;
use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::message::Kind;
use hongyan::broker::message::MsgId;
use hongyan::broker::orders::OrderId;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;
use hongyan::broker::users::UserKey;

use crate::stage::Stage;

impl Stage {
    /// What happens beside the connections.
    pub(super) fn world(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["users", ref names @ ..] => names.iter().for_each(|name| self.add_user(name)),
            ["friends", one, other] => {
                let asked = Social::AskFriend {
                    to: UserKey::Name(other.to_owned()),
                    words: String::new(),
                };
                let Changed::Asked { request, .. } = self.social(one, asked)? else {
                    return Err("no request".to_owned());
                };
                let yes = Social::AnswerFriend {
                    request: request.id,
                    accept: true,
                };
                self.social(other, yes)?;
            }
            [one, "blocks", other] => {
                self.social(one, Social::Block(UserKey::Name(other.to_owned())))?;
            }
            ["order", id, "of", customer] => {
                let placed = Social::PlaceOrder {
                    order: OrderId(id.to_owned()),
                    customer: UserKey::Name(customer.to_owned()),
                };
                self.ask(&Person::system(), Command::Social(placed))?;
            }
            ["group", ref members @ ..] => {
                let (first, others) = members.split_first().ok_or("a group has members")?;
                let others = others.iter().map(|name| UserKey::Name((*name).to_owned()));
                let group = NewGroup {
                    members: others.collect(),
                    ..NewGroup::default()
                };
                let Changed::Group { group, .. } = self.social(first, Social::MakeGroup(group))?
                else {
                    return Err("no group".to_owned());
                };
                self.group = Some(group.gid);
            }
            [one, "writes", other, content] => {
                let to = Address::User(UserKey::Name(other.to_owned()));
                self.write(&self.person(one)?, to, Kind::Text, content)?;
            }
            [one, "tells", "all", content] => {
                let to = Address::Group(self.group.ok_or("there is no group")?);
                self.write(&self.person(one)?, to, Kind::Text, content)?;
            }
            ["push", number, data, "to", other] => {
                let to = Address::User(UserKey::Name(other.to_owned()));
                let number = number.parse().map_err(|_| "not a number")?;
                self.write(&Person::system(), to, Kind::Push(number), data)?;
            }
            ["states", one, other, ref states @ ..] => {
                let with = Address::User(UserKey::Name(other.to_owned()));
                let history = Command::History {
                    with,
                    before: None,
                    limit: 100,
                };
                let one = self.person(one)?;
                let Reply::History { messages, .. } = self.ask(&one, history)? else {
                    return Err("no history".to_owned());
                };
                let kept: Vec<&str> = messages.iter().rev().map(|m| m.state.as_str()).collect();
                if kept != states {
                    return Err(format!("instead: {}", kept.join(" ")));
                }
            }
            ["the", "broker", "stops"] => self.broker.stop(),
            ["the", "token", "of", name, "is", "revoked"] => {
                let uid = self.person(name)?.uid;
                self.broker.end_token(uid, &format!("token-of-{name}"));
            }
            _ => return Err("no such line: see frames/packets/README.md".to_owned()),
        }
        Ok(())
    }

    /// Somebody writes with another gateway, whose clients make no ids of their own.
    fn write(&mut self, by: &Person, to: Address, kind: Kind, content: &str) -> Result<(), String> {
        self.sent += 1;
        let msg_id = MsgId([u8::try_from(self.sent).expect("few"); 20]);
        let letter = Letter {
            kind,
            ..Letter::new(to, msg_id, content)
        };
        self.ask(by, Command::Send(letter))?;
        Ok(())
    }

    fn add_user(&mut self, name: &str) {
        let made = Arc::new(Mutex::new(None));
        let told = Arc::clone(&made);
        let done = Box::new(move |added| {
            if let Ok(AddedUser::New(person)) = added {
                *told.lock().expect("no panic") = Some(person);
            }
        });
        self.store
            .add_user(name.to_owned(), None, self.now.epoch_ms, done);
        let person = made.lock().expect("no panic").take().expect("a new user");
        self.people.insert(name.to_owned(), person);
    }

    pub(super) fn person(&self, name: &str) -> Result<Person, String> {
        self.people
            .get(name)
            .cloned()
            .ok_or_else(|| format!("nobody is called {name}"))
    }

    pub(super) fn social(&self, by: &str, act: Social) -> Result<Changed, String> {
        match self.ask(&self.person(by)?, Command::Social(act))? {
            Reply::Social(changed) => Ok(changed),
            other => Err(format!("{other:?}")),
        }
    }

    /// Asks as one without a session; a store in memory answers at once.
    pub(super) fn ask(&self, person: &Person, command: Command) -> Result<Reply, String> {
        let answer = self
            .broker
            .ask_once(self.now, person, command)
            .now_or_never();
        let answer = answer.ok_or("no answer")?;
        answer.map_err(|refusal| refusal.to_string())
    }
}
