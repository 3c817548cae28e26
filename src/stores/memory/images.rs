//! Pictures, and which messages carry them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::broker::images::Image;
use crate::broker::images::ImageId;
use crate::broker::limits::IMAGES_BYTES_MAX;
use crate::broker::limits::IMAGES_FULL;
use crate::broker::limits::IMAGES_MAX;
use crate::broker::message::Message;
use crate::broker::ports::StoreError;
use crate::broker::ports::Verdict;
use crate::broker::users::Uid;
use crate::stores::memory::books::Books;

/// All pictures.
#[derive(Default)]
pub(super) struct Images {
    kept: HashMap<ImageId, KeptImage>,
}

struct KeptImage {
    owner: Uid,
    image: Image,
    /// The first message of each conversation that carries it.
    carried_by: Vec<Arc<Message>>,
}

impl Images {
    /// Keeps a picture under a new id, if its owner has room for it.
    pub(super) fn keep(
        &mut self,
        owner: Uid,
        image: Image,
    ) -> Result<Verdict<ImageId>, StoreError> {
        let own = self.kept.values().filter(|kept| kept.owner == owner);
        let first = (1, image.bytes.len() as u64);
        let (count, bytes) = own.fold(first, |(count, bytes), kept| {
            (count + 1, bytes + kept.image.bytes.len() as u64)
        });
        if count > IMAGES_MAX || bytes > IMAGES_BYTES_MAX {
            return Ok(Err(IMAGES_FULL));
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| StoreError::Broken(error.to_string()))?;
        let id = ImageId(u128::from_be_bytes(id));
        let kept = KeptImage {
            owner,
            image,
            carried_by: Vec::new(),
        };
        self.kept.insert(id, kept);
        Ok(Ok(id))
    }

    /// A message carries it.
    pub(super) fn carry(&mut self, id: ImageId, message: &Arc<Message>) {
        if let Some(kept) = self.kept.get_mut(&id) {
            kept.carried_by.push(Arc::clone(message));
        }
    }
}

impl Books {
    /// A picture that is the reader's own, or in a conversation of the reader's.
    pub(super) fn image(&self, reader: Uid, id: ImageId) -> Option<Image> {
        let kept = self.images.kept.get(&id)?;
        let mut carried_by = kept.carried_by.iter();
        let seen = kept.owner == reader
            || carried_by.any(|message| {
                let conversation = self.conversations.holding(message);
                conversation.is_some_and(|found| found.members.contains_key(&reader))
            });
        seen.then(|| kept.image.clone())
    }
}
