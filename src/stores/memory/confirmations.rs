//! Moving messages to `received`.

use std::sync::Arc;

use crate::broker::delivery::Receipt;
use crate::broker::message::Message;
use crate::broker::message::MsgId;
use crate::broker::ports::Confirmation;
use crate::broker::ports::Confirmed;
use crate::broker::ports::Pushes;
use crate::broker::ports::Which;
use crate::broker::users::Uid;
use crate::stores::memory::books::Books;

impl Books {
    pub(super) fn confirm(&mut self, asked: &Confirmation) -> Confirmed {
        match asked.which {
            Which::Named { msg_id, pushed } => self.named(asked, msg_id, pushed),
            Which::One(id) => {
                let at = id.0.checked_sub(1);
                let found = at.and_then(|at| self.messages.get(at as usize));
                let meant = found.filter(|message| self.is_for(message, asked.receiver));
                let meant = meant.into_iter().cloned().collect();
                self.confirm_all(asked, meant)
            }
            Which::Through { after, last, by } => {
                let messages = self.messages.iter();
                let meant = messages
                    .filter(|message| after < message.id && message.id <= last)
                    .filter(|message| by.hear(message) && self.is_for(message, asked.receiver))
                    .cloned()
                    .collect();
                self.confirm_all(asked, meant)
            }
        }
    }

    fn named(&mut self, asked: &Confirmation, msg_id: MsgId, pushed: Option<Pushes>) -> Confirmed {
        let in_pushed = |message: &Message| {
            pushed.is_some_and(|pushes| pushes.have(message.id, message.group().is_some()))
        };
        let namesakes = self.named.get(&msg_id).into_iter().flatten();
        let meant = namesakes.filter(|message| self.is_for(message, asked.receiver));
        let best = meant.min_by_key(|message| {
            let received = self.is_received(message, asked.receiver);
            (received, !in_pushed(message), message.id)
        });
        let meant = best.into_iter().cloned().collect();
        self.confirm_all(asked, meant)
    }

    fn confirm_all(&mut self, asked: &Confirmation, meant: Vec<Arc<Message>>) -> Confirmed {
        let mut confirmed = Confirmed {
            known: !meant.is_empty(),
            receipts: Vec::new(),
        };
        for message in meant {
            if self.is_received(&message, asked.receiver) {
                continue;
            }
            let seq = message.seq.0;
            let conversation = self.conversations.holding_mut(&message);
            if let Some(member) = conversation.and_then(|c| c.members.get_mut(&asked.receiver)) {
                member.received.add(seq, seq, |_| ());
            }
            confirmed.receipts.push(Receipt {
                msg_id: message.msg_id,
                sender: message.sender.uid,
                receiver: asked.receiver,
                time_ms: asked.time_ms,
            });
        }
        confirmed
    }

    /// Whether a kept message was sent to this user.
    fn is_for(&self, message: &Message, uid: Uid) -> bool {
        let conversation = self.conversations.holding(message);
        conversation.is_some_and(|conversation| conversation.sends(message, uid))
    }

    /// Whether a user has received a kept message.
    pub(super) fn is_received(&self, message: &Message, uid: Uid) -> bool {
        let conversation = self.conversations.holding(message);
        conversation.is_some_and(|conversation| conversation.is_received(message, uid))
    }
}
