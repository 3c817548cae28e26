//! What does it cost to keep a message, to confirm it, to read a page and to start, in a new store and in one that has many
//! messages already? On a real disk: each answer comes after its sync. Beside it stands what cannot be cheaper (`plain.rs`).
//!
//! `cargo bench --bench store`. The store with many messages is filled once and stays in `target/bench-store`; it has 100 000,
//! or as many as HONGYAN_BENCH_ROWS says.

mod kept;
mod plain;
#[path = "../settings/mod.rs"]
mod settings;

use std::env;
use std::fs::File;
use std::time::Duration;
use std::time::Instant;

use criterion::BenchmarkGroup;
use criterion::Criterion;
use criterion::SamplingMode;
use criterion::Throughput;
use criterion::measurement::WallTime;
use tempfile::TempDir;
use tempfile::tempdir_in;

use hongyan::stores::sqlite::SqliteStore;

use crate::kept::FILLING_UNDER_WAY;
use crate::kept::Kept;
use crate::plain::Table;
use crate::plain::append_to_file;

fn main() {
    let mut criterion = settings::criterion(20);
    let rows =
        env::var("HONGYAN_BENCH_ROWS").map_or(100_000, |rows| rows.parse().expect("a number"));
    for under_way in [1, 32, 512] {
        appending(&mut criterion, rows, under_way);
        confirming(&mut criterion, rows, under_way);
    }
    paging(&mut criterion, rows);
    opening(&mut criterion, rows);
    criterion.final_summary();
}

/// Messages a second, each kept with its place in a conversation and answered.
fn appending(criterion: &mut Criterion, rows: u64, under_way: u64) {
    let mut group = group(criterion, format!("append, {under_way} under way"));
    let folder = folder();

    let mut file = File::create(folder.path().join("rows")).expect("a file");
    timed(&mut group, "a file", |count| {
        append_to_file(&mut file, count, under_way);
    });
    let mut table = Table::open(folder.path());
    timed(&mut group, "a plain table", |count| {
        table.append(count, under_way);
    });
    let mut kept = Kept::open(&folder.path().join("new"));
    timed(&mut group, "a new store", |count| {
        kept.append(count, under_way);
    });
    let mut kept = Kept::open(&Kept::filled(rows));
    timed(&mut group, format!("a store of {rows}"), |count| {
        kept.append(count, under_way);
    });
}

/// Confirmations a second, each of one message by its msgID.
fn confirming(criterion: &mut Criterion, rows: u64, under_way: u64) {
    let mut group = group(criterion, format!("confirm, {under_way} under way"));
    let folder = folder();

    let mut file = File::create(folder.path().join("rows")).expect("a file");
    timed(&mut group, "a file", |count| {
        append_to_file(&mut file, count, under_way);
    });
    for (name, place) in [
        ("a new store".to_owned(), folder.path().join("new")),
        (format!("a store of {rows}"), Kept::filled(rows)),
    ] {
        let mut kept = Kept::open(&place);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                kept.append(count, FILLING_UNDER_WAY);
                let started = Instant::now();
                kept.confirm(count, under_way);
                started.elapsed()
            });
        });
    }
}

/// Pages of 50 a second, of a conversation that has a tenth of all messages.
fn paging(criterion: &mut Criterion, rows: u64) {
    let mut group = group(criterion, "page of 50".to_owned());
    let folder = folder();

    let mut table = Table::open(folder.path());
    table.append(1_000, 1_000);
    timed(&mut group, "a plain table", |count| {
        (0..count).for_each(|_| table.page());
    });
    let kept = Kept::open(&Kept::filled(rows));
    for (name, before) in [("the first", Some(50)), ("the last", None)] {
        timed(&mut group, format!("{name} of {rows}"), |count| {
            (0..count).for_each(|_| kept.page(before));
        });
    }
}

/// From a folder to a store that can be asked.
fn opening(criterion: &mut Criterion, rows: u64) {
    let mut group = group(criterion, "open".to_owned());
    let folder = folder();
    drop(Table::open(folder.path()));
    drop(Kept::open(&folder.path().join("new")));

    group.bench_function("a plain table", |bencher| {
        bencher.iter_custom(|count| opened(count, || Table::open(folder.path())));
    });
    for (name, place) in [
        ("a new store".to_owned(), folder.path().join("new")),
        (format!("a store of {rows}"), Kept::filled(rows)),
    ] {
        group.bench_function(name, |bencher| {
            bencher
                .iter_custom(|count| opened(count, || SqliteStore::open(&place).expect("a store")));
        });
    }
}

/// How long it takes to open something so many times; to close it is not counted.
fn opened<T>(count: u64, open: impl Fn() -> T) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..count {
        let started = Instant::now();
        let open = open();
        took += started.elapsed();
        drop(open);
    }
    took
}

fn group(criterion: &mut Criterion, name: String) -> BenchmarkGroup<'_, WallTime> {
    let mut group = criterion.benchmark_group(name);
    // Else the first samples would be too few to be under way together.
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(1));
    group
}

/// Measures what does something so many times.
fn timed(group: &mut BenchmarkGroup<WallTime>, name: impl Into<String>, mut work: impl FnMut(u64)) {
    group.bench_function(name.into(), |bencher| {
        bencher.iter_custom(|count| {
            let started = Instant::now();
            work(count);
            started.elapsed()
        });
    });
}

/// A folder on the disk that the data are on, gone when it is dropped.
fn folder() -> TempDir {
    tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}
