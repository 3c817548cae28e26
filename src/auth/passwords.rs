//! Passwords, hashed with argon2id off the threads that carry messages. Knows neither users nor tries.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Block;
use argon2::Params;
use argon2::Version;
use argon2::password_hash::Error;
use argon2::password_hash::phc::Output;
use argon2::password_hash::phc::ParamsString;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::phc::Salt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;

use crate::auth::denial::Denial;

/// Hashed at once. Each takes a core for tens of milliseconds and 19 MiB.
const AT_ONCE: usize = 2;

/// Waiting for one of those. Beyond, a log-in is told to come back in a second.
const WAITING_MAX: usize = 64;

/// Verified where there is no hash, so that an unknown name takes as long as a known one. Of a password nobody has: the
/// answer is never used.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$aG9uZ3lhbmhvbmd5YW4hIQ\
                       $MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";

/// Whether `password` may be one: 8 to 1024 bytes (CONTRACT section 3). The error is a sentence for the client.
pub(super) fn check(password: &str) -> Result<(), &'static str> {
    if (8..=1024).contains(&password.len()) {
        Ok(())
    } else {
        Err("a password has 8 to 1024 bytes")
    }
}

/// The password's PHC string, with a salt of its own. Takes tens of milliseconds.
pub(super) fn hash(password: &str) -> Result<String, Denial> {
    let hash = Memory::default().hash(password);
    hash.map_err(|why| failed(&why))
}

/// The memory that passwords are hashed in, one after the other.
///
/// It is kept from one to the next. Argon2's blocks are aligned, and glibc seldom takes what was given back of an aligned
/// piece of this size for the next one: each thread had come to hold four or five times as much.
#[derive(Default)]
struct Memory(Vec<Block>);

impl Memory {
    fn hash(&mut self, password: &str) -> Result<String, Error> {
        let argon2 = Argon2::default();
        let salt = Salt::generate();
        let hash = PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon2.params())?,
            hash: Some(self.output(&argon2, password, &salt)?),
            salt: Some(salt),
        };
        Ok(hash.to_string())
    }

    /// Whether this PHC string was made of the password.
    fn verify(&mut self, password: &str, phc: &str) -> Result<bool, Error> {
        let hashed = PasswordHash::new(phc)?;
        let (Some(salt), Some(expected)) = (&hashed.salt, &hashed.hash) else {
            return Ok(false);
        };
        let algorithm = Algorithm::try_from(hashed.algorithm.as_str())?;
        let version = hashed.version.map(Version::try_from).transpose()?;
        let params = Params::try_from(&hashed)?;
        let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
        // Outputs are compared in the same time, whatever they are.
        Ok(*expected == self.output(&argon2, password, salt)?)
    }

    fn output(
        &mut self,
        argon2: &Argon2<'_>,
        password: &str,
        salt: &Salt,
    ) -> Result<Output, Error> {
        let params = argon2.params();
        if self.0.len() < params.block_count() {
            self.0 = vec![Block::default(); params.block_count()];
        }
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length).ok_or(Error::OutputSize)?;
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut self.0)?;
        Ok(Output::new(output)?)
    }
}

/// One password to hash.
type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// The place where passwords are hashed.
///
/// On threads of its own, as many as hash at once, each with its own [`Memory`].
pub(super) struct Passwords {
    places: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
    work: mpsc::Sender<Work>,
}

/// The right to have one password hashed. Dropped, it goes to somebody else.
pub(super) struct Place(OwnedSemaphorePermit);

