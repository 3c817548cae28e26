//! Registering, logging in and out.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::auth::Denial;
use crate::auth::SESSION_LIFE_S;
use crate::auth::WEBSOCKET_LIFE_S;
use crate::auth::mint;
use crate::auth::tests::OWN_KEY;
use crate::auth::tests::START;
use crate::auth::tests::START_S;
use crate::auth::tests::open;
use crate::auth::tests::store::Shelf;
use crate::broker::ports::AddedUser;
use crate::broker::ports::Store;
use crate::broker::ports::outcome;
use crate::broker::users::UserKey;

#[tokio::test]
async fn an_account_opens_with_its_password() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    let li = auth.register(START, "li", "起来聊天吧").await.unwrap();
    let (person, grant) = auth.log_in(START, "li", "起来聊天吧").await.unwrap();
    assert_eq!(person, li);
    assert_eq!(grant.expires_s, START_S + SESSION_LIFE_S);

    let login = auth.session(START, &grant.token).await.unwrap();
    assert_eq!((login.person, login.expires_s), (li, grant.expires_s));
    assert_eq!(login.token.len(), 32, "128 bits in hex");

    let (_, second) = auth.log_in(START, "li", "起来聊天吧").await.unwrap();
    let second = auth.session(START, &second.token).await.unwrap();
    assert_ne!(second.token, login.token);
}

#[tokio::test]
async fn registration_has_rules() {
    let store = Arc::new(Shelf::default());
    let mut auth = open(&store, None).await;
    auth.register(START, "li", "password").await.unwrap();
    let denial = auth.register(START, "li", "another one").await.unwrap_err();
    assert_eq!((denial.code(), denial), (409, Denial::NameTaken));
    for (name, password) in [("a/b", "password"), ("12", "password"), ("wu", "short")] {
        let denial = auth.register(START, name, password).await.unwrap_err();
        assert_eq!(denial.code(), 422, "{name} {password}");
        assert!(!denial.sentence().is_empty());
    }
    auth.registration_open = false;
    let denial = auth.register(START, "wu", "password").await.unwrap_err();
    assert_eq!(denial, Denial::RegistrationClosed);
    // Nor does one whose account has no password get in with any.
    let (done, made) = outcome();
    store.add_user("wu".to_owned(), None, START.epoch_ms, done);
    let AddedUser::New(wu) = made.await.unwrap() else {
        panic!("the name is free");
    };
    let denial = auth.log_in(START, "wu", "password").await.unwrap_err();
    assert_eq!(denial, Denial::WrongPassword);
    // But by a token of the operator's.
    let grant = mint(OWN_KEY, START, &wu).unwrap();
    assert!(auth.session(START, &grant.token).await.is_ok());
}

#[tokio::test]
async fn a_name_is_guessed_at_five_times() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    auth.register(START, "li", "password").await.unwrap();
    for name in ["li", "nobody"] {
        // All at once: they must not slip past the limit together.
        let tries = join_all((0..8).map(|_| auth.log_in(START, name, "passw0rd"))).await;
        let wrong = |denial: &Denial| *denial == Denial::WrongPassword;
        let denials: Vec<_> = tries.into_iter().map(Result::unwrap_err).collect();
        assert_eq!(denials.iter().filter(|d| wrong(d)).count(), 5, "{name}");
        assert!(denials.iter().all(|d| wrong(d) || d.code() == 429));
    }
    let locked = auth.log_in(START, "li", "password").await.unwrap_err();
    assert_eq!(locked, Denial::TooManyTries { retry_after_s: 900 });
    let later = START.after_ms(900_000);
    assert!(auth.log_in(later, "li", "password").await.is_ok());
}

#[tokio::test]
async fn a_right_password_clears_the_count() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    auth.register(START, "li", "password").await.unwrap();
    for _ in 0..2 {
        for _ in 0..4 {
            let denial = auth.log_in(START, "li", "passw0rd").await.unwrap_err();
            assert_eq!(denial, Denial::WrongPassword);
        }
        assert!(auth.log_in(START, "li", "password").await.is_ok());
    }
}

#[tokio::test]
async fn a_broken_store_is_no_wrong_password() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    auth.register(START, "li", "password").await.unwrap();
    store.broken.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        let denial = auth.log_in(START, "li", "password").await.unwrap_err();
        assert_eq!(denial, Denial::Unavailable);
    }
    store.broken.store(false, Ordering::Relaxed);
    assert!(auth.log_in(START, "li", "password").await.is_ok());
}

#[tokio::test]
async fn a_log_out_is_kept() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    let (gone, other) = (
        mint(OWN_KEY, START, &li).unwrap(),
        mint(OWN_KEY, START, &li).unwrap(),
    );
    let login = auth.session(START, &gone.token).await.unwrap();
    let websocket = auth.websocket_token(START, &login).await.unwrap();

    store.broken.store(true, Ordering::Relaxed);
    let denial = auth.log_out(START, &login).await.unwrap_err();
    assert_eq!(denial, Denial::Unavailable);
    store.broken.store(false, Ordering::Relaxed);
    assert!(
        auth.session(START, &gone.token).await.is_ok(),
        "not logged out"
    );

    auth.log_out(START, &login).await.unwrap();
    let after_restart = open(&store, None).await;
    for auth in [auth, after_restart] {
        let denial = auth.session(START, &gone.token).await.unwrap_err();
        assert_eq!(denial, Denial::InvalidToken);
        let denial = auth.websocket(START, &websocket.token).await.unwrap_err();
        assert_eq!(denial, Denial::InvalidToken);
        assert!(auth.session(START, &other.token).await.is_ok());
    }
}

