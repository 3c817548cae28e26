//! Who is whose friend, who asked whom, who has blocked whom.

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::broker::friends;
use crate::broker::friends::Asked;
use crate::broker::friends::Asking;
use crate::broker::friends::FriendRequest;
use crate::broker::friends::Friends;
use crate::broker::friends::RequestId;
use crate::broker::friends::Standing;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::person;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::users::find_person;
use crate::stores::sqlite::verdict::Denied;

/// Asks for friendship.
pub(super) fn ask(
    books: &mut Books,
    by: Uid,
    to: &UserKey,
    words: &str,
    now_ms: u64,
) -> Result<Changed, Denied> {
    let other = other_of(&books.conn, by, to)?;
    let conn = &books.conn;
    let open = open_request(conn, by, other.uid)?;
    let crossing = open_request(conn, other.uid, by)?;
    let facts = Asking {
        standing: standing(conn, by, other.uid)?,
        asked: open.is_some(),
        crossing: crossing.is_some(),
        open_of_asker: count(
            conn,
            "SELECT count(*) FROM friend_requests WHERE asker = ?1 AND accepted IS NULL",
            by,
        )?,
        open_to_asked: count(
            conn,
            "SELECT count(*) FROM friend_requests WHERE asked = ?1 AND accepted IS NULL",
            other.uid,
        )?,
        friends_of_asker: friends_of(conn, by)?,
        friends_of_asked: friends_of(conn, other.uid)?,
    };
    match (friends::ask(words, &facts)?, open, crossing) {
        (Asked::Stands, Some(request), _) => Ok(Changed::Asked {
            request: Box::new(request),
            fresh: false,
        }),
        (Asked::Crosses, _, Some(request)) => {
            befriend(books, by, other.uid, now_ms)?;
            Ok(Changed::Answered {
                request: Box::new(request),
                accepted: true,
                fresh: true,
            })
        }
        _ => {
            forget_requests(conn, by, other.uid)?;
            conn.prepare_cached(
                "INSERT INTO friend_requests (asker, asked, words, asked_ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((
                to_db(by.get()),
                to_db(other.uid.get()),
                words,
                to_db(now_ms),
            ))?;
            if facts.standing.blocks {
                take_back(books, by, other.uid)?;
            }
            let request = open_request(&books.conn, by, other.uid)?;
            let request = request.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            Ok(Changed::Asked {
                request: Box::new(request),
                fresh: true,
            })
        }
    }
}

/// Answers a request.
pub(super) fn answer(
    books: &mut Books,
    by: Uid,
    id: RequestId,
    accept: bool,
    now_ms: u64,
) -> Result<Changed, Denied> {
    let conn = &books.conn;
    let (request, before) = request(conn, id)?.ok_or(Refusal::NoSuchRequest)?;
    let fresh = friends::answer(by, request.to.uid, before, accept)?;
    if fresh && accept {
        let asker = request.from.uid;
        friends::befriend(friends_of(conn, by)?, friends_of(conn, asker)?)?;
        befriend(books, by, asker, now_ms)?;
    } else if fresh {
        conn.prepare_cached("UPDATE friend_requests SET accepted = 0 WHERE id = ?1")?
            .execute([to_db(id.0)])?;
    }
    Ok(Changed::Answered {
        request: Box::new(request),
        accepted: accept,
        fresh,
    })
}

/// Ends a friendship.
pub(super) fn unfriend(books: &mut Books, by: Uid, key: &UserKey) -> Result<Changed, Denied> {
    let other = other_of(&books.conn, by, key)?;
    forget_requests(&books.conn, by, other.uid)?;
    // It answers none of the other's.
    books
        .conn
        .prepare_cached(
            "DELETE FROM friend_requests WHERE asker = ?1 AND asked = ?2 AND accepted IS NOT NULL",
        )?
        .execute((to_db(other.uid.get()), to_db(by.get())))?;
    let fresh = part(books, by, other.uid)?;
    Ok(Changed::Unfriended { other, fresh })
}

