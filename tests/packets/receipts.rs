//! Received means proved: a connection that is cut without a word, right after a push, costs nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::json;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::house::Heard;
use crate::house::House;
use crate::support::client;
use crate::support::client::soon;

/// A wire to the broker that somebody may cut without either side hearing of it: bytes of one direction are then swallowed.
struct Wire {
    address: String,
    to_broker: Arc<Swallow>,
    to_client: Arc<Swallow>,
}

struct Swallow {
    swallows: AtomicBool,
    swallowed: watch::Sender<usize>,
}

impl Swallow {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            swallows: AtomicBool::new(false),
            swallowed: watch::Sender::new(0),
        })
    }

    fn begin(&self) {
        self.swallows.store(true, Ordering::SeqCst);
    }

    /// Waits until something was swallowed.
    async fn has_swallowed(&self) {
        let mut swallowed = self.swallowed.subscribe();
        let waiting = swallowed.wait_for(|bytes| *bytes > 0);
        soon("something to be swallowed", waiting)
            .await
            .expect("the wire is there");
    }

    async fn pass_on(
        self: Arc<Self>,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) {
        let mut bytes = vec![0; 4_096];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            if self.swallows.load(Ordering::SeqCst) {
                self.swallowed.send_modify(|swallowed| *swallowed += count);
            } else if to.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
        // Neither side hears that the other is gone, until the test ends.
        std::future::pending::<()>().await;
    }
}

impl Wire {
    async fn to(broker: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (to_broker, to_client) = (Swallow::new(), Swallow::new());
        let (up, down) = (Arc::clone(&to_broker), Arc::clone(&to_client));
        let broker = broker.to_owned();
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.expect("a client");
            let stream = TcpStream::connect(broker)
                .await
                .expect("the broker listens");
            let (client_reads, client_writes) = client.into_split();
            let (broker_reads, broker_writes) = stream.into_split();
            tokio::spawn(up.pass_on(client_reads, broker_writes));
            tokio::spawn(down.pass_on(broker_reads, client_writes));
        });
        Self {
            address,
            to_broker,
            to_client,
        }
    }
}

#[tokio::test]
async fn what_was_swallowed_on_its_way_comes_again() {
    let house = House::open();
    house.friends(1, 2).await;
    let mut li = house.connect(1).await;
    let wire = Wire::to(house.address()).await;
    let stream = client::connect(&wire.address).await;
    let mut wu = house.connect_on(stream, 2).await;
    wu.is_quiet().await;

    wire.to_client.begin();
    let text = json!({"id": "a", "to": 2, "type": "t", "msg": "起来聊天"});
    li.is_answered(text, "A", json!("success")).await;
    wire.to_client.has_swallowed().await;
    assert_eq!(house.states(1, 2).await, ["stored"], "it was only written");

    let mut again = house.connect(2).await;
    let forwarded = json!({"id": "a", "from": 1, "type": "t", "msg": "起来聊天"});
    assert_eq!(again.packet().await, forwarded);
    assert_eq!(again.next().await, Heard::Ping);
    house.states_become(1, 2, &["received"]).await;
    house.connect(2).await.is_quiet().await;
}

#[tokio::test]
async fn a_pong_that_is_swallowed_proves_nothing() {
    let house = House::open();
    house.friends(1, 2).await;
    let mut li = house.connect(1).await;
    let wire = Wire::to(house.address()).await;
    let stream = client::connect(&wire.address).await;
    let mut wu = house.connect_on(stream, 2).await;
    wu.is_quiet().await;

    wire.to_broker.begin();
    let text = json!({"id": "a", "to": 2, "type": "t", "msg": "x"});
    li.is_answered(text, "A", json!("success")).await;
    assert_eq!(wu.packet().await["msg"], "x");
    assert_eq!(wu.next().await, Heard::Ping);
    wire.to_broker.has_swallowed().await;
    assert_eq!(house.states(1, 2).await, ["stored"]);

    let mut again = house.connect(2).await;
    assert_eq!(again.packet().await["msg"], "x");
    assert_eq!(again.next().await, Heard::Ping);
    house.states_become(1, 2, &["received"]).await;
}

#[tokio::test]
async fn a_pong_is_the_sender_s_receipt_on_every_gateway() {
    let house = House::open();
    house.friends(1, 2).await;
    let mut stomp = client::Client::log_in(house.address(), 1).await;
    stomp.subscribe("/user/queue/delivery/status").await;
    let msg_id = crate::support::people::msg_id("起来聊天");
    let mut wu = house.connect(2).await;
    stomp.chat(2, &msg_id, "起来聊天").await;
    let packet = wu.packet().await;
    let forwarded = json!({"id": msg_id, "from": 1, "type": "t", "msg": "起来聊天"});
    assert_eq!(packet, forwarded);
    assert_eq!(wu.next().await, Heard::Ping);
    let notice: Frame = stomp.next().await.expect("a notice");
    assert_eq!(notice.command, Command::Message);
    let notice = client::json(&notice);
    let known = (&notice["msgID"], &notice["state"], &notice["reciverId"]);
    assert_eq!(known, (&json!(msg_id), &json!("received"), &json!(2)));

    // And the other way: STOMP's own confirmation, for what came by a packet.
    stomp.subscribe("/user/1/recive").await;
    let text = json!({"id": 7, "to": 1, "type": "t", "msg": "好"});
    wu.is_answered(text, "A", json!("success")).await;
    let message = client::json(&stomp.next().await.expect("a message"));
    // printf 2:7 | sha1sum
    let of_sender_and_id = "da9f0dbc144aaa234aa5d555426863c8068a8c70";
    assert_eq!(message["chatID"], of_sender_and_id);
    stomp.confirm(of_sender_and_id).await;
    house.states_become(2, 1, &["received", "received"]).await;
}
