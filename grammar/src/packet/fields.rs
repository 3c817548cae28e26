//! The fields of one packet, before it is known which packet it is; and why one was refused.

use std::collections::BTreeMap;
use std::{error, fmt};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::{DEPTH_MAX, is_too_deep, offset, string};
use crate::packet::{ID_BYTES_MAX, Id, NAME_BYTES_MAX};
use crate::refusal::{Kind, Refusal};

/// Beyond this a double has no fractions, and a time no meaning: 2^53.
const MS_MAX: f64 = 9_007_199_254_740_992.0;

/// A packet that was refused, and its id as far as it could be read, so that the answer can carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The packet's id; `None` where there is none that may be given back.
    pub id: Option<Id>,
    /// What is wrong.
    pub refusal: Refusal,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(formatter)
    }
}

impl error::Error for Refused {}

/// The fields of an object, each as it is written.
pub(super) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        if is_too_deep(text.as_bytes()) {
            let sentence = format!("the JSON is nested deeper than {DEPTH_MAX}");
            return Err(Refusal::new(Kind::MalformedPacket, 0, sentence));
        }
        serde_json::from_str(text).map(Self).map_err(|error| {
            let sentence =
                "not a JSON object: a packet is {\"id\":…,\"to\":…,\"type\":…,\"msg\":…}";
            Refusal::new(Kind::MalformedPacket, offset(text, &error), sentence)
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }

    pub(super) fn id(&self) -> Result<Id, Refusal> {
        let id = self.get("id").map(RawValue::get);
        id.and_then(Id::from_json).ok_or_else(|| {
            malformed(format!(
                "id must be a string or a number of 1 to {ID_BYTES_MAX} bytes, unlike that of any other packet of yours"
            ))
        })
    }

    /// A field that is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }

    /// A field that is a whole number from 0, or a string of its digits.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(number)
    }

    /// A field that is a time in milliseconds; a fraction of one is left out, as clocks of some languages tell it.
    pub(super) fn time(&self, name: &str) -> Option<u64> {
        let raw = self.get(name)?;
        let fraction = || decimal(raw).filter(|ms| (0.0..MS_MAX).contains(ms));
        // Whole after this, and within the range.
        number(raw).or_else(|| fraction().map(|ms| ms as u64))
    }

    /// A field that names something: a string, or a number, of which the digits are the name.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        let raw = self.get(name)?;
        let named = text(raw).or_else(|| number(raw).map(|number| number.to_string()))?;
        (1..=NAME_BYTES_MAX).contains(&named.len()).then_some(named)
    }

    /// A field, whatever it is; null where there is none.
    pub(super) fn value(&self, name: &str) -> Value {
        let value = self.get(name).map(|raw| serde_json::from_str(raw.get()));
        value.and_then(Result::ok).unwrap_or_default()
    }
}

pub(super) fn malformed(sentence: impl Into<String>) -> Refusal {
    Refusal::new(Kind::MalformedPacket, 0, sentence)
}

/// A string; what becomes of half a surrogate pair, [`string`] says.
fn text(raw: &RawValue) -> Option<String> {
    string(raw.get())
}

/// A whole number from 0, or a string of its digits.
pub(super) fn number(raw: &RawValue) -> Option<u64> {
    let literal = raw.get();
    if !literal.starts_with('"') {
        return literal.parse().ok();
    }
    let digits = text(raw)?;
    let only_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if only_digits {
        digits.parse().ok()
    } else {
        None
    }
}

/// Any finite number, or a string of one.
pub(super) fn decimal(raw: &RawValue) -> Option<f64> {
    let said = text(raw);
    let number: f64 = said.as_deref().unwrap_or(raw.get()).trim().parse().ok()?;
    number.is_finite().then_some(number)
}
