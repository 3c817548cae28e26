//! What the broker takes of the machine, from outside: memory, descriptors, threads, time.

use std::fmt::Write;
use std::fs;

/// Figures of one moment.
#[derive(Clone, Debug)]
pub struct Sample {
    pub seconds: u64,
    /// `busy`, `quiet` (all connected, nothing under way) or `off line`.
    pub moment: &'static str,
    pub resident_bytes: u64,
    pub descriptors: u64,
    pub threads: u64,
    pub messages: u64,
    pub sessions: u64,
    pub hooks_waiting: u64,
    pub database_bytes: u64,
}

/// A number of `/proc/PID/status`.
fn status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the broker lives");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("{name} in {status}"))
}

pub fn resident_bytes(pid: u32) -> u64 {
    status(pid, "VmRSS:") * 1_024
}

pub fn threads(pid: u32) -> u64 {
    status(pid, "Threads:")
}

pub fn descriptors(pid: u32) -> u64 {
    let listed = fs::read_dir(format!("/proc/{pid}/fd")).expect("the broker lives");
    listed.count() as u64
}

/// What its descriptors are, to say so where there are too many.
pub fn descriptors_named(pid: u32) -> Vec<String> {
    let listed = fs::read_dir(format!("/proc/{pid}/fd")).expect("the broker lives");
    let links = listed.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.map(|link| link.display().to_string()).collect()
}

pub fn csv(samples: &[Sample]) -> String {
    let mut text = "seconds,moment,resident_bytes,descriptors,threads,messages,sessions,hooks_waiting,database_bytes\n"
        .to_owned();
    for s in samples {
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{}",
            s.seconds,
            s.moment,
            s.resident_bytes,
            s.descriptors,
            s.threads,
            s.messages,
            s.sessions,
            s.hooks_waiting,
            s.database_bytes
        );
    }
    text
}

/// By how much a line through the points rises from the first to the last of them (least squares).
pub fn rise(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return 0.0;
    };
    if variance == 0.0 {
        return 0.0;
    }
    covariance / variance * (last.0 - first.0)
}

#[test]
fn a_line_through_noise_rises_as_much_as_what_it_goes_through() {
    let noise = |n: u32| f64::from(n * 7 % 5) - 2.0;
    let flat: Vec<_> = (0..100).map(|n| (f64::from(n), noise(n))).collect();
    assert!(rise(&flat).abs() < 1.0, "{}", rise(&flat));
    let steep: Vec<_> = (0..100)
        .map(|n| (f64::from(n), f64::from(n) * 3.0 + noise(n)))
        .collect();
    assert!((rise(&steep) - 297.0).abs() < 3.0, "{}", rise(&steep));
}
