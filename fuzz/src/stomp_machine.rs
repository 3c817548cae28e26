//! Bytes in, any bytes: two STOMP sessions and the broker between them.

use std::borrow::Cow;

use hongyan::gateways::Mishap;
use hongyan::gateways::stomp::Door;
use hongyan::gateways::stomp::StompSession;

use super::rig::Rig;
use super::rig::milliseconds;
use super::rig::records;
use super::stomp_client::FRAME_BYTES_MAX;
use super::stomp_client::StompClient;
use super::stomp_reading::Cuts;

/// In what a client says, the last message that it may acknowledge, and a msgID that nobody has used.
pub(super) const LAST_MESSAGE: u8 = 0x1d;
pub(super) const NEW_ID: u8 = 0x1c;

/// Records with U+001E between them: `1…` and `2…` are what a client says, in one piece, `a…` and `b…` the same in
/// many; `+500` is time; the others are what happens to a connection or beside it.
pub fn stomp_machine(script: &[u8]) {
    let mut rig = Rig::new();
    let mut ids = 0;
    open(&mut rig, 0, true, false);
    open(&mut rig, 1, false, false);
    for (what, rest) in records(script) {
        match what {
            b'1' | b'2' => say(&mut rig, usize::from(what - b'1'), rest, &mut ids, false),
            b'a' | b'b' => say(&mut rig, usize::from(what - b'a'), rest, &mut ids, true),
            b'+' => rig.pass(milliseconds(rest)),
            b'x' | b'y' => open(&mut rig, usize::from(what - b'x'), true, false),
            b'X' | b'Y' => open(&mut rig, usize::from(what - b'X'), false, true),
            b'm' => rig.mishap(0, Mishap::TooLarge(FRAME_BYTES_MAX)),
            b'f' => rig.mishap(1, Mishap::TooManyFragments(64)),
            b's' | b't' => rig.write_to(usize::from(what - b's')),
            b'r' => rig.revoke(0),
            b'w' => rig.whisper(),
            b'!' => rig.stop(),
            _ => {}
        }
        rig.settle();
        for at in 0..2 {
            rig.compare(at);
        }
    }
    rig.still_serves();
}

fn open(rig: &mut Rig<StompSession, StompClient>, at: usize, admitted: bool, text_only: bool) {
    let door = Door {
        admitted: admitted.then(|| rig.admitted(at)),
        session_name: format!("session-{at}"),
        frame_bytes_max: FRAME_BYTES_MAX,
        text_only,
        ..Door::default()
    };
    let machine = StompSession::new(rig.now, door);
    rig.connect(at, machine, StompClient::new());
}

fn say(
    rig: &mut Rig<StompSession, StompClient>,
    at: usize,
    bytes: &[u8],
    ids: &mut u32,
    in_pieces: bool,
) {
    let bytes = filled(bytes, &rig.connections[at].ear.last_message, ids);
    let cuts = Cuts::of(&bytes);
    let mut start = 0;
    for end in (1..=bytes.len()).filter(|end| *end == bytes.len() || in_pieces && cuts.at(*end)) {
        let piece = &bytes[start..end];
        start = end;
        if !rig.is_hungry(at) && !rig.connections[at].over {
            // It waits for an answer that comes at once here, so this can't be.
            panic!("the machine does not listen");
        }
        rig.connections[at].ear.send(piece);
        rig.hear(at, piece);
    }
}

/// What a script says, with what it can't know put in.
pub(super) fn filled<'a>(bytes: &'a [u8], last_message: &str, ids: &mut u32) -> Cow<'a, [u8]> {
    if !bytes
        .iter()
        .any(|octet| [LAST_MESSAGE, NEW_ID].contains(octet))
    {
        return Cow::Borrowed(bytes);
    }
    let mut filled = Vec::with_capacity(bytes.len() + 80);
    for octet in bytes {
        match *octet {
            LAST_MESSAGE => filled.extend_from_slice(last_message.as_bytes()),
            NEW_ID => {
                *ids += 1;
                filled.extend_from_slice(format!("{ids:040x}").as_bytes());
            }
            other => filled.push(other),
        }
    }
    Cow::Owned(filled)
}
