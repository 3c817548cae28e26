//! What holds for every frame and for all bytes, not only for those that somebody thought of.

use hongyan_grammar::refusal::Refusal;
use hongyan_grammar::stomp::{
    Command, Decoder, Frame, FrameWriter, Headers, Limits, Side, Unit, Version, write,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Small, so that the limits are met as often as the grammar.
const LIMITS: Limits = Limits {
    frame_bytes: 96,
    headers: 4,
    header_bytes: 24,
};

/// No limits that the frames made here could meet.
const WIDE: Limits = Limits {
    frame_bytes: 1 << 20,
    headers: 64,
    header_bytes: 8 << 10,
};

proptest! {
    #[test]
    fn what_is_written_reads_back(
        (version, frame) in version().prop_flat_map(|version| (Just(version), frame(version))),
        pieces in pieces(),
    ) {
        let mut wire = Vec::new();
        write(&frame, version, &mut wire);
        let (units, refusal) = read(&wire, &pieces, reader(frame.command), version, WIDE)?;
        prop_assert_eq!(refusal, None);
        prop_assert_eq!(units, [Unit::Frame(frame)]);
    }

    #[test]
    fn the_writer_and_write_agree(
        (version, frame) in version().prop_flat_map(|version| (Just(version), frame(version))),
    ) {
        let mut built = Frame::new(frame.command);
        let mut by_writer = Vec::new();
        let mut writer = FrameWriter::begin(&mut by_writer, frame.command, version);
        for (name, value) in &frame.headers {
            if name != "content-length" {
                built = built.header(name, value);
                writer = writer.header(name, value);
            }
        }
        writer.body(&frame.body).end();
        let mut by_write = Vec::new();
        write(&built.body(frame.body), version, &mut by_write);
        prop_assert_eq!(by_writer, by_write);
    }

    #[test]
    fn no_text_makes_two_headers_or_two_frames(
        version in version(),
        command in command(),
        headers in vec(("[a:\\\\\r\n\0起 ]{0,6}", "[a:\\\\\r\n\0起 ]{0,6}"), 0..4),
        body in vec(any::<u8>(), 0..20),
    ) {
        let frame = Frame { command, headers: headers.iter().cloned().collect(), body };
        let mut wire = Vec::new();
        write(&frame, version, &mut wire);
        let (units, refusal) = read(&wire, &[wire.len()], reader(command), version, WIDE)?;
        prop_assert_eq!(refusal, None);
        let [Unit::Frame(read)] = units.as_slice() else {
            return Err(TestCaseError::fail(format!("{units:?}")));
        };
        prop_assert_eq!(&read.body, &frame.body);
        let named = headers.iter().filter(|(name, _)| !name.is_empty()).count();
        let length_added = usize::from(frame.body.contains(&0));
        prop_assert_eq!(read.headers.len(), named + length_added);
    }

    #[test]
    fn bytes_read_the_same_however_they_are_cut(
        wire in prop_oneof![vec(any::<u8>(), 0..200), soup()],
        version in version(),
        reader in prop_oneof![Just(Side::Server), Just(Side::Client)],
        pieces in pieces(),
    ) {
        let whole = read(&wire, &[wire.len()], reader, version, LIMITS)?;
        let cut = read(&wire, &pieces, reader, version, LIMITS)?;
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn what_was_read_is_written_as_what_reads_the_same(wire in soup(), version in version()) {
        let (units, _) = read(&wire, &[wire.len()], Side::Server, version, LIMITS)?;
        for unit in units {
            let Unit::Frame(frame) = unit else { continue };
            let mut first = Vec::new();
            write(&frame, version, &mut first);
            let (again, refusal) = read(&first, &[first.len()], Side::Server, version, WIDE)?;
            prop_assert_eq!(refusal, None);
            let [Unit::Frame(again)] = again.as_slice() else {
                return Err(TestCaseError::fail(format!("{again:?}")));
            };
            prop_assert_eq!(&again.body, &frame.body);
            let mut second = Vec::new();
            write(again, version, &mut second);
            prop_assert_eq!(second, first);
        }
    }
}

/// The units in `wire`, fed in pieces of these sizes, and why the rest was refused if it was.
///
/// On the way it holds the decoder to its limit: after `next` has said that there is no more, no more is kept than a
/// frame may have.
fn read(
    wire: &[u8],
    pieces: &[usize],
    reader: Side,
    version: Version,
    limits: Limits,
) -> Result<(Vec<Unit>, Option<Refusal>), TestCaseError> {
    let mut decoder = Decoder::new(reader, limits);
    decoder.set_version(version);
    let mut units = Vec::new();
    let mut rest = wire;
    for size in pieces.iter().cycle() {
        let (piece, after) = rest.split_at((*size).clamp(1, rest.len().max(1)).min(rest.len()));
        decoder.feed(piece);
        loop {
            match decoder.next() {
                Ok(Some(unit)) => units.push(unit),
                Ok(None) => break,
                Err(refusal) => {
                    prop_assert_eq!(decoder.next(), Err(refusal.clone()));
                    prop_assert_eq!(decoder.buffered(), 0);
                    prop_assert!(refusal.offset <= limits.frame_bytes);
                    prop_assert!(refusal.sentence.len() < 400);
                    return Ok((units, Some(refusal)));
                }
            }
        }
        prop_assert!(decoder.buffered() < limits.frame_bytes);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    Ok((units, None))
}

fn reader(command: Command) -> Side {
    if Command::OF_CLIENTS.contains(&command) {
        Side::Server
    } else {
        Side::Client
    }
}

fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(Version::ALL.as_slice())
}

fn command() -> impl Strategy<Value = Command> {
    prop::sample::select(
        [
            Command::OF_CLIENTS.as_slice(),
            Command::OF_SERVERS.as_slice(),
        ]
        .concat(),
    )
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(1..40_usize, 1..8)
}

/// A frame that `version` can carry, with any body.
fn frame(version: Version) -> impl Strategy<Value = Frame> {
    command().prop_flat_map(move |command| {
        let (name, value) = match version {
            _ if command.opens_session() => ("[^:\r\n\0]{1,12}", "[^\r\n\0]{0,24}"),
            Version::V1_0 => ("[^:\r\n\0]{1,12}", "[^\r\n\0]{0,24}"),
            Version::V1_1 => ("[^\r\0]{1,12}", "[^\r\0]{0,24}"),
            Version::V1_2 => ("[^\0]{1,12}", "[^\0]{0,24}"),
        };
        let body = prop_oneof![
            vec(any::<u8>(), 0..200).prop_map(|body| (body, true)),
            vec(1..=u8::MAX, 0..200).prop_map(|body| (body, false)),
        ];
        (vec((name, value), 0..6), body).prop_map(move |(headers, (body, with_length))| {
            let headers: Headers = headers.into_iter().collect();
            let frame = Frame {
                command,
                headers,
                body: Vec::new(),
            };
            if with_length {
                frame.body(body)
            } else {
                Frame { body, ..frame }
            }
        })
    })
}

/// Bytes that are nearly frames: the words of the language, in any order.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"SEND",
        b"ACK",
        b"CONNECT",
        b"SEND\n",
        b"ACK\nid:1\n\n\0",
        b"MESSAGE\n",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\0\0",
        b"a:b\n",
        b"a:b\r\n",
        b":",
        b"\\",
        b"\\n",
        b"\\r",
        b"\\c",
        b"\\t",
        b"content-length:",
        b"content-length:3\n",
        b"content-length:0\n\n\0",
        b"content-length:90\n",
        b"0",
        b"3",
        b"77",
        b"abc",
        b"\xff",
        b"\xe8\xb5\xb7",
        b"a name that is too long for the limit",
    ];
    vec(prop::sample::select(words), 0..16).prop_map(|words| words.concat())
}
