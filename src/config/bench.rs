//! The options of `hongyan bench`. What they do is the load generator's affair (`bench/`).

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use http::Uri;

use crate::config::values;

const EXAMPLES: &str = "\
Examples:
  hongyan bench chat --pin                  20 pairs, with a broker of its own on the first core
  hongyan bench chat --rate 5000            as many messages a second, whatever the answers take
  hongyan bench topic --receivers 1000      one sender, a thousand subscribers
  hongyan bench stomp --url ws://127.0.0.1:15674/ws --login guest --passcode guest --header persistent:true
  hongyan bench socketio --url ws://127.0.0.1:3000/socket.io/ --key any-file
  hongyan bench offline --messages 10000000 --keep full; hongyan bench chat --keep full
  hongyan bench chat --json > run.json; hongyan bench chat --plot run.svg

Without --url a broker is started in a temporary folder (or in that of --keep), and removed afterwards. Every message must arrive once and in
order, or the run fails. Figures of one machine compare with figures of the same machine and the same hour, no others.";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Pairs of users: a message is sent, kept, answered, pushed and confirmed
    Chat,
    /// Any STOMP broker: SEND with a receipt, MESSAGE, ACK (client-individual), a queue for each pair
    Stomp,
    /// One sends to a topic, --receivers subscribe to it
    Topic,
    /// One sends to a group of --members, of whom --receivers are here
    Group,
    /// Pairs over Socket.IO (logIn, message/direct): a message is sent, acknowledged and pushed
    Socketio,
    /// --messages are sent to users who are away; then they come and take them
    Offline,
    /// Pages of 50 at the end and at the beginning of a conversation of --messages
    History,
    /// Connections a second: connect, log in, subscribe
    Connect,
    /// Memory for each of --connections that are logged in, subscribed and quiet
    Idle,
    /// The ceiling of chat: its frames, sent back by a server that does nothing else
    Echo,
    /// The ceiling of topic: its frames, written to --receivers by a server that does nothing else
    Broadcast,
}

/// How a load is made (CONTRACT section 1).
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = EXAMPLES)]
pub struct BenchOptions {
    /// What to measure
    #[arg(value_enum)]
    pub scenario: Scenario,
    /// Broker to load: ws://HOST:PORT/PATH or stomp://HOST:PORT [default: one of its own]
    #[arg(long, value_name = "URL")]
    pub url: Option<Uri>,
    /// Where a broker of its own has its data, and leaves them for the next run [default: a temporary folder, removed]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub keep: Option<PathBuf>,
    /// The HS256 secret that this Hongyan was given as --jwt-key; without it, accounts are made over REST
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Name to log in with, at a broker other than Hongyan
    #[arg(long, value_name = "NAME", requires = "passcode")]
    pub login: Option<String>,
    /// Password to it
    #[arg(long, value_name = "PASSWORD", requires = "login")]
    pub passcode: Option<String>,
    /// The header host of CONNECT
    #[arg(long, value_name = "HOST", default_value = "/")]
    pub vhost: String,
    /// Destination of stomp and topic; {} is the number of the pair [default: /queue/bench-{}, /topic/bench]
    #[arg(long, value_name = "DESTINATION")]
    pub destination: Option<String>,
    /// Header of every SEND and SUBSCRIBE of stomp and topic; may be repeated
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// Senders, each with a receiver
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = values::whole::<usize>(1, 10_000))]
    pub pairs: usize,
    /// Messages of a sender that are not yet answered and delivered, at most
    #[arg(long, value_name = "NUMBER", default_value = "32", value_parser = values::whole::<usize>(1, 100_000))]
    pub window: usize,
    /// Bytes of a message's content
    #[arg(long, value_name = "BYTES", default_value = "100", value_parser = values::size(12, 16 << 20))]
    pub bytes: usize,
    /// Messages a second in all, sent when they are due whether or not the broker keeps up (an open loop); latency counts
    /// from when a message was due [default: as fast as the window allows]
    #[arg(long, value_name = "NUMBER", value_parser = values::whole::<u64>(1, 10_000_000))]
    pub rate: Option<u64>,
    /// Seconds to measure
    #[arg(long = "seconds", value_name = "SECONDS", default_value = "10", value_parser = values::whole::<u64>(1, 86_400))]
    pub seconds: u64,
    /// Seconds before that, which count for nothing
    #[arg(long = "warm-up", value_name = "SECONDS", default_value = "2", value_parser = values::whole::<u64>(0, 3_600))]
    pub warm_up_s: u64,
    /// Subscribers of a topic, or sockets of broadcast; members of a group who are here
    #[arg(long, value_name = "NUMBER", default_value = "1000", value_parser = values::whole::<usize>(1, 20_000))]
    pub receivers: usize,
    /// Members of the group
    #[arg(long, value_name = "NUMBER", default_value = "10000", value_parser = values::whole::<usize>(2, 20_000))]
    pub members: usize,
    /// Connections of idle
    #[arg(long, value_name = "NUMBER", default_value = "1000", value_parser = values::whole::<usize>(1, 1_000_000))]
    pub connections: usize,
    /// Messages of offline and history
    #[arg(long, value_name = "NUMBER", default_value = "100000", value_parser = values::whole::<u64>(1, 1_000_000_000))]
    pub messages: u64,
    /// Ask for the answer to each confirmation as well (chat)
    #[arg(long)]
    pub confirm_status: bool,
    /// Broker on the first core, load on the second (Linux, with taskset)
    #[arg(long)]
    pub pin: bool,
    /// Process of the broker at --url, for its memory and its time on the processor
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Be the server of echo and broadcast
    #[arg(long, hide = true)]
    pub bare_server: bool,
    /// Draw throughput and latency
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.trim_start().to_owned()))
        }
        _ => Err("allowed is NAME:VALUE, such as persistent:true".into()),
    }
}
