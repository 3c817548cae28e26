//! Tokens of all kinds, most of them bad.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::encode;
use serde_json::Value;
use serde_json::json;

use crate::auth::Denial;
use crate::auth::SESSION_LIFE_S;
use crate::auth::mint;
use crate::auth::tests::OWN_KEY;
use crate::auth::tests::START;
use crate::auth::tests::START_S;
use crate::auth::tests::claims;
use crate::auth::tests::keys::pem;
use crate::auth::tests::keys::private;
use crate::auth::tests::keys::public;
use crate::auth::tests::open;
use crate::auth::tests::store::Shelf;

fn own(claims: &Value) -> String {
    let key = EncodingKey::from_secret(OWN_KEY);
    encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

#[tokio::test]
async fn own_tokens_are_read_as_written() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    for good in [
        json!({}),
        json!({"sub": "1"}),
        json!({"typ": null}),
        json!({"exp": START_S as f64 + 60.5}),
        json!({"exp": 1e300}),
        json!({"nbf": START_S}),
        json!({"jti": "x".repeat(64)}),
        json!({"something": {"else": [1, 2]}}),
    ] {
        let login = auth.session(START, &own(&claims(good.clone()))).await;
        assert_eq!(login.unwrap().person, li, "{good}");
    }
    let login = auth.session(START, &own(&claims(json!({})))).await.unwrap();
    assert_eq!((&*login.token, login.expires_s), ("an id", START_S + 60));
    assert_eq!(
        store.reads.load(Ordering::Relaxed),
        1,
        "the rest was remembered"
    );
}

#[tokio::test]
async fn claims_that_are_wrong_are_refused() {
    let auth = open(&Arc::new(Shelf::default()), None).await;
    auth.register(START, "li", "password").await.unwrap();
    for bad in [
        json!({"sub": null}),
        json!({"sub": 0}),
        json!({"sub": -1}),
        json!({"sub": 1.5}),
        json!({"sub": "+1"}),
        json!({"sub": "one"}),
        json!({"sub": [1]}),
        json!({"sub": u64::MAX}),
        json!({"sub": 2}),
        json!({"name": null}),
        json!({"name": "wu"}),
        json!({"name": "a/b"}),
        json!({"name": 1}),
        json!({"typ": "refresh"}),
        json!({"typ": "websocket"}),
        json!({"exp": null}),
        json!({"exp": START_S}),
        json!({"exp": -1}),
        json!({"exp": "9999999999"}),
        json!({"nbf": START_S + 61}),
        json!({"jti": "x".repeat(65)}),
        json!({"jti": 1}),
        json!({"aud": "another service"}),
        json!({"padding": "x".repeat(4096)}),
    ] {
        let login = auth.session(START, &own(&claims(bad.clone()))).await;
        assert_eq!(login, Err(Denial::InvalidToken), "{bad}");
    }
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let auth = open(&Arc::new(Shelf::default()), None).await;
    auth.register(START, "li", "password").await.unwrap();
    let good = own(&claims(json!({})));
    assert!(auth.session(START, &good).await.is_ok());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    // {"typ":"JWT","alg":"none"}
    let none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0";
    let other = own(&claims(json!({"name": "wu"})));
    let (_, other_signature) = other.rsplit_once('.').unwrap();
    let another_key = EncodingKey::from_secret(b"another key");
    let hs512 = EncodingKey::from_secret(OWN_KEY);
    let mut critical = Header::new(Algorithm::HS256);
    critical.crit = Some(vec!["exp".into()]);
    for (what, bad) in [
        ("empty", String::new()),
        ("dots", "..".into()),
        ("no signature", format!("{signed}.")),
        ("two parts", signed.into()),
        ("four parts", format!("{good}.{signature}")),
        ("alg none", format!("{none}.{payload}.")),
        ("alg none, signed", format!("{none}.{payload}.{signature}")),
        ("another's signature", format!("{signed}.{other_signature}")),
        ("no payload", format!("{header}..{signature}")),
        ("a space", format!("{good} ")),
        ("not ASCII", format!("{good}龙")),
        (
            "another key",
            encode(&Header::default(), &claims(json!({})), &another_key).unwrap(),
        ),
        (
            "another hash",
            encode(&Header::new(Algorithm::HS512), &claims(json!({})), &hs512).unwrap(),
        ),
        (
            "a critical header",
            encode(&critical, &claims(json!({})), &hs512).unwrap(),
        ),
    ] {
        let login = auth.session(START, &bad).await;
        assert_eq!(login, Err(Denial::InvalidToken), "{what}");
    }
}