impl Passwords {
    pub(super) fn new() -> Self {
        let (work, to_do) = mpsc::channel();
        let to_do = Arc::new(Mutex::new(to_do));
        for _ in 0..AT_ONCE {
            let to_do = Arc::clone(&to_do);
            thread::spawn(move || hash_for_ever(&to_do));
        }
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX)),
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            work,
        }
    }

    /// A place in the queue. Errors: [`Denial::TooManyTries`] when there is none.
    pub(super) fn place(&self) -> Result<Place, Denial> {
        let permit = Arc::clone(&self.places).try_acquire_owned();
        permit
            .map(Place)
            .map_err(|_| Denial::TooManyTries { retry_after_s: 1 })
    }

    /// The password's PHC string, with a salt of its own.
    pub(super) async fn hash(&self, place: Place, password: &str) -> Result<String, Denial> {
        let password = password.to_owned();
        let hash = self.off_thread(place, move |memory| memory.hash(&password));
        hash.await?.map_err(|why| failed(&why))
    }

    /// Whether the password is the one that was hashed. Without a hash: no, after the same time.
    pub(super) async fn verify(
        &self,
        place: Place,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, Denial> {
        let password = password.to_owned();
        let same = self.off_thread(place, move |memory| {
            let same = memory.verify(&password, hash.as_deref().unwrap_or(NOBODYS))?;
            Ok(same && hash.is_some())
        });
        same.await?.map_err(|why: Error| failed(&why))
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Denial> {
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        let turn = turn.map_err(|why| failed(&why))?;
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |memory| {
            // Both are held by the work itself: it goes on when the asker has gone, and still takes its core.
            let _held = (place.0, turn);
            let _ = tell.send(work(memory));
        });
        self.work.send(work).map_err(|why| failed(&why))?;
        told.await.map_err(|why| failed(&why))
    }
}

/// Does what there is to do, until nobody is left who could ask.
fn hash_for_ever(to_do: &Mutex<mpsc::Receiver<Work>>) {
    let mut memory = Memory::default();
    loop {
        let next = to_do.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // A panic was told by the hook; the next password is another.
        let _ = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
    }
}

fn failed(why: &dyn std::fmt::Display) -> Denial {
    tracing::error!("a password could not be hashed: {why}");
    Denial::Unavailable
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;
    use argon2::password_hash::PasswordVerifier;

    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash() {
        let passwords = Passwords::new();
        let hash = passwords
            .hash(passwords.place().unwrap(), "起来聊天吧")
            .await;
        let hash = hash.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        for (tried, expected) in [("起来聊天吧", true), ("起来聊天", false)] {
            let place = passwords.place().unwrap();
            let same = passwords.verify(place, tried, Some(hash.clone())).await;
            assert_eq!(same, Ok(expected), "{tried}");
        }
        let place = passwords.place().unwrap();
        assert_eq!(passwords.verify(place, "anything", None).await, Ok(false));
        let place = passwords.place().unwrap();
        let damaged = passwords
            .verify(place, "anything", Some("no hash".into()))
            .await;
        assert_eq!(damaged, Err(Denial::Unavailable));
    }

    #[test]
    fn memory_that_is_used_again_gives_the_hashes_of_the_library() {
        let (mut memory, library) = (Memory::default(), Argon2::default());
        for password in ["a password", "another one"] {
            let ours = memory.hash(password).unwrap();
            assert_ne!(ours, memory.hash(password).unwrap(), "a salt of its own");
            let ours = PasswordHash::new(&ours).unwrap();
            let known = library.verify_password(password.as_bytes(), &ours);
            assert_eq!(known, Ok(()));
            let theirs = library.hash_password(password.as_bytes()).unwrap();
            let theirs = theirs.to_string();
            assert_eq!(memory.verify(password, &theirs), Ok(true));
            assert_eq!(memory.verify("not this one", &theirs), Ok(false));
        }
    }

    #[tokio::test]
    async fn nobodys_hash_costs_what_a_real_one_costs() {
        let passwords = Passwords::new();
        let real = passwords
            .hash(passwords.place().unwrap(), "a password")
            .await;
        let real = real.unwrap();
        let (real, nobodys) = (
            PasswordHash::new(&real).unwrap(),
            PasswordHash::new(NOBODYS).unwrap(),
        );
        assert_eq!(real.algorithm, nobodys.algorithm);
        assert_eq!(real.version, nobodys.version);
        assert_eq!(real.params, nobodys.params);
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|output| output.len());
        assert_eq!(length(&real), length(&nobodys));
    }

    #[test]
    fn the_queue_has_an_end() {
        let passwords = Passwords::new();
        let places: Vec<_> = (0..AT_ONCE + WAITING_MAX)
            .map(|_| passwords.place().unwrap())
            .collect();
        let full = passwords.place().err();
        assert_eq!(full, Some(Denial::TooManyTries { retry_after_s: 1 }));
        drop(places);
        assert!(passwords.place().is_ok());
    }

    #[test]
    fn passwords_follow_the_rule() {
        for (password, good) in [(7, false), (8, true), (1024, true), (1025, false)] {
            assert_eq!(check(&"x".repeat(password)).is_ok(), good, "{password}");
        }
    }
}
