//! Ids as clients are told to make them: time first, so that later ones are greater.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// One client's ids.
pub struct Ids(SmallRng);

impl Ids {
    /// Ids of a client; two clients' differ.
    pub fn new(client: u64) -> Ids {
        let started = jiff::Timestamp::now().as_nanosecond() as u64;
        Ids(SmallRng::seed_from_u64(started ^ client << 56))
    }

    /// 48 bits of time, 80 by chance, as text of 26 characters (a ULID).
    pub fn next(&mut self) -> String {
        let milliseconds = jiff::Timestamp::now().as_millisecond().unsigned_abs();
        let chance: u128 = self.0.random();
        engine::ids::id_text(u128::from(milliseconds) << 80 | chance >> 48)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound.max(1))
    }
}
