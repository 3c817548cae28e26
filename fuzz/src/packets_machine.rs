//! Messages in, any bytes: two sessions of packets and the broker between them.

use std::collections::VecDeque;

use hongyan::gateways::Mishap;
use hongyan::gateways::packets::Door;
use hongyan::gateways::packets::PacketSession;
use hongyan_grammar::packet::ClientPacket;
use hongyan_grammar::packet::Id;
use hongyan_grammar::packet::ServerPacket;

use super::rig::Ear;
use super::rig::Rig;
use super::rig::milliseconds;
use super::rig::records;

/// A client that keeps account of its packets' answers.
#[derive(Default)]
struct PacketClient {
    /// The ids of packets that are not answered; none where there is none that can be given back.
    asked: VecDeque<Option<Id>>,
    logged_in: bool,
    close: bool,
    closed: bool,
}

/// Records with U+001E between them: `1…` and `2…` are what a client says; `+500` is time; `p` and `q` prove what was
/// pushed; the others are what happens to a connection or beside it.
pub fn packets_machine(script: &[u8]) {
    let mut rig = Rig::new();
    open(&mut rig, 0);
    open(&mut rig, 1);
    for (what, rest) in records(script) {
        match what {
            b'1' | b'2' => say(&mut rig, usize::from(what - b'1'), rest),
            b'+' => rig.pass(milliseconds(rest)),
            b'p' | b'q' => rig.prove(usize::from(what - b'p')),
            b'x' | b'y' => open(&mut rig, usize::from(what - b'x')),
            b'm' => rig.mishap(0, Mishap::TooLarge(4_096)),
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

fn open(rig: &mut Rig<PacketSession, PacketClient>, at: usize) {
    let door = Door {
        admitted: rig.admitted(at),
        session_name: format!("session-{at}"),
    };
    rig.connect(at, PacketSession::new(door), PacketClient::default());
}

fn say(rig: &mut Rig<PacketSession, PacketClient>, at: usize, message: &[u8]) {
    if !rig.connections[at].over {
        assert!(rig.is_hungry(at), "everything before it was answered");
        let id = match std::str::from_utf8(message).map(ClientPacket::read) {
            Ok(Ok(packet)) => Some(packet.id),
            Ok(Err(refused)) => refused.id,
            Err(_) => None,
        };
        rig.connections[at].ear.asked.push_back(id);
    }
    rig.hear(at, message);
}

impl PacketClient {
    fn answered(&mut self, id: Option<Id>) {
        assert_eq!(
            self.asked.pop_front(),
            Some(id),
            "answers in the order of the packets"
        );
    }
}

impl Ear for PacketClient {
    fn said(&mut self, said: &[u8], open: bool) {
        let text = std::str::from_utf8(said).expect("UTF-8");
        let packet = ServerPacket::read(text).expect("what a client can read");
        assert!(!self.close, "after C: {text}");
        let first = matches!(packet, ServerPacket::Login { .. });
        assert!(
            open && first != self.logged_in,
            "L is first, and once: {text}"
        );
        self.logged_in = true;
        match packet {
            ServerPacket::Login { .. } | ServerPacket::Message(_) => {}
            ServerPacket::Close { .. } => self.close = true,
            ServerPacket::Pong { id }
            | ServerPacket::Online { id, .. }
            | ServerPacket::History { id, .. }
            | ServerPacket::Done { id, .. } => self.answered(Some(id)),
            ServerPacket::Error { id, .. } => self.answered(id),
        }
    }

    fn closed(&mut self) {
        assert!(self.close, "closed without a C");
        self.closed = true;
    }

    fn settled(&mut self, over: bool) {
        assert_eq!((over, self.close), (self.closed, self.closed));
        assert!(
            over || self.asked.is_empty(),
            "without an answer: {:?}",
            self.asked
        );
    }
}
