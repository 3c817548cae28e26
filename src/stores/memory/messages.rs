//! Keeping a message, if its sender may write to whom it is for.

use std::sync::Arc;

use crate::broker::command::Address;
use crate::broker::friends::may_write;
use crate::broker::groups::Gid;
use crate::broker::groups::seats::may_ignore;
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
use crate::broker::ports::StoreError;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::memory::books::Books;

impl Books {
    pub(super) fn append(&mut self, new: &NewMessage) -> Result<Verdict<Appended>, StoreError> {
        let sender = self
            .person(new.sender)
            .ok_or_else(|| StoreError::Broken("the sender is not a user".to_owned()))?;
        Ok(self.append_of(sender, new))
    }

    fn append_of(&mut self, sender: Person, new: &NewMessage) -> Verdict<Appended> {
        let to = self.recipient(&sender, new)?;
        let picture = self.picture(new)?;
        let namesakes = self.named.get(&new.msg_id).into_iter().flatten();
        let mut before = namesakes.filter(|kept| kept.sender == sender && kept.to == to);
        if let Some(kept) = before.next() {
            let equal = kept.content == new.content && kept.kind == new.kind;
            let audience = self.audience(kept);
            let again = Appended::Again(Arc::clone(kept), audience);
            return equal
                .then_some(again)
                .ok_or(Refusal::MsgIdTaken(new.msg_id));
        }
        let id = MessageId(self.messages.len() as u64 + 1);
        let last_ms = self.messages.last().map_or(0, |last| last.time_ms);
        let ignored = match to {
            Recipient::User(_) => Vec::new(),
            Recipient::Group(gid) => self.ignored(gid, &sender, &new.ignored),
        };
        let conversation = match &to {
            Recipient::User(receiver) => self.conversations.between(new.sender, receiver.uid),
            Recipient::Group(gid) => {
                let group = self.conversations.group_mut(*gid);
                group.ok_or(Refusal::NoSuchGroup)?
            }
        };
        let message = Arc::new(Message {
            id,
            seq: Seq(conversation.last_seq() + 1),
            msg_id: new.msg_id,
            sender,
            to,
            kind: new.kind,
            envelope: new.envelope.clone(),
            content: Arc::clone(&new.content),
            time_ms: new.time_ms.max(last_ms).min(i64::MAX as u64),
            encoded: Encoded::default(),
        });
        conversation.keep(&message, &ignored);
        let namesakes = self.named.entry(new.msg_id).or_default();
        namesakes.push(Arc::clone(&message));
        self.messages.push(Arc::clone(&message));
        if let Some(picture) = picture {
            self.images.carry(picture, &message);
        }
        if new.hook {
            self.hooks.add(Arc::clone(&message));
        }
        let audience = self.audience(&message);
        Ok(Appended::Fresh(message, audience))
    }

    /// Whom a message is for, if its sender may write there.
    fn recipient(&self, sender: &Person, new: &NewMessage) -> Verdict<Recipient> {
        match &new.to {
            Address::User(key) => {
                let stranger = if new.friends_only {
                    Refusal::NotFriends
                } else {
                    Refusal::NoSuchUser
                };
                let receiver = self.known(key).ok_or(stranger)?;
                let standing = self.people.standing(sender.uid, receiver.uid);
                may_write(sender.uid, receiver.uid, standing, new.friends_only)?;
                Ok(Recipient::User(receiver))
            }
            Address::Group(gid) => {
                let group = self.conversations.group(*gid);
                let members = &group.ok_or(Refusal::NoSuchGroup)?.members;
                if !members.contains_key(&sender.uid) && !sender.is_system() {
                    return Err(Refusal::NotMember);
                }
                may_ignore(new.ignored.len())?;
                Ok(Recipient::Group(*gid))
            }
        }
    }

    /// The picture that a message carries, which must be one that its sender may see.
    fn picture(&self, new: &NewMessage) -> Verdict<Option<ImageId>> {
        if new.kind != Kind::Image {
            return Ok(None);
        }
        let id = ImageId::parse(&new.content).ok_or(Refusal::NoSuchImage)?;
        let seen = self.image(new.sender, id).is_some();
        seen.then_some(Some(id)).ok_or(Refusal::NoSuchImage)
    }

    /// Which members of a group are not to have a message, by rising uid.
    fn ignored(&self, gid: Gid, sender: &Person, keys: &[UserKey]) -> Vec<Uid> {
        let Some(group) = self.conversations.group(gid) else {
            return Vec::new();
        };
        let named = keys.iter().filter_map(|key| self.known(key));
        let mut ignored: Vec<Uid> = named
            .map(|person| person.uid)
            .filter(|uid| *uid != sender.uid && group.members.contains_key(uid))
            .collect();
        ignored.sort_unstable();
        ignored.dedup();
        ignored
    }

    fn audience(&self, message: &Message) -> Audience {
        let Recipient::Group(gid) = message.to else {
            return Audience::default();
        };
        let group = self.conversations.group(gid);
        Audience {
            members: Some(self.roster(gid)),
            ignored: group.map_or(Vec::new(), |group| group.ignored(message).to_vec()),
        }
    }
}
