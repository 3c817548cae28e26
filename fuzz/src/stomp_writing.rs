//! Frames of any parts to bytes and back.

use arbitrary::Arbitrary;
use arbitrary::Result;
use arbitrary::Unstructured;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::FrameWriter;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;
use hongyan_grammar::stomp::write;

/// No limits that the frames made here could meet.
const WIDE: Limits = Limits {
    frame_bytes: 1 << 24,
    headers: 1 << 16,
    header_bytes: 1 << 22,
};

/// A frame of any text and any body, written in any version, is one frame on the wire, and reads as what was given, but for
/// what `write` says that the version can't carry.
pub fn stomp_writing(data: &[u8]) {
    let mut parts = Unstructured::new(data);
    // All bytes are a frame; where they end early, the rest is empty.
    while let Ok((version, frame)) = frame(&mut parts) {
        let mut wire = Vec::new();
        write(&frame, version, &mut wire);
        assert_eq!(read(&wire, version, &frame), expected(&frame, version));
        by_the_writer(&frame, version);
        if parts.is_empty() {
            return;
        }
    }
}

fn frame(parts: &mut Unstructured<'_>) -> Result<(Version, Frame)> {
    let version = *parts.choose(&Version::ALL)?;
    let command = match parts.ratio(3, 4)? {
        true => *parts.choose(&Command::OF_CLIENTS)?,
        false => *parts.choose(&Command::OF_SERVERS)?,
    };
    let mut frame = Frame::new(command);
    for _ in 0..parts.int_in_range(0..=6)? {
        let name = match parts.int_in_range(0..=3)? {
            0 => "content-length",
            1 => *parts.choose(&[
                "destination",
                "id",
                "content-length ",
                "a:b",
                "\r",
                "receipt",
            ])?,
            _ => <&str>::arbitrary(parts)?,
        };
        let number;
        let value = match parts.int_in_range(0..=3)? {
            0 => {
                number = parts.int_in_range(0..=12_u8)?.to_string();
                &number
            }
            1 => *parts.choose(&[
                "+5",
                "5\n",
                " 5 ",
                "05",
                "-0",
                "\u{a0}5",
                "5\r",
                "\\n",
                "a:b\n\r\0",
            ])?,
            _ => <&str>::arbitrary(parts)?,
        };
        frame.headers.push(name, value);
    }
    frame.body = match bool::arbitrary(parts)? {
        true => vec![b'x'; parts.int_in_range(0..=12)?],
        false => <Vec<u8>>::arbitrary(parts)?,
    };
    Ok((version, frame))
}

fn read(wire: &[u8], version: Version, frame: &Frame) -> Frame {
    let reader = match Command::OF_CLIENTS.contains(&frame.command) {
        true => Side::Server,
        false => Side::Client,
    };
    let mut decoder = Decoder::new(reader, WIDE);
    decoder.set_version(version);
    decoder.feed(wire);
    match (decoder.next(), decoder.next()) {
        (Ok(Some(Unit::Frame(read))), Ok(None)) if decoder.buffered() == 0 => read,
        other => panic!("{frame:?} in {version} became {other:?}"),
    }
}

/// What the documentation of `write` promises, told another way.
fn expected(frame: &Frame, version: Version) -> Frame {
    let mut read = Frame::new(frame.command);
    let length = frame.body.len().to_string();
    let mut has_length = false;
    for (name, value) in &frame.headers {
        if name.is_empty() {
            continue;
        }
        let first_length = name == "content-length" && !has_length;
        has_length |= first_length;
        let digits = value.trim_matches(' ');
        let right = digits.bytes().all(|octet| octet.is_ascii_digit())
            && digits.parse() == Ok(frame.body.len());
        let value = if first_length && !right {
            &length
        } else {
            value
        };
        let plain = version == Version::V1_0 || frame.command.opens_session();
        let carried = |text: &str, in_name: bool| -> String {
            let lost = |c: char| match c {
                '\0' => true,
                '\r' => plain || version == Version::V1_1,
                '\n' => plain,
                ':' => plain && in_name,
                _ => false,
            };
            text.chars()
                .map(|c| if lost(c) { '?' } else { c })
                .collect()
        };
        read.headers
            .push(&carried(name, true), &carried(value, false));
    }
    if !has_length && frame.body.contains(&0) {
        read.headers.push("content-length", &length);
    }
    read.body.clone_from(&frame.body);
    read
}

/// The writer that has no frame to write from says the same.
fn by_the_writer(frame: &Frame, version: Version) {
    let mut wire = Vec::new();
    let mut writer = FrameWriter::begin(&mut wire, frame.command, version);
    let mut built = Frame::new(frame.command);
    for (name, value) in &frame.headers {
        if name != "content-length" {
            writer = writer.header(name, value);
            built = built.header(name, value);
        }
    }
    writer.body(&frame.body).end();
    let built = built.body(frame.body.clone());
    assert_eq!(read(&wire, version, frame), expected(&built, version));
}
