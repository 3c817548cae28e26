//! Most msgIDs are new. That one is not in the table, a bit for each of some hashes tells at once, without a look at a page.
//!
//! The bits are read from the table bit by bit, with each batch a few; until all are, nothing is told.

use rusqlite::{Connection, Result};

/// Bits for each entry when they are read: one hash in sixteen is taken for one that may be there, and one in eight before
/// they are read again for more bits.
const BITS_EACH: u64 = 16;
const BITS_EACH_MIN: u64 = 8;
const BITS_MIN: u64 = 1 << 12;
/// As many as an entry has of its hash.
const BITS_MAX: u64 = 1 << 28;
/// Entries read with a batch.
const READ_EACH: i64 = if cfg!(test) { 3 } else { 65_536 };

/// A bit for each value of a hash's first bits.
struct Bits {
    words: Vec<u64>,
    shift: u32,
}

impl Bits {
    fn for_entries(count: u64) -> Self {
        let bits = count.saturating_mul(BITS_EACH).next_power_of_two();
        let bits = bits.clamp(BITS_MIN, BITS_MAX);
        Self {
            words: vec![0; (bits / 64) as usize],
            shift: u64::BITS - bits.trailing_zeros(),
        }
    }

    fn place(&self, entry: i64) -> (usize, u64) {
        let bit = entry.cast_unsigned() >> self.shift;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    fn set(&mut self, entry: i64) {
        let (word, bit) = self.place(entry);
        self.words[word] |= bit;
    }

    fn has(&self, entry: i64) -> bool {
        let (word, bit) = self.place(entry);
        self.words[word] & bit != 0
    }

    fn are_enough_for(&self, count: u64) -> bool {
        let bits = self.words.len() as u64 * 64;
        bits >= count.saturating_mul(BITS_EACH_MIN).min(BITS_MAX)
    }
}

/// What is known of the table's hashes.
#[derive(Default)]
pub(super) struct Filter {
    /// All of them.
    ready: Option<Bits>,
    /// Those of entries up to and with this one.
    reading: Option<(Bits, i64)>,
}

impl Filter {
    /// Whether the table may have an entry of the hash that `entry` begins with.
    pub(super) fn may_have(&self, entry: i64) -> bool {
        self.ready.as_ref().is_none_or(|bits| bits.has(entry))
    }

    /// An entry was added to the table.
    pub(super) fn note(&mut self, entry: i64) {
        let reading = self.reading.as_mut().map(|(bits, _)| bits);
        for bits in self.ready.iter_mut().chain(reading) {
            bits.set(entry);
        }
    }

    /// Reads on, if that is due for a table of some `count` entries.
    pub(super) fn read_on(&mut self, conn: &Connection, count: u64) -> Result<()> {
        let enough = |bits: &Bits| bits.are_enough_for(count);
        if self.reading.is_none() && !self.ready.as_ref().is_some_and(enough) {
            self.reading = Some((Bits::for_entries(count), i64::MIN));
        }
        let Some((bits, after)) = &mut self.reading else {
            return Ok(());
        };
        let mut select = conn
            .prepare_cached("SELECT entry FROM msg_ids WHERE entry > ?1 ORDER BY entry LIMIT ?2")?;
        let mut rows = select.query([*after, READ_EACH])?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            *after = row.get(0)?;
            bits.set(*after);
            read += 1;
        }
        if read < READ_EACH {
            self.ready = self.reading.take().map(|(bits, _)| bits);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::message::MsgId;
    use crate::stores::sqlite::msg_ids::Secret;

    #[test]
    fn no_entry_is_ever_denied_and_few_others_are_not() {
        let conn = Connection::open_in_memory().expect("a database");
        conn.execute_batch("CREATE TABLE msg_ids (entry INTEGER PRIMARY KEY)")
            .expect("made");
        let entry = |number: u64| {
            let msg_id = MsgId::sha1(&number.to_string());
            Secret([7; 16]).hash(msg_id).entry(number)
        };
        let mut filter = Filter::default();
        assert!(filter.may_have(entry(1)), "nothing is known yet");
        for number in 0..5_000 {
            conn.execute("INSERT INTO msg_ids VALUES (?1)", [entry(number)])
                .expect("added");
            filter.note(entry(number));
            filter.read_on(&conn, number + 1).expect("read");
            assert!(filter.may_have(entry(number / 2)));
        }
        while filter.reading.is_some() {
            filter.read_on(&conn, 5_000).expect("read");
        }
        assert!((0..5_000).all(|number| filter.may_have(entry(number))));
        let others = (5_000..10_000).filter(|number| filter.may_have(entry(*number)));
        let taken = others.count();
        assert!((1..1_000).contains(&taken), "{taken} of 5 000");
    }
}
