//! What the broker takes of the machine, from outside: memory, descriptors, threads, time.

use std::fmt::Write;
use std::fs;

/// So many rounds are not judged: caches fill, and the allocator finds its size.
const WARM_UP_OF_ALL: usize = 4;

/// What resident memory may rise by over a whole run, on a line through the rounds after the warm-up.
const RISE_SHARE: f64 = 0.05;
const RISE_BYTES: f64 = 4.0 * 1024.0 * 1024.0;

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

/// Prints what was looked at, and fails where memory or threads only rise.
pub fn judge(samples: &[Sample]) {
    let off: Vec<&Sample> = samples.iter().filter(|s| s.moment == "off line").collect();
    let threads: Vec<u64> = off.iter().map(|sample| sample.threads).collect();
    println!("threads {threads:?}");
    for moment in ["quiet", "off line"] {
        let of_it: Vec<&Sample> = samples.iter().filter(|s| s.moment == moment).collect();
        let judged = &of_it[of_it.len() / WARM_UP_OF_ALL..];
        let points: Vec<(f64, f64)> = judged
            .iter()
            .map(|s| (s.seconds as f64, s.resident_bytes as f64))
            .collect();
        let (rise, first) = (rise(&points), points[0].1);
        println!(
            "{moment}: resident memory {:.1} MiB, {:+.2} MiB over {} rounds",
            first / 1048576.0,
            rise / 1048576.0,
            points.len()
        );
        // A few rounds say nothing of an hour.
        if points.len() >= 10 {
            let bound = first * RISE_SHARE + RISE_BYTES;
            assert!(
                rise < bound,
                "{moment}: resident memory rises by {rise} bytes, more than {bound}"
            );
        }
    }
    assert!(!have_risen(&threads), "threads: {threads:?}");
}

/// Whether there were more threads in the second half. Those that wait for the disk come and go with the load, so what
/// counts is the most of a half.
fn have_risen(threads: &[u64]) -> bool {
    let (first, second) = threads.split_at(threads.len() / 2);
    match (first.iter().max(), second.iter().max()) {
        (Some(first), Some(second)) => *second > first + 2,
        _ => false,
    }
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
fn threads_that_rise_are_seen_and_those_that_come_and_go_are_not() {
    assert!(have_risen(&(10..30).collect::<Vec<_>>()));
    assert!(!have_risen(&[15, 21, 29, 29, 16, 17, 21, 22]));
    assert!(!have_risen(&[]));
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
