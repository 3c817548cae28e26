//! Who may do what beyond what is plainly one's own. A rule is a function of a person and a thing, and knows no session.

use crate::broker::users::Person;
use crate::broker::users::UserKey;

/// Whether `person` may receive what is sent to `/user/{owner}/…`: its owner alone (CONTRACT section 4).
pub fn may_receive(person: &Person, owner: &UserKey) -> bool {
    owner.means(person)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::users::Uid;

    #[test]
    fn a_destination_is_for_its_owner_alone() {
        let uid = Uid::new(7).unwrap();
        let li = Person {
            uid,
            name: "li".into(),
        };
        for (owner, allowed) in [("7", true), ("li", true), ("8", false), ("Li", false)] {
            let owner = UserKey::parse(owner).unwrap();
            assert_eq!(may_receive(&li, &owner), allowed, "{owner:?}");
        }
    }
}
