//! Who may do what: each row is tried by everybody who may and by everybody who may not, each time in a house of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::friends::RequestId;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::GroupPatch;
use hongyan::broker::images::Image;
use hongyan::broker::images::ImageId;
use hongyan::broker::images::Media;
use hongyan::broker::message::Kind;
use hongyan::broker::message::MsgId;
use hongyan::broker::orders::Location;
use hongyan::broker::orders::OrderId;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Social;
use hongyan::broker::users::UserKey;

use crate::people::house::House;
use crate::people::house::key_of;
use crate::people::house::person;
use crate::people::house::words;

/// li and an are friends, and li sent an a picture; li blocks bo; bo has asked wu to be friends; li is the admin of a group
/// in which wu is too; wu has ordered twice, and an has taken one of the orders; li has told where he is.
pub struct Scene {
    pub house: House,
    pub gid: Gid,
    pub request: RequestId,
    pub picture: ImageId,
}

fn order(id: &str) -> OrderId {
    OrderId::parse(id).expect("an id")
}

fn place(id: &str) -> Social {
    Social::PlaceOrder {
        order: order(id),
        customer: key_of("wu"),
    }
}

impl Scene {
    pub fn set() -> Self {
        let house = House::new();
        let [li, wu, an, bo] = ["li", "wu", "an", "bo"].map(person);
        house.befriend(&li, &an);
        house
            .act(&li, Social::Block(key_of("bo")))
            .expect("blocked");
        let request = house.request(&bo, &wu);
        let gid = house.group(&li, &[&wu]);
        for id in ["open", "taken"] {
            let placed = house.act(&person("system"), place(id));
            placed.expect("placed");
        }
        let taken = house.act(&an, Social::TakeOrder(order("taken")));
        taken.expect("taken");
        let here = Location::new(116.4, 39.9, 7).expect("on earth");
        house.act(&li, Social::MoveTo(here)).expect("moved");
        let image = Image {
            media: Media::Png,
            bytes: Arc::from([1, 2, 3]),
        };
        let Ok(Reply::ImageKept(picture)) = house.ask(&li, Command::KeepImage(image)) else {
            panic!("not kept");
        };
        house.send(&li, carrying("an", picture)).expect("sent");
        Self {
            house,
            gid,
            request,
            picture,
        }
    }
}

fn carrying(to: &str, picture: ImageId) -> Letter {
    let mut letter = words(&person(to), &picture.to_string());
    letter.kind = Kind::Image;
    letter
}

fn of_kind(kind: Kind) -> Command {
    let mut letter = words(&person("li"), "{}");
    letter.kind = kind;
    Command::Send(letter)
}

fn only_to_friends(to: UserKey) -> Command {
    let mut letter = Letter::new(person("li").uid, MsgId([7; 20]), "hello");
    letter.to = Address::User(to);
    letter.friends_only = true;
    Command::Send(letter)
}

fn patched(gid: Gid, change: impl FnOnce(&mut GroupPatch)) -> Command {
    let mut patch = GroupPatch::default();
    change(&mut patch);
    Command::Social(Social::ChangeGroup { gid, patch })
}

/// What is asked, who may, and what the others are told.
struct Row {
    what: &'static str,
    ask: fn(&Scene) -> Command,
    may: &'static [&'static str],
    may_not: &'static [(&'static str, Refusal)],
}

const fn row(
    what: &'static str,
    ask: fn(&Scene) -> Command,
    may: &'static [&'static str],
    may_not: &'static [(&'static str, Refusal)],
) -> Row {
    Row {
        what,
        ask,
        may,
        may_not,
    }
}

pub fn social(act: Social) -> Command {
    Command::Social(act)
}

pub fn history(with: Address) -> Command {
    Command::History {
        with,
        before: None,
        limit: 10,
    }
}

use Refusal::{
    AdminsOnly, Blocked, FriendsAlready, LastAdmin, NoLocation, NoSuchGroup, NoSuchImage,
    NoSuchOrder, NoSuchRequest, NoSuchUser, NotFriends, NotMember, Oneself, OrderTaken, ServerOnly,
};

