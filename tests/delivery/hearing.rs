//! What clients hear, beside what they should.

use crate::client::Awaited;
use crate::client::Client;
use crate::client::Pushed;
use crate::model::Id;
use crate::model::User;
use crate::play::Outcome;
use crate::play::Play;
use crate::play::is_to_group;
use crate::play::that;
use crate::wire;
use crate::wire::Heard;
use crate::wire::Seen;

/// The bytes that an answer with history holds at most.
const HISTORY_BYTES_MAX: usize = 256 * 1024;

impl Play {
    /// Everything on its way arrives, and each client has heard what it should.
    pub(super) fn look(&mut self) -> Outcome {
        self.stage.settle();
        for mut client in std::mem::take(&mut self.clients) {
            let looked = self.look_at(&mut client);
            let who = (client.line, client.user);
            self.clients.push(client);
            looked.map_err(|why| format!("client {} of user {}: {why}", who.0, who.1))?;
        }
        Ok(())
    }

    fn look_at(&mut self, client: &mut Client) -> Outcome {
        for heard in self.stage.heard(client.line) {
            self.hear(client, heard)?;
        }
        if !client.takes || self.stage.gate.is_shut().is_some() {
            return Ok(());
        }
        that(client.awaited.is_empty(), || {
            format!("it waits for {:?}", client.awaited)
        })?;
        that(client.delivered.is_empty(), || {
            format!("not told of {:?}", client.delivered)
        })?;
        let (model, user) = (&self.model, client.user);
        match client.owed.settle(|id| model.waits(user, id)) {
            None => Ok(()),
            Some(id) => Err(format!("message {id} was not pushed")),
        }
    }

    pub(super) fn hear(&mut self, client: &mut Client, heard: Heard) -> Outcome {
        let awaited = match heard {
            Heard::News => return Ok(()),
            Heard::Push(seen, ack) => return self.hear_push(client, &seen, ack),
            Heard::Delivered { msg_id, by } => {
                let expected = client.delivered.pop_front();
                let told = Some((msg_id, by));
                return that(told == expected, || {
                    format!("told that {told:?} and not {expected:?}")
                });
            }
            Heard::History(shown, more) => {
                let expected = client.awaited.pop_front();
                let Some(Awaited::History(all, len)) = expected else {
                    return Err(format!("history and not {expected:?}"));
                };
                return self.hear_history(client.user, &shown, more, &all, len);
            }
            Heard::Connected => Awaited::Connected,
            Heard::Receipt(id) => Awaited::Receipt(id.parse().map_err(|_| "a strange receipt")?),
            Heard::Status {
                confirms,
                msg_id,
                code,
            } => Awaited::Status {
                confirms,
                msg_id,
                code,
            },
            Heard::Trouble(code) => Awaited::Trouble(code),
            Heard::Error(_) | Heard::Closed => return Err(format!("{heard:?}")),
        };
        let expected = client.awaited.pop_front();
        that(expected.as_ref() == Some(&awaited), || {
            format!("{awaited:?} and not {expected:?}")
        })
    }

    fn hear_push(&mut self, client: &mut Client, seen: &Seen, ack: Option<String>) -> Outcome {
        self.counts.pushes += 1;
        self.compare(seen)?;
        let (model, user, id) = (&self.model, client.user, seen.id);
        let due = client.owed.heard(id, |id| model.waits(user, id));
        that(due, || format!("message {id} was pushed, and was not due"))?;
        let groups = is_to_group(model, id);
        client.pushed.push(Pushed { id, groups, ack });
        Ok(())
    }

    /// What is seen of a message is what was sent.
    fn compare(&self, seen: &Seen) -> Outcome {
        let known = (1..=self.model.messages.len() as Id).contains(&seen.id);
        that(known, || format!("message {} was never accepted", seen.id))?;
        let message = self.model.message(seen.id);
        let letter = &message.letter;
        let expected = Seen {
            id: seen.id,
            msg_id: wire::msg_id(letter.name).to_string(),
            sender: letter.sender,
            to: letter.to,
            content: letter.content.text(),
            time_ms: message.time_ms,
        };
        that(*seen == expected, || {
            format!("{seen:?} and not {expected:?}")
        })
    }

    /// A page is the newest of all that is expected, as many as were asked for and fit.
    fn hear_history(
        &mut self,
        reader: User,
        shown: &[(Seen, bool)],
        more: bool,
        all: &[(Id, bool)],
        len: usize,
    ) -> Outcome {
        let page: Vec<(Id, bool)> = shown
            .iter()
            .map(|(seen, state)| (seen.id, *state))
            .collect();
        let fits = page.len() <= len && all.starts_with(&page);
        that(fits, || format!("{page:?} and not {all:?}"))?;
        that(more == (page.len() < all.len()), || format!("more: {more}"))?;
        if page.len() < len.min(all.len()) {
            let of = |(id, _): &(Id, bool)| self.model.message(*id).letter.content.text().len();
            let bytes: usize = all[..=page.len()].iter().map(of).sum();
            let large = !page.is_empty() && bytes > HISTORY_BYTES_MAX;
            that(large, || format!("{page:?} ends too early"))?;
        }
        for (seen, received) in shown {
            self.compare(seen)?;
            self.note_state(reader, seen.id, *received)?;
        }
        Ok(())
    }

    /// States only go forward.
    pub(super) fn note_state(&mut self, reader: User, id: Id, received: bool) -> Outcome {
        if received {
            self.seen_received.insert((reader, id));
        }
        let back = !received && self.seen_received.contains(&(reader, id));
        that(!back, || format!("message {id} was received before"))
    }
}
