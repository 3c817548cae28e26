//! Who somebody is, and until when: accounts, log-ins, tokens, API keys. It decides who is let in; it knows no sockets,
//! no HTTP and no SQL, and asks no clock.

mod api_keys;
mod denial;
mod keys;
mod known;
mod passwords;
pub mod permits;
mod revocations;
#[cfg(test)]
mod tests;
mod tokens;
mod tries;
mod trusted;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use sha1::Digest;
use sha1::Sha1;

pub use crate::auth::denial::Denial;
pub use crate::auth::keys::ForeignKey;
pub use crate::auth::keys::check_keys;
pub use crate::auth::keys::load_or_make;
pub use crate::auth::keys::webhook_key;

use crate::auth::api_keys::ApiKeys;
use crate::auth::keys::hex;
use crate::auth::keys::random;
use crate::auth::known::Known;
use crate::auth::passwords::Passwords;
use crate::auth::revocations::Revocations;
use crate::auth::tokens::Claims;
use crate::auth::tokens::Issuer;
use crate::auth::tokens::Kind;
use crate::auth::tokens::Tokens;
use crate::auth::tries::Tries;
use crate::broker::moment::Moment;
use crate::broker::ports::Account;
use crate::broker::ports::AddedUser;
use crate::broker::ports::Store;
use crate::broker::ports::StoreError;
use crate::broker::ports::TokenId;
use crate::broker::ports::outcome;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::broker::users::check_name;

/// How long a session token lives: 7 days, in seconds.
pub const SESSION_LIFE_S: u64 = 7 * 24 * 60 * 60;

/// How long a websocket token may wait to be used: 2 minutes, in seconds.
pub const WEBSOCKET_LIFE_S: u64 = 120;

/// What [`Auth`] is told at the start.
pub struct AuthOptions {
    /// The HS256 secret of our own tokens, see [`load_or_make`].
    pub own_key: Vec<u8>,
    /// The key of tokens minted elsewhere (`--jwt-key`). Our own stay good beside them.
    pub foreign_key: Option<ForeignKey>,
    /// Whether anybody may make an account (`--registration`).
    pub registration_open: bool,
    /// Keys of other servers (`--api-key`).
    pub api_keys: Vec<String>,
    /// Whether a name alone is enough where a protocol has no better (`--trust-login`).
    pub trust_login: bool,
}

/// A token to hand out.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// The JWT.
    pub token: String,
    /// When it ends, seconds since the Unix epoch.
    pub expires_s: u64,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grant(until {})", self.expires_s)
    }
}

/// What a good token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub person: Person,
    /// By which session token: for a websocket token, the one it was got with. What that opened ends with it.
    pub token: TokenId,
    /// When sessions that this opens must end, seconds since the Unix epoch.
    pub expires_s: u64,
}

impl From<Claims> for Login {
    fn from(claims: Claims) -> Self {
        Self {
            person: claims.person,
            token: claims.session,
            expires_s: claims.ends_s,
        }
    }
}

/// The door-keeper. One for a process, shared in an [`Arc`].
pub struct Auth {
    store: Arc<dyn Store>,
    tokens: Tokens,
    registration_open: bool,
    trust_login: bool,
    api_keys: ApiKeys,
    passwords: Passwords,
    tries: Mutex<Tries>,
    known: Mutex<Known>,
    revoked: Arc<Mutex<Revocations>>,
}

impl Auth {
    /// Reads from the store which tokens are revoked. Errors: the store's.
    pub async fn open(
        store: Arc<dyn Store>,
        options: AuthOptions,
        now: Moment,
    ) -> Result<Self, StoreError> {
        let (done, told) = outcome();
        store.revoked(now.epoch_ms / 1000, done);
        let revoked = Revocations::kept(told.await?);
        Ok(Self {
            store,
            tokens: Tokens::new(&options.own_key, options.foreign_key),
            registration_open: options.registration_open,
            trust_login: options.trust_login,
            api_keys: ApiKeys::new(&options.api_keys),
            passwords: Passwords::new(),
            tries: Mutex::default(),
            known: Mutex::default(),
            revoked: Arc::new(Mutex::new(revoked)),
        })
    }

    /// Makes an account for whoever asks, where that is allowed.
    ///
    /// Errors: [`Denial::RegistrationClosed`], [`Denial::BadName`], [`Denial::BadPassword`], [`Denial::NameTaken`],
    /// [`Denial::TooManyTries`] when too many passwords wait to be hashed, [`Denial::Unavailable`].
    pub async fn register(
        &self,
        now: Moment,
        name: &str,
        password: &str,
    ) -> Result<Person, Denial> {
        if !self.registration_open {
            return Err(Denial::RegistrationClosed);
        }
        check_name(name).map_err(Denial::BadName)?;
        passwords::check(password).map_err(Denial::BadPassword)?;
        let place = self.passwords.place()?;
        let hash = self.passwords.hash(place, password).await?;
        let (done, told) = outcome();
        self.store
            .add_user(name.to_owned(), Some(hash), now.epoch_ms, done);
        match told.await.map_err(unavailable)? {
            AddedUser::New(person) => Ok(person),
            AddedUser::NameTaken => Err(Denial::NameTaken),
        }
    }

