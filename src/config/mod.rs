//! What the operator wants: flags, environment and file, read by one table and one parser (`options`). It knows the
//! options' syntax, not what they do; it reads the file, and leaves arguments, environment and exit to its caller.

mod bench;
mod file;
mod options;
mod refusal;
mod values;

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::CommandFactory;
use clap::FromArgMatches;

pub use crate::config::bench::BenchOptions;
pub use crate::config::bench::Scenario;
pub use crate::config::options::Registration;
pub use crate::config::options::ServeOptions;

use crate::config::options::Line;
use crate::config::options::SERVING;
use crate::config::options::Sub;
use crate::config::options::UserSub;
use crate::config::refusal::Origin;

/// What is to be done.
#[derive(Clone, PartialEq, Eq)]
pub struct Cli {
    /// The command.
    pub command: Command,
    /// The data directory; it may not exist yet.
    pub data: PathBuf,
    /// Where messages are kept.
    pub store: StoreUrl,
    /// What to log, in the syntax of `tracing_subscriber::EnvFilter`, which has read it without complaint.
    pub log: String,
}

/// The commands.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// Serve until stopped.
    Serve(Box<ServeOptions>),
    /// Make an account. The name is not checked yet.
    UserAdd {
        /// What the user is to be called.
        name: String,
        /// Where the password comes from.
        password: Password,
    },
    /// Print a session token.
    Token {
        /// Whose.
        name: String,
    },
    /// Verify the data.
    Check,
    /// Copy the database.
    Backup {
        /// To this file.
        file: PathBuf,
    },
    /// Load a broker, and measure it.
    Bench(Box<BenchOptions>),
}

/// Where a new account's password comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// None was given: one is made.
    None,
    /// It was on the command line. Not checked yet.
    Given(String),
    /// It is the first line of stdin.
    Stdin,
}

/// Where messages are kept (`--store`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// SQLite, in the data directory.
    Sqlite,
}

/// Which browser origins are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowOrigins {
    /// All.
    Any,
    /// The one that the page itself came from.
    SameOnly,
    /// These, and no others: in lower case, without the port that the scheme implies, as browsers write them.
    List(Vec<String>),
}

/// Who may use which topics and queues: a `[[permit]]` of the file, as it stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permit {
    /// Names, uids, or `*`.
    pub users: Vec<String>,
    /// Destinations that they may subscribe to.
    pub read: Vec<String>,
    /// Destinations that they may send to.
    pub write: Vec<String>,
}

/// Why nothing is to be done: help or version was asked for, or something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// For stdout where `code` is 0, else one line for stderr.
    pub text: String,
    /// The exit status: 0, or 2 for a wrong option (CONTRACT section 1).
    pub code: u8,
}

impl ServeOptions {
    /// Whether anyone may make an account: what was said, else only where no other machine can ask.
    pub fn registration_open(&self) -> bool {
        match self.registration {
            Some(registration) => registration == Registration::Open,
            None => self.listen.ip().is_loopback(),
        }
    }

    /// Which browser origins are let in: those named, else any on a loopback listener, else the page's own.
    pub fn origins(&self) -> AllowOrigins {
        if !self.allow_origins.is_empty() {
            AllowOrigins::List(self.allow_origins.clone())
        } else if self.listen.ip().is_loopback() {
            AllowOrigins::Any
        } else {
            AllowOrigins::SameOnly
        }
    }
}

