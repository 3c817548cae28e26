//! Is anything that was acknowledged lost, doubled or out of order when the broker is killed?

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use hongyan_grammar::stomp::Command;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use support::client::Client;
use support::client::chat;
use support::client::json;
use support::people::msg_id;
use support::running::Running;

/// How often the broker is killed.
const KILLS: usize = 20;
/// Who writes: users 1 to 50, each to one receiver.
const SENDERS: u64 = 50;
/// Who receives: users 101 to 110.
const RECEIVERS: u64 = 10;
/// Messages of a sender that may wait for their status.
const WINDOW: usize = 8;
/// Sends the last message to each receiver, so that it knows when it has all.
const CLOSER: u64 = 200;

fn receiver_of(sender: u64) -> u64 {
    101 + sender % RECEIVERS
}

/// What one sender knows of its messages after a kill: the contents that got 200, in order, and how far it came.
struct Sent {
    acknowledged: Vec<usize>,
    begun: usize,
}

/// Sends messages numbered from `next` until the broker dies.
async fn send_until_killed(
    address: String,
    uid: u64,
    next: usize,
    progress: Arc<AtomicUsize>,
    enough: Arc<Notify>,
) -> Sent {
    let mut client = Client::log_in(&address, uid).await;
    client.subscribe("/user/queue/send/status").await;
    let mut sent = Sent {
        acknowledged: Vec::new(),
        begun: next,
    };
    let mut waiting: HashMap<String, usize> = HashMap::new();
    loop {
        while waiting.len() < WINDOW {
            let content = format!("{uid}:{}", sent.begun);
            waiting.insert(msg_id(&content), sent.begun);
            client
                .queue(chat(receiver_of(uid), &msg_id(&content), &content))
                .await;
            sent.begun += 1;
        }
        client.flush().await;
        let Some(frame) = client.next().await else {
            return sent;
        };
        let status = json(&frame);
        assert_eq!(status["code"], 200, "{status}");
        let number = waiting
            .remove(status["msgID"].as_str().expect("a msgID"))
            .expect("one of ours");
        sent.acknowledged.push(number);
        if progress.fetch_sub(1, Ordering::SeqCst) == 1 {
            enough.notify_one();
        }
    }
}

/// All that waits for `uid`, as (sender, number), in the order of the pushes. Confirms them all.
async fn receive_all(address: &str, uid: u64, round: usize) -> Vec<(u64, usize)> {
    let mut client = Client::log_in(address, uid).await;
    client.subscribe(&format!("/user/{uid}/recive")).await;
    client.subscribe("/user/queue/recive/status").await;
    client.init().await;
    let mut closer = Client::log_in(address, CLOSER).await;
    let last = format!("end of round {round} for {uid}");
    closer.chat(uid, &msg_id(&last), &last).await;
    let mut pushed = Vec::new();
    let mut unconfirmed = 0_usize;
    let mut ended = false;
    while !ended || unconfirmed > 0 {
        let frame = client.next().await.expect("the broker lives");
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        let body = json(&frame);
        if body.get("code").is_some() {
            assert_eq!(body["code"], 200, "{body}");
            unconfirmed -= 1;
            continue;
        }
        client
            .confirm(body["chatID"].as_str().expect("a msgID"))
            .await;
        unconfirmed += 1;
        let content = body["content"].as_str().expect("a content");
        ended |= content == last;
        if let Some((sender, number)) = content.split_once(':') {
            pushed.push((
                sender.parse().expect("a uid"),
                number.parse().expect("a number"),
            ));
        }
    }
    pushed
}

/// Sends again what got no answer, as the contract says to: the same msgID, the same content. All get 200.
async fn send_again(address: &str, uid: u64, numbers: &[usize]) {
    let mut client = Client::log_in(address, uid).await;
    client.subscribe("/user/queue/send/status").await;
    for number in numbers {
        let content = format!("{uid}:{number}");
        client
            .chat(receiver_of(uid), &msg_id(&content), &content)
            .await;
        let status = json(&client.next().await.expect("the broker lives"));
        assert_eq!(status["code"], 200, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_reordered_by_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut next: HashMap<u64, usize> = (1..=SENDERS).map(|uid| (uid, 0)).collect();
    let mut kept_unanswered = 0;
    for round in 0..KILLS {
        let broker = Running::start(&data, &[]);
        // Killed at another moment each time: after so many answers, with all senders in full swing.
        let progress = Arc::new(AtomicUsize::new(300 + round * 37));
        let enough = Arc::new(Notify::new());
        let mut senders = JoinSet::new();
        for uid in 1..=SENDERS {
            let (progress, enough) = (Arc::clone(&progress), Arc::clone(&enough));
            let (address, from) = (broker.address.clone(), next[&uid]);
            senders.spawn(async move {
                (
                    uid,
                    send_until_killed(address, uid, from, progress, enough).await,
                )
            });
        }
        support::client::soon("enough answers", enough.notified()).await;
        broker.kill();
        let sent: HashMap<u64, Sent> = senders.join_all().await.into_iter().collect();

        let broker = Running::start(&data, &[]);
        // Every other round, what got no answer is sent again before anybody receives, so it must not be doubled.
        if round % 2 == 1 {
            for (uid, sent) in &sent {
                let unanswered: Vec<usize> = (next[uid]..sent.begun)
                    .filter(|number| !sent.acknowledged.contains(number))
                    .collect();
                send_again(&broker.address, *uid, &unanswered).await;
            }
        }
        let mut receivers = JoinSet::new();
        for uid in 101..101 + RECEIVERS {
            let address = broker.address.clone();
            receivers.spawn(async move { receive_all(&address, uid, round).await });
        }
        let pushed: Vec<(u64, usize)> = receivers.join_all().await.into_iter().flatten().collect();
        for (uid, sent) in &sent {
            let got: Vec<usize> = pushed
                .iter()
                .filter(|(sender, _)| sender == uid)
                .map(|(_, number)| *number)
                .collect();
            let lost: Vec<_> = sent
                .acknowledged
                .iter()
                .filter(|number| !got.contains(number))
                .collect();
            assert!(
                lost.is_empty(),
                "round {round}: user {uid} got 200 for {lost:?}, which are lost"
            );
            // What was sent again comes after what was kept the first time; both runs rise, and nothing comes twice.
            let mut once = got.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(
                once.len(),
                got.len(),
                "round {round}: user {uid}, doubled in {got:?}"
            );
            if round % 2 == 0 {
                assert!(
                    got.is_sorted(),
                    "round {round}: user {uid}, out of order: {got:?}"
                );
            } else {
                assert_eq!(
                    got.len(),
                    sent.begun - next[uid],
                    "round {round}: user {uid} has sent all of them in the end"
                );
            }
            assert!(
                got.iter()
                    .all(|number| (next[uid]..sent.begun).contains(number)),
                "pushed again though confirmed"
            );
            kept_unanswered += got.len() - sent.acknowledged.len();
        }
        for (uid, sent) in sent {
            next.insert(uid, sent.begun);
        }
        broker.kill();
    }
    let begun: usize = next.values().sum();
    println!(
        "{KILLS} kills, {begun} messages begun, {kept_unanswered} of them kept without the sender's knowing"
    );
}
