//! A line of requests before a worker: bounded by number and by bytes, so that being full has an answer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The line. Any thread may join it, and its workers take from the front.
pub(super) struct Queue<T> {
    line: Mutex<Line<T>>,
    arrival: Condvar,
    items_max: usize,
    bytes_max: usize,
}

struct Line<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    idle: usize,
    closed: bool,
}

/// Why an item was not taken into the line; it comes back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused<T> {
    /// Too much waits.
    Full(T),
    /// Nothing is taken any more.
    Closed(T),
}

/// What a worker that asked for more has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Work on what it was given.
    Work,
    /// Whatever it wanted to do by now: nobody came.
    Idle,
    /// Nothing ever again.
    Over,
}

impl<T> Queue<T> {
    /// An empty line.
    pub(super) fn new(items_max: usize, bytes_max: usize) -> Self {
        Self {
            line: Mutex::new(Line {
                items: VecDeque::new(),
                bytes: 0,
                idle: 0,
                closed: false,
            }),
            arrival: Condvar::new(),
            items_max,
            bytes_max,
        }
    }

    /// Joins the line with an item that holds `bytes`.
    pub(super) fn push(&self, item: T, bytes: usize) -> Result<(), Refused<T>> {
        let mut line = self.lock();
        if line.closed {
            return Err(Refused::Closed(item));
        }
        let heavy = line.bytes.saturating_add(bytes) > self.bytes_max;
        if line.items.len() >= self.items_max || heavy && !line.items.is_empty() {
            return Err(Refused::Full(item));
        }
        line.bytes += bytes;
        line.items.push_back((item, bytes));
        // Waking costs a system call, so only where somebody sleeps.
        if line.idle > 0 {
            self.arrival.notify_one();
        }
        Ok(())
    }

    /// Waits until something is there and moves it to `taken`: at most `items_max` items, and none after the one that
    /// reaches `bytes_max`. False once the line is closed and empty.
    pub(super) fn take(&self, taken: &mut Vec<T>, items_max: usize, bytes_max: usize) -> bool {
        self.take_until(None, taken, items_max, bytes_max) == Turn::Work
    }

    /// The same, but waits no longer than until `end`.
    pub(super) fn take_until(
        &self,
        end: Option<Instant>,
        taken: &mut Vec<T>,
        items_max: usize,
        bytes_max: usize,
    ) -> Turn {
        let mut line = self.lock();
        while line.items.is_empty() {
            if line.closed {
                return Turn::Over;
            }
            let patience = end.map(|end| end.saturating_duration_since(Instant::now()));
            if patience.is_some_and(|patience| patience.is_zero()) {
                return Turn::Idle;
            }
            line.idle += 1;
            line = match patience {
                None => self
                    .arrival
                    .wait(line)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.arrival.wait_timeout(line, patience);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            line.idle -= 1;
        }
        let mut bytes_taken = 0;
        while taken.len() < items_max && bytes_taken < bytes_max {
            let Some((item, bytes)) = line.items.pop_front() else {
                break;
            };
            line.bytes -= bytes;
            bytes_taken += bytes;
            taken.push(item);
        }
        Turn::Work
    }

    /// Takes nothing new from here on; what waits is still served.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrival.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Line<T>> {
        // No panic is possible while the lock is held, and a line is whole after every statement anyway.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_line_refuses_by_number_and_by_bytes() {
        let queue = Queue::new(2, 10);
        assert_eq!(queue.push('a', 4), Ok(()));
        assert_eq!(queue.push('b', 7), Err(Refused::Full('b')));
        assert_eq!(queue.push('c', 6), Ok(()));
        assert_eq!(queue.push('d', 0), Err(Refused::Full('d')));
    }

    #[test]
    fn a_batch_is_what_waits_within_bounds() {
        let queue = Queue::new(9, 99);
        for (item, bytes) in [('a', 1), ('b', 9), ('c', 1), ('d', 1), ('e', 1)] {
            assert_eq!(queue.push(item, bytes), Ok(()));
        }
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken, 9, 10));
        assert_eq!(taken, ['a', 'b']);
        taken.clear();
        assert!(queue.take(&mut taken, 2, 10));
        assert_eq!(taken, ['c', 'd']);
    }

    #[test]
    fn who_waits_until_a_moment_is_told_when_nobody_came() {
        let queue = Queue::new(9, 99);
        let mut taken = Vec::new();
        let now = Some(Instant::now());
        assert_eq!(queue.take_until(now, &mut taken, 9, 99), Turn::Idle);
        assert_eq!(queue.push('a', 1), Ok(()));
        assert_eq!(queue.take_until(now, &mut taken, 9, 99), Turn::Work);
        queue.close();
        assert_eq!(queue.take_until(now, &mut taken, 9, 99), Turn::Over);
        assert_eq!(taken, ['a']);
    }

    #[test]
    fn what_waits_at_closing_is_served() {
        let queue = Queue::new(9, 99);
        assert_eq!(queue.push('a', 1), Ok(()));
        queue.close();
        assert_eq!(queue.push('b', 1), Err(Refused::Closed('b')));
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken, 9, 99));
        assert!(!queue.take(&mut taken, 9, 99));
        assert_eq!(taken, ['a']);
    }
}
