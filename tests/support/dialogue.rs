//! Plays a dialogue of `frames/conversations/` with the STOMP machine, the broker and a store in memory, on a pretend
//! clock. The format is described in `frames/conversations/README.md`.
//!
//! Here the text is read, block by block; `stage.rs` does what they say for the users in `people.rs`, `listener.rs` is a
//! client's ear, `deeds.rs` what people do elsewhere, and `patterns.rs` compares what it heard.

mod deeds;
mod listener;
mod patterns;
mod people;
mod stage;

use crate::support::dialogue::stage::Stage;

/// How what a client says is cut before the machine hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Each line of the dialogue whole.
    Nowhere,
    /// Behind every byte.
    Everywhere,
}

/// Plays the dialogue in `text`. The error says which line is not as written.
pub fn play(text: &str, cut: Cut) -> Result<(), String> {
    let mut stage = Stage::new(cut);
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut block = Block::new(line);
        while let Some((_, more)) = lines.next_if(|(_, more)| more.starts_with("    ")) {
            block.add(more);
        }
        stage
            .perform(&block)
            .map_err(|why| format!("line {}: {line}\n{why}", index + 1))?;
    }
    stage.nothing_unsaid()
}

/// A line with the indented lines below it: headers, and after `>` the body.
struct Block<'a> {
    line: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<&'a str>,
    /// All lines with `>`, of which only `(raw)` may have more than one.
    pieces: Vec<&'a str>,
}

impl<'a> Block<'a> {
    fn new(line: &'a str) -> Self {
        Self {
            line,
            headers: Vec::new(),
            body: None,
            pieces: Vec::new(),
        }
    }

    fn add(&mut self, more: &'a str) {
        let more = more.trim();
        match (more.strip_prefix("> "), more.split_once(':')) {
            (Some(body), _) => {
                self.body = Some(body);
                self.pieces.push(body);
            }
            (None, Some(header)) => self.headers.push(header),
            (None, None) => panic!("neither a header nor a body: {more:?}"),
        }
    }
}
