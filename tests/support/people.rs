//! People whose tokens are minted here, as another server would (`--jwt-key`): making them costs no password.

use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::encode;
use sha1::Digest;
use sha1::Sha1;

const SECRET: &str = "a secret that the tests share with the broker";

/// The file with the key, beside the data.
pub fn key_file(data: &Path) -> PathBuf {
    let file = data.with_extension("jwt-key");
    std::fs::write(&file, SECRET).expect("a place beside the data");
    file
}

/// The name of user `uid`.
pub fn name(uid: u64) -> String {
    format!("user-{uid}")
}

/// A session token of user `uid`, for an hour.
pub fn token(uid: u64) -> String {
    token_until(uid, now_s() + 3600)
}

/// A session token of user `uid` that has expired.
pub fn expired_token(uid: u64) -> String {
    token_until(uid, now_s() - 1)
}

fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

fn token_until(uid: u64, expires_s: u64) -> String {
    let claims =
        serde_json::json!({ "sub": uid, "name": name(uid), "typ": "session", "exp": expires_s });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).expect("claims that can be written")
}

/// The msgID of a message: SHA-1, in hex.
pub fn msg_id(text: &str) -> String {
    Sha1::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
