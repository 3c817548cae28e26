//! Who may make which call: each row of the table, tried by those who may and by those who may not, each on a stage of
//! its own.

use serde_json::Value;
use serde_json::json;

use hongyan::broker::command::Command;
use hongyan::broker::orders::Location;
use hongyan::broker::social::Social;

use crate::door::Answer;
use crate::door::Door;
use crate::door::User;
use crate::images::PNG;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// uid 1: made the group, and keeps the picture that it carries.
    Admin,
    /// uid 2: a member, and the admin's friend.
    Member,
    /// uid 3: asked the member for friendship.
    Stranger,
    /// uid 4: blocked by the admin.
    Enemy,
    Server,
    Nobody,
}

use Who::Admin;
use Who::Enemy;
use Who::Member;
use Who::Nobody;
use Who::Server;
use Who::Stranger;

/// A call, its body, and what each of these is answered. `GID`, `IMAGE` and `REQUEST` stand for those of the stage.
type Row = (&'static str, &'static str, &'static [(Who, u16)]);

const ROWS: &[Row] = &[
    (
        "GET /api/friends",
        "",
        &[(Admin, 200), (Server, 401), (Nobody, 401)],
    ),
    (
        "POST /api/friends/requests",
        r#"{"to":1}"#,
        &[
            (Stranger, 201),
            (Member, 409),
            (Admin, 422),
            (Enemy, 403),
            (Server, 401),
            (Nobody, 401),
        ],
    ),
    (
        "POST /api/friends/requests/REQUEST/accept",
        "",
        &[
            (Member, 200),
            (Stranger, 404),
            (Admin, 404),
            (Server, 401),
            (Nobody, 401),
        ],
    ),
    (
        "POST /api/friends/requests/REQUEST/reject",
        "",
        &[
            (Member, 200),
            (Stranger, 404),
            (Admin, 404),
            (Server, 401),
            (Nobody, 401),
        ],
    ),
    (
        "DELETE /api/friends/2",
        "",
        &[
            (Admin, 204),
            (Stranger, 204),
            (Member, 422),
            (Server, 401),
            (Nobody, 401),
        ],
    ),
    (
        "GET /api/blocks",
        "",
        &[(Admin, 200), (Server, 401), (Nobody, 401)],
    ),
    (
        "GET /api/blocks/4",
        "",
        &[(Admin, 200), (Server, 401), (Nobody, 401)],
    ),
    (
        "PUT /api/blocks/3",
        "",
        &[(Admin, 204), (Stranger, 422), (Server, 401), (Nobody, 401)],
    ),
    (
        "DELETE /api/blocks/4",
        "",
        &[(Admin, 204), (Enemy, 422), (Server, 401), (Nobody, 401)],
    ),
    (
        "POST /api/groups",
        r#"{"name":"another"}"#,
        &[(Stranger, 201), (Server, 201), (Nobody, 401)],
    ),
    // Whoever wants to hear nothing of somebody is in no group of theirs either.
    (
        "POST /api/groups",
        r#"{"members":[1]}"#,
        &[(Member, 201), (Server, 201), (Enemy, 403)],
    ),
    (
        "GET /api/groups",
        "",
        &[(Admin, 200), (Stranger, 200), (Server, 401), (Nobody, 401)],
    ),
    (
        "GET /api/groups/GID",
        "",
        &[
            (Admin, 200),
            (Member, 200),
            (Server, 200),
            (Stranger, 403),
            (Nobody, 401),
        ],
    ),
    (
        "PATCH /api/groups/GID",
        r#"{"name":"other"}"#,
        &[
            (Admin, 200),
            (Server, 200),
            (Member, 403),
            (Stranger, 403),
            (Nobody, 401),
        ],
    ),
    (
        "PATCH /api/groups/GID",
        r#"{"colour":"grey"}"#,
        &[
            (Admin, 200),
            (Member, 200),
            (Server, 200),
            (Stranger, 403),
            (Nobody, 401),
        ],
    ),
    (
        "PATCH /api/groups/GID",
        r#"{"protected":[]}"#,
        &[(Admin, 200), (Server, 200), (Member, 403), (Stranger, 403)],
    ),
    (
        "POST /api/groups/GID/members",
        r#"{"uids":[3]}"#,
        &[
            (Admin, 200),
            (Server, 200),
            (Stranger, 200),
            (Member, 403),
            (Nobody, 401),
        ],
    ),
    (
        "POST /api/groups/GID/members/3",
        "",
        &[
            (Admin, 200),
            (Server, 200),
            (Stranger, 200),
            (Member, 403),
            (Nobody, 401),
        ],
    ),
    (
        "DELETE /api/groups/GID/members/2",
        "",
        &[
            (Admin, 204),
            (Server, 204),
            (Member, 204),
            (Stranger, 403),
            (Nobody, 401),
        ],
    ),
    // The last admin of others can't leave, nor be made to.
    (
        "DELETE /api/groups/GID/members/1",
        "",
        &[(Admin, 409), (Server, 409), (Member, 403), (Stranger, 403)],
    ),
    (
        "POST /api/messages",
        r#"{"group":GID,"content":"x"}"#,
        &[
            (Admin, 201),
            (Member, 201),
            (Stranger, 403),
            (Server, 400),
            (Nobody, 401),
        ],
    ),
    (
        "POST /api/messages",
        r#"{"group":GID,"content":"x","from":2}"#,
        &[(Server, 201)],
    ),
    (
        "POST /api/messages",
        r#"{"group":GID,"content":"x","from":3}"#,
        &[(Server, 403)],
    ),
    (
        "POST /api/messages",
        r#"{"to":1,"content":"x"}"#,
        &[(Member, 201), (Stranger, 201), (Enemy, 403), (Nobody, 401)],
    ),
    (
        "POST /api/messages",
        r#"{"to":3,"content":"IMAGE","type":"image"}"#,
        &[(Admin, 201), (Stranger, 404), (Enemy, 404)],
    ),
    (
        "GET /api/messages?group=GID",
        "",
        &[
            (Admin, 200),
            (Member, 200),
            (Stranger, 403),
            (Server, 401),
            (Nobody, 401),
        ],
    ),
    (
        "GET /api/users/1",
        "",
        &[(Stranger, 200), (Enemy, 200), (Server, 200), (Nobody, 401)],
    ),
    (
        "GET /api/users/1/location",
        "",
        &[
            (Admin, 200),
            (Member, 200),
            (Server, 200),
            (Stranger, 403),
            (Enemy, 403),
            (Nobody, 401),
        ],
    ),
    (
        "POST /api/push",
        r#"{"uid":1,"type":5,"data":{}}"#,
        &[(Server, 201), (Admin, 403), (Nobody, 401)],
    ),
    (
        "POST /api/orders",
        r#"{"id":"o-1","customer":1}"#,
        &[(Server, 201), (Admin, 403), (Nobody, 401)],
    ),
    (
        "GET /api/images/IMAGE",
        "",
        &[
            (Admin, 200),
            (Member, 200),
            (Stranger, 404),
            (Enemy, 404),
            (Server, 401),
            (Nobody, 401),
        ],
    ),
];

struct Stage {
    door: Door,
    users: Vec<User>,
    gid: String,
    image: String,
    request: String,
}

impl Stage {
    async fn set() -> Self {
        let door = Door::unhurried().await;
        let mut users = Vec::new();
        for name in ["admin", "member", "stranger", "enemy"] {
            users.push(door.user(name).await);
        }
        let ask = async |uid: usize, call: &str, body: Value| {
            let answer = door.as_user(&users[uid - 1], call, &body.to_string()).await;
            assert!(answer.code < 300, "{call}: {}", answer.text());
            match answer.body.is_empty() {
                true => Value::Null,
                false => answer.json(),
            }
        };
        ask(1, "POST /api/friends/requests", json!({"to": 2})).await;
        ask(2, "POST /api/friends/requests", json!({"to": 1})).await;
        let request = ask(3, "POST /api/friends/requests", json!({"to": 2})).await;
        ask(1, "PUT /api/blocks/4", json!({})).await;
        let group = json!({"name": "flock", "members": [2]});
        let group = ask(1, "POST /api/groups", group).await;
        let picture = door.as_user_with(&users[0], "POST /api/images", PNG).await;
        let image = picture.good(201)["id"].as_str().expect("an id").to_owned();
        let message = json!({"group": group["gid"], "content": image, "type": "image"});
        ask(1, "POST /api/messages", message).await;
        let here = Location::new(121.5, -31.2, 7).expect("a place on earth");
        let (broker, now) = (&door.context.broker, door.context.clock.now());
        let moves = Command::Social(Social::MoveTo(here));
        let moved = broker.ask_once(now, &users[0].person, moves).await;
        moved.expect("a move");
        Self {
            gid: group["gid"].to_string(),
            request: request["id"].to_string(),
            image,
            users,
            door,
        }
    }

    async fn call(&self, who: Who, call: &str, body: &str) -> Answer {
        let fill = |text: &str| {
            text.replace("GID", &self.gid)
                .replace("IMAGE", &self.image)
                .replace("REQUEST", &self.request)
        };
        let (call, body) = (&fill(call), &fill(body));
        let user = match who {
            Admin => &self.users[0],
            Member => &self.users[1],
            Stranger => &self.users[2],
            Enemy => &self.users[3],
            Server => return self.door.as_server(call, body).await,
            Nobody => return self.door.as_nobody(call, body).await,
        };
        self.door.as_user(user, call, body).await
    }
}

#[tokio::test]
async fn each_row_is_for_those_who_may() {
    let mut wrong = Vec::new();
    for (call, body, answers) in ROWS {
        for (who, code) in *answers {
            let answer = Stage::set().await.call(*who, call, body).await;
            if answer.code != *code {
                wrong.push(format!(
                    "{who:?}: {call} {body}: {} {}",
                    answer.code,
                    answer.text()
                ));
            } else if *code >= 300 {
                assert!(!answer.refused(*code).is_empty());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the description says of who may call is what happens, also of calls that stand in no row above.
#[tokio::test]
async fn whoever_the_description_does_not_name_is_let_in_nowhere() {
    let stage = Stage::set().await;
    let document = stage
        .call(Nobody, "GET /api/openapi.json", "")
        .await
        .good(200);
    let paths = document["paths"].as_object().expect("paths");
    for (pattern, operations) in paths {
        let path = pattern.replace(['{', '}'], "");
        for (method, operation) in operations.as_object().expect("operations") {
            let call = format!("{} {path}", method.to_uppercase());
            let ways = operation["security"].as_array().expect("ways in");
            if ways.is_empty() {
                continue;
            }
            let names = |way: &str| ways.iter().any(|named| named.get(way).is_some());
            assert_eq!(stage.call(Nobody, &call, "").await.code, 401, "{call}");
            if !names("apiKey") {
                assert_eq!(stage.call(Server, &call, "").await.code, 401, "{call}");
            }
            if !names("token") {
                assert_eq!(stage.call(Admin, &call, "").await.code, 403, "{call}");
            }
        }
    }
}
