//! Events in, any bytes: two Socket.IO sessions, in any of the dialects, and the broker between them.

use std::collections::BTreeMap;
use std::collections::HashMap;

use hongyan::gateways::Mishap;
use hongyan::gateways::socketio::Door;
use hongyan::gateways::socketio::SocketIoSession;
use serde_json::Value;
use serde_json::value::RawValue;

use super::rig::Ear;
use super::rig::Rig;
use super::rig::milliseconds;
use super::rig::records;
use super::stomp_machine::filled;

/// A client that keeps account of namespaces and acknowledgements.
#[derive(Default)]
struct SocketIoClient {
    /// Namespaces that the client has joined at any time.
    joined: Vec<String>,
    /// How often each acknowledgement was asked for and not given.
    acks: HashMap<u64, usize>,
    disconnected: bool,
    closed: bool,
    /// The last id that was heard.
    last_id: String,
}

/// Records with U+001E between them: `1…` and `2…` are lines of the transport; `e…` and `d…` are events of the two,
/// `/friend cfmsg#7 {…}`; `+500` is time; `p` and `q` prove what was pushed; the others are what happens to a connection
/// or beside it.
pub fn socketio_machine(script: &[u8]) {
    let mut rig = Rig::new();
    let mut ids = 0;
    open(&mut rig, 0);
    open(&mut rig, 1);
    for (what, rest) in records(script) {
        match what {
            b'1' | b'2' => say(&mut rig, usize::from(what - b'1'), rest, &mut ids),
            b'd' | b'e' => {
                let Some(line) = std::str::from_utf8(rest).ok().and_then(emitted) else {
                    continue;
                };
                say(
                    &mut rig,
                    usize::from(what - b'd'),
                    line.as_bytes(),
                    &mut ids,
                );
            }
            b'+' => rig.pass(milliseconds(rest)),
            b'p' | b'q' => rig.prove(usize::from(what - b'p')),
            b'x' | b'y' => open(&mut rig, usize::from(what - b'x')),
            b'm' => rig.mishap(0, Mishap::TooLarge(4_096)),
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

fn open(rig: &mut Rig<SocketIoSession, SocketIoClient>, at: usize) {
    let door = Door {
        secret: [u8::from(at == 0); 32],
    };
    let machine = SocketIoSession::new(rig.now, door);
    rig.connect(at, machine, SocketIoClient::default());
    for namespace in ["/", "/friend", "/group", "/server"] {
        let line = format!(r#"{{"namespace":"{namespace}","connected":true,"id":"socket-{at}"}}"#);
        say(rig, at, line.as_bytes(), &mut 0);
    }
}

/// The transport's line for an event: `/friend cfmsg#7 {…}`.
fn emitted(event: &str) -> Option<String> {
    let (namespace, rest) = event.split_once(' ')?;
    let (name, data) = rest.split_once(' ').unwrap_or((rest, "null"));
    let (name, ack) = match name.split_once('#') {
        Some((name, ack)) => (name, format!(r#","ack":{ack}"#)),
        None => (name, String::new()),
    };
    let (namespace, name) = (Value::from(namespace), Value::from(name));
    Some(format!(
        r#"{{"namespace":{namespace},"event":{name},"args":[{data}]{ack}}}"#
    ))
}

fn say(rig: &mut Rig<SocketIoSession, SocketIoClient>, at: usize, line: &[u8], ids: &mut u32) {
    let line = filled(line, &rig.connections[at].ear.last_id, ids);
    if !rig.connections[at].over {
        assert!(rig.is_hungry(at), "everything before it was answered");
        rig.connections[at].ear.send(&line);
    }
    rig.hear(at, &line);
}

impl SocketIoClient {
    /// Notes what may come of a line. Where it can't be read, nothing may.
    fn send(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(&line) else {
            return;
        };
        let field = |name: &str| -> Value {
            let raw = fields.get(name).map(|raw| serde_json::from_str(raw.get()));
            raw.and_then(Result::ok).unwrap_or_default()
        };
        if let (Some(namespace), Some(true)) =
            (field("namespace").as_str(), field("connected").as_bool())
        {
            self.joined.push(namespace.to_owned());
        }
        if let Some(ack) = field("ack").as_u64() {
            *self.acks.entry(ack).or_default() += 1;
        }
    }
}

impl Ear for SocketIoClient {
    fn said(&mut self, said: &[u8], _open: bool) {
        let line: Value = serde_json::from_slice(said).expect("JSON is said");
        assert!(!self.disconnected, "after the disconnection: {line}");
        if let Some(id) = line["args"][0]["id"].as_str() {
            self.last_id = id.to_owned();
        }
        if line["disconnect"] == true {
            self.disconnected = true;
            return;
        }
        assert_eq!(line["args"].as_array().map(Vec::len), Some(1), "{line}");
        match (line["ack"].as_u64(), line["namespace"].as_str()) {
            (Some(ack), None) => {
                let left = self.acks.get_mut(&ack).filter(|left| **left > 0);
                *left.unwrap_or_else(|| panic!("nobody waits for {line}")) -= 1;
            }
            (None, Some(namespace)) => {
                assert!(line["event"].is_string(), "{line}");
                let joined = self.joined.iter().any(|joined| joined == namespace);
                assert!(joined, "in a namespace that was never joined: {line}");
            }
            _ => panic!("neither an event nor an acknowledgement: {line}"),
        }
    }

    fn closed(&mut self) {
        self.closed = true;
    }

    fn settled(&mut self, over: bool) {
        assert_eq!(over, self.closed);
        assert!(over || !self.disconnected, "open after a disconnection");
    }
}
