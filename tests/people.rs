//! Does the broker let people do what they may, refuse what they may not, and tell those whom it concerns? Asked without a
//! gateway, over a store in memory, on a pretend clock.

#[path = "rest/moody.rs"]
mod moody;
mod people {
    pub mod authority;
    pub mod bounds;
    pub mod groups;
    pub mod house;
    pub mod notices;
    pub mod orders;
    pub mod presence;
    pub mod takeover;
}
