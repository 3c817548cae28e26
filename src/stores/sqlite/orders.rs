//! Orders, and where people are.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::orders;
use crate::broker::orders::Location;
use crate::broker::orders::OrderId;
use crate::broker::orders::Placed;
use crate::broker::orders::Taken;
use crate::broker::orders::Taking;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::columns::uid;
use crate::stores::sqlite::friends;
use crate::stores::sqlite::users::find_person;
use crate::stores::sqlite::users::person_of;
use crate::stores::sqlite::verdict::Denied;

/// Offers an order to couriers.
pub(super) fn place(
    books: &mut Books,
    by: Uid,
    order: &OrderId,
    customer: &UserKey,
    now_ms: u64,
) -> Result<Changed, Denied> {
    let conn = &books.conn;
    // Who may not place orders does not learn who is a user.
    if by != Uid::SYSTEM {
        return Err(Refusal::ServerOnly.into());
    }
    let customer = find_person(conn, customer)?.ok_or(Refusal::NoSuchUser)?;
    if orders::place(by, customer.uid, placed(conn, order)?)? {
        conn.prepare_cached("INSERT INTO orders (id, customer, placed_ms) VALUES (?1, ?2, ?3)")?
            .execute((&order.0, to_db(customer.uid.get()), to_db(now_ms)))?;
    }
    Ok(Changed::OrderPlaced)
}

/// Takes an order.
pub(super) fn take(
    books: &mut Books,
    courier: Uid,
    order: &OrderId,
    now_ms: u64,
) -> Result<Changed, Denied> {
    let conn = &books.conn;
    let placed = placed(conn, order)?;
    let mut facts = Taking {
        placed,
        ..Taking::default()
    };
    if let Some(placed) = placed {
        facts.standing = friends::standing(conn, courier, placed.customer)?;
        facts.friends_of_courier = friends::friends_of(conn, courier)?;
        facts.friends_of_customer = friends::friends_of(conn, placed.customer)?;
    }
    let taken = orders::take(courier, &facts)?;
    let placed = placed.ok_or(Refusal::NoSuchOrder)?;
    let customer = person_of(conn, placed.customer)?;
    let befriended = match taken {
        Taken::Stands => false,
        Taken::Fresh { befriends } => {
            conn.prepare_cached("UPDATE orders SET courier = ?2, taken_ms = ?3 WHERE id = ?1")?
                .execute((&order.0, to_db(courier.get()), to_db(now_ms)))?;
            if befriends {
                friends::befriend(books, courier, customer.uid, now_ms)?;
            }
            befriends
        }
    };
    Ok(Changed::OrderTaken {
        customer,
        befriended,
    })
}

fn placed(conn: &Connection, order: &OrderId) -> Result<Option<Placed>> {
    conn.prepare_cached("SELECT customer, courier FROM orders WHERE id = ?1")?
        .query_row([&order.0], |row| {
            let courier: Option<i64> = row.get(1)?;
            Ok(Placed {
                customer: uid(row, 0)?,
                courier: courier.map(|_| uid(row, 1)).transpose()?,
            })
        })
        .optional()
}

/// Keeps where somebody is; what was known before is forgotten.
pub(super) fn move_to(books: &mut Books, by: Uid, to: Location) -> Result<Changed, Denied> {
    if by == Uid::SYSTEM {
        return Err(Refusal::NoSuchUser.into());
    }
    books
        .conn
        .prepare_cached(
            "INSERT OR REPLACE INTO locations (uid, longitude, latitude, time_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((
            to_db(by.get()),
            to.longitude,
            to.latitude,
            to_db(to.time_ms),
        ))?;
    Ok(Changed::Moved)
}

/// Where somebody is, or was last.
pub(super) fn location(conn: &Connection, uid: &Uid) -> Result<Option<Location>> {
    conn.prepare_cached("SELECT longitude, latitude, time_ms FROM locations WHERE uid = ?1")?
        .query_row([to_db(uid.get())], |row| {
            Ok(Location {
                longitude: row.get(0)?,
                latitude: row.get(1)?,
                time_ms: number(row, 2)?,
            })
        })
        .optional()
}
