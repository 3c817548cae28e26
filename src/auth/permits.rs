//! Who may do what beyond what is plainly one's own. A rule is a function of a person and a thing, and knows no session.

use crate::broker::destination::Pattern;
use crate::broker::users::Person;
use crate::broker::users::UserKey;

/// Whether `person` may receive what is sent to `/user/{owner}/…`: its owner alone (CONTRACT section 4).
pub fn may_receive(person: &Person, owner: &UserKey) -> bool {
    owner.means(person)
}

/// Who may use which shared destinations, `/topic/…` and `/queue/…`. With no permit at all everybody may use all of them;
/// with any, nothing is allowed but what one of them says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permits(Vec<Permit>);

/// What some users may read (subscribe to) and write (send to).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Permit {
    /// None for everybody.
    users: Option<Vec<UserKey>>,
    read: Vec<Pattern>,
    write: Vec<Pattern>,
}

impl Permits {
    /// One more permit: for `users` (names, uids, or `*` for everybody) to read and to write what patterns such as
    /// `/topic/news/**` mean. The error says what is wrong, and what would be right.
    pub fn add(
        &mut self,
        users: &[String],
        read: &[String],
        write: &[String],
    ) -> Result<(), String> {
        let everybody = users.iter().any(|user| user == "*");
        let keys = users.iter().filter(|user| *user != "*").map(|user| {
            let key = UserKey::parse(user);
            key.ok_or_else(|| format!("{user:?} is no user; allowed are names, uids, and *"))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        self.0.push(Permit {
            users: (!everybody).then_some(keys),
            read: patterns(read)?,
            write: patterns(write)?,
        });
        Ok(())
    }

    /// Whether `person` may receive all that `destination` means, which may have wildcards.
    pub fn may_read(&self, person: &Person, destination: &str) -> bool {
        self.allow(person, destination, |permit| &permit.read)
    }

    /// Whether `person` may send to `destination`.
    pub fn may_write(&self, person: &Person, destination: &str) -> bool {
        self.allow(person, destination, |permit| &permit.write)
    }

    fn allow(
        &self,
        person: &Person,
        destination: &str,
        patterns: impl Fn(&Permit) -> &[Pattern],
    ) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Some(asked) = in_words(destination) else {
            return false;
        };
        let mut own = self.0.iter().filter(|permit| permit.is_for(person));
        own.any(|permit| patterns(permit).iter().any(|known| known.covers(&asked)))
    }
}

impl Permit {
    fn is_for(&self, person: &Person) -> bool {
        let users = self.users.as_ref();
        users.is_none_or(|users| users.iter().any(|user| user.means(person)))
    }
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, String> {
    let read = texts.iter().map(|text| {
        in_words(text).ok_or_else(|| {
            format!("{text:?} is no destination; allowed are /topic/… and /queue/…, with * for one segment and ** for the rest")
        })
    });
    read.collect()
}

/// A destination as a pattern whose first segment is its kind.
fn in_words(destination: &str) -> Option<Pattern> {
    let kind_and_name = destination.strip_prefix('/')?;
    let shared = kind_and_name.starts_with("topic/") || kind_and_name.starts_with("queue/");
    Pattern::parse(kind_and_name).filter(|_| shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::users::Uid;

    fn li() -> Person {
        Person {
            uid: Uid::new(7).unwrap(),
            name: "li".into(),
        }
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn permits(all: &[(&str, &str, &str)]) -> Permits {
        let mut permits = Permits::default();
        for (users, read, write) in all {
            let added = permits.add(&words(users), &words(read), &words(write));
            added.expect("a good permit");
        }
        permits
    }

    #[test]
    fn a_destination_is_for_its_owner_alone() {
        for (owner, allowed) in [("7", true), ("li", true), ("8", false), ("Li", false)] {
            let owner = UserKey::parse(owner).unwrap();
            assert_eq!(may_receive(&li(), &owner), allowed, "{owner:?}");
        }
    }

    #[test]
    fn without_permits_all_is_allowed_and_with_them_only_what_they_say() {
        assert!(permits(&[]).may_write(&li(), "/queue/anything"));
        let permits = permits(&[
            ("*", "/topic/news/**", ""),
            ("wu 7", "/queue/jobs", "/topic/news/sport /topic/li/*"),
            ("wu", "/topic/**", "/topic/** /queue/**"),
        ]);
        for (destination, read, write) in [
            ("/topic/news/sport", true, true),
            ("/topic/news/**", true, false),
            ("/topic/news/*/x", true, false),
            ("/topic/news", false, false),
            ("/topic/**", false, false),
            ("/topic/li/a", false, true),
            ("/topic/li/a/b", false, false),
            ("/queue/jobs", true, false),
            ("/user/li/recive", false, false),
        ] {
            assert_eq!(permits.may_read(&li(), destination), read, "{destination}");
            assert_eq!(
                permits.may_write(&li(), destination),
                write,
                "{destination}"
            );
        }
    }

    #[test]
    fn a_wrong_permit_says_what_is_wrong() {
        for (users, read) in [
            ("a/b", ""),
            ("*", "topic/a"),
            ("*", "/user/a"),
            ("*", "/topic/a*"),
        ] {
            let refused = Permits::default().add(&words(users), &words(read), &[]);
            assert!(refused.is_err(), "{users:?} {read:?}");
        }
    }
}
