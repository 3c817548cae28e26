//! The scenarios: who connects, what they say, and what is measured.

mod connections;
mod echo;
mod history;
mod messages;
mod offline;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;

use crate::bench::Failed;
use crate::bench::host::Host;
use crate::bench::people::People;
use crate::bench::report::Report;
use crate::config::BenchOptions;
use crate::config::Scenario;

/// All that a scenario needs.
struct Stage<'a> {
    options: &'a BenchOptions,
    host: &'a Host,
    people: People<'a>,
}

/// Plays the scenario of `options` on `host`.
pub(super) async fn run(options: &BenchOptions, host: &Host) -> Result<Report, Failed> {
    let stage = Stage {
        options,
        host,
        people: People::new(host),
    };
    let report = match options.scenario {
        Scenario::Chat => messages::chat(&stage).await,
        Scenario::Stomp => messages::stomp(&stage).await,
        Scenario::Topic => messages::topic(&stage).await,
        Scenario::Group => messages::group(&stage).await,
        Scenario::Socketio => messages::socketio(&stage).await,
        Scenario::Offline => offline::run(&stage).await,
        Scenario::History => history::run(&stage).await,
        Scenario::Connect => connections::connect(&stage).await,
        Scenario::Idle => connections::idle(&stage).await,
        Scenario::Echo => echo::run(&stage).await,
        Scenario::Broadcast => messages::broadcast(&stage).await,
    };
    report.map(|mut report| {
        report.start(host);
        report
    })
}

impl Stage<'_> {
    /// CONNECT as the options say, else as user `number` of the run.
    async fn connect_frame(&self, number: u64) -> Result<Frame, Failed> {
        match (&self.options.login, &self.options.passcode) {
            (Some(login), Some(passcode)) => Ok(self
                .bare_connect()
                .header("login", login)
                .header("passcode", passcode)),
            _ => {
                let person = self.people.person(number).await?;
                Ok(self.bare_connect().header("srect", &person.token))
            }
        }
    }

    fn bare_connect(&self) -> Frame {
        Frame::new(Command::Connect)
            .header("accept-version", "1.2")
            .header("host", &self.options.vhost)
            .header("heart-beat", "0,0")
    }
}

/// SUBSCRIBE.
fn subscribe(destination: &str) -> Frame {
    Frame::new(Command::Subscribe)
        .header("id", destination)
        .header("destination", destination)
}
