//! The front door, on a pretend store and a pretend clock.

mod doors;
mod keys;
mod store;
mod tokens;

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use crate::auth::Auth;
use crate::auth::AuthOptions;
use crate::auth::ForeignKey;
use crate::auth::tests::store::Shelf;
use crate::broker::moment::Moment;

const START: Moment = Moment {
    steady_ms: 5_000,
    epoch_ms: 1_700_000_000_000,
};

const START_S: u64 = START.epoch_ms / 1000;

const OWN_KEY: &[u8] = b"our own key, which is long enough for anybody";

async fn open(store: &Arc<Shelf>, foreign_key: Option<ForeignKey>) -> Auth {
    let options = AuthOptions {
        own_key: OWN_KEY.to_vec(),
        foreign_key,
        registration_open: true,
        api_keys: vec!["0123456789abcdef".into()],
        trust_login: false,
    };
    let store: Arc<dyn crate::broker::ports::Store> = Arc::clone(store) as _;
    Auth::open(store, options, START).await.unwrap()
}

/// The claims of a session of user 1, "li", that ends in a minute, with these changes; `null` takes one away.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "sub": 1, "name": "li", "typ": "session", "exp": START_S + 60, "jti": "an id",
    });
    for (key, value) in changes.as_object().unwrap() {
        claims[key] = value.clone();
    }
    let all = claims.as_object_mut().unwrap();
    all.retain(|_, value| !value.is_null());
    claims
}
