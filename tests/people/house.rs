//! A broker over a store in memory, people who ask it, and a clock that tests turn.

use std::cell::Cell;
use std::sync::Arc;

use futures_util::FutureExt;
use hongyan::broker::Broker;
use hongyan::broker::command::Command;
use hongyan::broker::command::Ears;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::command::Ticket;
use hongyan::broker::event::Event;
use hongyan::broker::friends::RequestId;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::limits::Limits;
use hongyan::broker::message::MsgId;
use hongyan::broker::moment::Moment;
use hongyan::broker::notice::Notice;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Done;
use hongyan::broker::ports::Hook;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::sessions::Session;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::broker::users::UserKey;

use crate::moody::Moody;

pub struct House {
    pub store: Arc<Moody>,
    pub broker: Arc<Broker>,
    now: Cell<Moment>,
    asked: Cell<u64>,
}

impl House {
    /// With the users `li`, `wu`, `an` and `bo`, who are 1 to 4.
    pub fn new() -> Self {
        Self::with(Limits {
            messages_per_second: 1_000,
            ..Limits::default()
        })
    }

    pub fn with(limits: Limits) -> Self {
        let store = Arc::new(Moody::default());
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        let house = Self {
            broker: Broker::new(shared, limits),
            store,
            now: Cell::new(Moment::default().after_ms(10_000)),
            asked: Cell::new(0),
        };
        for name in ["li", "wu", "an", "bo"] {
            house.add_user(name);
        }
        house
    }

    pub fn add_user(&self, name: &str) -> Person {
        let name = name.to_owned();
        match self.ask_store(|store, done| store.add_user(name, None, 1, done)) {
            AddedUser::New(person) => person,
            AddedUser::NameTaken => panic!("two of one name"),
        }
    }

    /// What the store answers, which it does at once.
    pub fn ask_store<T: Send + 'static>(&self, ask: impl FnOnce(&Moody, Done<T>)) -> T {
        let (done, outcome) = outcome();
        ask(&self.store, done);
        outcome.now_or_never().expect("at once").expect("kept")
    }

    pub fn hooks(&self) -> Vec<Hook> {
        self.ask_store(|store, done| store.due_hooks(u64::MAX, 100, done))
    }

    pub fn now(&self) -> Moment {
        self.now.get()
    }

    /// Time passes, and the broker is woken exactly when it asked to be.
    pub fn pass(&self, ms: u64) {
        let until = self.now().after_ms(ms);
        while let Some(at) = self.broker.wake_at_ms().filter(|at| *at <= until.steady_ms) {
            let now = self.now();
            self.now.set(now.after_ms(at.saturating_sub(now.steady_ms)));
            self.broker.woken(self.now());
        }
        self.now.set(until);
    }

    /// Asks as a gateway without sessions does.
    pub fn ask(&self, who: &Person, command: Command) -> Result<Reply, Refusal> {
        let answer = self.broker.ask_once(self.now(), who, command);
        answer
            .now_or_never()
            .expect("a store in memory answers at once")
    }

    pub fn act(&self, who: &Person, act: Social) -> Result<Changed, Refusal> {
        match self.ask(who, Command::Social(act))? {
            Reply::Social(changed) => Ok(changed),
            other => panic!("not what became of an act: {other:?}"),
        }
    }

    /// Sends, and tells the answer.
    pub fn send(&self, who: &Person, letter: Letter) -> Result<Reply, Refusal> {
        self.ask(who, Command::Send(letter))
    }

    /// The request of one to another, made now.
    pub fn request(&self, from: &Person, to: &Person) -> RequestId {
        let to = key(to);
        let words = "你好".to_owned();
        match self.act(from, Social::AskFriend { to, words }) {
            Ok(Changed::Asked { request, .. }) => request.id,
            other => panic!("not asked: {other:?}"),
        }
    }

    pub fn befriend(&self, one: &Person, other: &Person) {
        let request = self.request(one, other);
        let accept = true;
        let answered = self.act(other, Social::AnswerFriend { request, accept });
        assert!(
            matches!(answered, Ok(Changed::Answered { fresh: true, .. })),
            "{answered:?}"
        );
    }

    /// A group that `admin` makes.
    pub fn group(&self, admin: &Person, members: &[&Person]) -> Gid {
        let new = NewGroup {
            name: "吃货小分队".to_owned(),
            members: members.iter().map(|member| key(member)).collect(),
            ..NewGroup::default()
        };
        match self.act(admin, Social::MakeGroup(new)) {
            Ok(Changed::Group { group, .. }) => group.gid,
            other => panic!("no group: {other:?}"),
        }
    }

    /// A session that listens to everything.
    pub fn open(&self, who: &Person) -> Arc<Session> {
        self.open_on(who, None)
    }

    pub fn open_on(&self, who: &Person, device: Option<&str>) -> Arc<Session> {
        let device = device.map(str::to_owned);
        let session = self.broker.open(self.now(), who.clone(), None, device);
        self.ask_in(&session, Command::Listen(Ears::ALL));
        self.told(&session);
        session
    }

    pub fn close(&self, session: &Session) {
        self.broker.close(self.now(), session);
    }

    /// Asks in a session; the answer is among what it is told.
    pub fn ask_in(&self, session: &Arc<Session>, command: Command) {
        self.asked.set(self.asked.get() + 1);
        let ticket = Ticket(self.asked.get());
        self.broker.ask(self.now(), session, ticket, command);
    }

    /// All that a session was told since it was asked last.
    pub fn told(&self, session: &Arc<Session>) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let before = events.len();
            self.broker.take(self.now(), session, &mut events, 100);
            if events.len() == before {
                return events;
            }
        }
    }

    /// What it was told of people, and nothing else.
    pub fn notices(&self, session: &Arc<Session>) -> Vec<Notice> {
        let events = self.told(session).into_iter();
        let notices = events.map(|event| match event {
            Event::Noticed(notice) => (*notice).clone(),
            other => panic!("not a notice: {other:?}"),
        });
        notices.collect()
    }

    /// The contents of the messages that it was pushed, and nothing else.
    pub fn pushed(&self, session: &Arc<Session>) -> Vec<String> {
        let events = self.told(session).into_iter();
        let contents = events.map(|event| match event {
            Event::Message(message) => message.content.to_string(),
            other => panic!("not a message: {other:?}"),
        });
        contents.collect()
    }
}

/// One of the four, or the system.
pub fn person(name: &str) -> Person {
    let cast = ["li", "wu", "an", "bo"];
    match cast.iter().position(|known| *known == name) {
        Some(at) => Person {
            uid: uid(at as u64 + 1),
            name: name.into(),
        },
        None if name == "system" => Person::system(),
        None => panic!("{name} is not of this house"),
    }
}

pub fn uid(number: u64) -> Uid {
    Uid::new(number).expect("a uid")
}

pub fn key(person: &Person) -> UserKey {
    UserKey::Uid(person.uid)
}

pub fn key_of(name: &str) -> UserKey {
    UserKey::Name(name.to_owned())
}

/// Words to somebody, under the msgID that is their SHA-1.
pub fn words(to: &Person, content: &str) -> Letter {
    Letter::new(to.uid, MsgId::sha1(content), content)
}
