//! Does every REST call answer as the contract says, right and wrong? Asked through the filter, over a broker in memory.

#[path = "rest/accounts.rs"]
mod accounts;
#[path = "rest/authority.rs"]
mod authority;
#[path = "rest/blocks.rs"]
mod blocks;
#[path = "rest/door.rs"]
mod door;
#[path = "rest/friends.rs"]
mod friends;
#[path = "rest/groups.rs"]
mod groups;
#[path = "rest/http.rs"]
mod http_manners;
#[path = "rest/images.rs"]
mod images;
#[path = "rest/messages.rs"]
mod messages;
#[path = "rest/moody.rs"]
mod moody;
#[path = "rest/operators.rs"]
mod operators;
#[path = "rest/servers.rs"]
mod servers;
