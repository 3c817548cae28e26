//! Who the clients are: tokens that we sign ourselves, where the broker trusts our key, or accounts made over REST.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::encode;
use serde_json::Value;
use serde_json::json;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::host::Host;
use crate::bench::http::Http;

/// The first uid of those whose tokens we sign: beyond those that a broker gives out itself.
const UIDS_FROM: u64 = 1_000_000_000;

/// A secret for tokens (HS256).
pub(super) struct Key(Vec<u8>);

impl Key {
    /// One that nobody knows.
    pub(super) fn make() -> Result<Self, Failed> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|why| failed("no random numbers", why))?;
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(text.into_bytes()))
    }

    /// The one in `file`.
    pub(super) fn read(file: &Path) -> Result<Self, Failed> {
        let text =
            std::fs::read(file).map_err(|why| failed(&format!("--key {}", file.display()), why))?;
        Ok(Self(text.trim_ascii().to_vec()))
    }

    /// Writes it where the broker is told to look.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failed> {
        std::fs::write(file, &self.0).map_err(|why| failed(&file.display().to_string(), why))
    }

    /// A session token for a day (RFC 7519).
    fn token(&self, uid: u64, name: &str) -> Result<String, Failed> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_s = now.map_err(|why| failed("the clock", why))?.as_secs();
        let claims = json!({ "sub": uid, "name": name, "typ": "session", "exp": now_s + 86_400 });
        let key = EncodingKey::from_secret(&self.0);
        encode(&Header::default(), &claims, &key).map_err(|why| failed("a token", why))
    }
}

/// A user of the run.
#[derive(Clone)]
pub(super) struct Person {
    /// Who it is to the broker.
    pub(super) uid: u64,
    /// What logs it in.
    pub(super) token: String,
}

/// The users of the run, by number from 0, made when they are first asked for.
pub(super) struct People<'a> {
    host: &'a Host,
    http: Http,
    /// Sets the accounts of this run apart from those of others.
    salt: u64,
    made: RefCell<HashMap<u64, Person>>,
}

impl<'a> People<'a> {
    /// Nobody yet.
    pub(super) fn new(host: &'a Host) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            host,
            http: Http::new(host.address()),
            salt: now.map_or(0, |now| now.as_millis() as u64),
            made: RefCell::default(),
        }
    }

    /// REST of the same broker.
    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// User `number`. Errors: the broker makes no accounts.
    pub(super) async fn person(&self, number: u64) -> Result<Person, Failed> {
        if let Some(person) = self.made.borrow().get(&number) {
            return Ok(person.clone());
        }
        let person = match &self.host.key {
            Some(key) => {
                let uid = UIDS_FROM + number;
                let token = key.token(uid, &format!("bench-{uid}"))?;
                Person { uid, token }
            }
            None => self.account(number).await?,
        };
        self.made.borrow_mut().insert(number, person.clone());
        Ok(person)
    }

    async fn account(&self, number: u64) -> Result<Person, Failed> {
        let account = json!({
            "name": format!("bench-{:x}-{number}", self.salt),
            "password": format!("{:032x}", u128::from(self.salt) << 20),
        });
        self.http.post("/api/users", None, &account).await?;
        let grant = self.http.post("/api/login", None, &account).await?;
        match (&grant["uid"], &grant["token"]) {
            (Value::Number(uid), Value::String(token)) => Ok(Person {
                uid: uid.as_u64().unwrap_or_default(),
                token: token.clone(),
            }),
            _ => Err(failed("POST /api/login", format!("no token in {grant}"))),
        }
    }
}
