//! Leases: which server writes a shard, and until when.
//!
//! A lease is part of the shard's row: holder, address, epoch and expiry. Taking one raises the epoch in a committed
//! transaction, and the writer of a shard names its epoch in the last statement of every commit: whoever held the
//! shard before can write nothing any more, whatever it believes. Expiry is by the database's clock alone. A holder
//! counts its own time from before it asked, on a clock that does not go back, so that it stops no later than the
//! database lets somebody else in. One exception: that clock stands still while a virtual machine is suspended. After
//! it goes on, a holder may believe in its lease for what was left of it: what it writes is refused by the epoch all the
//! same, a balance it tells may be old, and an effect it sends is one that the next holder counts as maybe sent.

use super::StoreError;
use crate::ids::ShardCode;
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// A server whose clock differs from the database's by more takes no lease.
pub const CLOCK_DIFFERENCE_MAX: Duration = Duration::from_secs(2);

/// A server as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Holder {
    /// Names the running process: another start of the same server is another holder.
    pub server: String,
    /// Where other servers reach it.
    pub address: String,
}

/// A shard with its lease, as the database tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardLease {
    /// The shard.
    pub shard: ShardCode,
    /// How often it was taken; 0 when never.
    pub epoch: u64,
    /// Who has or had it last; `None` when it was given back or never taken.
    pub holder: Option<Holder>,
    /// When it ends, by the database's clock.
    pub expires: Timestamp,
    /// What is left of it; zero when it is expired or free.
    pub remaining: Duration,
}

impl ShardLease {
    /// Whether anybody may take it now.
    pub fn is_free(&self) -> bool {
        self.holder.is_none() || self.remaining.is_zero()
    }
}

/// All leases of a book at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseTable {
    /// Every shard of the book, in order.
    pub shards: Vec<ShardLease>,
}

/// A lease that this server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The shard.
    pub shard: ShardCode,
    /// Its epoch; the writer is opened with it.
    pub epoch: u64,
    /// Who took it.
    pub holder: Holder,
    /// How long it lasts from each renewal.
    pub lasts: Duration,
    /// Until when it surely is this server's, by this process's own clock.
    pub held_until: Instant,
}

impl Lease {
    /// What is left of it; zero when it may be somebody else's.
    pub fn remaining(&self) -> Duration {
        self.held_until.saturating_duration_since(Instant::now())
    }
}

/// What came of the attempt to take a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is this server's; the transaction is committed.
    Lease(Lease),
    /// Somebody else has it, and nobody but somebody else.
    HeldBy(ShardLease),
    /// The clocks differ too much; nothing was taken.
    ClockDiffers(ClockDifference),
}

/// What came of the attempt to renew one.
#[derive(Debug)]
pub enum Renewed {
    /// It goes on from now.
    Lease(Lease),
    /// It was taken by somebody else, or given back: this server's time on the shard is over.
    Lost,
    /// Not known; what remains of the lease before holds.
    Failed(StoreError),
}

/// Difference between this server's clock and the database's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDifference {
    /// Milliseconds that the server is ahead; negative when it is behind.
    pub server_ahead_ms: i64,
    /// Half of the time the question took: the difference is known no better than this.
    pub uncertainty_ms: i64,
    /// What this server's clock showed when it asked: the reading that was compared.
    pub at: Timestamp,
    /// When that was, on a clock that does not jump.
    pub asked: Instant,
}

impl ClockDifference {
    /// Whether a lease may be taken with it.
    pub fn is_small(&self) -> bool {
        let known = self.server_ahead_ms.unsigned_abs();
        let doubtful = self.uncertainty_ms.unsigned_abs();
        // What the network's delay may explain is not held against the clock.
        u128::from(known.saturating_sub(doubtful)) <= CLOCK_DIFFERENCE_MAX.as_millis()
    }
}

/// The leases of a book. Every call is short; none waits for a shard's writer longer than a fraction of a lease.
pub trait Leases: Send + Sync {
    /// Every shard with its lease.
    fn list(&self) -> Result<LeaseTable, StoreError>;
    /// Takes a free or expired lease, with the next epoch. So is one that the holder itself has: it asks again when the
    /// answer was lost or its shard had to end, and whatever it left under the epoch before writes nothing any more.
    fn take(&self, shard: ShardCode, holder: &Holder, lasts: Duration)
    -> Result<Taken, StoreError>;
    /// Renews leases, one outcome for each in order; an error when none could be asked for. A lease that expired and
    /// was taken by nobody is renewed: nobody else wrote meanwhile.
    fn renew(&self, leases: &[Lease]) -> Result<Vec<Renewed>, StoreError>;
    /// Gives a lease back; `false` when it was no longer this server's.
    fn release(&self, lease: &Lease) -> Result<bool, StoreError>;
    /// Compares the clocks.
    fn clock_difference(&self) -> Result<ClockDifference, StoreError>;
}
