//! Moving messages to `received`.

use std::sync::Arc;

use crate::broker::delivery::Receipt;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::message::Recipient;
use crate::broker::ports::Confirmation;
use crate::broker::ports::Confirmed;
use crate::broker::ports::Which;
use crate::broker::users::Uid;
use crate::stores::memory::books::Books;
use crate::stores::memory::books::PairKey;

impl Books {
    pub(super) fn confirm(&mut self, asked: &Confirmation) -> Confirmed {
        match asked.which {
            Which::Named { msg_id, pushed } => self.named(asked, msg_id, pushed),
            Which::One(id) => {
                let found =
                    id.0.checked_sub(1)
                        .and_then(|at| self.messages.get(at as usize));
                let meant = found.filter(|message| receiver(message) == Some(asked.receiver));
                let meant = meant.into_iter().cloned().collect();
                self.confirm_all(asked, meant)
            }
            Which::Through { after, last, .. } => {
                let messages = self.messages.iter();
                let meant = messages
                    .filter(|message| receiver(message) == Some(asked.receiver))
                    .filter(|message| after < message.id && message.id <= last)
                    .cloned()
                    .collect();
                self.confirm_all(asked, meant)
            }
        }
    }

    fn named(
        &mut self,
        asked: &Confirmation,
        msg_id: MsgId,
        pushed: Option<(MessageId, MessageId)>,
    ) -> Confirmed {
        let in_pushed = |message: &Message| {
            pushed.is_some_and(|(after, last)| after < message.id && message.id <= last)
        };
        let namesakes = self.named.get(&msg_id).into_iter().flatten();
        let meant = namesakes.filter(|message| receiver(message) == Some(asked.receiver));
        let best = meant.min_by_key(|message| {
            let received = self.is_received(message);
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
            if self.is_received(&message) {
                continue;
            }
            let key = PairKey::of(message.sender.uid, asked.receiver);
            let seq = message.seq.0;
            if let Some(pair) = self.pairs.get_mut(&key) {
                let received = pair.received_mut(key, asked.receiver);
                received.add(seq, seq, |_| ());
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

    /// Whether its receiver confirmed a kept message.
    pub(super) fn is_received(&self, message: &Message) -> bool {
        let Some(receiver) = receiver(message) else {
            return false;
        };
        let key = PairKey::of(message.sender.uid, receiver);
        self.pairs
            .get(&key)
            .is_some_and(|pair| pair.received(key, receiver).contains(message.seq.0))
    }
}

fn receiver(message: &Message) -> Option<Uid> {
    match &message.to {
        Recipient::User(person) => Some(person.uid),
        Recipient::Group(_) => None,
    }
}
