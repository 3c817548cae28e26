//! All metrics in one table: the public names of what others count. Written as Prometheus reads them.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::tally::Count;
use crate::gateways::tally::Tally;

/// Where the numbers come from.
pub struct Sources {
    /// Sessions, messages, refusals.
    pub broker: Arc<Broker>,
    /// Connections and log-ins.
    pub gateways: Arc<Tally>,
    /// What the store has counted, where it counts.
    pub store: Option<Box<dyn Fn() -> StoreFigures + Send + Sync>>,
    /// When the process started, milliseconds since the Unix epoch.
    pub started_ms: u64,
}

/// What a store counts, since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreFigures {
    /// Commits.
    pub commits: u64,
    /// Times that nothing could be written any more.
    pub troubles: u64,
    /// Times that it could again.
    pub recoveries: u64,
    /// Writes refused meanwhile.
    pub refused: u64,
    /// Checkpoints that failed.
    pub checkpoints_failed: u64,
}

impl Sources {
    /// All metrics as text. Reads `/proc`, so it may block for a moment.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(4 * 1024);
        for metric in METRICS {
            let Some(value) = (metric.read)(self) else {
                continue;
            };
            let (name, help) = (metric.name, metric.help);
            let kind = metric.kind.word();
            // Writing to a String never fails.
            let _ = write!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
            );
        }
        text
    }
}

enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
}

