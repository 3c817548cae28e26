//! Why the broker said no: a closed list, each with its code and a sentence that says what was wrong and what would be right.

use std::fmt;

use crate::broker::message::MsgId;
use crate::broker::ports::StoreError;

/// A refused command. It had no effect, unless its sentence says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such user.
    NoSuchUser,
    /// There is no such group.
    NoSuchGroup,
    /// Only members of the group may do this.
    NotMember,
    /// Only admins of the group may do this.
    AdminsOnly,
    /// The group would have members and no admin.
    LastAdmin,
    /// The group would have more members than it may.
    GroupFull {
        /// The most.
        members_max: usize,
    },
    /// The fields of a group are not what they may be; the sentence says how they may be.
    BadGroup(&'static str),
    /// Only friends may do this to each other. Where friendship is asked for, an unknown user is as good as a stranger.
    NotFriends,
    /// The other wants to hear nothing of this user.
    Blocked,
    /// This can't be done to oneself.
    Oneself,
    /// The two are friends already.
    FriendsAlready,
    /// There is no such request to this user.
    NoSuchRequest,
    /// The request was answered otherwise before.
    AnsweredOtherwise,
    /// The user has as many of these as one may; the sentence says of what.
    TooMany(&'static str),
    /// There is no such order.
    NoSuchOrder,
    /// The order is another courier's, or another customer's.
    OrderTaken,
    /// Nobody knows where this user is.
    NoLocation,
    /// There is no such picture, or not for this user.
    NoSuchImage,
    /// Only the operator's own server may do this.
    ServerOnly,
    /// No message of that msgID was ever addressed to this user.
    NoSuchMessage(MsgId),
    /// This sender used the msgID for another content to the same receiver.
    MsgIdTaken(MsgId),
    /// The content is longer than allowed.
    ContentTooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The most allowed.
        bytes_max: usize,
    },
    /// The user sends faster than allowed.
    TooFast {
        /// The most messages a second.
        per_second: u32,
    },
    /// The queue holds as much as it may.
    QueueFull {
        /// The most messages.
        messages_max: u64,
        /// The most bytes.
        bytes_max: u64,
    },
    /// There are as many queues as there may be.
    TooManyQueues {
        /// The most.
        queues_max: u64,
    },
    /// Too much waits for the store.
    Busy,
    /// The store failed.
    NotStored,
}

impl Refusal {
    /// The code of CONTRACT section 4.
    pub fn code(self) -> u16 {
        match self {
            Self::NoSuchUser
            | Self::NoSuchMessage(_)
            | Self::NoSuchGroup
            | Self::NoSuchRequest
            | Self::NoSuchOrder
            | Self::NoLocation
            | Self::NoSuchImage => 404,
            Self::NotMember
            | Self::AdminsOnly
            | Self::NotFriends
            | Self::Blocked
            | Self::ServerOnly => 403,
            Self::MsgIdTaken(_)
            | Self::LastAdmin
            | Self::FriendsAlready
            | Self::AnsweredOtherwise
            | Self::OrderTaken => 409,
            Self::Oneself | Self::BadGroup(_) => 422,
            Self::ContentTooLarge { .. } => 413,
            Self::TooFast { .. } => 429,
            Self::QueueFull { .. }
            | Self::TooManyQueues { .. }
            | Self::GroupFull { .. }
            | Self::TooMany(_) => 507,
            Self::Busy | Self::NotStored => 500,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchUser => f.write_str("there is no such user; name one by uid or by name"),
            Self::NoSuchGroup => f.write_str("there is no such group; name one by its number"),
            Self::NotMember => f.write_str("you are not a member of this group; join it first"),
            Self::AdminsOnly => {
                f.write_str("only admins of the group may change this; ask one of them")
            }
            Self::LastAdmin => f.write_str(
                "the group would have no admin; make another member one before the last admin goes",
            ),
            Self::GroupFull { members_max } => {
                write!(f, "a group has at most {members_max} members")
            }
            Self::BadGroup(rule) | Self::TooMany(rule) => f.write_str(rule),
            Self::NotFriends => f.write_str("you are not friends; ask for friendship first"),
            Self::Blocked => f.write_str("this user wants to hear nothing of you"),
            Self::Oneself => f.write_str("this can't be done to oneself; name another user"),
            Self::FriendsAlready => f.write_str("you are friends already"),
            Self::NoSuchRequest => {
                f.write_str("there is no such friend request to you; GET /api/friends lists them")
            }
            Self::AnsweredOtherwise => {
                f.write_str("this friend request was answered otherwise before")
            }
            Self::NoSuchOrder => f.write_str("there is no such order"),
            Self::OrderTaken => f.write_str("this order is somebody else's"),
            Self::NoLocation => f.write_str("this user has told no location"),
            Self::NoSuchImage => {
                f.write_str("there is no such picture in a conversation of yours; upload it first")
            }
            Self::ServerOnly => {
                f.write_str("only the operator's server may do this, with an API key")
            }
            Self::NoSuchMessage(msg_id) => {
                write!(
                    f,
                    "no message {msg_id} was sent to you; confirm with the chatID of a message that was pushed"
                )
            }
            Self::MsgIdTaken(msg_id) => write!(
                f,
                "you already sent another content to this receiver as {msg_id}; make a new msgID for a new message"
            ),
            Self::ContentTooLarge { bytes, bytes_max } => {
                write!(
                    f,
                    "the content has {bytes} bytes; at most {bytes_max} are allowed"
                )
            }
            Self::TooFast { per_second } => {
                write!(
                    f,
                    "you send too fast; at most {per_second} messages a second are allowed, send this one again later"
                )
            }
            Self::QueueFull {
                messages_max,
                bytes_max,
            } => write!(
                f,
                "the queue is full: at most {messages_max} messages or {bytes_max} bytes; send again when some were consumed"
            ),
            Self::TooManyQueues { queues_max } => write!(
                f,
                "at most {queues_max} queues may hold messages; send to one that does, or again when some were emptied"
            ),
            Self::Busy => {
                f.write_str("not stored, the broker is busy; try again with the same msgID")
            }
            Self::NotStored => f.write_str("not stored; try again with the same msgID"),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            StoreError::Broken(_) | StoreError::Unable(_) | StoreError::Closed => Self::NotStored,
        }
    }
}

/// The short word that goes with a code, as the seed writes 成功 beside 200.
pub fn status(code: u16) -> &'static str {
    match code {
        200..=299 => "成功",
        400 => "请求有误",
        401 => "未登录",
        403 => "被拒绝",
        404 => "不存在",
        405 => "方法不对",
        409 => "重复冲突",
        413 => "内容过大",
        415 => "类型不对",
        422 => "内容无效",
        429 => "太快了",
        503 => "暂不可用",
        507 => "已满",
        _ => "未保存",
    }
}
