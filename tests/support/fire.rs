//! The two sizes of a test that attacks: its small portion in `make test`, all of it in `make fire`.
//!
//! `HONGYAN_FIRE` names the folder that the figures of `make fire` go to; without it there is only the small portion.
//! `HONGYAN_FIRE_SHARE` (above 0, at most 1) takes a part of the whole, to try out that everything runs.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

/// The folder of the results; `None` but in `make fire`.
fn results() -> Option<PathBuf> {
    std::env::var_os("HONGYAN_FIRE").map(PathBuf::from)
}

/// Whether this is `make fire`.
pub fn whole() -> bool {
    results().is_some()
}

/// How often to do something: `small` in `make test`, `all` in `make fire`.
pub fn portion(small: u64, all: u64) -> u64 {
    if !whole() {
        return small;
    }
    let share: f64 = match std::env::var("HONGYAN_FIRE_SHARE") {
        Ok(share) => share.parse().expect("HONGYAN_FIRE_SHARE is a number"),
        Err(_) => 1.0,
    };
    assert!(share > 0.0 && share <= 1.0, "HONGYAN_FIRE_SHARE: {share}");
    ((all as f64 * share).ceil() as u64).max(small.min(all))
}

/// One line of the table in `docs/reliability.md`: a promise, what attacks it, and how much of that was done.
/// It is written when the attack is over, so what fails leaves no line.
pub struct Attack {
    name: &'static str,
    promise: &'static str,
    by: &'static str,
    counts: Vec<(&'static str, u64)>,
    begun: Instant,
}

impl Attack {
    /// `name` is the file of the result (a-z and -), `promise` one sentence, `by` the test: `tests/crash.rs`, `name_of_it`.
    pub fn on(name: &'static str, promise: &'static str, by: &'static str) -> Self {
        Self {
            name,
            promise,
            by,
            counts: Vec::new(),
            begun: Instant::now(),
        }
    }

    /// How many of what: `("kills", 1 000)`.
    pub fn count(&mut self, what: &'static str, how_many: u64) {
        self.counts.push((what, how_many));
    }

    /// The attack was repelled. Says so, and writes it down if this is `make fire`.
    pub fn repelled(self) {
        println!("{}: {:?}", self.name, self.counts);
        let Some(folder) = results() else { return };
        let counts: Vec<_> = self
            .counts
            .iter()
            .map(|(what, n)| json!([what, n]))
            .collect();
        let result = json!({
            "promise": self.promise,
            "by": self.by,
            "counts": counts,
            "seconds": self.begun.elapsed().as_secs(),
        });
        std::fs::create_dir_all(&folder).expect("a folder for the results");
        let file = folder.join(self.name).with_extension("json");
        std::fs::write(&file, result.to_string()).expect("the result is written");
    }
}
