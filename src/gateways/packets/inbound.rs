//! From a packet to what it asks of the broker. Knows what each field means; whether it may be is the broker's matter.

use hongyan_grammar::packet::ClientPacket;
use hongyan_grammar::packet::Id;
use hongyan_grammar::packet::Request;
use serde_json::Map;
use serde_json::value::RawValue;

use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::images::ImageId;
use crate::broker::limits::CLIENT_PAGE_MAX;
use crate::broker::message::Kind;
use crate::broker::moment::Moment;
use crate::broker::orders::Location;
use crate::broker::orders::OrderId;
use crate::broker::refusal::Refusal;
use crate::broker::social::Social;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::gateways::envelope;
use crate::gateways::envelope::Envelope;
use crate::gateways::packets::refusal;

/// What a packet comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing but an answer.
    Ping,
    /// This is to be asked.
    Ask(Command),
}

/// What the packet of `sender` comes to. The error is a sentence for the client.
pub(super) fn meaning(
    now: Moment,
    sender: Uid,
    ClientPacket { id, request }: ClientPacket,
) -> Result<Meaning, String> {
    let command = match request {
        Request::Ping => return Ok(Meaning::Ping),
        Request::Online(uid) => Command::Online(UserKey::Uid(user(uid, Refusal::NoSuchUser)?)),
        Request::History(time_ms) => Command::Since {
            time_ms,
            limit: CLIENT_PAGE_MAX,
        },
        Request::TakeOrder(order) => {
            let order = OrderId::parse(&order).ok_or("an order's id has no control characters")?;
            Command::Social(Social::TakeOrder(order))
        }
        Request::Site {
            longitude,
            latitude,
        } => {
            let place = Location::new(longitude, latitude, now.epoch_ms).ok_or(
                "this is no place on earth: longtitude is from -180 to 180, latitude from -90 to 90",
            )?;
            Command::Social(Social::MoveTo(place))
        }
        Request::Text { to, text } => Command::Send(letter(sender, &id, to, Kind::Text, text)?),
        Request::Image { to, image } => {
            ImageId::parse(&image).ok_or_else(|| refusal::sentence(Refusal::NoSuchImage))?;
            Command::Send(letter(sender, &id, to, Kind::Image, image)?)
        }
    };
    Ok(Meaning::Ask(command))
}

fn letter(sender: Uid, id: &Id, to: u64, kind: Kind, content: String) -> Result<Letter, String> {
    // A stranger and nobody are the same among friends.
    let to = user(to, Refusal::NotFriends)?;
    let kept = Envelope {
        id: RawValue::from_string(id.as_json().to_owned()).ok(),
        fields: Map::new(),
    };
    Ok(Letter {
        kind,
        envelope: kept.write(),
        friends_only: true,
        ..Letter::new(to, envelope::msg_id(sender, &id.text()), content)
    })
}

fn user(number: u64, otherwise: Refusal) -> Result<Uid, String> {
    let uid = Uid::new(number).filter(|uid| *uid != Uid::SYSTEM);
    uid.ok_or_else(|| refusal::sentence(otherwise))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Meaning, String> {
        let now = Moment {
            epoch_ms: 1_504_712_402_000,
            ..Moment::default()
        };
        let packet = ClientPacket::read(text).expect("a packet");
        meaning(now, Uid::new(1).expect("a uid"), packet)
    }

    #[test]
    fn a_text_is_for_friends_only_and_keeps_its_id() {
        let read = read(r#"{"id":17.50,"to":"2","type":"t","msg":"起来"}"#);
        let Ok(Meaning::Ask(Command::Send(letter))) = read else {
            panic!("{read:?}");
        };
        assert!(letter.friends_only);
        assert_eq!(letter.envelope.as_deref(), Some(r#"{"id":17.50}"#));
        // printf 1:17.50 | sha1sum
        let of_sender_and_id = "e145bd1011df9a433cf9fd9047dba0456a314fc5";
        assert_eq!(letter.msg_id.to_string(), of_sender_and_id);
        assert_eq!((letter.kind, &*letter.content), (Kind::Text, "起来"));
    }

    #[test]
    fn what_cannot_be_is_refused_before_the_broker_is_asked() {
        for (packet, word) in [
            (
                r#"{"id":1,"type":"O","msg":9223372036854775807}"#,
                "no such user",
            ),
            (
                r#"{"id":1,"type":"O","msg":18446744073709551615}"#,
                "no such user",
            ),
            (
                r#"{"id":1,"to":9223372036854775807,"type":"t","msg":"x"}"#,
                "not friends",
            ),
            (r#"{"id":1,"to":2,"type":"i","msg":"x"}"#, "picture"),
            (r#"{"id":1,"type":"T","msg":"a\nb"}"#, "control characters"),
            (
                r#"{"id":1,"type":"S","msg":{"longtitude":181,"latitude":0}}"#,
                "no place on earth",
            ),
        ] {
            let sentence = read(packet).expect_err(packet);
            assert!(sentence.contains(word), "{packet}: {sentence}");
        }
    }
}
