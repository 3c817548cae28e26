//! What the webhook is perhaps still to be told.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::ports::HOOK_USERS_MAX;
use crate::broker::ports::Hook;
use crate::broker::ports::HookFate;
use crate::broker::users::Person;
use crate::stores::memory::books::Books;

/// All hooks that are not done, by number.
#[derive(Default)]
pub(super) struct Hooks {
    kept: BTreeMap<u64, KeptHook>,
    last: u64,
}

struct KeptHook {
    message: Arc<Message>,
    tries: u32,
    /// None where it was given up.
    due_ms: Option<u64>,
}

impl Hooks {
    /// One more, due at once.
    pub(super) fn add(&mut self, message: Arc<Message>) {
        self.last += 1;
        let due_ms = Some(message.time_ms);
        let hook = KeptHook {
            message,
            tries: 0,
            due_ms,
        };
        self.kept.insert(self.last, hook);
    }

    /// Says what is to become of one.
    pub(super) fn settle(&mut self, id: u64, fate: HookFate) {
        let Some(hook) = self.kept.get_mut(&id) else {
            return;
        };
        match fate {
            HookFate::Done => {
                self.kept.remove(&id);
            }
            HookFate::Later(due_ms) => {
                hook.tries += 1;
                hook.due_ms = Some(due_ms);
            }
            HookFate::Failed => {
                hook.tries += 1;
                hook.due_ms = None;
            }
        }
    }

    /// How many wait, and how many were given up.
    pub(super) fn counts(&self) -> (u64, u64) {
        let waiting = self.kept.values().filter(|hook| hook.due_ms.is_some());
        let waiting = waiting.count() as u64;
        (waiting, self.kept.len() as u64 - waiting)
    }
}

impl Books {
    pub(super) fn due_hooks(&self, now_ms: u64, limit: usize) -> Vec<Hook> {
        let mut due: Vec<(u64, u64, &KeptHook)> = self
            .hooks
            .kept
            .iter()
            .filter_map(|(id, hook)| Some((hook.due_ms?, *id, hook)))
            .filter(|(due_ms, ..)| *due_ms <= now_ms)
            .collect();
        due.sort_unstable_by_key(|(due_ms, id, _)| (*due_ms, *id));
        let first = due.into_iter().take(limit);
        first
            .map(|(_, id, hook)| Hook {
                id,
                message: Arc::clone(&hook.message),
                waiting: self.waiting_for(&hook.message),
                tries: hook.tries,
            })
            .collect()
    }

    /// Whom a message is for and who has not received it yet.
    fn waiting_for(&self, message: &Message) -> Vec<Person> {
        let everybody = match &message.to {
            Recipient::User(person) => vec![person.clone()],
            Recipient::Group(gid) => self.roster(*gid).to_vec(),
        };
        let Some(conversation) = self.conversations.holding(message) else {
            return Vec::new();
        };
        let waiting = everybody.into_iter().filter(|person| {
            conversation.sends(message, person.uid)
                && !conversation.is_received(message, person.uid)
        });
        waiting.take(HOOK_USERS_MAX).collect()
    }
}