/// Blocks a user.
pub(super) fn block(
    books: &mut Books,
    by: Uid,
    key: &UserKey,
    now_ms: u64,
) -> Result<Changed, Denied> {
    let other = other_of(&books.conn, by, key)?;
    let conn = &books.conn;
    if standing(conn, by, other.uid)?.blocks {
        return Ok(Changed::Blocking {
            other,
            unfriended: false,
        });
    }
    let blocks = count(conn, "SELECT count(*) FROM blocks WHERE uid = ?1", by)?;
    friends::block(blocks)?;
    let two = (to_db(by.get()), to_db(other.uid.get()));
    conn.prepare_cached("INSERT INTO blocks (uid, blocked, since_ms) VALUES (?1, ?2, ?3)")?
        .execute((two.0, two.1, to_db(now_ms)))?;
    forget_requests(conn, by, other.uid)?;
    forget_requests(conn, other.uid, by)?;
    let unfriended = part(books, by, other.uid)?;
    Ok(Changed::Blocking { other, unfriended })
}

/// Takes a block back.
pub(super) fn unblock(books: &mut Books, by: Uid, key: &UserKey) -> Result<Changed, Denied> {
    let other = other_of(&books.conn, by, key)?;
    take_back(books, by, other.uid)?;
    Ok(Changed::Blocking {
        other,
        unfriended: false,
    })
}

fn other_of(conn: &Connection, by: Uid, key: &UserKey) -> Result<Person, Denied> {
    let other = find_person(conn, key)?.ok_or(Refusal::NoSuchUser)?;
    friends::are_two(by, other.uid)?;
    Ok(other)
}

/// Makes two friends. Requests between them are accepted by it, and blocks taken back.
pub(super) fn befriend(books: &mut Books, one: Uid, other: Uid, now_ms: u64) -> Result<()> {
    let conn = &books.conn;
    let two = (to_db(one.get()), to_db(other.get()));
    conn.prepare_cached(
        "INSERT INTO friends (uid, friend, since_ms) VALUES (?1, ?2, ?3), (?2, ?1, ?3) ON CONFLICT DO NOTHING",
    )?
    .execute((two.0, two.1, to_db(now_ms)))?;
    for (one, other) in [two, (two.1, two.0)] {
        conn.prepare_cached(
            "UPDATE friend_requests SET accepted = 1
             WHERE asker = ?1 AND asked = ?2 AND accepted IS NULL",
        )?
        .execute((one, other))?;
        conn.prepare_cached("DELETE FROM blocks WHERE uid = ?1 AND blocked = ?2")?
            .execute((one, other))?;
    }
    stand_anew(books, one, other)
}

/// Forgets the requests of one to another, answered or not.
fn forget_requests(conn: &Connection, asker: Uid, asked: Uid) -> Result<()> {
    conn.prepare_cached("DELETE FROM friend_requests WHERE asker = ?1 AND asked = ?2")?
        .execute((to_db(asker.get()), to_db(asked.get())))?;
    Ok(())
}

/// Ends a friendship, if there is one, and tells whether there was.
fn part(books: &mut Books, one: Uid, other: Uid) -> Result<bool> {
    let mut ended = 0;
    for (one, other) in [(one, other), (other, one)] {
        ended += books
            .conn
            .prepare_cached("DELETE FROM friends WHERE uid = ?1 AND friend = ?2")?
            .execute((to_db(one.get()), to_db(other.get())))?;
    }
    stand_anew(books, one, other)?;
    Ok(ended > 0)
}

fn take_back(books: &mut Books, by: Uid, other: Uid) -> Result<()> {
    books
        .conn
        .prepare_cached("DELETE FROM blocks WHERE uid = ?1 AND blocked = ?2")?
        .execute((to_db(by.get()), to_db(other.get())))?;
    stand_anew(books, by, other)
}

fn stand_anew(books: &mut Books, one: Uid, other: Uid) -> Result<()> {
    let Books {
        conn,
        conversations,
        ..
    } = books;
    let standing = standing(conn, one, other)?;
    conversations.stand_anew(conn, one, other, standing)
}

