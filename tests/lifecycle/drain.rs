//! SIGTERM: everybody is told in the words of their own protocol, and what was answered is kept.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::lifecycle::run::get;
use crate::lifecycle::session::Addresses;
use crate::lifecycle::session::Farewell;
use crate::lifecycle::session::Kind;
use crate::lifecycle::session::Said;
use crate::lifecycle::session::Session;
use crate::lifecycle::session::content;
use crate::support::client;
use crate::support::client::soon;
use crate::support::fire;
use crate::support::fire::Attack;
use crate::support::people;
use crate::support::running::Running;

/// Messages of a sender that may wait for their answer.
const WINDOW: u64 = 2;
/// Log-ins at a time.
const AT_THE_DOOR: usize = 8;

/// Who takes part in a round: uids 1 to n in pairs, of which the odd one writes to the even one.
fn kinds(users: u64, round: u64) -> HashMap<u64, Kind> {
    let all = Kind::ALL;
    let senders: Vec<Kind> = all.into_iter().filter(|kind| kind.sends()).collect();
    let of = |uid: u64| {
        let pair = (uid - 1) / 2;
        // Each pair meets on other gateways in each round.
        match uid % 2 {
            1 => senders[(pair + round) as usize % senders.len()],
            _ => all[(pair / 2 + round * 5) as usize % all.len()],
        }
    };
    (1..=users).map(|uid| (uid, of(uid))).collect()
}

fn partner(uid: u64) -> u64 {
    if uid % 2 == 1 { uid + 1 } else { uid - 1 }
}

/// What the sessions of one round share.
struct Round {
    addresses: Addresses,
    door: Semaphore,
    /// Nobody writes before all are there.
    all_here: Barrier,
    answers_left: AtomicUsize,
    enough: Notify,
}

/// What became of one session.
struct Outcome {
    uid: u64,
    kind: Kind,
    begun: u64,
    kept: Vec<u64>,
    received: Vec<String>,
    confirmed: Vec<String>,
    farewell: Farewell,
}

/// Takes part until the broker ends it.
async fn take_part(round: Arc<Round>, kind: Kind, uid: u64, next: u64) -> Outcome {
    let place = round.door.acquire().await.expect("an open door");
    let mut session = Session::log_in(&round.addresses, kind, uid, partner(uid)).await;
    drop(place);
    let writes = uid % 2 == 1;
    round.all_here.wait().await;
    let mut outcome = Outcome {
        uid,
        kind,
        begun: next,
        kept: Vec::new(),
        received: Vec::new(),
        confirmed: Vec::new(),
        farewell: Farewell::default(),
    };
    loop {
        while writes && outcome.begun - next < outcome.kept.len() as u64 + WINDOW {
            session.send(outcome.begun).await;
            outcome.begun += 1;
        }
        match session.next().await {
            Some(Said::Kept(number)) => {
                outcome.kept.push(number);
                if round.answers_left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    round.enough.notify_one();
                }
            }
            Some(Said::Message(content)) => outcome.received.push(content),
            Some(Said::Confirmed(msg_id)) => outcome.confirmed.push(msg_id),
            Some(Said::Other(_)) => {}
            None => break,
        }
    }
    outcome.farewell = session.farewell;
    outcome
}

/// Makes the users known, and friends of those pairs that packets will be spoken in.
async fn introduce(broker: &Running, users: u64) {
    for uid in 1..=users {
        get(&broker.address, &people::token(uid), "/api/inbox").await;
    }
    for uid in (1..=users).step_by(2) {
        let call = async |uid: u64, path: &str, body: &Value| {
            let bearer = format!("Authorization: Bearer {}\r\n", people::token(uid));
            let body = body.to_string();
            let (status, _, body) =
                client::http(&broker.address, "POST", path, &bearer, &body).await;
            assert!((200..300).contains(&status), "{path}: {status} {body}");
            serde_json::from_str::<Value>(&body).unwrap_or_default()
        };
        let request = json!({ "to": partner(uid), "msg": "" });
        let asked = call(uid, "/api/friends/requests", &request).await;
        let accept = format!("/api/friends/requests/{}/accept", asked["id"]);
        call(partner(uid), &accept, &json!({})).await;
    }
}

/// All that `uid` has written to its partner, oldest first: the contents, and whether they were received.
async fn written(broker: &Running, uid: u64) -> Vec<(String, bool)> {
    let token = people::token(uid);
    let mut all = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/api/messages?with={}&limit=200{before}", partner(uid));
        let page = get(&broker.address, &token, &path).await;
        let messages = page["messages"].as_array().expect("messages");
        for message in messages {
            let content = message["content"].as_str().expect("a content");
            all.push((content.to_owned(), message["state"] == "received"));
        }
        if page["more"] == false {
            all.reverse();
            return all;
        }
        before = format!("&before={}", messages.last().expect("a message")["id"]);
    }
}

fn start(data: &Path, drain_s: &str) -> Running {
    let arguments = ["--stomp-listen", "127.0.0.1:0", "--drain", drain_s];
    Running::start(data, &arguments)
}

