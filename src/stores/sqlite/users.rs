//! Making users and finding them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::ports::Account;
use crate::broker::ports::AddedUser;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::OWN_UID_MAX;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::person;
use crate::stores::sqlite::columns::to_db;

/// Most names that the writer remembers; then it begins anew.
const NAMES_MAX: usize = 65_536;

/// A user to make.
pub(super) struct NewUser {
    /// The name.
    pub(super) name: String,
    /// A PHC string.
    pub(super) password_hash: Option<String>,
    /// Now.
    pub(super) time_ms: u64,
}

/// Makes a user with the next free uid.
pub(super) fn add_user(conn: &Connection, new: &NewUser) -> Result<AddedUser> {
    let taken = conn
        .prepare_cached("SELECT 1 FROM users WHERE name = ?1")?
        .exists([&new.name])?;
    if taken {
        return Ok(AddedUser::NameTaken);
    }
    let uid = free_uid(conn)?;
    let hash = new.password_hash.as_deref();
    insert(conn, uid, &new.name, hash, new.time_ms)?;
    let uid = Uid::new(uid).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, 0))?;
    Ok(AddedUser::New(Person {
        uid,
        name: new.name.as_str().into(),
    }))
}

/// Makes sure that `person` exists.
pub(super) fn admit_user(conn: &Connection, (new, time_ms): &(Person, u64)) -> Result<AddedUser> {
    if new.is_system() {
        return Ok(AddedUser::NameTaken);
    }
    let holders = conn
        .prepare_cached("SELECT uid, name FROM users WHERE uid = ?1 OR name = ?2")?
        .query_map((to_db(new.uid.get()), &*new.name), |row| person(row, 0, 1))?
        .collect::<Result<Vec<_>>>()?;
    if holders.is_empty() {
        insert(conn, new.uid.get(), &new.name, None, *time_ms)?;
    }
    if holders.iter().all(|holder| holder == new) {
        Ok(AddedUser::New(new.clone()))
    } else {
        Ok(AddedUser::NameTaken)
    }
}

/// Finds a user. The system is none.
pub(super) fn find_user(conn: &Connection, key: &UserKey) -> Result<Option<Account>> {
    const BY_UID: &str = "SELECT uid, name, password_hash FROM users WHERE uid = ?1";
    const BY_NAME: &str = "SELECT uid, name, password_hash FROM users WHERE name = ?1";
    if is_system(key) {
        return Ok(None);
    }
    let account = |row: &rusqlite::Row<'_>| {
        Ok(Account {
            person: person(row, 0, 1)?,
            password_hash: row.get(2)?,
        })
    };
    match key {
        UserKey::Uid(uid) => conn
            .prepare_cached(BY_UID)?
            .query_row([to_db(uid.get())], account),
        UserKey::Name(name) => conn.prepare_cached(BY_NAME)?.query_row([name], account),
    }
    .optional()
}

/// Whether this names the system, which no user may.
fn is_system(key: &UserKey) -> bool {
    match key {
        UserKey::Uid(uid) => *uid == Uid::SYSTEM,
        UserKey::Name(name) => name.is_empty(),
    }
}

/// Finds who a user is. The system is none.
pub(super) fn find_person(conn: &Connection, key: &UserKey) -> Result<Option<Person>> {
    if is_system(key) {
        return Ok(None);
    }
    match key {
        UserKey::Uid(uid) => conn
            .prepare_cached("SELECT uid, name FROM users WHERE uid = ?1")?
            .query_row([to_db(uid.get())], |row| person(row, 0, 1)),
        UserKey::Name(name) => conn
            .prepare_cached("SELECT uid, name FROM users WHERE name = ?1")?
            .query_row([name], |row| person(row, 0, 1)),
    }
    .optional()
}

/// The person with a uid that is somebody's, or the system's.
pub(super) fn person_of(conn: &Connection, uid: Uid) -> Result<Person> {
    conn.prepare_cached("SELECT uid, name FROM users WHERE uid = ?1")?
        .query_row([to_db(uid.get())], |row| person(row, 0, 1))
}

/// Names that the writer has met, so that a sender who names receivers costs no question for each message. Names never
/// change, so what is here stays true.
#[derive(Default)]
pub(super) struct KnownNames(HashMap<String, Uid>);

impl KnownNames {
    /// Whose key this is, as far as names go: a uid may still be nobody's. `None` for a name that is nobody's.
    pub(super) fn uid(&mut self, conn: &Connection, key: &UserKey) -> Result<Option<Uid>> {
        let name = match key {
            UserKey::Uid(uid) => return Ok(Some(*uid)),
            UserKey::Name(name) => name,
        };
        if let Some(uid) = self.0.get(name) {
            return Ok(Some(*uid));
        }
        let found = find_person(conn, key)?;
        Ok(found.map(|person| {
            if self.0.len() >= NAMES_MAX {
                self.0.clear();
            }
            self.0.insert(name.clone(), person.uid);
            person.uid
        }))
    }
}

/// One more than the highest of our own; where a foreign token took the very last one, the lowest gap.
fn free_uid(conn: &Connection) -> Result<u64> {
    let highest = conn
        .prepare_cached("SELECT uid FROM users WHERE uid <= ?1 ORDER BY uid DESC LIMIT 1")?
        .query_row([to_db(OWN_UID_MAX)], |row| number(row, 0))
        .optional()?
        .unwrap_or(0);
    if highest < OWN_UID_MAX {
        return Ok(highest + 1);
    }
    conn.query_row(
        "SELECT u.uid + 1 FROM (SELECT 0 AS uid UNION ALL SELECT uid FROM users) u
         WHERE NOT EXISTS (SELECT 1 FROM users n WHERE n.uid = u.uid + 1)
         ORDER BY u.uid LIMIT 1",
        [],
        |row| number(row, 0),
    )
}

fn insert(
    conn: &Connection,
    uid: u64,
    name: &str,
    password_hash: Option<&str>,
    time_ms: u64,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO users (uid, name, password_hash, created_ms) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((to_db(uid), name, password_hash, to_db(time_ms)))?;
    Ok(())
}
