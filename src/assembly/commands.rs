//! The commands that look after the data. They work beside a running broker, too.

use std::io::Read;
use std::io::Write;
use std::io::stdout;
use std::path::Path;

use crate::assembly::Failure;
use crate::auth::check_keys;
use crate::auth::hash_password;
use crate::auth::load_or_make;
use crate::auth::mint;
use crate::broker::ports::AddedUser;
use crate::broker::users::UserKey;
use crate::broker::users::check_name;
use crate::config::Password;
use crate::gateways::clock::Clock;
use crate::stores::sqlite;
use crate::stores::sqlite::Beside;

/// `hongyan user add`.
pub(super) fn add_user(data: &Path, name: &str, password: Password) -> Result<(), Failure> {
    check_name(name)
        .map_err(|rule| Failure(format!("the name {name:?} can't be taken: {rule}")))?;
    let (password, made) = match password {
        Password::Given(password) => (password, false),
        Password::Stdin => (read_password()?, false),
        Password::None => (make_password()?, true),
    };
    let hash = hash_password(&password).map_err(|denial| Failure(denial.sentence()))?;
    let now = Clock::start().now();
    match Beside::open(data)?.add_user(name.to_owned(), Some(hash), now.epoch_ms)? {
        AddedUser::New(person) => {
            writeln!(stdout(), "added {} with uid {}", person.name, person.uid)?;
            if made {
                writeln!(stdout(), "password {password}")?;
            }
            Ok(())
        }
        AddedUser::NameTaken => Err(Failure(format!(
            "the name {name:?} is taken; choose another"
        ))),
    }
}

fn read_password() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// One that nobody will guess, for somebody who will change it or keep it.
fn make_password() -> Result<String, Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    Ok(random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect())
}

/// `hongyan token`: a session token on stdout, and nothing else.
pub(super) fn token(data: &Path, name: &str) -> Result<(), Failure> {
    let unknown = || {
        Failure(format!(
            "there is no user {name:?}; `hongyan user add {name}` makes one"
        ))
    };
    let key = UserKey::parse(name).ok_or_else(unknown)?;
    let account = Beside::open_existing(data)?
        .user(&key)?
        .ok_or_else(unknown)?;
    let own_key = load_or_make(data)?;
    let grant = mint(&own_key, Clock::start().now(), &account.person);
    let grant = grant.map_err(|denial| Failure(denial.sentence()))?;
    writeln!(stdout(), "{}", grant.token)?;
    Ok(())
}

/// `hongyan check`: what is there, and what is wrong with it.
pub(super) fn check(data: &Path) -> Result<(), Failure> {
    let mut report = sqlite::check(data)?;
    report.findings.extend(check_keys(data));
    write!(stdout(), "{report}")?;
    match report.findings.len() {
        0 => {
            writeln!(stdout(), "sound")?;
            Ok(())
        }
        wrong => Err(Failure(format!(
            "{wrong} things are wrong with the data in {}",
            data.display()
        ))),
    }
}

/// `hongyan backup`: a copy of the database as it is now, in one file.
pub(super) fn backup(data: &Path, file: &Path) -> Result<(), Failure> {
    sqlite::backup(data, file)?;
    writeln!(stdout(), "the data are copied to {}", file.display())?;
    Ok(())
}
