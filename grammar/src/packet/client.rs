//! What clients say.

use serde_json::{Value, json};

use crate::packet::fields::{Fields, Refused, decimal, malformed};
use crate::packet::{Id, NAME_BYTES_MAX, TEXT_CHARS_MAX};
use crate::refusal::{Kind, Refusal};

/// One packet of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientPacket {
    /// By which its answer is known. With the sender it identifies a message.
    pub id: Id,
    /// What it asks for.
    pub request: Request,
}

/// What a packet asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// `P`: a sign of life. Its `msg` is not looked at.
    Ping,
    /// `O`: whether this user is here.
    Online(u64),
    /// `H`: what was sent since this time, in milliseconds since the Unix epoch.
    History(u64),
    /// `T`: take the order of this id.
    TakeOrder(String),
    /// `S`: where the sender is, in degrees.
    Site {
        /// East. The wire spells it `longtitude`.
        longitude: f64,
        /// North.
        latitude: f64,
    },
    /// `t`: words for a user.
    Text {
        /// The user's number, from 1.
        to: u64,
        /// At most [`TEXT_CHARS_MAX`] characters.
        text: String,
    },
    /// `i`: a picture for a user.
    Image {
        /// The user's number, from 1.
        to: u64,
        /// The picture's id.
        image: String,
    },
}

impl ClientPacket {
    /// Reads one message of a client.
    ///
    /// `to` counts only in `t` and `i`: that of the others is 0, and is not looked at. Fields that are not known are passed
    /// over; of one that is there twice the last counts.
    ///
    /// # Errors
    ///
    /// [`Kind::MalformedPacket`] for what is no JSON object, is nested too deep, or has a field that is not as its type
    /// wants it; [`Kind::UnknownType`]; [`Kind::TextTooLong`].
    pub fn read(text: &str) -> Result<Self, Refused> {
        let fields = Fields::read(text).map_err(|refusal| Refused { id: None, refusal })?;
        let id = fields
            .id()
            .map_err(|refusal| Refused { id: None, refusal })?;
        match request(&fields) {
            Ok(request) => Ok(Self { id, request }),
            Err(refusal) => Err(Refused {
                id: Some(id),
                refusal,
            }),
        }
    }

    /// The message that says it: the inverse of [`ClientPacket::read`].
    pub fn write(&self) -> String {
        let (to, kind, msg) = match &self.request {
            Request::Ping => (0, "P", Value::from("ping")),
            Request::Online(uid) => (0, "O", Value::from(*uid)),
            Request::History(time_ms) => (0, "H", Value::from(*time_ms)),
            Request::TakeOrder(order) => (0, "T", Value::from(order.as_str())),
            Request::Site {
                longitude,
                latitude,
            } => (
                0,
                "S",
                json!({"longtitude": longitude, "latitude": latitude}),
            ),
            Request::Text { to, text } => (*to, "t", Value::from(text.as_str())),
            Request::Image { to, image } => (*to, "i", Value::from(image.as_str())),
        };
        let id = self.id.as_json();
        format!(r#"{{"id":{id},"to":{to},"type":"{kind}","msg":{msg}}}"#)
    }
}

fn request(fields: &Fields<'_>) -> Result<Request, Refusal> {
    let Some(kind) = fields.text("type") else {
        return Err(malformed(
            "type must be a string: one of P, O, H, T, S, t and i",
        ));
    };
    match kind.as_str() {
        "P" => Ok(Request::Ping),
        "O" => fields
            .number("msg")
            .filter(|uid| *uid > 0)
            .map(Request::Online)
            .ok_or_else(|| malformed("the msg of O must be a uid: a number from 1, or its digits")),
        "H" => fields.time("msg").map(Request::History).ok_or_else(|| {
            malformed("the msg of H must be a time: milliseconds since the Unix epoch")
        }),
        "T" => fields.name("msg").map(Request::TakeOrder).ok_or_else(|| {
            malformed(format!(
                "the msg of T must be an order's id: a string of 1 to {NAME_BYTES_MAX} bytes, or a number"
            ))
        }),
        "S" => site(fields).ok_or_else(|| {
            malformed("the msg of S must be {\"longtitude\":…,\"latitude\":…}, two numbers in degrees")
        }),
        "t" => {
            let text = fields.text("msg");
            let text = text.ok_or_else(|| malformed("the msg of t must be a string"))?;
            let chars = text.chars().count();
            if chars > TEXT_CHARS_MAX {
                let sentence = format!("a text has at most {TEXT_CHARS_MAX} characters, not {chars}");
                return Err(Refusal::new(Kind::TextTooLong, 0, sentence));
            }
            Ok(Request::Text {
                to: receiver(fields)?,
                text,
            })
        }
        "i" => {
            let image = fields.name("msg");
            let image = image.ok_or_else(|| {
                malformed("the msg of i must be a picture's id: the string that its upload was answered with")
            })?;
            Ok(Request::Image {
                to: receiver(fields)?,
                image,
            })
        }
        _ => Err(Refusal::new(
            Kind::UnknownType,
            0,
            "this type is none of a client's: P, O, H, T, S, t and i are",
        )),
    }
}

fn receiver(fields: &Fields<'_>) -> Result<u64, Refusal> {
    let uid = fields.number("to").filter(|uid| *uid > 0);
    uid.ok_or_else(|| malformed("to must be the receiver's uid: a number from 1, or its digits"))
}

fn site(fields: &Fields<'_>) -> Option<Request> {
    let place = Fields::read(fields.get("msg")?.get()).ok()?;
    Some(Request::Site {
        longitude: decimal(place.get("longtitude")?)?,
        latitude: decimal(place.get("latitude")?)?,
    })
}
