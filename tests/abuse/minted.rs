//! Tokens that are wrong in one way each, minted with a key that the broker trusts, or nearly so.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde_json::Value;
use serde_json::json;
use sha2::Sha256;

/// The secret of [`crate::support::people`].
pub const SECRET: &[u8] = b"a secret that the tests share with the broker";

/// Seconds since the Unix epoch.
pub fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

/// Good claims of user `uid`.
pub fn claims(uid: u64) -> Value {
    json!({ "sub": uid, "name": format!("user-{uid}"), "typ": "session", "exp": now_s() + 3600 })
}

/// A token that ends in so many seconds.
pub fn ending(uid: u64, in_s: u64) -> String {
    let mut claims = claims(uid);
    claims["exp"] = json!(now_s() + in_s);
    hs256(&claims, SECRET)
}

/// Claims with one of them changed; `null` takes it out.
pub fn with(uid: u64, name: &str, value: Value) -> Value {
    let mut claims = claims(uid);
    match value {
        Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
        value => claims[name] = value,
    }
    claims
}

/// Signed with `key`, as HS256.
pub fn hs256(claims: &Value, key: &[u8]) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    signed(&header, &claims.to_string(), key)
}

/// The same with any header, and claims as they are written.
pub fn signed(header: &Value, claims: &str, key: &[u8]) -> String {
    let text = unsigned(header, claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(text.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{text}.{signature}")
}

/// Header and claims, with nothing behind.
pub fn unsigned(header: &Value, claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}", part(&header.to_string()), part(claims))
}