    /// A session token for name and password. A name that does not exist is refused like a wrong password, and as late.
    ///
    /// Errors: [`Denial::WrongPassword`]; [`Denial::TooManyTries`] after 5 of those in 15 minutes, then even for the
    /// right password; [`Denial::Unavailable`].
    pub async fn log_in(
        &self,
        now: Moment,
        name: &str,
        password: &str,
    ) -> Result<(Person, Grant), Denial> {
        if check_name(name).is_err() {
            // Nobody's: such names cannot be made.
            return Err(Denial::WrongPassword);
        }
        let place = self.passwords.place()?;
        locked(&self.tries)
            .count(now, name)
            .map_err(|retry_after_s| Denial::TooManyTries { retry_after_s })?;
        if passwords::check(password).is_err() {
            // Nobody's either, but a try all the same.
            return Err(Denial::WrongPassword);
        }
        let checked = self.verify(place, name, password).await;
        let person = match checked {
            Ok(Some(person)) => person,
            Ok(None) => return Err(Denial::WrongPassword),
            Err(denial) => {
                locked(&self.tries).take_back(name);
                return Err(denial);
            }
        };
        locked(&self.tries).clear(name);
        locked(&self.known).add(person.clone());
        let grant = self.write(session_of(now, &person)?)?;
        Ok((person, grant))
    }

    /// Who comes with this session token. Users that a foreign token names are made on first use.
    ///
    /// Errors: [`Denial::InvalidToken`] whatever is wrong with it, [`Denial::Unavailable`].
    pub async fn session(&self, now: Moment, token: &str) -> Result<Login, Denial> {
        self.admit(now, token, Kind::Session).await.map(Login::from)
    }

    /// Who comes with this websocket token, to the packet gateway. It opens one connection: when this returns, the store
    /// has kept that it is used up. The log-in lasts as long as the session token behind it.
    ///
    /// Errors: as [`Auth::session`]; after [`Denial::Unavailable`] the token may still be good.
    pub async fn websocket(&self, now: Moment, token: &str) -> Result<Login, Denial> {
        let claims = self.admit(now, token, Kind::Websocket).await?;
        self.use_up(now, &claims).await?;
        Ok(claims.into())
    }

    async fn use_up(&self, now: Moment, claims: &Claims) -> Result<(), Denial> {
        let now_s = now.epoch_ms / 1000;
        let mark = used(&claims.id);
        let added = {
            let mut revoked = locked(&self.revoked);
            if revoked.is_full() {
                return Err(unavailable(
                    "too many tokens were used up or revoked lately",
                ));
            }
            revoked.add(now_s, mark.clone(), claims.expires_s)
        };
        if !added.fresh {
            return Err(Denial::InvalidToken);
        }
        if added.pruned {
            // It forgets those that ended; what is left is nothing new to us.
            self.store.revoked(now_s, Box::new(|_| ()));
        }
        let (tell, told) = outcome();
        let revoked = Arc::clone(&self.revoked);
        let unkept = mark.clone();
        let done = Box::new(move |kept: Result<(), StoreError>| {
            if kept.is_err() {
                locked(&revoked).remove(&unkept);
            }
            tell(kept);
        });
        self.store.revoke(mark, claims.expires_s, done);
        told.await.map_err(unavailable)
    }

    /// A websocket token, good for [`WEBSOCKET_LIFE_S`] and no longer than the session token it is got with.
    ///
    /// Errors: [`Denial::Unavailable`].
    pub async fn websocket_token(&self, now: Moment, login: &Login) -> Result<Grant, Denial> {
        let expires_s = now.epoch_ms / 1000 + WEBSOCKET_LIFE_S;
        self.write(Claims {
            person: login.person.clone(),
            kind: Kind::Websocket,
            id: new_id()?,
            session: login.token.clone(),
            expires_s: expires_s.min(login.expires_s),
            ends_s: login.expires_s,
            issuer: Issuer::Own,
        })
    }

    /// Revokes the token of this log-in, and the websocket tokens got with it. When this returns the store has kept it.
    /// Ending the sessions that the token opened is the broker's part.
    ///
    /// Errors: [`Denial::Unavailable`], and then the token is still good.
    pub async fn log_out(&self, now: Moment, login: &Login) -> Result<(), Denial> {
        let (tell, told) = outcome();
        let (id, expires_s) = (login.token.clone(), login.expires_s);
        let revoked = Arc::clone(&self.revoked);
        // Noted where the store answers, not after the wait: the asker may hang up before that, and disk and memory
        // would disagree until the next start.
        let done = Box::new(move |kept: Result<(), StoreError>| {
            if kept.is_ok() {
                locked(&revoked).add(now.epoch_ms / 1000, id, expires_s);
            }
            tell(kept);
        });
        self.store
            .revoke(login.token.clone(), login.expires_s, done);
        told.await.map_err(unavailable)
    }

