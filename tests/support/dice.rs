//! Chance that can be had again: all that a test leaves to it comes from one seed, which it prints.

/// A generator of numbers (SplitMix64, by Steele, Lea and Flood).
pub struct Dice(u64);

impl Dice {
    /// Always the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.any() % end
    }

    /// Heads?
    pub fn coin(&mut self) -> bool {
        self.any() & 1 == 1
    }
}
