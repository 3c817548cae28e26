//! Groups: their fields and members in the tables, and the roster that the writer keeps in memory true to them.

use std::collections::BTreeMap;

use rusqlite::{Connection, Error, OptionalExtension, Result, Row};

use crate::broker::command::GroupName;
use crate::broker::groups::Gid;
use crate::broker::groups::Group;
use crate::broker::groups::GroupPatch;
use crate::broker::groups::NewGroup;
use crate::broker::groups::Roster;
use crate::broker::groups::fields::Fields;
use crate::broker::groups::seats::Joining;
use crate::broker::groups::seats::Moves;
use crate::broker::groups::seats::Seats;
use crate::broker::groups::seats::may_join;
use crate::broker::groups::seats::nobody;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::headers;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::person;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::conversation::read_roster;
use crate::stores::sqlite::friends::are_friends;
use crate::stores::sqlite::queues::damaged;
use crate::stores::sqlite::rows::gid;
use crate::stores::sqlite::users::find_person;
use crate::stores::sqlite::users::person_of;
use crate::stores::sqlite::verdict::Denied;
use crate::stores::sqlite::verdict::verdict;

/// A group as its rows have it.
struct Kept {
    gid: Gid,
    fields: Fields,
    made_ms: u64,
    roster: Roster,
    seats: Seats,
}

/// Makes a group.
pub(super) fn make(
    books: &mut Books,
    by: Uid,
    new: &NewGroup,
    friends_only: bool,
    now_ms: u64,
) -> Result<Changed, Denied> {
    let fields = Fields::of(new)?;
    let mut people = found(&books.conn, &new.admins, friends_only)?;
    let admins = uids(&people);
    let others = found(&books.conn, &new.members, friends_only)?;
    let seats = Seats::of_new(by, &admins, &uids(&others))?;
    people.extend(others);
    if by != Uid::SYSTEM {
        people.push(person_of(&books.conn, by)?);
    }
    check_joining(&books.conn, by, &seats.members, friends_only)?;

    let conn = &books.conn;
    conn.prepare_cached("INSERT INTO conversations (low, high) VALUES (NULL, NULL)")?
        .execute([])?;
    let id = conn.last_insert_rowid();
    let gid = u64::try_from(id).ok().and_then(Gid::new);
    let gid = gid.ok_or(Error::IntegralValueOutOfRange(0, id))?;
    conn.prepare_cached(
        "INSERT INTO groups (gid, name, protected, custom, made_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((
        id,
        &*fields.name,
        write_protected(&fields),
        write_custom(&fields),
        to_db(now_ms),
    ))?;
    let none = Kept {
        gid,
        fields,
        made_ms: now_ms.min(i64::MAX as u64),
        roster: Roster::default(),
        seats: Seats::default(),
    };
    let (kept, moves) = settle(books, none, seats, people)?;
    Ok(Changed::Group {
        joined: those(&kept.roster, &moves.joined),
        left: Vec::new(),
        changed: false,
        made: true,
        group: Box::new(kept.shown()),
    })
}

/// Changes fields, people among them.
pub(super) fn change(
    books: &mut Books,
    by: Uid,
    gid: Gid,
    patch: &GroupPatch,
    friends_only: bool,
) -> Result<Changed, Denied> {
    let kept = read(books, gid)?;
    kept.seats.may_enter(by)?;
    let find = |keys: &Option<Vec<UserKey>>| {
        let people = keys
            .as_ref()
            .map(|keys| found(&books.conn, keys, friends_only));
        people.transpose()
    };
    let (admins, members) = (find(&patch.admins)?, find(&patch.members)?);
    let [admin_uids, member_uids] =
        [&admins, &members].map(|people| people.as_ref().map(|people| uids(people)));
    let seats = kept.seats.change(
        by,
        &kept.fields.protected,
        patch,
        admin_uids.as_deref(),
        member_uids.as_deref(),
    )?;
    let fields = kept.fields.patched(patch)?;
    let people = admins.into_iter().chain(members).flatten().collect();
    apply(books, by, kept, Some(fields), seats, people, friends_only)
}

/// Makes users members.
pub(super) fn add(
    books: &mut Books,
    by: Uid,
    gid: Gid,
    users: &[UserKey],
    friends_only: bool,
) -> Result<Changed, Denied> {
    let kept = read(books, gid)?;
    let people = found(&books.conn, users, friends_only)?;
    let seats = kept.seats.add(by, &kept.fields.protected, &uids(&people))?;
    apply(books, by, kept, None, seats, people, friends_only)
}