#[tokio::test]
async fn a_token_ends_on_time() {
    let auth = open(&Arc::new(Shelf::default()), None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    let token = mint(OWN_KEY, START, &li).unwrap().token;
    let last = START.after_ms(SESSION_LIFE_S * 1000 - 1);
    assert!(auth.session(last, &token).await.is_ok());
    let ended = auth.session(last.after_ms(1), &token).await;
    assert_eq!(ended, Err(Denial::InvalidToken));
}

#[tokio::test]
async fn a_token_of_another_database_is_refused() {
    let auth = open(&Arc::new(Shelf::default()), None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    let token = mint(OWN_KEY, START, &li).unwrap().token;

    let store = Arc::new(Shelf::default());
    let another = open(&store, None).await;
    let login = another.session(START, &token).await;
    assert_eq!(login, Err(Denial::InvalidToken));
    another.register(START, "wu", "password").await.unwrap();
    let login = another.session(START, &token).await;
    assert_eq!(login, Err(Denial::InvalidToken), "the number is another's");
    store.broken.store(true, Ordering::Relaxed);
    let login = another.session(START, &token).await;
    assert_eq!(login, Err(Denial::Unavailable));
}

#[tokio::test]
async fn foreign_tokens_make_their_users() {
    for (key, algorithm) in [
        ("rsa", Algorithm::RS256),
        ("p256", Algorithm::ES256),
        ("ed25519", Algorithm::EdDSA),
    ] {
        let store = Arc::new(Shelf::default());
        let auth = open(&store, Some(public(key))).await;
        let own_user = auth.register(START, "own", "password").await.unwrap();
        let own_token = mint(OWN_KEY, START, &own_user).unwrap().token;
        let signed = |changes| {
            let header = Header::new(algorithm);
            encode(&header, &claims(changes), &private(key, algorithm)).unwrap()
        };
        let seven = signed(json!({"sub": 7, "typ": null, "ends": START_S + 9_999}));
        let login = auth.session(START, &seven).await.unwrap();
        assert_eq!((login.person.uid.get(), &*login.person.name), (7, "li"));
        assert_eq!(login.expires_s, START_S + 60);
        assert_eq!(store.users.lock().unwrap().len(), 2);
        // Again, also where nothing is remembered.
        assert!(auth.session(START, &seven).await.is_ok());
        let restarted = open(&store, Some(public(key))).await;
        assert!(restarted.session(START, &seven).await.is_ok());
        assert!(
            auth.session(START, &own_token).await.is_ok(),
            "own ones stay"
        );

        for clash in [json!({"sub": 8}), json!({"sub": 7, "name": "wu"})] {
            let login = auth.session(START, &signed(clash.clone())).await;
            assert_eq!(login, Err(Denial::InvalidToken), "{clash}");
        }
        let expired = signed(json!({"sub": 9, "name": "wu", "exp": START_S}));
        assert!(auth.session(START, &expired).await.is_err());
        assert_eq!(store.users.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn the_key_decides_the_algorithm() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, Some(public("rsa"))).await;
    // The old trick: the public key as an HMAC secret.
    let public_pem = std::fs::read(pem("rsa.public")).unwrap();
    let secret = EncodingKey::from_secret(&public_pem);
    let token = encode(&Header::default(), &claims(json!({})), &secret).unwrap();
    assert_eq!(auth.session(START, &token).await, Err(Denial::InvalidToken));
    let rsa = private("rsa", Algorithm::RS256);
    let token = encode(&Header::new(Algorithm::PS256), &claims(json!({})), &rsa).unwrap();
    assert_eq!(auth.session(START, &token).await, Err(Denial::InvalidToken));
    assert!(store.users.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_without_an_id_can_be_revoked() {
    let auth = open(&Arc::new(Shelf::default()), Some(public("p256"))).await;
    let key = private("p256", Algorithm::ES256);
    let signed = |changes| encode(&Header::new(Algorithm::ES256), &claims(changes), &key).unwrap();
    let token = signed(json!({"jti": null}));
    let login = auth.session(START, &token).await.unwrap();
    assert_eq!(login.token.len(), 40, "a SHA-1 in hex");
    auth.log_out(START, &login).await.unwrap();
    assert!(auth.session(START, &token).await.is_err());
    let other = signed(json!({"jti": null, "exp": START_S + 61}));
    assert!(auth.session(START, &other).await.is_ok());
}
