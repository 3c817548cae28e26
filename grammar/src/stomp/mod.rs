//! STOMP 1.0, 1.1 and 1.2: bytes to frames and back.
//!
//! It decides where a frame ends, what it says and how it is written in each version. It does not
//! know which frame may follow which, nor which headers a command needs: that is the session's.
//!
//! Reading is in two steps. `boundary` finds the end of a frame, remembers where it stopped
//! looking, and holds the limits; only then `read` parses the whole frame, once. So the cost is
//! linear in the bytes however they are cut.
//!
//! What is accepted beyond the letter of the specifications, in every version, because clients in
//! use send it:
//!
//! * `\r\n` as the end of a line (STOMP 1.2 has it, 1.0 and 1.1 do not), and a heart-beat of
//!   `\r\n`;
//! * NULs and ends of line between frames;
//! * repeated headers (all are kept, the first counts), also before 1.2;
//! * a colon in a header's value that was not escaped: the line is split at its first colon;
//! * spaces around the number of a `content-length`. Every other value is kept as it came, spaces
//!   included;
//! * a body on any frame: whether the command may have one is the session's question.

mod boundary;
mod command;
mod decoder;
mod escape;
mod frame;
mod read;
mod version;
mod write;

pub use boundary::Limits;
pub use command::{Command, Side};
pub use decoder::{Decoder, Unit};
pub use frame::{Frame, Headers, Iter};
pub use version::Version;
pub use write::{FrameWriter, write};
