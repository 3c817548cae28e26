//! The head of a whole frame to its parts: one function a production, with the production above it
//! (STOMP 1.2, "Augmented BNF"). The body has no parts.
//!
//! It decides what the bytes of one frame say. It does not look for the frame's end, which
//! `boundary` has found.
//!
//! The productions are those of 1.2 with three liberties: in a value a colon may stand unescaped, a
//! CR that is not part of an end of line may stand anywhere, and both hold for every version.

use std::borrow::Cow;

use memchr::memchr;
use nom::bytes::complete::tag;
use nom::combinator::opt;
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Offset, Parser};

use super::boundary::{Extent, known_command};
use super::command::{Command, Side};
use super::escape::Escapes;
use super::{Headers, Version};
use crate::refusal::{Kind, Refusal};

/// What a production makes of its input: the rest and the part, or where it failed and why.
type Read<'a, T> = IResult<&'a str, T, Fault<'a>>;

/// A place that no production fits.
#[derive(Debug)]
struct Fault<'a> {
    at: &'a str,
    sentence: &'static str,
}

impl<'a> ParseError<&'a str> for Fault<'a> {
    fn from_error_kind(at: &'a str, _: ErrorKind) -> Self {
        Self {
            at,
            sentence: "a line has no end: end each line of the head with LF, and the head with an empty line",
        }
    }

    fn append(_: &'a str, _: ErrorKind, first: Self) -> Self {
        first
    }
}

/// `frame = command EOL *( header EOL ) EOL *OCTET NULL`, of which `*OCTET NULL` is not read here.
///
/// `bytes` begin with the frame, and `extent` is what [`Boundary`](super::boundary::Boundary) said
/// of them.
pub(super) fn head(
    bytes: &[u8],
    extent: Extent,
    version: Version,
    reader: Side,
) -> Result<(Command, Headers), Refusal> {
    let head = text(bytes.get(..extent.head).unwrap_or_default())?;
    let (rest, line) = command_line(head).map_err(|error| refusal(head, error))?;
    let command = known_command(line.as_bytes(), reader)?;
    let headers = headers(head, rest, extent.headers, command, version)?;
    Ok((command, headers))
}

/// All text before the body is UTF-8, in every version ("Encoding").
fn text(head: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(head).map_err(|error| {
        let sentence = "the headers are not UTF-8: encode names and values as UTF-8; only the body may be any bytes";
        Refusal::new(Kind::MalformedFrame, error.valid_up_to(), sentence)
    })
}

/// `command EOL`
fn command_line(input: &str) -> Read<'_, &str> {
    terminated(before_eol, eol).parse(input)
}

/// `*( header EOL ) EOL`, where `input` is the end of `head` after the command line, and holds
/// `count` headers.
fn headers(
    head: &str,
    input: &str,
    count: usize,
    command: Command,
    version: Version,
) -> Result<Headers, Refusal> {
    let escapes = Escapes::of(command, version).used_in(input);
    let mut headers = Headers::with_capacity(count, input.len());
    let mut input = input;
    while eol(input).is_err() {
        let (rest, line) = terminated(before_eol, eol)
            .parse(input)
            .map_err(|error| refusal(head, error))?;
        let (value, name) = header(line).map_err(|error| refusal(head, error))?;
        if escapes == Escapes::None {
            headers.push_line(line, name.len());
        } else {
            headers.push(&plain(head, name, escapes)?, &plain(head, value, escapes)?);
        }
        input = rest;
    }
    Ok(headers)
}

/// `header = header-name ":" header-value`, of a line without its end: the name, and as the rest the value.
fn header(line: &str) -> Read<'_, &str> {
    terminated(header_name, |rest| {
        colon(rest).map_err(|_| {
            fault(
                line,
                "a header without a colon: write each header as name:value on a line of its own",
            )
        })
    })
    .parse(line)
}

/// `header-name = 1*<any OCTET except LF or ":">`, of a line without its end
fn header_name(line: &str) -> Read<'_, &str> {
    let end = memchr(b':', line.as_bytes()).unwrap_or(line.len());
    match line.split_at_checked(end) {
        Some((name, rest)) if !name.is_empty() => Ok((rest, name)),
        _ => Err(fault(
            line,
            "a header without a name: write each header as name:value",
        )),
    }
}

/// `":"`
fn colon(input: &str) -> Read<'_, &str> {
    tag(":").parse(input)
}

/// `*<any OCTET except LF>`, less the CR of the end of the line
fn before_eol(input: &str) -> Read<'_, &str> {
    let bytes = input.as_bytes();
    let line = memchr(b'\n', bytes)
        .and_then(|end| bytes.get(..end))
        .unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // Always `Some`: CR and LF are whole characters.
    input
        .split_at_checked(line.len())
        .map(|(line, rest)| (rest, line))
        .ok_or_else(|| nom::Err::Error(Fault::from_error_kind(input, ErrorKind::CrLf)))
}

/// `EOL = [CR] LF`
fn eol(input: &str) -> Read<'_, &str> {
    preceded(opt(tag("\r")), tag("\n")).parse(input)
}

fn fault<'a>(at: &'a str, sentence: &'static str) -> nom::Err<Fault<'a>> {
    nom::Err::Error(Fault { at, sentence })
}

/// The fault as it is told outside: with its offset in the frame, which begins with `head`.
fn refusal(head: &str, error: nom::Err<Fault<'_>>) -> Refusal {
    match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => {
            Refusal::new(Kind::MalformedFrame, head.offset(fault.at), fault.sentence)
        }
        // No production here waits for more: the frame is whole.
        nom::Err::Incomplete(_) => {
            Refusal::new(Kind::MalformedFrame, head.len(), "the frame ends too early")
        }
    }
}

/// What `part` of `head` stands for ("Value Encoding").
fn plain<'a>(head: &str, part: &'a str, escapes: Escapes) -> Result<Cow<'a, str>, Refusal> {
    escapes
        .undo(part)
        .map_err(|offset| undefined_escape(head.offset(part) + offset, escapes))
}

fn undefined_escape(offset: usize, escapes: Escapes) -> Refusal {
    let defined = match escapes {
        Escapes::None => "no escapes",
        Escapes::V1_1 => r"\n, \c and \\",
        Escapes::V1_2 => r"\r, \n, \c and \\",
    };
    let sentence =
        format!(r"an undefined escape: this version has {defined}; write a backslash as \\");
    Refusal::new(Kind::MalformedFrame, offset, sentence)
}
