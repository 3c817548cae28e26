//! stub
#![allow(missing_docs)]
use crate::broker::moment::Moment;
use crate::broker::ports::TokenId;
use crate::broker::users::Person;
pub mod permits {
    use crate::broker::users::*;
    pub fn may_receive(p: &Person, k: &UserKey) -> bool {
        k.means(p)
    }
}
pub struct Auth;
pub struct Login {
    pub person: Person,
    pub token: TokenId,
    pub expires_s: u64,
}
pub struct Grant;
pub struct Denial;
impl Denial {
    pub fn code(&self) -> u16 {
        401
    }
    pub fn sentence(&self) -> String {
        String::new()
    }
}
impl Auth {
    pub async fn log_in(&self, _n: Moment, _a: &str, _p: &str) -> Result<(Person, Grant), Denial> {
        Err(Denial)
    }
    pub async fn session(&self, _n: Moment, _a: &str) -> Result<Login, Denial> {
        Err(Denial)
    }
}
