//! Does every REST call answer as the contract says, right and wrong? Asked through the filter, over a broker in memory.

#[path = "rest/accounts.rs"]
mod accounts;
#[path = "rest/door.rs"]
mod door;
#[path = "rest/http.rs"]
mod http_manners;
#[path = "rest/messages.rs"]
mod messages;
#[path = "rest/moody.rs"]
mod moody;
#[path = "rest/operators.rs"]
mod operators;