impl Kind {
    fn word(&self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    /// `None` where this system does not tell.
    read: fn(&Sources) -> Option<u64>,
}

const METRICS: &[Metric] = &[
    Metric {
        name: "hongyan_sessions_online",
        kind: Kind::Gauge,
        help: "Sessions open now.",
        read: |s| {
            let tally = s.broker.tally();
            Some(open(&tally.sessions_opened, &tally.sessions_closed))
        },
    },
    Metric {
        name: "hongyan_sessions_opened_total",
        kind: Kind::Counter,
        help: "Sessions opened.",
        read: |s| Some(s.broker.tally().sessions_opened.get()),
    },
    Metric {
        name: "hongyan_sessions_closed_total",
        kind: Kind::Counter,
        help: "Sessions closed.",
        read: |s| Some(s.broker.tally().sessions_closed.get()),
    },
    Metric {
        name: "hongyan_messages_stored_total",
        kind: Kind::Counter,
        help: "Messages committed.",
        read: |s| Some(s.broker.tally().messages_stored.get()),
    },
    Metric {
        name: "hongyan_messages_repeated_total",
        kind: Kind::Counter,
        help: "Equal sends of a message that was committed before.",
        read: |s| Some(s.broker.tally().messages_repeated.get()),
    },
    Metric {
        name: "hongyan_messages_received_total",
        kind: Kind::Counter,
        help: "Messages confirmed by their receivers.",
        read: |s| Some(s.broker.tally().messages_received.get()),
    },
    Metric {
        name: "hongyan_refusals_total",
        kind: Kind::Counter,
        help: "Commands refused.",
        read: |s| Some(s.broker.tally().refusals.get()),
    },
    Metric {
        name: "hongyan_notices_dropped_total",
        kind: Kind::Counter,
        help: "Notices, of deliveries and of people, dropped because too many waited.",
        read: |s| Some(s.broker.tally().notices_dropped.get()),
    },
    Metric {
        name: "hongyan_pages_read_total",
        kind: Kind::Counter,
        help: "Pages read from the store for sessions that were behind.",
        read: |s| Some(s.broker.tally().pages_read.get()),
    },
    Metric {
        name: "hongyan_topic_messages_published_total",
        kind: Kind::Counter,
        help: "Messages published to topics.",
        read: |s| Some(s.broker.tally().posts_published.get()),
    },
    Metric {
        name: "hongyan_topic_messages_passed_on_total",
        kind: Kind::Counter,
        help: "Topic messages passed on, one for each subscription.",
        read: |s| Some(s.broker.tally().posts_passed_on.get()),
    },
    Metric {
        name: "hongyan_slow_consumers_total",
        kind: Kind::Counter,
        help: "Sessions ended because they took their topic messages too slowly.",
        read: |s| Some(s.broker.tally().slow_consumers.get()),
    },
    Metric {
        name: "hongyan_queue_messages_stored_total",
        kind: Kind::Counter,
        help: "Messages kept in queues.",
        read: |s| Some(s.broker.tally().queued.get()),
    },
    Metric {
        name: "hongyan_queue_messages_handed_out_total",
        kind: Kind::Counter,
        help: "Messages of queues handed to consumers, again or for the first time.",
        read: |s| Some(s.broker.tally().queue_handouts.get()),
    },
    Metric {
        name: "hongyan_queue_messages_buried_total",
        kind: Kind::Counter,
        help: "Messages of queues moved to /queue/dead.",
        read: |s| Some(s.broker.tally().buried.get()),
    },
    Metric {
        name: "hongyan_store_commits_total",
        kind: Kind::Counter,
        help: "Commits of the store.",
        read: |s| Some(s.store.as_ref()?().commits),
    },
    Metric {
        name: "hongyan_store_writable",
        kind: Kind::Gauge,
        help: "Whether the last write showed that messages can be kept: 1 or 0.",
        read: |s| Some(u64::from(s.broker.health().is_ok())),
    },
    Metric {
        name: "hongyan_store_troubles_total",
        kind: Kind::Counter,
        help: "Times that messages could not be kept any more.",
        read: |s| Some(s.store.as_ref()?().troubles),
    },
    Metric {
        name: "hongyan_store_recoveries_total",
        kind: Kind::Counter,
        help: "Times that messages could be kept again, without a restart.",
        read: |s| Some(s.store.as_ref()?().recoveries),
    },
    Metric {
        name: "hongyan_store_writes_refused_total",
        kind: Kind::Counter,
        help: "Writes refused because nothing could be kept.",
        read: |s| Some(s.store.as_ref()?().refused),
    },
    Metric {
        name: "hongyan_store_checkpoints_failed_total",
        kind: Kind::Counter,
        help: "Times that the write-ahead log could not be moved into the database.",
        read: |s| Some(s.store.as_ref()?().checkpoints_failed),
    },
    Metric {
        name: "hongyan_connections_open",
        kind: Kind::Gauge,
        help: "Connections open now.",
        read: |s| {
            let tally = &s.gateways;
            Some(open(&tally.connections_opened, &tally.connections_closed))
        },
    },
    Metric {
        name: "hongyan_connections_opened_total",
        kind: Kind::Counter,
        help: "Connections that a gateway took over.",
        read: |s| Some(s.gateways.connections_opened.get()),
    },
    Metric {
        name: "hongyan_connections_stalled_total",
        kind: Kind::Counter,
        help: "Clients that did not take what was sent to them in time.",
        read: |s| Some(s.gateways.stalled.get()),
    },
    Metric {
        name: "hongyan_stale_acks_total",
        kind: Kind::Counter,
        help: "Acknowledgements and unsubscriptions of something that is no more.",
        read: |s| Some(s.gateways.stale.get()),
    },
    Metric {
        name: "hongyan_webhook_events_waiting",
        kind: Kind::Gauge,
        help: "Events that the webhook is still to be told.",
        read: |s| {
            let (kept, tally) = (s.broker.tally().hooks_kept.get(), &s.gateways);
            let over = [
                &tally.hooks_told,
                &tally.hooks_needless,
                &tally.hooks_failed,
            ];
            let over: u64 = over.map(Count::get).iter().sum();
            Some((tally.hooks_found.get() + kept).saturating_sub(over))
        },
    },
    Metric {
        name: "hongyan_webhook_events_sent_total",
        kind: Kind::Counter,
        help: "Events that the webhook was told, and took.",
        read: |s| Some(s.gateways.hooks_told.get()),
    },
    Metric {
        name: "hongyan_webhook_events_retried_total",
        kind: Kind::Counter,
        help: "Tries to tell the webhook that were in vain and are made again.",
        read: |s| Some(s.gateways.hooks_retried.get()),
    },
    Metric {
        name: "hongyan_webhook_events_failed_total",
        kind: Kind::Counter,
        help: "Events that were given up after the last try.",
        read: |s| Some(s.gateways.hooks_failed.get()),
    },
    Metric {
        name: "hongyan_logins_refused_total",
        kind: Kind::Counter,
        help: "Tokens, keys and passwords refused.",
        read: |s| Some(s.gateways.logins_refused.get()),
    },
    Metric {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        help: "When the process started, seconds since the Unix epoch.",
        read: |s| Some(s.started_ms / 1_000),
    },
    Metric {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        help: "Resident memory.",
        read: |_| resident_bytes(&fs::read_to_string("/proc/self/status").ok()?),
    },
    Metric {
        name: "process_open_fds",
        kind: Kind::Gauge,
        help: "Open file descriptors.",
        read: |_| open_files(),
    },
];

/// The closed are read first, so that one which comes and goes in between is never missing from the opened.
fn open(opened: &Count, closed: &Count) -> u64 {
    let closed = closed.get();
    opened.get().saturating_sub(closed)
}

/// The line `VmRSS:  1234 kB` of `/proc/self/status`.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn open_files() -> Option<u64> {
    const DIRECTORY: &str = "/proc/self/fd";
    // Newer kernels give the number as the size, so that a hundred thousand need not be listed.
    match fs::metadata(DIRECTORY).ok()?.len() {
        0 => u64::try_from(fs::read_dir(DIRECTORY).ok()?.count()).ok(),
        files => Some(files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_say_what_they_are() {
        let mut names = HashSet::new();
        for metric in METRICS {
            let name = metric.name;
            assert!(names.insert(name), "{name} twice");
            let counts = matches!(metric.kind, Kind::Counter);
            assert_eq!(name.ends_with("_total"), counts, "{name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            assert!(metric.help.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn resident_memory_is_read_in_kib() {
        let status = "Name:\thongyan\nVmPeak:\t  99 kB\nVmRSS:\t  1234 kB\n";
        assert_eq!(resident_bytes(status), Some(1_263_616));
        assert_eq!(resident_bytes("Name:\thongyan\n"), None);
    }
}
