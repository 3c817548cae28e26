//! All stands still: everything that is kept is compared, and every inbox emptied.

use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::delivery::Delivery;
use hongyan::broker::message::MessageId;
use hongyan::broker::ports::Before;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;

use crate::model::Id;
use crate::model::To;
use crate::model::USERS;
use crate::model::User;
use crate::play::Counts;
use crate::play::Outcome;
use crate::play::Play;
use crate::play::address;
use crate::play::that;
use crate::transition::Mode;

impl Play {
    /// All stands still: compares everything that is kept, empties all inboxes, and looks at the data.
    pub(super) fn finish(mut self) -> Result<Counts, String> {
        self.stage.gate.fail_next(None);
        self.open_all()?;
        while let Some(client) = self.clients.pop() {
            self.stage.cut(client.line);
        }
        for user in 1..=USERS {
            self.compare_people(user)?;
            self.compare_inbox(user)?;
            self.compare_histories(user)?;
            self.empty(user)
                .map_err(|why| format!("at the end, user {user}: {why}"))?;
        }
        let (done, counts) = outcome();
        self.stage.gate.counts(done);
        let counts = self.stage.wait(counts).map_err(|error| error.to_string())?;
        let kept = (counts.messages, counts.waiting);
        let expected = (self.model.messages.len() as u64, 0);
        that(kept == expected, || {
            format!("{kept:?} and not {expected:?} are kept")
        })?;
        that(self.model.waiting() == 0, || {
            "the model keeps some".to_owned()
        })?;
        self.stage.check()?;
        Ok(self.counts)
    }

    fn compare_people(&mut self, user: User) -> Outcome {
        let numbers = |uids: Vec<u64>| uids;
        let Ok(Reply::Friends { friends, .. }) = self.stage.ask(user, Command::Friends) else {
            return Err("no friends".to_owned());
        };
        let friends = friends.friends.iter().map(|f| f.uid.get()).collect();
        let expected = self.model.friends_of(user);
        that(numbers(friends) == expected, || {
            format!("the friends of {user}")
        })?;
        let Ok(Reply::Blocks(blocks)) = self.stage.ask(user, Command::Blocks) else {
            return Err("no blocks".to_owned());
        };
        let blocks: Vec<u64> = blocks.iter().map(|b| b.uid.get()).collect();
        let expected = self.model.blocked_by(user);
        that(blocks == expected, || format!("whom {user} blocks"))
    }

    fn compare_inbox(&mut self, user: User) -> Outcome {
        let mut found = Vec::new();
        loop {
            let after = MessageId(found.last().copied().unwrap_or_default());
            let limit = 7;
            let page = self.stage.ask(user, Command::Inbox { after, limit });
            let Ok(Reply::Inbox { messages, more }) = page else {
                return Err(format!("{page:?} and no inbox"));
            };
            found.extend(messages.iter().map(|message| message.id.0));
            if !more {
                break;
            }
        }
        let expected = self.model.inbox(user);
        that(found == expected, || {
            format!("the inbox of {user} is {found:?} and not {expected:?}")
        })
    }

    /// All conversations of a user, page by page, and all of them at once.
    fn compare_histories(&mut self, reader: User) -> Outcome {
        let groups: Vec<u64> = self.model.groups.keys().copied().collect();
        let withs = (1..=USERS).map(To::User);
        for with in withs.chain(groups.into_iter().map(To::Group)) {
            let mut found = Vec::new();
            let mut before = None;
            loop {
                let command = Command::History {
                    with: address(with),
                    before,
                    limit: 9,
                };
                match (
                    self.stage.ask(reader, command),
                    self.model.history(reader, with),
                ) {
                    (Ok(Reply::History { messages, more }), Ok(_)) => {
                        for kept in &messages {
                            let id = kept.message.id.0;
                            let seq = self.model.message(id).seq;
                            that(kept.message.seq.0 == seq, || format!("the seq of {id}"))?;
                            let received = kept.state == Delivery::Received;
                            self.note_state(reader, id, received)?;
                            found.push((id, received));
                        }
                        before = found.last().map(|(id, _)| Before::Id(MessageId(*id)));
                        if !more {
                            break;
                        }
                    }
                    (Err(refusal), Err(code)) if refusal.code() == code => break,
                    (answer, expected) => {
                        return Err(format!("{answer:?} and not {expected:?}"));
                    }
                }
            }
            let expected = self.model.history(reader, with).unwrap_or_default();
            let expected = expected.into_iter();
            let expected: Vec<(Id, bool)> = expected
                .map(|id| (id, self.model.is_received(reader, id)))
                .collect();
            that(found == expected, || {
                format!("{reader}'s history of {with:?} is {found:?} and not {expected:?}")
            })?;
        }
        let command = Command::Since {
            time_ms: 0,
            limit: 200,
        };
        let Ok(Reply::History { messages, .. }) = self.stage.ask(reader, command) else {
            return Err("no history of all".to_owned());
        };
        let found: Vec<Id> = messages.iter().map(|kept| kept.message.id.0).collect();
        let expected = self.model.all_of(reader);
        that(expected.starts_with(&found), || {
            format!("all that {reader} sees is {found:?} and not {expected:?}")
        })
    }

    /// A user comes, is pushed all that waits, confirms it, and nothing is left.
    fn empty(&mut self, user: User) -> Outcome {
        self.connect(user, Some(Mode::Individual), Some(Mode::Client), true, None);
        self.look()?;
        let at = self.clients.len() - 1;
        while let Some(id) = self.model.inbox(user).first().copied() {
            let pushes = self.clients[at].pushed.iter();
            let push = pushes
                .filter(|push| push.ack.is_some())
                .position(|push| push.id == id);
            let push = push.ok_or_else(|| format!("message {id} was not pushed"))?;
            match u8::try_from(push) {
                Ok(push) => self.ack(at, push),
                Err(_) => self.confirm(at, self.model.message(id).letter.name),
            }
            self.look()?;
        }
        self.take(at, true);
        self.look()?;
        self.compare_inbox(user)
    }
}
