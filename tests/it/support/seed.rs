//! Chance that can be repeated: each test prints its seed and takes it from the environment.

use super::machine;

/// A small generator (SplitMix64); the quality of its numbers does not matter here, their repetition does.
pub(crate) struct Random(u64);

/// The generator of a test; `variable` sets its seed.
pub(crate) fn random(variable: &str) -> Random {
    let seed = machine::setting(variable).unwrap_or_else(|| {
        let now = machine::now();
        u64::from(now.nanosecond()) ^ (now.unix_timestamp().unsigned_abs() << 20)
    });
    println!("repeat with {variable}={seed}");
    Random::new(seed)
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }
}
