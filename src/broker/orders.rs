//! Orders that a courier takes, and where couriers are (seed 004); and the rules of taking, which stores apply in their
//! transactions.

use crate::broker::friends::Standing;
use crate::broker::friends::befriend;
use crate::broker::refusal::Refusal;
use crate::broker::users::Uid;

/// An order's id: 1 to 64 bytes without control characters, as whoever placed it calls it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderId(pub String);

impl OrderId {
    /// Reads an id; `None` where it is too long, empty, or has control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }
}

/// Where somebody is, or was last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// When it was told, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

impl Eq for Location {}

impl Location {
    /// A place on earth; `None` for any other numbers.
    pub fn new(longitude: f64, latitude: f64, time_ms: u64) -> Option<Self> {
        let fits = (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
        fits.then_some(Self {
            longitude,
            latitude,
            time_ms,
        })
    }
}

/// An order as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Who ordered.
    pub customer: Uid,
    /// Who took it.
    pub courier: Option<Uid>,
}

/// Whether `by` may offer an order of `customer`, where one of this id stands perhaps already; and whether it is news.
pub fn place(by: Uid, customer: Uid, placed: Option<Placed>) -> Result<bool, Refusal> {
    if by != Uid::SYSTEM {
        return Err(Refusal::ServerOnly);
    }
    match placed {
        None => Ok(true),
        Some(placed) if placed.customer == customer => Ok(false),
        Some(_) => Err(Refusal::OrderTaken),
    }
}

/// What is to be known of an order, its customer and the courier before it is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taking {
    /// The order; none where there is none.
    pub placed: Option<Placed>,
    /// What the customer is to the courier.
    pub standing: Standing,
    /// How many friends the courier has.
    pub friends_of_courier: usize,
    /// How many friends the customer has.
    pub friends_of_customer: usize,
}

/// What becomes of an order that may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is the courier's now.
    Fresh {
        /// Whether they become friends by it.
        befriends: bool,
    },
    /// It was the courier's already, and nothing changes.
    Stands,
}

/// Whether `courier` may take an order.
pub fn take(courier: Uid, facts: &Taking) -> Result<Taken, Refusal> {
    if courier == Uid::SYSTEM {
        return Err(Refusal::NoSuchUser);
    }
    let placed = facts.placed.ok_or(Refusal::NoSuchOrder)?;
    if placed.customer == courier {
        return Err(Refusal::Oneself);
    }
    match placed.courier {
        Some(other) if other == courier => return Ok(Taken::Stands),
        Some(_) => return Err(Refusal::OrderTaken),
        None => {}
    }
    if facts.standing.blocked {
        return Err(Refusal::Blocked);
    }
    let befriends = !facts.standing.friends;
    if befriends {
        befriend(facts.friends_of_courier, facts.friends_of_customer)?;
    }
    Ok(Taken::Fresh { befriends })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::limits;

    fn uid(number: u64) -> Uid {
        Uid::new(number).expect("a uid")
    }

    #[test]
    fn who_may_place_an_order() {
        let (li, wu) = (uid(1), uid(2));
        let placed = |customer| {
            Some(Placed {
                customer,
                courier: Some(uid(9)),
            })
        };
        assert_eq!(place(Uid::SYSTEM, li, None), Ok(true));
        assert_eq!(place(Uid::SYSTEM, li, placed(li)), Ok(false));
        assert_eq!(place(Uid::SYSTEM, li, placed(wu)), Err(Refusal::OrderTaken));
        assert_eq!(place(li, li, None), Err(Refusal::ServerOnly));
    }

    #[test]
    fn who_may_take_an_order() {
        let (courier, other, customer) = (uid(1), uid(2), uid(3));
        let open = Placed {
            customer,
            courier: None,
        };
        let facts = Taking {
            placed: Some(open),
            ..Taking::default()
        };
        let taken = Taking {
            placed: Some(Placed {
                courier: Some(courier),
                ..open
            }),
            ..facts
        };
        let with = |friends, blocks, blocked| Taking {
            standing: Standing {
                friends,
                blocks,
                blocked,
            },
            ..facts
        };
        let full = Taking {
            friends_of_customer: limits::FRIENDS_MAX,
            ..facts
        };
        let full_of_this_one = Taking {
            friends_of_customer: limits::FRIENDS_MAX,
            ..with(true, false, false)
        };
        for (by, facts, outcome) in [
            (courier, facts, Ok(Taken::Fresh { befriends: true })),
            (
                courier,
                with(true, false, false),
                Ok(Taken::Fresh { befriends: false }),
            ),
            (
                courier,
                with(false, true, false),
                Ok(Taken::Fresh { befriends: true }),
            ),
            (courier, with(false, false, true), Err(Refusal::Blocked)),
            (courier, taken, Ok(Taken::Stands)),
            (other, taken, Err(Refusal::OrderTaken)),
            (customer, facts, Err(Refusal::Oneself)),
            (courier, Taking::default(), Err(Refusal::NoSuchOrder)),
            (Uid::SYSTEM, facts, Err(Refusal::NoSuchUser)),
            (courier, full, Err(limits::FRIENDS_FULL)),
            (
                courier,
                full_of_this_one,
                Ok(Taken::Fresh { befriends: false }),
            ),
        ] {
            assert_eq!(take(by, &facts), outcome, "{by} {facts:?}");
        }
    }
}