/// What `other` is to `one`, as the tables have it.
pub(super) fn standing(conn: &Connection, one: Uid, other: Uid) -> Result<Standing> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM friends WHERE uid = ?1 AND friend = ?2),
             EXISTS (SELECT 1 FROM blocks WHERE uid = ?1 AND blocked = ?2),
             EXISTS (SELECT 1 FROM blocks WHERE uid = ?2 AND blocked = ?1)",
    )?
    .query_row((to_db(one.get()), to_db(other.get())), |row| {
        Ok(Standing {
            friends: row.get(0)?,
            blocks: row.get(1)?,
            blocked: row.get(2)?,
        })
    })
}

/// How many friends a user has.
pub(super) fn friends_of(conn: &Connection, uid: Uid) -> Result<usize> {
    count(conn, "SELECT count(*) FROM friends WHERE uid = ?1", uid)
}

fn count(conn: &Connection, sql: &str, uid: Uid) -> Result<usize> {
    let found = conn
        .prepare_cached(sql)?
        .query_row([to_db(uid.get())], |row| number(row, 0))?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

/// A question for requests, the table `r`, as [`read_request`] reads them.
macro_rules! select_requests {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.asker, a.name, r.asked, b.name, r.words, r.asked_ms, r.accepted
             FROM friend_requests r JOIN users a ON a.uid = r.asker JOIN users b ON b.uid = r.asked WHERE ",
            $rest
        )
    };
}

fn read_request(row: &Row<'_>) -> Result<FriendRequest> {
    Ok(FriendRequest {
        id: RequestId(number(row, 0)?),
        from: person(row, 1, 2)?,
        to: person(row, 3, 4)?,
        words: row.get(5)?,
        time_ms: number(row, 6)?,
    })
}

fn request(conn: &Connection, id: RequestId) -> Result<Option<(FriendRequest, Option<bool>)>> {
    conn.prepare_cached(select_requests!("r.id = ?1"))?
        .query_row([to_db(id.0)], |row| Ok((read_request(row)?, row.get(7)?)))
        .optional()
}

fn open_request(conn: &Connection, asker: Uid, asked: Uid) -> Result<Option<FriendRequest>> {
    conn.prepare_cached(select_requests!(
        "r.asker = ?1 AND r.asked = ?2 AND r.accepted IS NULL"
    ))?
    .query_row((to_db(asker.get()), to_db(asked.get())), read_request)
    .optional()
}

/// The friends of a user, and requests not yet answered.
pub(super) fn friends(conn: &Connection, uid: &Uid) -> Result<Friends> {
    let key = [to_db(uid.get())];
    let friends = conn
        .prepare_cached(
            "SELECT f.friend, u.name FROM friends f JOIN users u ON u.uid = f.friend
             WHERE f.uid = ?1 ORDER BY f.friend",
        )?
        .query_map(key, |row| person(row, 0, 1))?
        .collect::<Result<_>>()?;
    let asked = conn
        .prepare_cached(select_requests!(
            "r.asked = ?1 AND r.accepted IS NULL ORDER BY r.id"
        ))?
        .query_map(key, read_request)?
        .collect::<Result<_>>()?;
    let asking = conn
        .prepare_cached(select_requests!(
            "r.asker = ?1 AND r.accepted IS NULL ORDER BY r.id"
        ))?
        .query_map(key, read_request)?
        .collect::<Result<_>>()?;
    Ok(Friends {
        friends,
        asked,
        asking,
    })
}

/// Whether two users are friends.
pub(super) fn are_friends(conn: &Connection, (one, other): &(Uid, Uid)) -> Result<bool> {
    Ok(standing(conn, *one, *other)?.friends)
}

/// Whom a user has blocked.
pub(super) fn blocks(conn: &Connection, uid: &Uid) -> Result<Vec<Person>> {
    conn.prepare_cached(
        "SELECT b.blocked, u.name FROM blocks b JOIN users u ON u.uid = b.blocked
         WHERE b.uid = ?1 ORDER BY b.blocked",
    )?
    .query_map([to_db(uid.get())], |row| person(row, 0, 1))?
    .collect()
}
