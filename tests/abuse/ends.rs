//! Sessions whose token is revoked, or expires, while they are open.

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::bystander::Bystanders;
use crate::events::Events;
use crate::events::message;
use crate::events::wstoken;
use crate::house::House;
use crate::minted::ending;
use crate::support::client::Client;
use crate::support::client::connect;
use crate::support::client::http;
use crate::support::client::soon;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::support::running::Running;
use crate::tokens::PROMISE;
use crate::tokens::assert_refused;
use crate::tokens::opened;
use crate::wire;
use crate::wire::Heard;
use crate::wire::Socket;

/// A session on every gateway, each opened by one token.
struct Everywhere {
    web_socket: Socket,
    sock_js: Socket,
    polling: JoinHandle<String>,
    tcp: Client,
    rooms: Events,
    conversations: Events,
    typed: Events,
    packets: Socket,
}

impl Everywhere {
    async fn enter(broker: &Running, uid: u64, token: &str) -> Self {
        let address = &*broker.address;
        let mut sock_js = Socket::open(
            address,
            &format!("/socketServer/0/x/websocket?srect={token}"),
        )
        .await;
        assert_eq!(sock_js.text().await, "o");
        sock_js.say(&json!([wire::connect("")]).to_string()).await;
        assert!(sock_js.text().await.contains("CONNECTED"));
        let polling = format!("/socketServer/0/ends-{uid}/SEND?srect={token}");
        assert_eq!(poll(address, &polling).await, "o\n");
        let connect_frame = json!([wire::connect("")]).to_string();
        let path = polling.replace("SEND", "xhr_send");
        let (status, ..) = http(address, "POST", &path, "", &connect_frame).await;
        assert_eq!(status, 204);
        assert!(poll(address, &polling).await.contains("CONNECTED"));
        // A client that polls is always at it: nobody waits long for one that is not.
        let polling = tokio::spawn(poll_to_the_end(address.to_owned(), polling));
        let mut tcp = Client::bare(connect(&broker.stomp_address()).await);
        let greeting = Frame::new(Command::Connect).header("srect", token);
        tcp.send(greeting.header("accept-version", "1.2")).await;
        let connected = tcp.next().await.expect("CONNECTED");
        assert_eq!(connected.command, Command::Connected, "{connected:?}");
        let (rooms, code) = Events::rooms(address, token).await;
        assert_eq!(code, 1);
        let (conversations, answer) = Events::conversations(address, uid, token).await;
        assert!(answer["sessionToken"].is_string(), "{answer}");
        let (typed, answer) = Events::typed(address, uid, token).await;
        assert_eq!(answer["data"]["code"], 200, "{answer}");
        let path = format!("/{}", wstoken(address, token).await);
        let mut packets = Socket::open(address, &path).await;
        assert!(packets.text().await.contains("\"L\""));
        Self {
            web_socket: Socket::log_in(address, token).await,
            sock_js,
            polling,
            tcp,
            rooms,
            conversations,
            typed,
            packets,
        }
    }

    /// That each ends, in the words of its protocol.
    async fn ends(mut self) {
        self.web_socket.expect_error("access-refused", 1002).await;
        let array = self.sock_js.text().await;
        assert!(array.starts_with("a[\"ERROR"), "{array}");
        assert!(array.contains("invalid token"), "{array}");
        let last = r#"c[1002,"access-refused"]"#;
        assert_eq!(self.sock_js.text().await, last);
        let polled = soon("the end of polling", self.polling).await;
        let polled = polled.expect("good polls");
        assert!(polled.contains("a[\"ERROR"), "{polled}");
        assert!(polled.ends_with(&format!("{last}\n")), "{polled}");
        let error = self.tcp.next().await.expect("ERROR");
        assert_refused(&error, "tcp");
        assert_eq!(self.tcp.next().await, None);
        let news = json!(["news", { "info": "error", "msg": "invalid token", "code": 401 }]);
        assert_eq!(self.rooms.event().await, news);
        self.rooms.ends().await;
        let refused =
            json!({ "event": "", "statusCode": 401, "body": { "error": "invalid token" } });
        assert_eq!(
            self.conversations.event().await,
            json!(["refused", refused])
        );
        self.conversations.ends().await;
        let told = message(&self.typed.event().await);
        let error = json!({ "type": 5, "data": { "code": 401, "error": "invalid token" } });
        assert_eq!(told, error);
        self.typed.ends().await;
        let packet: Value = serde_json::from_str(&self.packets.text().await).expect("JSON");
        assert_eq!(
            (&packet["type"], &packet["msg"]),
            (&json!("C"), &json!("invalid token"))
        );
        let closed = Heard::Closed(1008, "invalid-token".to_owned());
        assert_eq!(self.packets.next().await, closed);
    }
}

/// All that is polled until the session is over.
async fn poll_to_the_end(address: String, path: String) -> String {
    let mut polled = String::new();
    while !polled.contains("c[") {
        polled += &poll(&address, &path).await;
    }
    polled
}

/// One poll: the frame.
async fn poll(address: &str, path: &str) -> String {
    let (status, _, body) = http(address, "POST", &path.replace("SEND", "xhr"), "", "").await;
    assert_eq!(status, 200, "{body}");
    // A chunk each: its length, the frame, and the last chunk.
    let frame = body.split("\r\n").nth(1).expect("a chunk");
    frame.to_owned()
}

#[tokio::test]
async fn sessions_end_with_their_token_on_every_gateway() {
    let mut attack = Attack::on(
        "abuse-ends",
        PROMISE,
        "`tests/abuse/ends.rs`, `sessions_end_with_their_token_on_every_gateway`",
    );
    let house = House::open(&["--stomp-listen", "127.0.0.1:0"]);
    let broker = &house.broker;
    let bystanders = Bystanders::begin(&house).await;
    // One ends by itself, while the sessions of the others are opened and ended.
    let expiring = ending(1, 10);
    let expires = Everywhere::enter(broker, 1, &expiring).await;
    let rounds = portion(1, 20);
    for round in 0..rounds {
        let revoked = people::token(2 + round);
        let ends = Everywhere::enter(broker, 2 + round, &revoked).await;
        let out = house.call_as(&revoked, "POST /api/logout", "").await;
        assert_eq!(out.status, 204);
        ends.ends().await;
        assert!(opened(broker, 2 + round, &revoked).await.is_empty());
    }
    expires.ends().await;
    assert!(opened(broker, 1, &expiring).await.is_empty(), "expired");
    bystanders.end(&house, &mut attack).await;
    attack.count("sessions whose token was revoked", 8 * rounds);
    attack.count("sessions whose token expired", 8);
    attack.repelled();
}
