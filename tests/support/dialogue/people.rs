//! The users of a dialogue, and what lets them in.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;

use hongyan::auth::Denial;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Store;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::gateways::Admitted;

use crate::support::dialogue::stage::START;

/// A token's life in dialogues, seconds.
const TOKEN_LIFE_S: u64 = 3_600;

/// Everybody there is, by name.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<String, Person>,
    revoked: HashSet<String>,
}

/// What the token of `name` is known by.
pub(super) fn token_id(name: &str) -> String {
    format!("token-of-{name}")
}

impl People {
    /// Makes a user.
    pub(super) fn add(&mut self, name: &str, now: Moment, store: &dyn Store) {
        let people = Arc::new(Mutex::new(None));
        let made = Arc::clone(&people);
        let done = Box::new(move |added| {
            if let Ok(AddedUser::New(person)) = added {
                *made.lock().unwrap() = Some(person);
            }
        });
        store.add_user(name.to_owned(), None, now.epoch_ms, done);
        let person = people.lock().unwrap().take().expect("a new user");
        self.known.insert(name.to_owned(), person);
    }

    /// The user of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Person> {
        self.known.get(name)
    }

    /// Whoever shows a token: in dialogues it is the user's name.
    pub(super) fn by_token(&self, name: &str) -> Result<Admitted, Denial> {
        let known = self.known.get(name);
        let person = known.filter(|_| !self.revoked.contains(name));
        Ok(Admitted {
            person: person.ok_or(Denial::InvalidToken)?.clone(),
            token: Some(token_id(name)),
            expires_s: Some(START.epoch_ms / 1_000 + TOKEN_LIFE_S),
            device: None,
        })
    }

    /// Whoever shows a password: in dialogues it is `right`.
    pub(super) fn by_password(&self, name: &str, password: &str) -> Result<Admitted, Denial> {
        let person = self.known.get(name).filter(|_| password == "right");
        Ok(Admitted {
            person: person.ok_or(Denial::WrongPassword)?.clone(),
            token: None,
            expires_s: None,
            device: None,
        })
    }

    /// Makes the token of `name` a bad one; whose it was.
    pub(super) fn revoke(&mut self, name: &str) -> Option<Uid> {
        let person = self.known.get(name)?;
        self.revoked.insert(name.to_owned());
        Some(person.uid)
    }
}