/// Makes a user no longer a member.
pub(super) fn remove(
    books: &mut Books,
    by: Uid,
    gid: Gid,
    user: &UserKey,
) -> Result<Changed, Denied> {
    let kept = read(books, gid)?;
    let who = find_person(&books.conn, user)?.ok_or(Refusal::NoSuchUser)?;
    let seats = kept.seats.remove(by, &kept.fields.protected, who.uid)?;
    if who.uid != by {
        return apply(books, by, kept, None, seats, Vec::new(), false);
    }
    let (kept, _) = settle(books, kept, seats, Vec::new())?;
    Ok(Changed::Left {
        gid,
        name: kept.fields.name,
        who,
        stay: kept.roster,
    })
}

/// Puts an allowed change into the tables and tells what it was. `patched` are the fields, unless the act is about people
/// only; `people` are those who may be new.
fn apply(
    books: &mut Books,
    by: Uid,
    mut kept: Kept,
    patched: Option<Fields>,
    seats: Seats,
    people: Vec<Person>,
    friends_only: bool,
) -> Result<Changed, Denied> {
    let moves = kept.seats.moves_to(&seats);
    check_joining(&books.conn, by, &moves.joined, friends_only)?;
    let before = Roster::clone(&kept.roster);
    let mut changed = false;
    if let Some(fields) = patched {
        changed = fields != kept.fields || seats.admins != kept.seats.admins;
        kept.fields = fields;
        books
            .conn
            .prepare_cached(
                "UPDATE groups SET name = ?2, protected = ?3, custom = ?4 WHERE gid = ?1",
            )?
            .execute((
                to_db(kept.gid.get()),
                &*kept.fields.name,
                write_protected(&kept.fields),
                write_custom(&kept.fields),
            ))?;
    }
    let (kept, moves) = settle(books, kept, seats, people)?;
    Ok(Changed::Group {
        joined: those(&kept.roster, &moves.joined),
        left: those(&before, &moves.left),
        changed,
        made: false,
        group: Box::new(kept.shown()),
    })
}

/// Whether all of these may become members, as far as it depends on them.
fn check_joining(
    conn: &Connection,
    by: Uid,
    joining: &[Uid],
    friends_only: bool,
) -> Result<(), Denied> {
    let mut groups =
        conn.prepare_cached("SELECT count(*) FROM members WHERE uid = ?1 AND grouped = 1")?;
    let mut blocks = conn.prepare_cached("SELECT 1 FROM blocks WHERE uid = ?1 AND blocked = ?2")?;
    for uid in joining {
        let key = to_db(uid.get());
        let count = groups.query_row([key], |row| number(row, 0))?;
        may_join(Joining {
            groups: usize::try_from(count).unwrap_or(usize::MAX),
            blocks: blocks.exists((key, to_db(by.get())))?,
            stranger: friends_only && *uid != by && !are_friends(conn, &(*uid, by))?,
        })?;
    }
    Ok(())
}

/// Makes the rows of the members, and the roster in memory, what `seats` says.
fn settle(
    books: &mut Books,
    mut kept: Kept,
    seats: Seats,
    people: Vec<Person>,
) -> Result<(Kept, Moves)> {
    let Books {
        conn,
        conversations,
        ..
    } = books;
    let id = to_db(kept.gid.get());
    let moves = kept.seats.moves_to(&seats);
    let conversation = conversations.get(conn, id)?;
    for uid in &moves.left {
        let key = (to_db(uid.get()), id);
        conn.prepare_cached("DELETE FROM aside WHERE uid = ?1 AND conversation = ?2")?
            .execute(key)?;
        conn.prepare_cached("DELETE FROM members WHERE uid = ?1 AND conversation = ?2")?
            .execute(key)?;
    }
    // What was said so far is nothing that a new member has missed.
    let joined = to_db(conversation.last_seq());
    for uid in &moves.joined {
        conn.prepare_cached(
            "INSERT INTO members (uid, conversation, received, grouped, joined) VALUES (?1, ?2, ?3, 1, ?3)",
        )?
        .execute((to_db(uid.get()), id, joined))?;
    }
    let has = |uids: &[Uid], uid: &Uid| uids.binary_search(uid).is_ok();
    let mut set_admin =
        conn.prepare_cached("UPDATE members SET admin = ?3 WHERE uid = ?1 AND conversation = ?2")?;
    let (old, new) = (&kept.seats.admins, &seats.admins);
    for uid in old.iter().filter(|uid| !has(new, uid)) {
        set_admin.execute((to_db(uid.get()), id, 0))?;
    }
    for uid in new.iter().filter(|uid| !has(old, uid)) {
        set_admin.execute((to_db(uid.get()), id, 1))?;
    }
    if moves != Moves::default() {
        let mut roster: Vec<Person> = kept.roster.iter().cloned().chain(people).collect();
        roster.retain(|person| seats.has(person.uid));
        roster.sort_by_key(|person| person.uid);
        roster.dedup_by_key(|person| person.uid);
        kept.roster = roster.into();
        conversation.change_roster(Roster::clone(&kept.roster));
    }
    kept.seats = seats;
    Ok((kept, moves))
}