const TABLE: &[Row] = &[
    row(
        "write to li",
        |_| Command::Send(words(&person("li"), "hello")),
        &["li", "wu", "an", "system"],
        &[("bo", Blocked)],
    ),
    row(
        "write to li as a friend",
        |_| only_to_friends(key_of("li")),
        &["li", "an", "system"],
        &[("wu", NotFriends), ("bo", Blocked)],
    ),
    row(
        "write to nobody",
        |_| {
            Command::Send(Letter::new(
                Address::User(key_of("no")),
                MsgId([7; 20]),
                "x",
            ))
        },
        &[],
        &[("li", NoSuchUser), ("system", NoSuchUser)],
    ),
    row(
        "write to nobody as a friend",
        |_| only_to_friends(key_of("no")),
        &[],
        &[("li", NotFriends)],
    ),
    row(
        "write to the system",
        |_| Command::Send(words(&person("system"), "hello")),
        &[],
        &[("li", NoSuchUser)],
    ),
    row(
        "write to the group",
        |scene| Command::Send(Letter::new(Address::Group(scene.gid), MsgId([7; 20]), "x")),
        &["li", "wu", "system"],
        &[("an", NotMember)],
    ),
    row(
        "write to no group",
        |_| {
            let to = Address::Group(Gid::new(99).expect("a gid"));
            Command::Send(Letter::new(to, MsgId([7; 20]), "x"))
        },
        &[],
        &[("li", NoSuchGroup)],
    ),
    row(
        "push what only servers push",
        |_| of_kind(Kind::Push(6)),
        &["system"],
        &[("an", ServerOnly)],
    ),
    row(
        "write what only taking an order makes",
        |_| of_kind(Kind::Order),
        &[],
        &[("an", ServerOnly), ("system", ServerOnly)],
    ),
    row(
        "send li's picture on",
        |scene| Command::Send(carrying("wu", scene.picture)),
        &["li", "an"],
        &[("bo", NoSuchImage)],
    ),
    row(
        "see li's picture",
        |scene| Command::Image(scene.picture),
        &["li", "an"],
        &[("wu", NoSuchImage), ("bo", NoSuchImage)],
    ),
    row(
        "see no picture",
        |_| Command::Image(ImageId(1)),
        &[],
        &[("li", NoSuchImage)],
    ),
    row(
        "ask li to be friends",
        |_| {
            social(Social::AskFriend {
                to: key_of("li"),
                words: String::new(),
            })
        },
        &["wu"],
        &[
            ("li", Oneself),
            ("an", FriendsAlready),
            ("bo", Blocked),
            ("system", NoSuchUser),
        ],
    ),
    row(
        "accept bo's request to wu",
        |scene| {
            social(Social::AnswerFriend {
                request: scene.request,
                accept: true,
            })
        },
        &["wu"],
        &[("bo", NoSuchRequest), ("li", NoSuchRequest)],
    ),
    row(
        "end the friendship with li",
        |_| social(Social::Unfriend(key_of("li"))),
        &["an", "wu"],
        &[("li", Oneself)],
    ),
    row(
        "block li",
        |_| social(Social::Block(key_of("li"))),
        &["an", "wu", "bo"],
        &[("li", Oneself)],
    ),
    row(
        "take a block of li back",
        |_| social(Social::Unblock(key_of("li"))),
        &["an"],
        &[("li", Oneself)],
    ),
    row(
        "block nobody",
        |_| social(Social::Block(key_of("no"))),
        &[],
        &[("li", NoSuchUser)],
    ),
    row(
        "see the group",
        |scene| Command::Group(scene.gid),
        &["li", "wu", "system"],
        &[("an", NotMember)],
    ),
    row(
        "read the group's history",
        |scene| history(Address::Group(scene.gid)),
        &["li", "wu"],
        &[("an", NotMember)],
    ),
    row(
        "read a history with nobody",
        |_| history(Address::User(key_of("no"))),
        &[],
        &[("li", NoSuchUser)],
    ),
    row(
        "rename the group",
        |scene| patched(scene.gid, |patch| patch.name = Some("new".to_owned())),
        &["li", "system"],
        &[("wu", AdminsOnly), ("an", NotMember)],
    ),
    row(
        "change a field of the group's own",
        |scene| {
            let motto = BTreeMap::from([("motto".to_owned(), Some("\"吃\"".to_owned()))]);
            patched(scene.gid, |patch| patch.custom = motto)
        },
        &["li", "wu", "system"],
        &[("an", NotMember)],
    ),
    row(
        "change what is protected",
        |scene| patched(scene.gid, |patch| patch.protected = Some(Vec::new())),
        &["li", "system"],
        &[("wu", AdminsOnly), ("an", NotMember)],
    ),
    row(
        "make wu an admin",
        |scene| {
            let admins = Some(vec![key_of("li"), key_of("wu")]);
            patched(scene.gid, |patch| patch.admins = admins)
        },
        &["li", "system"],
        &[("wu", AdminsOnly), ("an", NotMember)],
    ),
    row(
        "bring an into the group",
        |scene| {
            social(Social::AddMembers {
                gid: scene.gid,
                users: vec![key_of("an")],
            })
        },
        &["li", "system", "an"],
        &[("wu", AdminsOnly), ("bo", NotMember)],
    ),
    row(
        "bring bo, who is blocked by li, into the group",
        |scene| {
            social(Social::AddMembers {
                gid: scene.gid,
                users: vec![key_of("bo")],
            })
        },
        &["li", "bo"],
        &[("wu", AdminsOnly)],
    ),
    row(
        "remove wu from the group",
        |scene| {
            social(Social::RemoveMember {
                gid: scene.gid,
                user: key_of("wu"),
            })
        },
        &["li", "system", "wu"],
        &[("an", NotMember)],
    ),
    row(
        "remove the last admin",
        |scene| {
            social(Social::RemoveMember {
                gid: scene.gid,
                user: key_of("li"),
            })
        },
        &[],
        &[
            ("li", LastAdmin),
            ("system", LastAdmin),
            ("wu", AdminsOnly),
            ("an", NotMember),
        ],
    ),
    row(
        "join no group",
        |_| {
            social(Social::AddMembers {
                gid: Gid::new(99).expect("a gid"),
                users: vec![key_of("li")],
            })
        },
        &[],
        &[("li", NoSuchGroup)],
    ),
    row(
        "ask where li is",
        |_| Command::Location(key_of("li")),
        &["li", "an", "system"],
        &[("wu", NotFriends), ("bo", NotFriends)],
    ),
    row(
        "ask where an is, who never said",
        |_| Command::Location(key_of("an")),
        &[],
        &[
            ("li", NoLocation),
            ("system", NoLocation),
            ("bo", NotFriends),
        ],
    ),
    row(
        "ask where nobody is",
        |_| Command::Location(key_of("no")),
        &[],
        &[("li", NotFriends), ("system", NoSuchUser)],
    ),
    row(
        "ask whether li is here",
        |_| Command::Online(key_of("li")),
        &["li", "wu", "an", "bo", "system"],
        &[],
    ),
    row(
        "ask whether nobody is here",
        |_| Command::Online(key_of("no")),
        &[],
        &[("li", NoSuchUser)],
    ),
    row(
        "place an order",
        |_| social(place("new")),
        &["system"],
        &[("li", ServerOnly), ("wu", ServerOnly)],
    ),
    row(
        "place an order of nobody",
        |_| {
            social(Social::PlaceOrder {
                order: order("new"),
                customer: key_of("no"),
            })
        },
        &[],
        &[("li", ServerOnly), ("system", NoSuchUser)],
    ),
    row(
        "take an order",
        |_| social(Social::TakeOrder(order("open"))),
        &["li", "an", "bo"],
        &[("wu", Oneself), ("system", NoSuchUser)],
    ),
    row(
        "take an order that an has taken",
        |_| social(Social::TakeOrder(order("taken"))),
        &["an"],
        &[("li", OrderTaken), ("wu", Oneself)],
    ),
    row(
        "take no order",
        |_| social(Social::TakeOrder(order("none"))),
        &[],
        &[("li", NoSuchOrder)],
    ),
];

#[test]
fn each_may_do_what_the_table_says_and_nothing_else() {
    for row in TABLE {
        for who in row.may {
            let scene = Scene::set();
            let answer = scene.house.ask(&person(who), (row.ask)(&scene));
            assert!(answer.is_ok(), "{who} may {}: {answer:?}", row.what);
        }
        for (who, refusal) in row.may_not {
            let scene = Scene::set();
            let answer = scene.house.ask(&person(who), (row.ask)(&scene));
            assert_eq!(answer, Err(*refusal), "{who} may not {}", row.what);
        }
        assert!(!row.may.is_empty() || !row.may_not.is_empty());
    }
}
