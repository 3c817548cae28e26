//! Data that many brokers serve, one after the other, as each is killed; and what their clients know.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use hongyan::stores::sqlite::check;
use tempfile::TempDir;

use crate::ledger::Ledger;
use crate::load::Round;
use crate::load::prepare;
use crate::support::faults::Faults;
use crate::support::faults::Rule;
use crate::support::running::Running;
use crate::support::running::serve;

/// SIGKILL.
const KILLED: i32 = 9;

/// When a broker is to die.
pub enum Death {
    /// By a signal from outside, after so many answers.
    After(u64),
    /// By this rule, under load.
    At(Rule),
    /// By this rule, when it is told to stop after so many answers.
    Stopping(u64, Rule),
}

/// The data, and all that is known of them.
pub struct House {
    _folder: TempDir,
    /// The data directory.
    pub data: PathBuf,
    /// What stands between the brokers and their files.
    pub faults: Faults,
    /// What is known.
    pub ledger: Ledger,
    group: u64,
    padding: usize,
    /// Brokers that were killed.
    pub kills: u64,
}

impl House {
    /// New data, with the people in it. Contents are longer by `padding` bytes.
    pub async fn new(padding: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let broker = Running::start(&data, &[]);
        let group = prepare(&broker.address).await;
        broker.kill();
        Self {
            faults: Faults::new(folder.path()),
            _folder: folder,
            data,
            ledger: Ledger::default(),
            group,
            padding,
            kills: 1,
        }
    }

    fn start(&self) -> Running {
        let mut command = serve(&self.data, &[]);
        self.faults.attach(&mut command);
        Running::spawn(command)
    }

    fn round(&mut self, broker: &Running, answers: u64) -> Round {
        let ledger = std::mem::take(&mut self.ledger);
        Round::new(&broker.address, self.group, ledger, answers).padded(self.padding)
    }

    /// One broker's life and death. Its clients check what those before it have left.
    pub async fn kill(&mut self, death: Death) {
        let broker = self.start();
        let answers = match death {
            Death::After(answers) | Death::Stopping(answers, _) => answers,
            Death::At(_) => u64::MAX,
        };
        let mut load = self.round(&broker, answers).begin().await;
        match death {
            Death::After(_) => {
                load.enough().await;
                broker.kill();
            }
            Death::At(rule) => {
                let armed = self.faults.arm(&rule);
                self.faults.fired(&armed).await;
                killed(broker.ended());
                self.faults.disarm(armed);
            }
            Death::Stopping(_, rule) => {
                load.enough().await;
                let armed = self.faults.arm(&rule);
                killed(broker.terminate());
                self.faults.disarm(armed);
            }
        }
        self.kills += 1;
        self.ledger = load.over().await;
    }

    /// What the store says of itself while no broker runs.
    pub fn check(&self) {
        let report = check(&self.data).expect("it can be opened");
        assert!(report.is_sound(), "{report}");
    }

    /// The last broker: all that is unanswered is sent again, everything is received, and nothing is missing.
    pub async fn settle(&mut self) {
        let broker = self.start();
        let round = self.round(&broker, u64::MAX);
        self.ledger = round.settle().await;
        assert_eq!(self.ledger.begun(), self.ledger.kept());
        drop(broker);
        self.check();
    }
}

/// It was a rule that ended it.
pub fn killed(status: ExitStatus) {
    assert_eq!(status.signal(), Some(KILLED), "{status}");
}