/// That nobody new comes in any more.
pub async fn refuses_newcomers(address: &str) {
    soon("a refused connection", async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// What is wrong with how a session ended; nothing, if it was told in its own words.
fn complaint(outcome: &Outcome) -> Option<String> {
    let Farewell { told, closed, .. } = outcome.farewell;
    (!told || !closed).then(|| {
        format!(
            "user {}, {:?}: {:?}",
            outcome.uid, outcome.kind, outcome.farewell
        )
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sessions_under_load_are_told_and_lose_nothing() {
    let mut attack = Attack::on(
        "lifecycle-drain",
        "A broker that is told to stop under load tells every session in the words of its own protocol, keeps what it has answered, and ends with 0.",
        "`tests/lifecycle/drain.rs`: `a_thousand_sessions_under_load_are_told_and_lose_nothing`",
    );
    let users = fire::portion(60, 1_000) & !1;
    let rounds = fire::portion(1, 12);
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = start(&data, "60");
    introduce(&broker, users).await;
    assert!(broker.terminate().success());

    let mut next: HashMap<u64, u64> = (1..=users).map(|uid| (uid, 0)).collect();
    let (mut answered, mut sent_again) = (0, 0);
    for round in 0..rounds {
        let broker = start(&data, "60");
        let address = broker.address.clone();
        let shared = Arc::new(Round {
            addresses: Addresses::of(&broker),
            door: Semaphore::new(AT_THE_DOOR),
            all_here: Barrier::new(users as usize),
            // Stopped at another moment each time, with all of them in full swing.
            answers_left: AtomicUsize::new((users * 3 + round * 97) as usize),
            enough: Notify::new(),
        });
        let mut sessions = JoinSet::new();
        for (uid, kind) in kinds(users, round) {
            sessions.spawn(take_part(Arc::clone(&shared), kind, uid, next[&uid]));
        }
        tokio::select! {
            () = soon("enough answers", shared.enough.notified()) => {}
            early = sessions.join_next() => {
                let early = early.expect("sessions").expect("no panic");
                panic!("user {}, {:?}, ended early: {:?}", early.uid, early.kind, early.farewell);
            }
        }
        let stopped = tokio::task::spawn_blocking(|| broker.terminate());
        refuses_newcomers(&address).await;
        let outcomes = sessions.join_all().await;
        let status = soon("the broker's end", stopped).await.expect("no panic");
        assert_eq!(status.code(), Some(0), "round {round}: {status}");
        let complaints: Vec<String> = outcomes.iter().filter_map(complaint).collect();
        assert!(
            complaints.is_empty(),
            "round {round}: not told:\n{}",
            complaints.join("\n")
        );

        let broker = start(&data, "60");
        let addresses = Addresses::of(&broker);
        for outcome in &outcomes {
            let uid = outcome.uid;
            if uid % 2 == 0 {
                continue;
            }
            let before = written(&broker, uid).await;
            let times = |number: &u64| {
                let wanted = content(uid, *number);
                before
                    .iter()
                    .filter(|(content, _)| *content == wanted)
                    .count()
            };
            for number in &outcome.kept {
                assert_eq!(
                    times(number),
                    1,
                    "round {round}: {uid}:{number} was answered"
                );
            }
            let unanswered: Vec<u64> = (next[&uid]..outcome.begun)
                .filter(|number| !outcome.kept.contains(number))
                .collect();
            for number in &unanswered {
                assert!(
                    times(number) <= 1,
                    "round {round}: {uid}:{number} is there twice"
                );
            }
            answered += outcome.kept.len() as u64;
            if outcome.kind.names_its_messages() {
                let mut again = Session::log_in(&addresses, outcome.kind, uid, partner(uid)).await;
                for number in &unanswered {
                    again.send(*number).await;
                    loop {
                        match again.next().await.expect("an answer") {
                            Said::Kept(kept) if kept == *number => break,
                            _ => {}
                        }
                    }
                }
                sent_again += unanswered.len() as u64;
                let after = written(&broker, uid).await;
                for number in next[&uid]..outcome.begun {
                    let wanted = content(uid, number);
                    let times = after.iter().filter(|(content, _)| *content == wanted);
                    assert_eq!(
                        times.count(),
                        1,
                        "round {round}: {wanted} was sent until answered"
                    );
                }
            }
            // What a receiver was told to be confirmed is so.
            let receiver = outcomes.iter().find(|other| other.uid == partner(uid));
            let receiver = receiver.expect("a partner");
            for confirmed in &receiver.confirmed {
                let kept = before.iter().find(|(content, _)| content == confirmed);
                assert!(
                    kept.is_some_and(|(_, received)| *received),
                    "{confirmed}: {kept:?}"
                );
            }
            // And nobody was shown what is not there.
            for content in &receiver.received {
                assert!(
                    before.iter().any(|(kept, _)| kept == content),
                    "{content} was pushed"
                );
            }
        }
        for outcome in &outcomes {
            next.insert(outcome.uid, outcome.begun);
        }
        broker.kill();
    }
    attack.count("stops", rounds);
    attack.count("sessions told", rounds * users);
    attack.count("messages answered", answered);
    attack.count("messages sent again", sent_again);
    attack.repelled();
}