impl Cli {
    /// Reads the arguments (the first is the program), then the file they name, then puts all together. `variable`
    /// looks up the environment; a variable that is empty is as good as none. Values are checked wherever they stand,
    /// also where a stronger one hides them.
    pub fn load(
        args: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Stop> {
        let args: Vec<OsString> = args.into_iter().collect();
        let table = table();
        let flags = ready(table.clone())
            .try_get_matches_from(&args)
            .map_err(|why| refusal::stop(&why, &Origin::Flag))?;
        all_heard(&table, &args, &flags)?;

        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let config = flags.get_one::<PathBuf>("config").cloned();
        let config = config.or_else(|| variable(&variable_of("config")).map(PathBuf::from));
        let file::Contents {
            mut entries,
            permits,
        } = match &config {
            Some(path) => contents(path, &table)?,
            None => file::Contents::default(),
        };

        let mut merged = table.clone();
        for (id, key) in keys(&table) {
            let name = variable_of(&key);
            let in_file = entries.iter().position(|entry| entry.key == key);
            let in_file = in_file.map(|at| entries.swap_remove(at).values);
            let in_environment = variable(&name).map(|value| vec![value]);
            if let (Some(path), Some(values)) = (&config, &in_file) {
                check(&table, &key, values, &Origin::File(path.clone()))?;
            }
            if let Some(values) = &in_environment {
                check(&table, &key, values, &Origin::Variable(name))?;
            }
            if let Some(values) = in_environment.or(in_file) {
                merged = merged.mut_arg(id, |arg| arg.default_values(values));
            }
        }
        let matches = ready(merged).try_get_matches_from(&args);
        matches
            .and_then(|matches| Line::from_arg_matches(&matches))
            .map_err(|why| refusal::stop(&why, &Origin::Flag))
            .and_then(|mut line| {
                line.serve.permits = permits;
                Self::from_line(line)
            })
    }

    fn from_line(line: Line) -> Result<Self, Stop> {
        let serve = line.serve;
        let alone = match (&serve.tls_cert, &serve.tls_key) {
            (Some(_), None) => Some(("--tls-cert", "--tls-key")),
            (None, Some(_)) => Some(("--tls-key", "--tls-cert")),
            _ => None,
        };
        if let Some((one, other)) = alone {
            return Err(refusal::wrong(format!(
                "{one}: it stands alone; allowed are both it and {other}, or neither"
            )));
        }
        if serve.trust_login && !serve.listen.ip().is_loopback() {
            return Err(refusal::wrong(format!(
                "--trust-login: true is not allowed with --listen {}; allowed is it on a loopback address only, such as 127.0.0.1:8080",
                serve.listen
            )));
        }
        let command = match line.command {
            None | Some(Sub::Serve) => Command::Serve(Box::new(serve)),
            Some(Sub::User(UserSub::Add {
                name,
                password,
                password_stdin,
            })) => Command::UserAdd {
                name,
                password: match password {
                    Some(password) => Password::Given(password),
                    None if password_stdin => Password::Stdin,
                    None => Password::None,
                },
            },
            Some(Sub::Token { name }) => Command::Token { name },
            Some(Sub::Check) => Command::Check,
            Some(Sub::Backup { file }) => Command::Backup { file },
            Some(Sub::Bench(options)) => Command::Bench(options),
        };
        Ok(Self {
            command,
            data: line.common.data,
            store: line.common.store,
            log: line.common.log,
        })
    }
}

/// The options as clap knows them: each good before and after the command, each with its variable in the help.
fn table() -> clap::Command {
    // `-1` is a wrong value, not an unknown option.
    Line::command().mut_args(|arg| {
        let arg = arg.allow_negative_numbers(true);
        let key = arg.get_long().unwrap_or_default();
        let help = arg.get_help().cloned().unwrap_or_default();
        let help = format!("{help} [env: {}]", variable_of(key));
        arg.global(true).help(help)
    })
}

/// The same, with the options for serving left out of the help of commands that ignore them.
fn ready(mut table: clap::Command) -> clap::Command {
    // Building hands the options down to the commands; only then can they be hidden there.
    table.build();
    let commands: Vec<String> = table
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .filter(|name| name != "serve")
        .collect();
    commands.iter().fold(table, |table, name| {
        table.mut_subcommand(name, hide_serving)
    })
}

fn hide_serving(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let serving = arg.get_help_heading() == Some(SERVING);
            arg.hide(serving)
        })
        .mut_subcommands(hide_serving)
}

/// `--max-frame` is `HONGYAN_MAX_FRAME`.
fn variable_of(key: &str) -> String {
    format!("HONGYAN_{}", key.replace('-', "_").to_ascii_uppercase())
}

/// What may stand in the file and the environment: clap's id and the key of each option but `--config`, which says
/// where the file is.
fn keys(table: &clap::Command) -> impl Iterator<Item = (clap::Id, String)> {
    table
        .get_arguments()
        .filter(|arg| arg.get_id() != "config")
        .filter_map(|arg| Some((arg.get_id().clone(), arg.get_long()?.to_owned())))
}

/// Of a repeatable option on both sides of the command, clap hears one side only.
fn all_heard(table: &clap::Command, args: &[OsString], flags: &ArgMatches) -> Result<(), Stop> {
    for arg in table.get_arguments().filter(|arg| repeatable(arg)) {
        let flag = format!("--{}", arg.get_long().unwrap_or_default());
        let is_flag = |text: &&str| text.split('=').next() == Some(&flag);
        let said = args.iter().filter_map(|text| text.to_str()).filter(is_flag);
        let heard = flags.get_raw_occurrences(arg.get_id().as_str());
        if said.count() > heard.map_or(0, Iterator::count) {
            return Err(refusal::wrong(format!(
                "{flag}: it stands before and after the command; allowed is one of the two"
            )));
        }
    }
    Ok(())
}

fn repeatable(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// What is in the file: all keys known, and arrays only where an option may be repeated.
fn contents(path: &Path, table: &clap::Command) -> Result<file::Contents, Stop> {
    let named = path.display();
    let contents =
        file::read(path).map_err(|why| refusal::wrong(format!("--config: {named} {why}")))?;
    for entry in &contents.entries {
        let Some((id, _)) = keys(table).find(|(_, key)| *key == entry.key) else {
            let allowed: Vec<String> = keys(table).map(|(_, key)| key).collect();
            return Err(refusal::wrong(format!(
                "--config: {named} has a key {:?}, which is none; allowed are {}",
                entry.key,
                allowed.join(", ")
            )));
        };
        let single = |arg: &Arg| *arg.get_id() == id && !repeatable(arg);
        if entry.is_array && table.get_arguments().any(single) {
            return Err(refusal::wrong(format!(
                "--{} ({0} in {named}): an array is not allowed; allowed is one value",
                entry.key
            )));
        }
    }
    Ok(contents)
}

/// Reads each value as if it were the only flag.
fn check(
    table: &clap::Command,
    key: &str,
    values: &[OsString],
    origin: &Origin,
) -> Result<(), Stop> {
    for value in values {
        let mut flag = OsString::from(format!("--{key}="));
        flag.push(value);
        table
            .clone()
            .try_get_matches_from([OsString::from("hongyan"), flag])
            .map_err(|why| refusal::stop(&why, origin))?;
    }
    Ok(())
}
