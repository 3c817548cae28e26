//! Tokens, written and read (CONTRACT section 2). Knows signatures, claims and times; not whether the user still exists,
//! nor what was revoked.

use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::Validation;
use jsonwebtoken::decode;
use jsonwebtoken::encode;
use serde::Deserialize;
use serde::Serialize;
use sha1::Digest;
use sha1::Sha1;

use crate::auth::keys::ForeignKey;
use crate::auth::keys::hex;
use crate::broker::moment::Moment;
use crate::broker::ports::TokenId;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::check_name;

/// Longest token that is looked at, bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// Longest `jti`, bytes (see [`TokenId`]).
const ID_BYTES_MAX: usize = 64;

/// The last second of the year 9999. What expires later expires then: the store counts in signed numbers.
const FAR_S: u64 = 253_402_300_799;

/// How far ahead of ours the clock of a foreign issuer may be, which stamps `nbf`, seconds. `exp` has no such grace.
const NOT_BEFORE_GRACE_S: u64 = 60;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everything but the packet gateway.
    Session,
    /// The packet gateway alone.
    Websocket,
}

/// Whose key signed a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Issuer {
    /// Ours.
    Own,
    /// The `--jwt-key`.
    Foreign,
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) person: Person,
    pub(super) kind: Kind,
    pub(super) id: TokenId,
    /// The session token behind a websocket token; any other is its own.
    pub(super) session: TokenId,
    /// Until when the token opens anything, seconds since the Unix epoch.
    pub(super) expires_s: u64,
    /// Until when what it opened may stay: later than `expires_s` for a websocket token, whose session token lives on.
    pub(super) ends_s: u64,
    pub(super) issuer: Issuer,
}

/// The keys. Own tokens are HS256; for others the key, never the token's header, decides the algorithm.
pub(super) struct Tokens {
    sign: EncodingKey,
    own: DecodingKey,
    foreign: Option<ForeignKey>,
}

impl Tokens {
    pub(super) fn new(own_key: &[u8], foreign: Option<ForeignKey>) -> Self {
        Self {
            sign: EncodingKey::from_secret(own_key),
            own: DecodingKey::from_secret(own_key),
            foreign,
        }
    }

    /// An own token. `ends_s` is written only where it differs from `expires_s`, `session` where it differs from `id`.
    pub(super) fn write(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let written = Written {
            sub: claims.person.uid.get(),
            name: &claims.person.name,
            typ: match claims.kind {
                Kind::Session => "session",
                Kind::Websocket => "websocket",
            },
            exp: claims.expires_s,
            jti: &claims.id,
            sid: (claims.session != claims.id).then_some(&*claims.session),
            ends: (claims.ends_s != claims.expires_s).then_some(claims.ends_s),
        };
        encode(&Header::new(Algorithm::HS256), &written, &self.sign)
    }

    /// What the token says, if it is one, is signed by a key of ours, and has begun and not ended at `now`.
    pub(super) fn read(&self, now: Moment, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let own = verified(token, &self.own, Algorithm::HS256);
        let (read, issuer) = match (own, &self.foreign) {
            (Some(read), _) => (read, Issuer::Own),
            (None, Some(foreign)) => (
                verified(token, &foreign.key, foreign.algorithm)?,
                Issuer::Foreign,
            ),
            (None, None) => return None,
        };
        let claims = read.claims(token, issuer)?;
        let begun = |from_s: u64| from_s <= now.epoch_ms / 1000 + NOT_BEFORE_GRACE_S;
        let in_time = now.epoch_ms < claims.expires_s.saturating_mul(1000)
            && read.nbf.as_ref().is_none_or(|from| begun(from.whole()));
        in_time.then_some(claims)
    }
}

/// The claims, if the signature is right. An `aud` is refused with the rest: we have no name that could be meant
/// (RFC 7519, 4.1.3); so is a `crit` header, of which we understand nothing (RFC 7515, 4.1.11).
fn verified(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Option<Read> {
    let mut validation = Validation::new(algorithm);
    // The library would ask the system's clock. `read` compares with the moment it is given.
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let data = decode::<Read>(token, key, &validation).ok()?;
    data.header.crit.is_none().then_some(data.claims)
}

#[derive(Serialize)]
struct Written<'a> {
    sub: u64,
    name: &'a str,
    typ: &'static str,
    exp: u64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<u64>,
}

#[derive(Deserialize)]
struct Read {
    sub: Sub,
    name: String,
    typ: Option<String>,
    exp: Seconds,
    nbf: Option<Seconds>,
    jti: Option<String>,
    sid: Option<String>,
    ends: Option<u64>,
}

/// Ids are read as numbers and as strings of digits.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sub {
    Number(u64),
    Digits(String),
}

/// A NumericDate (RFC 7519, 2) may have a fraction.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Whole(u64),
    Fraction(f64),
}

impl Seconds {
    fn whole(&self) -> u64 {
        match *self {
            Self::Whole(seconds) => seconds,
            // Saturates at both ends, as wanted.
            Self::Fraction(seconds) => seconds as u64,
        }
    }
}

impl Read {
    fn claims(&self, token: &str, issuer: Issuer) -> Option<Claims> {
        let number = match &self.sub {
            Sub::Number(number) => *number,
            Sub::Digits(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
            Sub::Digits(_) => return None,
        };
        check_name(&self.name).ok()?;
        let person = Person {
            uid: Uid::new(number)?,
            name: self.name.as_str().into(),
        };
        let kind = match self.typ.as_deref() {
            None | Some("session") => Kind::Session,
            Some("websocket") => Kind::Websocket,
            Some(_) => return None,
        };
        let id = match self.jti.as_deref() {
            None | Some("") => digest(token)?,
            Some(id) if id.len() <= ID_BYTES_MAX => id.to_owned(),
            Some(_) => return None,
        };
        let expires_s = self.exp.whole().min(FAR_S);
        let ends_s = match (issuer, self.ends) {
            (Issuer::Own, Some(ends_s)) => ends_s,
            // A foreign claim of that name may mean anything.
            (_, _) => expires_s,
        };
        let session = match (issuer, self.sid.as_deref()) {
            (Issuer::Own, Some(session)) => session.to_owned(),
            (_, _) => id.clone(),
        };
        Some(Claims {
            person,
            kind,
            id,
            session,
            expires_s,
            ends_s,
            issuer,
        })
    }
}

/// An id for a token without one: the SHA-1 of what is signed. Not of the signature: from an ECDSA signature anybody can
/// make a second good one, and the token would be back from its revocation under another id.
fn digest(token: &str) -> Option<TokenId> {
    let (signed, _) = token.rsplit_once('.')?;
    Some(hex(&Sha1::digest(signed.as_bytes())))
}
