//! Persons the store was asked about lately, so that not every token costs a read. Names never change and users never
//! go, so what was true stays true.

use std::collections::HashMap;
use std::sync::Arc;

use crate::broker::users::Person;
use crate::broker::users::Uid;

/// Persons in each of the two halves.
const HALF_MAX: usize = 32_768;

/// A bounded set of persons. New ones go to the young half; when that is full it becomes the old one, and the former old
/// one is forgotten. Whoever is asked for in time moves back to the young half.
#[derive(Default)]
pub(super) struct Known {
    young: HashMap<Uid, Arc<str>>,
    old: HashMap<Uid, Arc<str>>,
}

impl Known {
    /// Whether this person, number and name, is known to exist.
    pub(super) fn has(&mut self, person: &Person) -> bool {
        if let Some(name) = self.young.get(&person.uid) {
            return *name == person.name;
        }
        match self.old.remove(&person.uid) {
            Some(name) => {
                let same = name == person.name;
                self.put(person.uid, name);
                same
            }
            None => false,
        }
    }

    /// Remembers a person that exists.
    pub(super) fn add(&mut self, person: Person) {
        self.put(person.uid, person.name);
    }

    fn put(&mut self, uid: Uid, name: Arc<str>) {
        if self.young.len() >= HALF_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(uid, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u64) -> Person {
        Person {
            uid: Uid::new(number).unwrap(),
            name: format!("n{number}").into(),
        }
    }

    #[test]
    fn a_person_is_number_and_name() {
        let mut known = Known::default();
        known.add(person(1));
        assert!(known.has(&person(1)));
        assert!(!known.has(&person(2)));
        let impostor = Person {
            name: "n2".into(),
            ..person(1)
        };
        assert!(!known.has(&impostor));
    }

    #[test]
    fn who_is_asked_for_stays_and_others_are_forgotten() {
        let mut known = Known::default();
        for number in 1..=4 * HALF_MAX as u64 {
            known.add(person(number));
            assert!(known.has(&person(1)), "after {number}");
        }
        assert!(known.young.len() + known.old.len() <= 2 * HALF_MAX);
        assert!(!known.has(&person(2)));
    }
}