impl Kept {
    fn shown(self) -> Group {
        Group {
            gid: self.gid,
            name: self.fields.name,
            admins: those(&self.roster, &self.seats.admins),
            members: self.roster,
            protected: self.fields.protected,
            custom: self.fields.custom,
            made_ms: self.made_ms,
        }
    }
}

/// The group for the writer, which has its roster in memory.
fn read(books: &mut Books, gid: Gid) -> Result<Kept, Denied> {
    let Books {
        conn,
        conversations,
        ..
    } = books;
    let conversation = conversations
        .group(conn, gid)?
        .ok_or(Refusal::NoSuchGroup)?;
    let roster = conversation.roster(conn)?;
    kept(conn, gid, roster)
}

fn kept(conn: &Connection, gid: Gid, roster: Roster) -> Result<Kept, Denied> {
    let id = to_db(gid.get());
    let (fields, made_ms) = conn
        .prepare_cached("SELECT name, protected, custom, made_ms FROM groups WHERE gid = ?1")?
        .query_row([id], |row| Ok((read_fields(row)?, number(row, 3)?)))
        .optional()?
        .ok_or(Refusal::NoSuchGroup)?;
    let admins = conn
        .prepare_cached(
            "SELECT m.uid, u.name FROM members m JOIN users u ON u.uid = m.uid
             WHERE m.conversation = ?1 AND m.grouped = 1 AND m.admin = 1 ORDER BY m.uid",
        )?
        .query_map([id], |row| person(row, 0, 1))?
        .collect::<Result<Vec<_>>>()?;
    let seats = Seats {
        members: uids(&roster),
        admins: uids(&admins),
    };
    Ok(Kept {
        gid,
        fields,
        made_ms,
        roster,
        seats,
    })
}

/// The users of these keys, who must all exist.
fn found(conn: &Connection, keys: &[UserKey], friends_only: bool) -> Result<Vec<Person>, Denied> {
    let find = |key| Ok(find_person(conn, key)?.ok_or_else(|| nobody(friends_only))?);
    keys.iter().map(find).collect()
}

fn uids(people: &[Person]) -> Vec<Uid> {
    people.iter().map(|person| person.uid).collect()
}

/// Those of the roster with these uids; both by rising uid.
fn those(roster: &[Person], uids: &[Uid]) -> Vec<Person> {
    let people = roster.iter();
    people
        .filter(|person| uids.binary_search(&person.uid).is_ok())
        .cloned()
        .collect()
}

fn write_protected(fields: &Fields) -> String {
    headers::join(fields.protected.iter().map(String::as_str))
}

fn write_custom(fields: &Fields) -> String {
    let custom = fields.custom.iter();
    headers::join(custom.flat_map(|(name, value)| [name.as_str(), value.as_str()]))
}

/// The columns name, protected and custom.
pub(super) fn read_fields(row: &Row<'_>) -> Result<Fields> {
    let protected: String = row.get(1)?;
    let custom: String = row.get(2)?;
    let protected =
        headers::split(&protected).ok_or_else(|| damaged(1, "the protected fields of a group"))?;
    let custom =
        headers::read(&custom).ok_or_else(|| damaged(2, "the custom fields of a group"))?;
    let custom = custom
        .into_iter()
        .map(|(name, value)| (String::from(name), String::from(value)));
    Ok(Fields {
        name: row.get(0)?,
        protected: protected.into_iter().map(String::from).collect(),
        custom: custom.collect::<BTreeMap<_, _>>(),
    })
}

/// The groups that a user is a member of.
pub(super) fn groups(conn: &Connection, uid: &Uid) -> Result<Vec<GroupName>> {
    conn.prepare_cached(
        "SELECT g.gid, g.name FROM members m JOIN groups g ON g.gid = m.conversation
         WHERE m.uid = ?1 AND m.grouped = 1 ORDER BY g.gid",
    )?
    .query_map([to_db(uid.get())], |row| {
        Ok(GroupName {
            gid: gid(row, 0)?,
            name: row.get(1)?,
        })
    })?
    .collect()
}

/// A group, as `reader` may see it.
pub(super) fn group(conn: &Connection, (reader, gid): &(Uid, Gid)) -> Result<Verdict<Group>> {
    let read = || {
        let roster = read_roster(conn, to_db(gid.get()))?;
        let kept = kept(conn, *gid, roster)?;
        kept.seats.may_enter(*reader)?;
        Ok(kept.shown())
    };
    verdict(read())
}

/// The members of a group.
pub(super) fn roster(conn: &Connection, gid: &Gid) -> Result<Roster> {
    read_roster(conn, to_db(gid.get()))
}
