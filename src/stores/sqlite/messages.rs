//! Keeping a message: its place in all messages and in its conversation, taken in the transaction that writes it.

use std::sync::Arc;

use rusqlite::{Connection, Result};

use crate::broker::command::Address;
use crate::broker::friends;
use crate::broker::groups::Gid;
use crate::broker::groups::seats;
use crate::broker::images::ImageId;
use crate::broker::message::Encoded;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::Recipient;
use crate::broker::message::Seq;
use crate::broker::ports::Appended;
use crate::broker::ports::Audience;
use crate::broker::ports::NewMessage;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::books::Tail;
use crate::stores::sqlite::columns::content;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::columns::uid;
use crate::stores::sqlite::conversation::Conversation;
use crate::stores::sqlite::friends::standing;
use crate::stores::sqlite::hooks;
use crate::stores::sqlite::images;
use crate::stores::sqlite::msg_ids::Found;
use crate::stores::sqlite::msg_ids::Look;
use crate::stores::sqlite::msg_ids::MsgIds;
use crate::stores::sqlite::rows;
use crate::stores::sqlite::users::KnownNames;
use crate::stores::sqlite::users::find_person;
use crate::stores::sqlite::verdict::Denied;
use crate::stores::sqlite::verdict::verdict;

/// Keeps a message, or finds that it was kept before.
pub(super) fn append(books: &mut Books, new: &NewMessage) -> Result<Verdict<Appended>> {
    verdict(match &new.to {
        Address::User(key) => to_user(books, new, key),
        Address::Group(gid) => to_group(books, new, *gid),
    })
}

fn to_user(books: &mut Books, new: &NewMessage, key: &UserKey) -> Result<Appended, Denied> {
    let tail = books.tail()?;
    let Books {
        conn,
        conversations,
        names,
        msg_ids,
        ..
    } = books;
    let unknown = if new.friends_only {
        Refusal::NotFriends
    } else {
        Refusal::NoSuchUser
    };
    let receiver = names.uid(conn, key)?.ok_or(unknown)?;
    if receiver == Uid::SYSTEM {
        return Err(unknown.into());
    }
    let known = conversations.pair(conn, new.sender, receiver)?;
    let between = match known {
        Some(id) => conversations.get(conn, id)?.standing(new.sender),
        None if find_person(conn, &UserKey::Uid(receiver))?.is_none() => {
            return Err(unknown.into());
        }
        None => standing(conn, new.sender, receiver)?,
    };
    friends::may_write(new.sender, receiver, between, new.friends_only)?;
    let image = image(conn, new)?;
    let id = match known {
        Some(id) => id,
        None => conversations.make_pair(conn, new.sender, receiver)?,
    };
    let conversation = conversations.get(conn, id)?;
    let Some((sender, receiver)) = conversation.pair(new.sender) else {
        return Err(rusqlite::Error::QueryReturnedNoRows.into());
    };
    let (sender, to) = (sender.clone(), Recipient::User(receiver.clone()));
    let look = msg_ids.look(conn, new.msg_id)?;
    if let Some(before) = look.by(conn, id, new.sender)? {
        let before = kept_before(conn, new, before, sender, to)?;
        return Ok(Appended::Again(before, Audience::default()));
    }
    let place = tail.next(new, conversation);
    insert(conn, msg_ids, &look, new, place)?;
    conversation.grow(conn, new.sender)?;
    after(conn, new, place, image)?;
    let message = message(new, place, sender, to);
    books.set_tail(place.tail);
    Ok(Appended::Fresh(message, Audience::default()))
}

fn to_group(books: &mut Books, new: &NewMessage, gid: Gid) -> Result<Appended, Denied> {
    let tail = books.tail()?;
    let Books {
        conn,
        conversations,
        names,
        msg_ids,
        ..
    } = books;
    let conversation = conversations
        .group(conn, gid)?
        .ok_or(Refusal::NoSuchGroup)?;
    let roster = conversation.roster(conn)?;
    let at = |uid: Uid| roster.binary_search_by_key(&uid, |person| person.uid);
    let sender = match at(new.sender) {
        Ok(at) => roster[at].clone(),
        Err(_) if new.sender == Uid::SYSTEM => Person::system(),
        Err(_) => return Err(Refusal::NotMember.into()),
    };
    seats::may_ignore(new.ignored.len())?;
    let image = image(conn, new)?;
    let to = Recipient::Group(gid);
    let look = msg_ids.look(conn, new.msg_id)?;
    if let Some(before) = look.by(conn, conversation.id, new.sender)? {
        let before = kept_before(conn, new, before, sender, to)?;
        let ignored = ignored_before(conn, conversation.id, before.seq.0)?;
        let members = Some(roster);
        return Ok(Appended::Again(before, Audience { members, ignored }));
    }
    let place = tail.next(new, conversation);
    insert(conn, msg_ids, &look, new, place)?;
    conversation.grow(conn, new.sender)?;
    let mut ignored = meant(conn, names, &new.ignored)?;
    ignored.retain(|uid| *uid != new.sender && at(*uid).is_ok());
    for uid in &ignored {
        conn.prepare_cached("INSERT INTO ignored (conversation, seq, uid) VALUES (?1, ?2, ?3)")?
            .execute((conversation.id, to_db(place.seq), to_db(uid.get())))?;
        conversation.receive(conn, *uid, place.seq, place.seq)?;
    }
    after(conn, new, place, image)?;
    let message = message(new, place, sender, to);
    books.set_tail(place.tail);
    let members = Some(roster);
    Ok(Appended::Fresh(message, Audience { members, ignored }))
}

