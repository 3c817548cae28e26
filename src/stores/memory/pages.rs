//! Pages of an inbox and of a conversation.

use std::sync::Arc;

use crate::broker::delivery::Delivery;
use crate::broker::delivery::Kept;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::ports::Before;
use crate::broker::ports::HistoryPage;
use crate::broker::ports::InboxPage;
use crate::broker::users::Uid;
use crate::stores::memory::books::Books;
use crate::stores::memory::books::PairKey;
use crate::stores::pages::Room;

impl Books {
    pub(super) fn inbox(&self, uid: Uid, after: MessageId, limit: usize) -> InboxPage {
        let pairs = self.pairs.iter().filter(|(key, _)| key.has(uid));
        let mut waiting: Vec<&Arc<Message>> = pairs
            .flat_map(|(key, pair)| {
                pair.received(*key, uid)
                    .gaps(pair.after_id(after.0), pair.last_seq())
                    .flat_map(|(first, last)| pair.between(first, last))
            })
            .collect();
        waiting.sort_unstable_by_key(|message| message.id);
        let mut room = Room::new(limit);
        let fitting = waiting
            .iter()
            .take_while(|message| room.take(message.content.len()));
        let messages: Vec<_> = fitting.map(|message| Arc::clone(message)).collect();
        InboxPage {
            more: messages.len() < waiting.len(),
            messages,
            through: MessageId(self.messages.len() as u64),
        }
    }

    pub(super) fn history(
        &self,
        reader: Uid,
        with: Uid,
        before: Option<Before>,
        limit: usize,
    ) -> HistoryPage {
        let Some(pair) = self.pairs.get(&PairKey::of(reader, with)) else {
            return HistoryPage::default();
        };
        let end = pair.log.partition_point(|message| match before {
            None => true,
            Some(Before::Id(id)) => message.id < id,
            Some(Before::Time(time_ms)) => message.time_ms < time_ms,
        });
        let mut room = Room::new(limit);
        let older = pair.log[..end].iter().rev();
        let messages: Vec<Kept> = older
            .take_while(|message| room.take(message.content.len()))
            .map(|message| Kept {
                message: Arc::clone(message),
                state: if self.is_received(message) {
                    Delivery::Received
                } else {
                    Delivery::Stored
                },
            })
            .collect();
        HistoryPage {
            more: messages.len() < end,
            messages,
        }
    }
}
