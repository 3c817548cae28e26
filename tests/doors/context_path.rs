//! `--context-path`: everything is below it, and nothing beside it.

use crate::house::House;
use crate::support::people;
use crate::wire::Socket;
use crate::wire::upgrade;

#[tokio::test]
async fn everything_is_below_the_context_path_and_nothing_beside_it() {
    let house = House::open(&["--context-path", "/Mimi"]);
    let token = people::token(1);
    for path in ["/client", "/socketServer", "/socketServer/websocket"] {
        let below = format!("/Mimi{path}?srect={token}");
        Socket::open(house.address(), &below)
            .await
            .connect("")
            .await;
        for beside in ["", "/mimi", "/Mimi/Mimi", "/Mimic", "//Mimi"] {
            let path = format!("{beside}{path}?srect={token}");
            let knocked = upgrade(house.address(), &path, "").await;
            assert_eq!(knocked.status, 404, "{path}");
        }
    }
    for (path, status) in [
        ("/", 200),
        ("/healthz", 200),
        ("/api/inbox", 401),
        ("/socketServer/info", 200),
        ("/socket.io/?EIO=4&transport=polling", 200),
        ("/socket.io/nothing", 404),
    ] {
        let below = house.call(&format!("GET /Mimi{path}"), "", "").await;
        assert_eq!(below.status, status, "{path}");
        let beside = house.call(&format!("GET {path}"), "", "").await;
        assert!(beside.refused(404).contains("/Mimi/"), "{path}");
        assert_eq!(beside.header("Content-Type"), Some("application/json"));
    }
}

#[tokio::test]
async fn the_context_path_without_its_slash_is_sent_to_it() {
    let house = House::open(&["--context-path", "/chat/Mimi/"]);
    for method in ["GET", "HEAD"] {
        let answer = house.call(&format!("{method} /chat/Mimi"), "", "").await;
        assert_eq!(answer.status, 308, "{method}");
        assert_eq!(answer.header("Location"), Some("/chat/Mimi/"), "{method}");
        assert_eq!(answer.body, "", "{method}");
    }
    let page = house.call("GET /chat/Mimi/", "", "").await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("Content-Type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
    assert_eq!(house.call("POST /chat/Mimi", "", "").await.status, 404);
    // A WebSocket's client does not follow a redirect.
    let knocked = upgrade(house.address(), "/chat/Mimi", "").await;
    assert_ne!(knocked.status, 308);
    assert_eq!(house.call("GET /chat", "", "").await.status, 404);
}
