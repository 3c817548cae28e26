//! What is said when something is wrong: one line that names the option, the value and what is allowed.

use std::error::Error;
use std::path::PathBuf;

use clap::error::ContextKind;
use clap::error::ContextValue;
use clap::error::ErrorKind;

use crate::config::Stop;

/// The options whose values are not repeated, since the line may end in a log: a key, and a URL that may hold a password.
const SECRETS: [&str; 2] = ["--api-key", "--webhook"];

/// Where a value stood.
pub(super) enum Origin {
    /// On the command line.
    Flag,
    /// In the variable of this name.
    Variable(String),
    /// In this file.
    File(PathBuf),
}

/// A wrong option.
pub(super) fn wrong(text: String) -> Stop {
    // One line, whatever was quoted.
    let text = text.replace(|c: char| c.is_control(), " ");
    Stop { text, code: 2 }
}

/// What clap has to say, in our words.
pub(super) fn stop(why: &clap::Error, origin: &Origin) -> Stop {
    match why.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop {
            text: why.render().to_string(),
            code: 0,
        },
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::InvalidUtf8 => {
            wrong(value_refused(why, origin).unwrap_or_else(|| retold(why)))
        }
        _ => wrong(retold(why)),
    }
}

fn value_refused(why: &clap::Error, origin: &Origin) -> Option<String> {
    // "--listen <ADDR:PORT>": the option alone is the name.
    let named = text(why, ContextKind::InvalidArg)?;
    let option = named.split(' ').next()?;
    let value = text(why, ContextKind::InvalidValue)?;
    let what = match value {
        "" => "no value".to_owned(),
        _ if SECRETS.contains(&option) => {
            format!("a value of {} characters", value.chars().count())
        }
        _ => format!("{value:?}"),
    };
    let allowed = match (why.source(), why.get(ContextKind::ValidValue)) {
        (Some(sentence), _) => sentence.to_string(),
        (None, Some(ContextValue::Strings(all))) if !all.is_empty() => {
            format!("allowed are {}", all.join(", "))
        }
        _ => format!("allowed is {named}"),
    };
    let key = option.trim_start_matches('-');
    let origin = match origin {
        Origin::Flag => String::new(),
        Origin::Variable(name) => format!(" ({name})"),
        Origin::File(path) => format!(" ({key} in {})", path.display()),
    };
    Some(format!(
        "{option}{origin}: {what} is not allowed; {allowed}"
    ))
}

fn text(why: &clap::Error, kind: ContextKind) -> Option<&str> {
    match why.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// clap's own words, without the usage and the invitation that follow them.
fn retold(why: &clap::Error) -> String {
    let rendered = why.render().to_string();
    let words: Vec<&str> = rendered
        .trim_start_matches("error: ")
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .flat_map(str::split_whitespace)
        .collect();
    format!("{} (see hongyan --help)", words.join(" "))
}
