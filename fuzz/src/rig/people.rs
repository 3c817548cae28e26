//! Who there is, what they are to each other, and what they write beside the connections.

use std::sync::Arc;

use futures_util::FutureExt;
use hongyan::auth::Denial;
use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Ears;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::command::Ticket;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::message::MsgId;
use hongyan::broker::orders::OrderId;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;
use hongyan::broker::users::UserKey;
use hongyan::gateways::Admitted;
use hongyan::gateways::Credentials;
use hongyan::gateways::Machine;

use super::Ear;
use super::NAMES;
use super::Rig;
use super::SECRET;
use super::START;
use super::TOKEN_LIFE_S;

impl<M: Machine, E: Ear> Rig<M, E> {
    pub(super) fn settle_down(&mut self) {
        let (bystander, now) = (Arc::clone(&self.bystander), self.now);
        let listen = Command::Listen(Ears::ALL);
        self.broker.ask(now, &bystander, Ticket(0), listen);
        let befriend = |words: &str, one: usize, other: usize| {
            let to = UserKey::Uid(self.people[other].uid);
            let words = words.to_owned();
            let asked = self.must(one, Command::Social(Social::AskFriend { to, words }));
            let Reply::Social(Changed::Asked { request, .. }) = asked else {
                panic!("no request: {asked:?}");
            };
            let request = request.id;
            let accept = true;
            self.must(
                other,
                Command::Social(Social::AnswerFriend { request, accept }),
            );
        };
        befriend("hello", 0, 1);
        befriend(SECRET, 2, 3);
        for (maker, other) in [(0, 1), (2, 3)] {
            let group = NewGroup {
                name: if maker == 2 { SECRET } else { "flock" }.to_owned(),
                members: vec![UserKey::Uid(self.people[other].uid)],
                ..NewGroup::default()
            };
            self.must(maker, Command::Social(Social::MakeGroup(group)));
        }
        let order = Command::Social(Social::PlaceOrder {
            order: OrderId("1".to_owned()),
            customer: UserKey::Uid(self.people[1].uid),
        });
        let system = Person::system();
        let placed = self.broker.ask_once(now, &system, order);
        assert!(placed.now_or_never().is_some_and(|placed| placed.is_ok()));
        self.whisper();
    }

    /// Zhao and qian write to each other.
    pub(in super::super) fn whisper(&mut self) {
        let qian = Address::User(UserKey::Uid(self.people[3].uid));
        let groups = match self.ask(2, Command::Groups) {
            Ok(Reply::Groups(groups)) => groups,
            // Somebody may ask too much; then nothing is written.
            Err(Refusal::TooFast { .. }) => return,
            other => panic!("no groups: {other:?}"),
        };
        let group = Address::Group(groups[0].gid);
        for to in [qian, group] {
            self.write(2, to, SECRET);
        }
    }

    /// Sun writes to one of the two who are at the connections, and to their group.
    pub(in super::super) fn write_to(&mut self, other: usize) {
        let to = Address::User(UserKey::Uid(self.people[other].uid));
        self.write(4, to, "from sun");
        self.settle();
    }

    fn write(&mut self, by: usize, to: Address, content: &str) {
        self.written = self.written.wrapping_add(1);
        let letter = Letter::new(to, MsgId([self.written; 20]), content);
        // Somebody may write too much; that is refused.
        let _ = self.ask(by, Command::Send(letter));
    }

    pub(super) fn ask(&self, by: usize, command: Command) -> Result<Reply, Refusal> {
        let answer = self.broker.ask_once(self.now, &self.people[by], command);
        answer
            .now_or_never()
            .expect("a store in memory answers at once")
    }

    fn must(&self, by: usize, command: Command) -> Reply {
        self.ask(by, command).expect("what is allowed is done")
    }

    /// Whom a token lets in: here it is the user's name.
    pub(in super::super) fn admitted(&self, who: usize) -> Admitted {
        Admitted {
            person: self.people[who].clone(),
            token: Some(format!("token-of-{}", NAMES[who])),
            expires_s: Some(START.epoch_ms / 1_000 + TOKEN_LIFE_S),
            device: None,
        }
    }

    pub(super) fn admit(&self, credentials: &Credentials) -> Result<Admitted, Denial> {
        let (name, good) = match credentials {
            Credentials::Token(name) => (name, true),
            Credentials::Password { name, password } => (name, password == "right"),
            Credentials::Trusted(_) => return Err(Denial::NoCredentials),
        };
        // Nobody knows the tokens of the others.
        let known = NAMES[..2].iter().position(|known| known == name);
        let known = known.filter(|_| good).ok_or(Denial::InvalidToken)?;
        Ok(self.admitted(known))
    }
}
