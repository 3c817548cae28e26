//! Users for a command that may run beside a broker: no lock, and nothing that the broker keeps in memory.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::broker::ports::Account;
use crate::broker::ports::AddedUser;
use crate::broker::ports::StoreError;
use crate::broker::users::UserKey;
use crate::stores::sqlite::jobs::refusal;
use crate::stores::sqlite::make_dir;
use crate::stores::sqlite::refusal::OpenError;
use crate::stores::sqlite::schema;
use crate::stores::sqlite::users::NewUser;
use crate::stores::sqlite::users::add_user;
use crate::stores::sqlite::users::find_user;

/// The users of a data directory, whether a broker runs on it or not.
pub struct Beside {
    conn: Connection,
}

impl Beside {
    /// Opens the data in `dir`, or begins them.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        make_dir(dir)?;
        let conn = schema::open(&schema::database(dir))?;
        Ok(Self { conn })
    }

    /// Opens the data in `dir`, which must be there: a mistyped directory is no new one.
    pub fn open_existing(dir: &Path) -> Result<Self, OpenError> {
        let conn = schema::open_existing(&schema::database(dir))?;
        Ok(Self { conn })
    }

    /// Makes a user with the next free uid.
    pub fn add_user(
        &mut self,
        name: String,
        password_hash: Option<String>,
        time_ms: u64,
    ) -> Result<AddedUser, StoreError> {
        let new = NewUser {
            name,
            password_hash,
            time_ms,
        };
        let mut add = || {
            let transaction = self
                .conn
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let added = add_user(&transaction, &new)?;
            transaction.commit()?;
            Ok(added)
        };
        add().map_err(|error: rusqlite::Error| refusal(&error))
    }

    /// Finds a user.
    pub fn user(&self, key: &UserKey) -> Result<Option<Account>, StoreError> {
        find_user(&self.conn, key).map_err(|error| refusal(&error))
    }
}