    /// Whether this token was revoked, for a session that began while that happened.
    pub fn is_revoked(&self, token: &str) -> bool {
        locked(&self.revoked).has(token)
    }

    /// Whether this is one of the `--api-key`s. Takes the same time for every wrong one.
    pub fn is_api_key(&self, key: &str) -> bool {
        self.api_keys.has(key)
    }

    async fn admit(&self, now: Moment, token: &str, kind: Kind) -> Result<Claims, Denial> {
        let claims = self.tokens.read(now, token);
        let claims = claims.filter(|claims| claims.kind == kind);
        let claims = claims.ok_or(Denial::InvalidToken)?;
        // Revocations last: one may arrive while the store is asked for the person.
        let exists = self.exists(now, &claims).await?;
        let revoked = locked(&self.revoked);
        if !exists || revoked.has(&claims.id) || revoked.has(&claims.session) {
            return Err(Denial::InvalidToken);
        }
        Ok(claims)
    }

    /// Whether the token's user is one of ours. An own token may be from before the database was replaced; a foreign
    /// one makes its user, unless the number or the name is another's.
    async fn exists(&self, now: Moment, claims: &Claims) -> Result<bool, Denial> {
        if locked(&self.known).has(&claims.person) {
            return Ok(true);
        }
        let exists = match claims.issuer {
            Issuer::Own => {
                let account = self.account(UserKey::Uid(claims.person.uid)).await?;
                account.is_some_and(|account| account.person == claims.person)
            }
            Issuer::Foreign => {
                let (done, told) = outcome();
                self.store
                    .admit_user(claims.person.clone(), now.epoch_ms, done);
                told.await.map_err(unavailable)? == AddedUser::New(claims.person.clone())
            }
        };
        if exists {
            locked(&self.known).add(claims.person.clone());
        }
        Ok(exists)
    }

    /// The person with this name, if this is the password.
    async fn verify(
        &self,
        place: passwords::Place,
        name: &str,
        password: &str,
    ) -> Result<Option<Person>, Denial> {
        let account = self.account(UserKey::Name(name.to_owned())).await?;
        let (person, hash) = match account {
            Some(account) => (Some(account.person), account.password_hash),
            None => (None, None),
        };
        let right = self.passwords.verify(place, password, hash).await?;
        Ok(person.filter(|_| right))
    }

    async fn account(&self, key: UserKey) -> Result<Option<Account>, Denial> {
        let (done, told) = outcome();
        self.store.user(key, done);
        told.await.map_err(unavailable)
    }

    fn write(&self, claims: Claims) -> Result<Grant, Denial> {
        write(&self.tokens, &claims)
    }
}

/// The PHC string to keep for a new user's password: for the operator's commands, which need no [`Auth`].
///
/// Errors: [`Denial::BadPassword`], [`Denial::Unavailable`].
pub fn hash_password(password: &str) -> Result<String, Denial> {
    passwords::check(password).map_err(Denial::BadPassword)?;
    passwords::hash(password)
}

/// A session token for a user that exists, without asking for a password: for the operator's commands.
///
/// Errors: [`Denial::Unavailable`].
pub fn mint(own_key: &[u8], now: Moment, person: &Person) -> Result<Grant, Denial> {
    write(&Tokens::new(own_key, None), &session_of(now, person)?)
}

fn session_of(now: Moment, person: &Person) -> Result<Claims, Denial> {
    let expires_s = now.epoch_ms / 1000 + SESSION_LIFE_S;
    let id = new_id()?;
    Ok(Claims {
        person: person.clone(),
        kind: Kind::Session,
        session: id.clone(),
        id,
        expires_s,
        ends_s: expires_s,
        issuer: Issuer::Own,
    })
}

/// A `jti` for an own token.
fn new_id() -> Result<TokenId, Denial> {
    Ok(hex(&random::<16>().map_err(unavailable)?))
}

/// What is kept of a websocket token that was used up. Not its id: where it has no session token behind it, that is the
/// name of what it has just opened.
fn used(id: &str) -> TokenId {
    hex(&Sha1::digest(format!("used:{id}")))
}

fn write(tokens: &Tokens, claims: &Claims) -> Result<Grant, Denial> {
    let token = tokens.write(claims).map_err(unavailable)?;
    Ok(Grant {
        token,
        expires_s: claims.expires_s,
    })
}

fn unavailable(why: impl std::fmt::Display) -> Denial {
    tracing::error!("auth: {why}");
    Denial::Unavailable
}

/// The lock, also after a panic: none of these is left half-changed by one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
