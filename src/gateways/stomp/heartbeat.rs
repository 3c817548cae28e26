//! Heart-beats (STOMP 1.2, "Heart-beating"): what is agreed, when the next one is due, and when the peer counts as gone.
//!
//! The broker offers what the client asks for, within bounds. It writes at half the agreed interval and waits for three
//! times it, because clients' timers are late: a hidden browser tab beats once a minute, so browsers are not asked for more.

use crate::broker::moment::Moment;

/// The shortest interval the broker agrees to, in either direction, in milliseconds.
const INTERVAL_MS_MIN: u64 = 1_000;

/// The shortest interval asked of a browser: three times it is more than a hidden tab's minute.
const BROWSER_INTERVAL_MS_MIN: u64 = 30_000;

/// A peer is gone after so many intervals of silence.
const SILENT_INTERVALS_MAX: u64 = 3;

/// What a client's `heart-beat` header says: what it can do, and what it wants, in milliseconds. 0 is "not at all".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) sends_ms: u64,
    pub(super) wants_ms: u64,
}

impl Wish {
    /// Reads `<cx>,<cy>`; `None` where it is anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sends, wants) = text.split_once(',')?;
        let number = |text: &str| text.trim().parse::<u32>().ok().map(u64::from);
        Some(Self {
            sends_ms: number(sends)?,
            wants_ms: number(wants)?,
        })
    }

    /// The broker's own header in CONNECTED. With it, the spec's MAX rule gives the agreed intervals.
    pub(super) fn offer(self, from_browser: bool) -> (u64, u64) {
        let floor_ms = if from_browser {
            BROWSER_INTERVAL_MS_MIN
        } else {
            INTERVAL_MS_MIN
        };
        let unless_never =
            |wished: u64, floor: u64| if wished == 0 { 0 } else { wished.max(floor) };
        (
            unless_never(self.wants_ms, INTERVAL_MS_MIN),
            unless_never(self.sends_ms, floor_ms),
        )
    }
}

/// The clocks of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beats {
    write_every_ms: Option<u64>,
    silence_ms_max: Option<u64>,
    said_ms: u64,
    heard_ms: u64,
}

impl Beats {
    /// Starts the clocks with what was offered in CONNECTED.
    pub(super) fn agreed(now: Moment, (sends_ms, wants_ms): (u64, u64)) -> Self {
        Self {
            write_every_ms: (sends_ms > 0).then_some(sends_ms / 2),
            silence_ms_max: (wants_ms > 0).then(|| wants_ms.saturating_mul(SILENT_INTERVALS_MAX)),
            said_ms: now.steady_ms,
            heard_ms: now.steady_ms,
        }
    }

    /// Something came. Any byte counts.
    pub(super) fn heard(&mut self, now: Moment) {
        self.heard_ms = now.steady_ms;
    }

    /// Something was said.
    pub(super) fn said(&mut self, now: Moment) {
        self.said_ms = now.steady_ms;
    }

    /// Whether a beat is to be written now.
    pub(super) fn due(&self, now: Moment) -> bool {
        self.write_every_ms
            .is_some_and(|every| now.steady_ms >= self.said_ms + every)
    }

    /// Whether the peer has been silent for too long.
    pub(super) fn lost(&self, now: Moment) -> bool {
        self.silence_ms_max
            .is_some_and(|max| now.steady_ms >= self.heard_ms + max)
    }

    /// How long a peer may be silent, for the ERROR that says so.
    pub(super) fn silence_ms_max(&self) -> u64 {
        self.silence_ms_max.unwrap_or(0)
    }

    /// When to look again, on the steady clock.
    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        let write = self.write_every_ms.map(|every| self.said_ms + every);
        let lost = self.silence_ms_max.map(|max| self.heard_ms + max);
        [write, lost].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_met_within_bounds() {
        let wish = |text| Wish::parse(text).expect(text);
        assert_eq!(wish("10000,20000").offer(false), (20_000, 10_000));
        assert_eq!(wish("10000,10000").offer(true), (10_000, 30_000));
        assert_eq!(wish("0,0").offer(true), (0, 0));
        assert_eq!(wish("1,1").offer(false), (1_000, 1_000));
        for bad in ["", "1", "1,", "a,b", "-1,0", "1,2,3"] {
            assert_eq!(Wish::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_beat_is_due_at_half_the_interval_and_silence_ends_at_three() {
        let start = Moment::default().after_ms(500);
        let mut beats = Beats::agreed(start, (10_000, 10_000));
        assert_eq!(beats.wake_at_ms(), Some(5_500));
        assert!(!beats.due(start.after_ms(4_999)));
        assert!(beats.due(start.after_ms(5_000)));
        beats.said(start.after_ms(5_000));
        assert!(!beats.due(start.after_ms(5_001)));
        assert!(!beats.lost(start.after_ms(29_999)));
        assert!(beats.lost(start.after_ms(30_000)));
        beats.heard(start.after_ms(29_999));
        assert!(!beats.lost(start.after_ms(30_000)));
    }
}
