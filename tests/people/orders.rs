//! A courier takes an order: they become friends, and the customer has a message of it, once.

use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::event::Event;
use hongyan::broker::limits::Limits;
use hongyan::broker::message::Kind;
use hongyan::broker::message::MsgId;
use hongyan::broker::message::Recipient;
use hongyan::broker::notice::Notice;
use hongyan::broker::orders::OrderId;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;

use crate::people::house::House;
use crate::people::house::key;
use crate::people::house::person;
use crate::people::house::words;

#[test]
fn the_customer_has_it_as_a_message_before_the_courier_has_an_answer() {
    let house = House::with(Limits {
        friends_only: true,
        ..Limits::default()
    });
    let (courier, customer) = (person("li"), person("wu"));
    let order = OrderId::parse("order-7").expect("an id");
    let place = Social::PlaceOrder {
        order: order.clone(),
        customer: key(&customer),
    };
    let system = person("system");
    assert_eq!(house.act(&system, place.clone()), Ok(Changed::OrderPlaced));
    assert_eq!(house.act(&system, place), Ok(Changed::OrderPlaced));
    let (of_courier, of_customer) = (house.open(&courier), house.open(&customer));
    let taken = |befriended| Changed::OrderTaken {
        customer: customer.clone(),
        befriended,
    };
    let take = Social::TakeOrder(order);
    assert_eq!(house.act(&courier, take.clone()), Ok(taken(true)));

    let told = house.told(&of_customer);
    let [Event::Noticed(notice), Event::Message(message)] = &told[..] else {
        panic!("{told:?}");
    };
    let Notice::FriendAnswered {
        request, accepted, ..
    } = &**notice
    else {
        panic!("{notice:?}");
    };
    assert!(accepted);
    assert_eq!((&request.from, &request.to), (&courier, &customer));
    assert_eq!(
        (&message.sender, &message.to),
        (&courier, &Recipient::User(customer.clone()))
    );
    assert_eq!((message.kind, &*message.content), (Kind::Order, "order-7"));
    assert_eq!(message.msg_id, MsgId::sha1("order:order-7"));
    assert_eq!(house.notices(&of_courier).len(), 1);

    assert_eq!(house.act(&courier, take.clone()), Ok(taken(false)));
    assert_eq!(house.told(&of_customer), [], "it is kept once");
    assert_eq!(house.told(&of_courier), []);
    let an = person("an");
    assert_eq!(house.act(&an, take), Err(Refusal::OrderTaken));
    assert!(house.send(&customer, words(&courier, "where?")).is_ok());
    let friends = house.ask(&customer, Command::Friends);
    let Ok(Reply::Friends { friends, .. }) = friends else {
        panic!("{friends:?}");
    };
    assert_eq!(friends.friends, [courier]);
}
