//! What every store promises of pictures, and of what a webhook is to be told, a question each.

use hongyan::broker::groups::Gid;
use hongyan::broker::images::{Image, ImageId, Media};
use hongyan::broker::message::Kind;
use hongyan::broker::ports::{Hook, HookFate, NewMessage};
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Social;

use crate::asker::{Asker, group_message, key, keys, msg_id, named, new_message, uid};

pub fn picture(size: usize) -> Image {
    let mut bytes = vec![0; size.max(9)];
    bytes[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    Image {
        media: Media::Png,
        bytes: bytes.into(),
    }
}

pub fn keep(asker: &Asker, owner: u64, image: Image) -> ImageId {
    asker
        .ask(|store, done| store.keep_image(uid(owner), image, 5, done))
        .expect("room")
}

fn see(asker: &Asker, reader: u64, id: ImageId) -> Option<Image> {
    asker.ask(|store, done| store.image(uid(reader), id, done))
}

fn sent(mut message: NewMessage, id: ImageId) -> NewMessage {
    message.kind = Kind::Image;
    message.content = id.to_string().into();
    message
}

pub fn a_picture_is_seen_where_it_was_sent(asker: &Asker) {
    asker.with_users(4);
    let image = picture(100_000);
    let id = keep(asker, 1, image.clone());
    assert_ne!(id, keep(asker, 1, image.clone()));
    assert_eq!(see(asker, 1, id), Some(image.clone()));
    assert_eq!(see(asker, 2, id), None);
    assert_eq!(see(asker, 1, ImageId(7)), None);
    asker.kept(sent(new_message(1, 2, 1, ""), id));
    assert_eq!(see(asker, 2, id), Some(image.clone()));
    assert_eq!(see(asker, 3, id), None);
    // Who sees it may send it on.
    let gid: Gid = asker.group_of(&[2, 3]);
    asker.kept(sent(group_message(2, gid, 1, &[]), id));
    assert_eq!(see(asker, 3, id), Some(image.clone()));
    let join = |by: u64| Social::AddMembers {
        gid,
        users: keys(&[by]),
    };
    asker.social(4, join(4));
    assert_eq!(see(asker, 4, id), Some(image));
    asker.social(4, Social::RemoveMember { gid, user: key(4) });
    assert_eq!(see(asker, 4, id), None);
}

pub fn only_a_picture_in_sight_is_sent(asker: &Asker) {
    asker.with_users(3);
    let id = keep(asker, 1, picture(0));
    let refused = |message| asker.append(message) == Err(Refusal::NoSuchImage);
    assert!(refused(sent(new_message(2, 3, 1, ""), id)));
    assert!(refused(sent(new_message(1, 2, 1, ""), ImageId(7))));
    let words = NewMessage {
        kind: Kind::Image,
        ..new_message(1, 2, 1, "words")
    };
    assert!(refused(words));
    assert_eq!(asker.counts().conversations, 0);
    let message = sent(new_message(1, 2, 1, ""), id);
    let (kept, _) = asker.kept(message.clone());
    assert_eq!(kept.kind, Kind::Image);
    assert_eq!(asker.again(message), kept);
    assert_eq!(asker.inbox(2, 0, 9).messages, [kept]);
    let text = new_message(1, 2, 1, &id.to_string());
    let taken = asker.append(text);
    assert_eq!(taken, Err(Refusal::MsgIdTaken(msg_id(1))), "not a picture");
}

pub fn kinds_and_envelopes_are_kept(asker: &Asker) {
    asker.with_users(2);
    let gid = asker.group_of(&[1, 2]);
    let enveloped = |mut message: NewMessage, kind| {
        message.kind = kind;
        message.envelope = Some("{\"id\":7}".into());
        message
    };
    for (name, kind) in [(1, Kind::Push(19)), (2, Kind::Order), (3, Kind::Text)] {
        asker.kept(enveloped(new_message(1, 2, name, "x"), kind));
        asker.kept(enveloped(group_message(1, gid, name, &[]), kind));
    }
    let inbox = asker.inbox(2, 0, 9).messages;
    assert_eq!(inbox.len(), 6);
    for message in &inbox {
        assert_eq!(message.envelope.as_deref(), Some("{\"id\":7}"));
    }
    let kinds: Vec<_> = inbox.iter().map(|message| message.kind).collect();
    let (push, order, text) = (Kind::Push(19), Kind::Order, Kind::Text);
    assert_eq!(kinds, [push, push, order, order, text, text]);
    let since = asker.since(1, 0, 9).messages;
    assert!(since.iter().map(|kept| &kept.message).eq(&inbox));
    // The envelope is not what a message says.
    let again = asker.again(new_message(1, 2, 3, "x"));
    assert_eq!(again, inbox[4]);
    let other = enveloped(new_message(1, 2, 3, "x"), Kind::Order);
    assert_eq!(asker.append(other), Err(Refusal::MsgIdTaken(msg_id(3))));
}

fn due(asker: &Asker, now_ms: u64, limit: usize) -> Vec<Hook> {
    asker.ask(|store, done| store.due_hooks(now_ms, limit, done))
}

fn settle(asker: &Asker, id: u64, fate: HookFate) {
    asker.ask(|store, done| store.settle_hook(id, fate, done));
}

pub fn a_hook_waits_until_it_is_settled(asker: &Asker) {
    asker.with_users(4);
    let gid = asker.group_of(&[1, 2, 3, 4]);
    let hooked = |mut message: NewMessage, time_ms| {
        message.hook = true;
        message.time_ms = time_ms;
        message
    };
    asker.fresh(1, 2, 9);
    asker.kept(hooked(new_message(1, 2, 1, "a"), 2000));
    asker.again(hooked(new_message(1, 2, 1, "a"), 2000));
    asker.kept(hooked(group_message(1, gid, 2, &[3]), 3000));
    let waiting = |hook: &Hook| -> Vec<u64> {
        let waiting = hook.waiting.iter();
        waiting.map(|person| person.uid.get()).collect()
    };
    assert_eq!(due(asker, 1999, 9), []);
    assert_eq!(due(asker, 2000, 9).len(), 1);
    assert_eq!(due(asker, 9999, 1).len(), 1);
    let hooks = due(asker, 3000, 9);
    assert_eq!(hooks.len(), 2);
    assert_eq!((hooks[0].message.id.0, hooks[1].message.id.0), (2, 3));
    assert_eq!(
        (waiting(&hooks[0]), waiting(&hooks[1])),
        (vec![2], vec![2, 4])
    );
    assert_eq!((asker.counts().hooks, asker.counts().hooks_failed), (2, 0));
    asker.confirm(2, named(1));
    asker.confirm(4, named(2));
    settle(asker, hooks[0].id, HookFate::Later(4000));
    let hooks = due(asker, 3999, 9);
    assert_eq!((hooks.len(), waiting(&hooks[0])), (1, vec![2]));
    settle(asker, hooks[0].id, HookFate::Failed);
    let hooks = due(asker, 4000, 9);
    assert_eq!((hooks.len(), hooks[0].tries), (1, 1));
    assert_eq!(waiting(&hooks[0]), [] as [u64; 0], "it was received");
    settle(asker, hooks[0].id, HookFate::Done);
    settle(asker, hooks[0].id, HookFate::Done);
    settle(asker, 99, HookFate::Later(1));
    assert_eq!(due(asker, u64::MAX, 9), []);
    assert_eq!((asker.counts().hooks, asker.counts().hooks_failed), (0, 1));
}
