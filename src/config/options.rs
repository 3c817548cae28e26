//! The one table of options. A flag, its variable, its key in the file and its line of help are all made from a field here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use http::Uri;

use crate::config::BenchOptions;
use crate::config::Permit;
use crate::config::StoreUrl;
use crate::config::values;

const EXAMPLES: &str = "\
Every option is also a variable (shown as [env: …]) and, without the dashes, a key of the --config
file: max-frame = \"2MiB\". A flag beats the variable, the variable the file, the file the default.
Several values in one variable are separated by commas. A variable that is empty counts as absent.

Examples:
  hongyan                                   serve on 127.0.0.1:8080, data in ./hongyan-data
  hongyan --listen 0.0.0.0:8080 --allow-origin https://chat.example
  hongyan --listen 0.0.0.0:443 --stomp-listen 0.0.0.0:61612 --tls-cert chain.pem --tls-key key.pem
  hongyan serve --config /etc/hongyan.toml
  hongyan user add li --password-stdin      make an account
  hongyan token li                          print a session token for it
  hongyan backup copy.db                    copy the database while it is in use
  hongyan bench chat                        how many messages a second on this machine?";

/// A chat message broker: STOMP over WebSocket, SockJS and TCP, one inbox, kept on SQLite.
#[derive(Parser)]
#[command(name = "hongyan", bin_name = "hongyan", version, after_help = EXAMPLES)]
pub(super) struct Line {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) serve: ServeOptions,
    #[command(subcommand)]
    pub(super) command: Option<Sub>,
}

/// Options of every command.
#[derive(Args)]
pub(super) struct Common {
    /// TOML file with any of these options
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Directory of the database and the keys; made where it is missing
    #[arg(long, value_name = "DIR", default_value = "./hongyan-data")]
    pub(super) data: PathBuf,
    /// Where messages are kept: sqlite: is a database in the --data directory
    #[arg(long, value_name = "URL", default_value = "sqlite:", value_parser = values::store)]
    pub(super) store: StoreUrl,
    /// What is logged to stderr: off, error, warn, info, debug, trace, or a list such as warn,hongyan=debug
    #[arg(long, value_name = "FILTER", default_value = "info", value_parser = values::log_filter)]
    pub(super) log: String,
}

/// The heading over [`ServeOptions`] in the help.
pub(super) const SERVING: &str = "Serving";

/// What a server is told (CONTRACT section 1).
#[derive(Args, Clone, PartialEq, Eq)]
#[command(next_help_heading = SERVING)]
pub struct ServeOptions {
    /// Address and port of WebSocket, SockJS and REST; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = values::listener)]
    pub listen: SocketAddr,
    /// Address and port of STOMP over TCP; port 0 picks a free one [default: off]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listener)]
    pub stomp_listen: Option<SocketAddr>,
    /// Certificate for TLS on all listeners, in PEM, with the chain behind it; read again at SIGHUP [default: no TLS]
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Prefix of every HTTP path
    // Without the slash at its end: empty for `/`, so that a path can be put behind it.
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = values::context_path)]
    pub context_path: String,
    /// May anyone make an account over REST [default: open on a loopback listener, else closed]
    #[arg(
        long,
        value_enum,
        value_name = "open|closed",
        hide_possible_values = true
    )]
    pub registration: Option<Registration>,
    /// Key that verifies tokens minted elsewhere, beside our own: an HS256 secret of at least 32 bytes, or a public
    /// key in PEM (RS256, ES256, EdDSA)
    #[arg(long, value_name = "FILE")]
    pub jwt_key: Option<PathBuf>,
    /// Key of another server that may call this one, long and random; may be repeated
    #[arg(long = "api-key", value_name = "KEY", value_delimiter = ',', value_parser = values::api_key)]
    pub api_keys: Vec<String>,
    /// Browser origin that is let in, such as https://chat.example; may be repeated [default: any on a loopback
    /// listener, else the page's own]
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_delimiter = ',', value_parser = values::origin)]
    pub allow_origins: Vec<String>,
    /// Only friends may write to each other
    #[arg(long, value_name = "true|false", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = values::switch, action = clap::ArgAction::Set)]
    pub friends_only: bool,
    /// Let Socket.IO clients log in by nothing but a user's name, for trials: only where --listen is on loopback
    #[arg(long, value_name = "true|false", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = values::switch, action = clap::ArgAction::Set)]
    pub trust_login: bool,
    /// URL that is told, by signed POSTs, of messages for users with no session [default: off]
    #[arg(long, value_name = "URL", value_parser = values::webhook)]
    pub webhook: Option<Uri>,
    /// Connections at once
    #[arg(long, value_name = "NUMBER", default_value = "100000", value_parser = values::whole::<usize>(1, 10_000_000))]
    pub max_connections: usize,
    /// Longest frame a client may send, in bytes, KiB or MiB
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = values::size(1 << 10, 64 << 20))]
    pub max_frame: usize,
    /// Longest content of a message, in bytes, KiB or MiB; no longer than a frame
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = values::size(1, 64 << 20))]
    pub max_content: usize,
    /// Messages a second that one user may send
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = values::whole::<u32>(1, 1_000_000))]
    pub message_rate: u32,
    /// Messages in one queue (/queue/…)
    #[arg(long, value_name = "NUMBER", default_value = "1000000", value_parser = values::whole::<u64>(1, 1_000_000_000))]
    pub max_queue: u64,
    /// Headers and bodies in one queue, in bytes, KiB or MiB
    #[arg(long, value_name = "SIZE", default_value = "1024MiB", value_parser = values::size(1, 1 << 40))]
    pub max_queue_bytes: usize,
    /// Seconds to tell the sessions and flush when stopping
    #[arg(long = "drain", value_name = "SECONDS", default_value = "10", value_parser = values::whole::<u64>(0, 3_600))]
    pub drain_s: u64,
    /// Who may use which topics and queues: only in the file
    #[arg(skip)]
    pub permits: Vec<Permit>,
}

/// Who may make an account over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Anyone.
    Open,
    /// Nobody.
    Closed,
}

#[derive(Subcommand)]
pub(super) enum Sub {
    /// Serve until stopped; what is done when no command is given
    Serve,
    /// Accounts
    #[command(subcommand, arg_required_else_help = false)]
    User(UserSub),
    /// Print a session token for a user
    Token {
        /// The user's name
        name: String,
    },
    /// Open the data, verify it, print counts
    Check,
    /// Copy the database, also while a server uses it
    Backup {
        /// The copy; must not exist
        file: PathBuf,
    },
    /// Load a STOMP broker and measure it: this one, or any other
    Bench(Box<BenchOptions>),
}

#[derive(Subcommand)]
pub(super) enum UserSub {
    /// Make an account; where no password is given, one is made and printed
    Add {
        /// 1 to 64 characters, no control characters, no '/', not all digits
        name: String,
        /// The password, 8 to 1024 bytes. Other users of this machine may see it: prefer --password-stdin
        #[arg(long, conflicts_with = "password_stdin")]
        password: Option<String>,
        /// Read the password from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
    },
}
