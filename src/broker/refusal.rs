//! Why the broker said no: a closed list, each with its code and a sentence that says what was wrong and what would be right.

use std::fmt;

use crate::broker::message::MsgId;
use crate::broker::ports::StoreError;
use crate::broker::users::Uid;

/// A refused command. It had no effect, unless its sentence says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such user.
    NoSuchReceiver(Uid),
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
            Self::NoSuchReceiver(_) | Self::NoSuchMessage(_) => 404,
            Self::MsgIdTaken(_) => 409,
            Self::ContentTooLarge { .. } => 413,
            Self::TooFast { .. } => 429,
            Self::QueueFull { .. } | Self::TooManyQueues { .. } => 507,
            Self::Busy | Self::NotStored => 500,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchReceiver(uid) => write!(
                f,
                "there is no user {uid}; reciverId must be the uid of a user"
            ),
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
            StoreError::Broken(_) | StoreError::Closed => Self::NotStored,
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
        507 => "队列已满",
        _ => "未保存",
    }
}