/// Where a new message goes.
#[derive(Clone, Copy)]
struct Place {
    conversation: i64,
    seq: u64,
    tail: Tail,
}

impl Tail {
    fn next(self, new: &NewMessage, conversation: &Conversation) -> Place {
        Place {
            conversation: conversation.id,
            seq: conversation.last_seq() + 1,
            tail: Self {
                id: self.id + 1,
                time_ms: new.time_ms.max(self.time_ms).min(i64::MAX as u64),
            },
        }
    }
}

impl Place {
    fn found(self, new: &NewMessage) -> Found {
        Found {
            id: self.tail.id,
            conversation: self.conversation,
            seq: self.seq,
            sender: new.sender,
            msg_id: new.msg_id,
        }
    }
}

/// Writes the row, which can then be found by its msgID.
fn insert(
    conn: &Connection,
    msg_ids: &mut MsgIds,
    look: &Look,
    new: &NewMessage,
    place: Place,
) -> Result<()> {
    conn
        .prepare_cached(
            "INSERT INTO messages (id, conversation, seq, sender, msg_id, content, time_ms, kind, envelope)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            to_db(place.tail.id),
            place.conversation,
            to_db(place.seq),
            to_db(new.sender.get()),
            new.msg_id.0,
            &*new.content,
            to_db(place.tail.time_ms),
            new.kind.number(),
            new.envelope.as_deref(),
        ))?;
    msg_ids.add(conn, look, place.found(new))
}

/// What hangs on a new row.
fn after(conn: &Connection, new: &NewMessage, place: Place, image: Option<ImageId>) -> Result<()> {
    if let Some(image) = image {
        images::use_in(conn, image, place.conversation)?;
    }
    if new.hook {
        hooks::add(conn, place.tail.id, place.tail.time_ms)?;
    }
    Ok(())
}

/// The picture that the message is, if it is one and the sender may see it.
fn image(conn: &Connection, new: &NewMessage) -> Result<Option<ImageId>, Denied> {
    if new.kind != Kind::Image {
        return Ok(None);
    }
    let id = ImageId::parse(&new.content).ok_or(Refusal::NoSuchImage)?;
    if !images::may_see(conn, new.sender, id)? {
        return Err(Refusal::NoSuchImage.into());
    }
    Ok(Some(id))
}

/// The message `before` of the same msgID, if it says the same.
fn kept_before(
    conn: &Connection,
    new: &NewMessage,
    before: u64,
    sender: Person,
    to: Recipient,
) -> Result<Arc<Message>, Denied> {
    let kept = conn
        .prepare_cached("SELECT seq, kind, content, envelope, time_ms FROM messages WHERE id = ?1")?
        .query_row([to_db(before)], |row| {
            Ok(Message {
                id: MessageId(before),
                seq: Seq(number(row, 0)?),
                msg_id: new.msg_id,
                sender,
                to,
                kind: rows::kind(row, 1)?,
                content: content(row, 2)?,
                envelope: rows::envelope(row, 3)?,
                time_ms: number(row, 4)?,
                encoded: Encoded::default(),
            })
        })?;
    if kept.content == new.content && kept.kind == new.kind {
        Ok(Arc::new(kept))
    } else {
        Err(Refusal::MsgIdTaken(new.msg_id).into())
    }
}

fn ignored_before(conn: &Connection, conversation: i64, seq: u64) -> Result<Vec<Uid>> {
    conn.prepare_cached(
        "SELECT uid FROM ignored WHERE conversation = ?1 AND seq = ?2 ORDER BY uid",
    )?
    .query_map((conversation, to_db(seq)), |row| uid(row, 0))?
    .collect()
}

/// Whom these keys mean, as far as names go, by rising uid.
fn meant(conn: &Connection, names: &mut KnownNames, keys: &[UserKey]) -> Result<Vec<Uid>> {
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(names.uid(conn, key)?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn message(new: &NewMessage, place: Place, sender: Person, to: Recipient) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId(place.tail.id),
        seq: Seq(place.seq),
        msg_id: new.msg_id,
        sender,
        to,
        kind: new.kind,
        content: Arc::clone(&new.content),
        envelope: new.envelope.clone(),
        time_ms: place.tail.time_ms,
        encoded: Encoded::default(),
    })
}
