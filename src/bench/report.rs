//! What a run has measured: as a table for people, as JSON for programs.

use std::fmt;

use hdrhistogram::Histogram;
use serde_json::Value;
use serde_json::json;

use crate::bench::host::Host;
use crate::bench::meter::Second;
use crate::config::BenchOptions;
use crate::config::Scenario;

/// The percentiles that are told.
pub(super) const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// Latencies of one kind.
pub(super) struct Latency {
    /// Of what.
    pub(super) name: &'static str,
    /// Microseconds.
    pub(super) histogram: Histogram<u64>,
}

/// The result of a run.
pub(super) struct Report {
    scenario: Scenario,
    broker: String,
    parameters: Vec<(&'static str, u64)>,
    figures: Vec<(&'static str, f64, &'static str)>,
    /// Latencies, each with its name.
    pub(super) latencies: Vec<Latency>,
    /// Second by second, where messages flowed.
    pub(super) seconds: Vec<Second>,
    /// Seconds at the beginning that count for nothing.
    pub(super) warm_up_s: u64,
}

impl Report {
    /// An empty one.
    pub(super) fn new(options: &BenchOptions, host: &Host) -> Self {
        Self {
            scenario: options.scenario,
            broker: match host.own {
                true => "one of its own".into(),
                false => host.url.to_string(),
            },
            parameters: Vec::new(),
            figures: Vec::new(),
            latencies: Vec::new(),
            seconds: Vec::new(),
            warm_up_s: options.warm_up_s,
        }
    }

    /// How the load was made.
    pub(super) fn parameter(&mut self, name: &'static str, value: usize) {
        self.parameters.push((name, value as u64));
    }

    /// What came of it.
    pub(super) fn figure(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.figures.push((name, value, unit));
    }

    /// How long something took.
    pub(super) fn latency(&mut self, name: &'static str, histogram: &Histogram<u64>) {
        let histogram = histogram.clone();
        self.latencies.push(Latency { name, histogram });
    }

    /// The broker's memory, where it is known.
    pub(super) fn memory(&mut self, host: &Host) {
        if let Some(bytes) = host.resident_bytes() {
            self.figure("broker's memory", bytes as f64 / f64::from(1 << 20), "MiB");
        }
    }

    /// How long a broker of its own took from its start until it served.
    pub(super) fn start(&mut self, host: &Host) {
        if let Some(took) = host.start {
            self.figure("broker's start", took.as_secs_f64() * 1e3, "ms");
        }
    }

    /// `chat`, as it is written on the command line.
    pub(super) fn title(&self) -> String {
        format!("{:?}", self.scenario).to_lowercase()
    }

    /// All of it, for programs. Latencies are in microseconds.
    pub(super) fn json(&self) -> Value {
        let parameters: serde_json::Map<String, Value> = self
            .parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let figures: serde_json::Map<String, Value> = self
            .figures
            .iter()
            .map(|(name, value, unit)| {
                ((*name).to_owned(), json!({ "value": value, "unit": unit }))
            })
            .collect();
        let latencies: serde_json::Map<String, Value> = self
            .latencies
            .iter()
            .map(|Latency { name, histogram }| {
                let mut told = json!({ "count": histogram.len(), "mean": histogram.mean() });
                for (quantile, part) in QUANTILES {
                    told[quantile] = histogram.value_at_quantile(part).into();
                }
                ((*name).to_owned(), told)
            })
            .collect();
        let seconds: Vec<Value> = self
            .seconds
            .iter()
            .map(|it| json!({ "deliveries": it.deliveries, "p50": it.p50_us, "p99": it.p99_us }))
            .collect();
        json!({
            "scenario": self.title(),
            "broker": self.broker,
            "version": env!("CARGO_PKG_VERSION"),
            "parameters": parameters,
            "figures": figures,
            "latencies_us": latencies,
            "warm_up_s": self.warm_up_s,
            "seconds": seconds,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.title(), self.broker)?;
        for (name, value) in &self.parameters {
            write!(out, ", {name} {value}")?;
        }
        writeln!(out)?;
        for (name, value, unit) in &self.figures {
            writeln!(out, "  {name:<32} {:>12} {unit}", number(*value))?;
        }
        if self.latencies.is_empty() {
            return Ok(());
        }
        write!(out, "  {:<32}", "latency, ms")?;
        for (quantile, _) in QUANTILES {
            write!(out, " {quantile:>9}")?;
        }
        writeln!(out)?;
        for Latency { name, histogram } in &self.latencies {
            write!(out, "    {name:<30}")?;
            for (_, part) in QUANTILES {
                let ms = histogram.value_at_quantile(part) as f64 / 1e3;
                write!(out, " {ms:>9.2}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// As many digits as one can believe.
fn number(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 || value >= 100.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(94_321.7), "94322");
        assert_eq!(number(3.0), "3");
        assert_eq!(number(7.894), "7.89");
    }
}