#[tokio::test]
async fn a_log_out_holds_though_nobody_waits_for_it() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    let grant = mint(OWN_KEY, START, &li).unwrap();
    let login = auth.session(START, &grant.token).await.unwrap();

    *store.held.lock().unwrap() = Some(Vec::new());
    assert_eq!(auth.log_out(START, &login).now_or_never(), None, "hung up");
    assert!(
        auth.session(START, &grant.token).await.is_ok(),
        "not yet kept"
    );
    for done in store.held.lock().unwrap().take().unwrap() {
        done(Ok(()));
    }
    assert!(auth.session(START, &grant.token).await.is_err());
}

#[tokio::test]
async fn a_websocket_token_opens_packets_only_and_soon() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    let session = mint(OWN_KEY, START, &li).unwrap();
    let login = auth.session(START, &session.token).await.unwrap();
    let grant = auth.websocket_token(START, &login).await.unwrap();
    assert_eq!(grant.expires_s, START_S + WEBSOCKET_LIFE_S);

    // What it opens lasts as long as the session token, not as the ticket.
    let by_websocket = auth.websocket(START, &grant.token).await.unwrap();
    assert_eq!(by_websocket, login);
    let denial = auth.session(START, &grant.token).await.unwrap_err();
    assert_eq!(denial, Denial::InvalidToken);
    let denial = auth.websocket(START, &session.token).await.unwrap_err();
    assert_eq!(denial, Denial::InvalidToken);
    let last = START.after_ms(WEBSOCKET_LIFE_S * 1000 - 1);
    let grant = auth.websocket_token(START, &login).await.unwrap();
    let denial = auth.websocket(last.after_ms(1), &grant.token).await;
    assert_eq!(denial, Err(Denial::InvalidToken));
    assert!(auth.websocket(last, &grant.token).await.is_ok());

    // It never outlives the session token.
    let end = START.after_ms(SESSION_LIFE_S * 1000 - 5_000);
    let grant = auth.websocket_token(end, &login).await.unwrap();
    assert_eq!(grant.expires_s, login.expires_s);
}

#[tokio::test]
async fn a_websocket_token_opens_one_connection() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    let session = mint(OWN_KEY, START, &li).unwrap();
    let login = auth.session(START, &session.token).await.unwrap();
    let first = auth.websocket_token(START, &login).await.unwrap();
    let second = auth.websocket_token(START, &login).await.unwrap();

    // However many come with it at once.
    let all = join_all((0..8).map(|_| auth.websocket(START, &first.token))).await;
    let (good, bad): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!(good, [Ok(login.clone())]);
    assert!(bad.iter().all(|bad| *bad == Err(Denial::InvalidToken)));

    // What can't be kept opens nothing, and may be tried again.
    store.broken.store(true, Ordering::Relaxed);
    let denial = auth.websocket(START, &second.token).await;
    assert_eq!(denial, Err(Denial::Unavailable));
    store.broken.store(false, Ordering::Relaxed);

    let after_restart = open(&store, None).await;
    let denial = after_restart.websocket(START, &first.token).await;
    assert_eq!(denial, Err(Denial::InvalidToken));
    assert_eq!(
        after_restart.websocket(START, &second.token).await,
        Ok(login)
    );
    // What it opened has not ended by that, nor has the session token.
    assert!(auth.session(START, &session.token).await.is_ok());
}

#[tokio::test]
async fn api_keys_are_known() {
    let auth = open(&Arc::new(Shelf::default()), None).await;
    assert!(auth.is_api_key("0123456789abcdef"));
    assert!(!auth.is_api_key("0123456789abcdeg"));
}

#[tokio::test]
async fn a_name_alone_is_enough_only_where_everybody_is_trusted() {
    let store = Arc::new(Shelf::default());
    let mut auth = open(&store, None).await;
    let key = |text: &str| UserKey::parse(text).unwrap();
    let denial = auth.trusted(START, &key("junwu")).await.unwrap_err();
    assert_eq!((denial.code(), denial), (401, Denial::NoCredentials));
    assert!(store.users.lock().unwrap().is_empty(), "nobody was made");

    auth.trust_login = true;
    let junwu = auth.trusted(START, &key("junwu")).await.unwrap();
    assert_eq!(auth.trusted(START, &key("junwu")).await, Ok(junwu.clone()));
    assert_eq!(
        auth.trusted(START, &UserKey::Uid(junwu.uid)).await,
        Ok(junwu)
    );
    let unknown = auth.trusted(START, &key("77")).await.unwrap_err();
    assert_eq!(unknown, Denial::NoSuchUser);
}

#[tokio::test]
async fn a_uid_logs_in_as_its_name_does() {
    let store = Arc::new(Shelf::default());
    let auth = open(&store, None).await;
    let li = auth.register(START, "li", "password").await.unwrap();
    let key = UserKey::Uid(li.uid);
    let (person, _) = auth.log_in_as(START, &key, "password").await.unwrap();
    assert_eq!(person, li);
    let unknown = UserKey::parse("77").unwrap();
    for (key, password) in [(&key, "another one"), (&unknown, "password")] {
        let denial = auth.log_in_as(START, key, password).await.unwrap_err();
        assert_eq!(denial, Denial::WrongPassword, "{key:?}");
    }
    // Both ways count against the same name.
    for _ in 0..4 {
        let denial = auth.log_in(START, "li", "another one").await.unwrap_err();
        assert_eq!(denial, Denial::WrongPassword);
    }
    let denial = auth.log_in_as(START, &key, "password").await.unwrap_err();
    assert_eq!(denial.code(), 429);
}
