//! Why somebody was not let in: a closed list, each with its HTTP status and its sentence.

use std::fmt;

/// Why somebody was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The token is malformed, forged, expired, revoked or of another kind. Which of these is nobody's business
    /// (CONTRACT section 2).
    InvalidToken,
    /// No user has this name and this password.
    WrongPassword,
    /// Neither a token nor a password was shown.
    NoCredentials,
    /// The token is good, but of another user than the client says to be.
    OthersToken,
    /// No user has this number.
    NoSuchUser,
    /// Too many wrong passwords for this name, or too many log-ins at once.
    TooManyTries {
        /// Seconds until another try may succeed, at least 1.
        retry_after_s: u64,
    },
    /// The name breaks the rule that the sentence states.
    BadName(&'static str),
    /// The password breaks the rule that the sentence states.
    BadPassword(&'static str),
    /// Somebody else has the name.
    NameTaken,
    /// Accounts are not made over the network here (`--registration closed`).
    RegistrationClosed,
    /// The store, the random source or a thread failed. The log says which.
    Unavailable,
}

impl Denial {
    /// The HTTP status, which is also the code on every other wire (CONTRACT section 3).
    pub fn code(&self) -> u16 {
        match self {
            Self::InvalidToken
            | Self::WrongPassword
            | Self::NoCredentials
            | Self::OthersToken
            | Self::NoSuchUser => 401,
            Self::RegistrationClosed => 403,
            Self::NameTaken => 409,
            Self::BadName(_) | Self::BadPassword(_) => 422,
            Self::TooManyTries { .. } => 429,
            Self::Unavailable => 500,
        }
    }

    /// What is wrong and what would be right, for the client.
    pub fn sentence(&self) -> String {
        match self {
            Self::InvalidToken => "invalid token".into(),
            Self::WrongPassword => "wrong name or password".into(),
            Self::NoCredentials => "a token or a password is required".into(),
            Self::OthersToken => "the token is another user's".into(),
            Self::NoSuchUser => "there is no such user; give a name, and it is made one".into(),
            Self::TooManyTries { retry_after_s } => {
                format!("too many tries: try again in {retry_after_s} s")
            }
            Self::BadName(rule) | Self::BadPassword(rule) => (*rule).into(),
            Self::NameTaken => "the name is taken: choose another".into(),
            Self::RegistrationClosed => {
                "registration is closed: ask the operator for an account".into()
            }
            Self::Unavailable => "the server cannot answer now: try again later".into(),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl std::error::Error for Denial {}
