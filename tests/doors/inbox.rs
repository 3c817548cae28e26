//! REST and STOMP are two doors to one inbox.

use serde_json::json;

use crate::house::House;
use crate::support::people;
use crate::wire::Socket;

#[tokio::test]
async fn what_is_sent_over_rest_reaches_stomp() {
    let house = House::open(&[]);
    house.know([1, 2]).await;
    let mut socket = Socket::log_in(house.address(), &people::token(2)).await;
    socket.subscribe("/user/2/recive").await;
    let content = "起来聊天";
    let body = json!({ "to": 2, "content": content, "msgID": people::msg_id(content) });
    let sent = house
        .call_as(&people::token(1), "POST /api/messages", &body.to_string())
        .await
        .json(201);
    assert_eq!(sent["msgID"], people::msg_id(content));
    let pushed = socket.message().await;
    assert_eq!(
        pushed,
        json!({
            "id": sent["id"], "chatID": sent["msgID"], "sender": people::name(1), "reciver": people::name(2),
            "content": content, "time": sent["time"], "senderId": 1, "reciverId": 2,
        })
    );
    // The same again is one message, and not pushed again.
    let again = house
        .call_as(&people::token(1), "POST /api/messages", &body.to_string())
        .await
        .json(201);
    assert_eq!(again, sent);
    socket.lives().await;
}

#[tokio::test]
async fn what_is_sent_over_stomp_is_seen_and_confirmed_over_rest() {
    let house = House::open(&[]);
    house.know([1, 2]).await;
    let (li, wu) = (people::token(1), people::token(2));
    let mut socket = Socket::log_in(house.address(), &li).await;
    socket.subscribe("/user/queue/send/status").await;
    for content in ["one", "two"] {
        socket.chat(2, content).await;
        assert_eq!(socket.message().await["code"], 200);
    }
    socket.subscribe("/user/queue/delivery/status").await;

    let inbox = house.call_as(&wu, "GET /api/inbox", "").await.json(200);
    assert_eq!(inbox["messages"][0]["content"], "one");
    assert_eq!(inbox["messages"][1]["content"], "two");
    assert_eq!(inbox["more"], false);
    for (token, with) in [(&li, 2), (&wu, 1)] {
        let call = format!("GET /api/messages?with={with}");
        let page = house.call_as(token, &call, "").await.json(200);
        assert_eq!(page["messages"][0]["content"], "two");
        assert_eq!(page["messages"][0]["state"], "stored");
        assert_eq!(page["messages"][1]["content"], "one");
    }

    let msg_id = people::msg_id("one");
    let call = format!("POST /api/messages/{msg_id}/recive");
    house.call_as(&wu, &call, "").await.json(200);
    let notice = socket.message().await;
    assert_eq!(notice["msgID"], msg_id);
    assert_eq!(notice["state"], "received");
    assert_eq!(notice["reciverId"], 2);
    assert!(notice["time"].is_u64(), "{notice}");
    let inbox = house.call_as(&wu, "GET /api/inbox", "").await.json(200);
    assert_eq!(inbox["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(inbox["messages"][0]["content"], "two");

    // Twice is as good as once; what was not sent to one cannot be confirmed.
    house.call_as(&wu, &call, "").await.json(200);
    house.call_as(&li, &call, "").await.refused(404);
    socket.lives().await;
}

#[tokio::test]
async fn every_session_of_the_receiver_is_reached_whatever_its_door() {
    let house = House::open(&[]);
    house.know([1, 2]).await;
    let token = people::token(2);
    let mut sockets = Vec::new();
    for path in ["/client", "/socketServer/websocket", "/socketServer"] {
        let mut socket = Socket::open(house.address(), &format!("{path}?srect={token}")).await;
        socket.connect("").await;
        socket
            .subscribe(&format!("/user/{}/recive", people::name(2)))
            .await;
        sockets.push(socket);
    }
    let mut sender = Socket::log_in(house.address(), &people::token(1)).await;
    sender.chat(2, "to all of you").await;
    for socket in &mut sockets {
        assert_eq!(socket.message().await["content"], "to all of you");
    }
    let here = house
        .call_as(&token, "GET /api/users/2", "")
        .await
        .json(200);
    assert_eq!(here["online"], true);
    drop(sockets);
    house.metric_becomes("hongyan_sessions_online", 1).await;
    let gone = house
        .call_as(&token, "GET /api/users/2", "")
        .await
        .json(200);
    assert_eq!(gone["online"], false);
}
