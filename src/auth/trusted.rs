//! Who is let in by a uid as well as by a name; and, with `--trust-login`, by no more than that.

use crate::auth::Auth;
use crate::auth::Denial;
use crate::auth::Grant;
use crate::auth::unavailable;
use crate::broker::moment::Moment;
use crate::broker::ports::AddedUser;
use crate::broker::ports::outcome;
use crate::broker::users::Person;
use crate::broker::users::UserKey;

impl Auth {
    /// Whoever says to be this user, where the operator trusts everybody. A name that nobody has is made a user.
    ///
    /// Errors: [`Denial::NoCredentials`] where the operator does not; [`Denial::NoSuchUser`] for a uid that nobody has;
    /// [`Denial::Unavailable`].
    pub async fn trusted(&self, now: Moment, key: &UserKey) -> Result<Person, Denial> {
        if !self.trust_login {
            return Err(Denial::NoCredentials);
        }
        if let Some(account) = self.account(key.clone()).await? {
            return Ok(account.person);
        }
        let UserKey::Name(name) = key else {
            return Err(Denial::NoSuchUser);
        };
        let (done, told) = outcome();
        self.store.add_user(name.clone(), None, now.epoch_ms, done);
        match told.await.map_err(unavailable)? {
            AddedUser::New(person) => Ok(person),
            // Somebody was quicker.
            AddedUser::NameTaken => {
                let account = self.account(key.clone()).await?;
                account
                    .map(|account| account.person)
                    .ok_or(Denial::NoSuchUser)
            }
        }
    }

    /// As [`Auth::log_in`], for a user named by number or by name.
    ///
    /// Errors: the same.
    pub async fn log_in_as(
        &self,
        now: Moment,
        key: &UserKey,
        password: &str,
    ) -> Result<(Person, Grant), Denial> {
        match key {
            UserKey::Name(name) => self.log_in(now, name, password).await,
            UserKey::Uid(_) => match self.account(key.clone()).await? {
                Some(account) => self.log_in(now, &account.person.name, password).await,
                None => Err(Denial::WrongPassword),
            },
        }
    }
}
