//! Pages of an inbox, of a conversation, and of all conversations.

use std::sync::Arc;

use crate::broker::command::Address;
use crate::broker::command::Ears;
use crate::broker::delivery::Kept;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::ports::Before;
use crate::broker::ports::HistoryPage;
use crate::broker::ports::InboxPage;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::users::Uid;
use crate::stores::memory::books::Books;
use crate::stores::memory::conversations::Conversation;
use crate::stores::pages::Room;

impl Books {
    pub(super) fn inbox(&self, uid: Uid, after: MessageId, limit: usize) -> InboxPage {
        let conversations = self.conversations.of(uid);
        let mut waiting: Vec<Arc<Message>> = conversations
            .flat_map(|c| c.waiting(uid, c.after_id(after.0), c.last_seq(), Ears::ALL))
            .collect();
        waiting.sort_unstable_by_key(|message| message.id);
        let mut room = Room::new(limit);
        let fitting = waiting
            .iter()
            .take_while(|message| room.take(message.bytes()));
        let messages: Vec<_> = fitting.map(Arc::clone).collect();
        InboxPage {
            more: messages.len() < waiting.len(),
            messages,
            through: MessageId(self.messages.len() as u64),
        }
    }

    pub(super) fn history(
        &self,
        reader: Uid,
        with: &Address,
        before: Option<Before>,
        limit: usize,
    ) -> Verdict<HistoryPage> {
        let conversation = match with {
            Address::User(key) => {
                let with = self.known_or_system(key).ok_or(Refusal::NoSuchUser)?;
                match self.conversations.pair(reader, with.uid) {
                    Some(pair) => pair,
                    None => return Ok(HistoryPage::default()),
                }
            }
            Address::Group(gid) => {
                let group = self.conversations.group(*gid);
                let group = group.ok_or(Refusal::NoSuchGroup)?;
                if !group.members.contains_key(&reader) {
                    return Err(Refusal::NotMember);
                }
                group
            }
        };
        let end = conversation.log.partition_point(|message| match before {
            None => true,
            Some(Before::Id(id)) => message.id < id,
            Some(Before::Time(time_ms)) => message.time_ms < time_ms,
        });
        let seen = conversation.log[..end].iter().rev();
        let seen = seen.filter(|message| conversation.shows(message, reader));
        let found = seen.map(|message| (conversation, message)).collect();
        Ok(page(reader, found, limit))
    }

    pub(super) fn since(&self, uid: Uid, from_ms: u64, limit: usize) -> HistoryPage {
        let mut found: Vec<(&Conversation, &Arc<Message>)> = Vec::new();
        for conversation in self.conversations.of(uid) {
            let log = &conversation.log;
            let from = log.partition_point(|message| message.time_ms < from_ms);
            let seen = log[from..].iter();
            let seen = seen.filter(|message| conversation.shows(message, uid));
            found.extend(seen.map(|message| (conversation, message)));
        }
        found.sort_unstable_by_key(|(_, message)| message.id);
        page(uid, found, limit)
    }
}

/// As many of these as fit, each with its state.
fn page(reader: Uid, found: Vec<(&Conversation, &Arc<Message>)>, limit: usize) -> HistoryPage {
    let mut room = Room::new(limit);
    let count = found.len();
    let fitting = found
        .into_iter()
        .take_while(|(_, message)| room.take(message.bytes()));
    let messages: Vec<Kept> = fitting
        .map(|(conversation, message)| Kept {
            message: Arc::clone(message),
            state: conversation.state(message, reader),
        })
        .collect();
    HistoryPage {
        more: messages.len() < count,
        messages,
    }
}
