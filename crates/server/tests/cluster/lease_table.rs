//! Leases in memory, as a database would keep them.

use engine::ShardCode;
use engine::store::StoreError;
use engine::store::lease::{
    ClockDifference, Holder, Lease, LeaseTable, Leases, Renewed, ShardLease, Taken,
};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Clone)]
struct Row {
    epoch: u64,
    holder: Option<Holder>,
    until: Instant,
    /// Renewals of this epoch.
    renewals: usize,
}

pub struct MemoryLeases {
    rows: Mutex<Vec<Row>>,
    /// Milliseconds that every server's clock is ahead of the database's.
    ahead: AtomicI64,
    /// How often a server was told that its clock differs too much.
    refused: AtomicUsize,
}

impl MemoryLeases {
    pub fn new(shards: usize) -> MemoryLeases {
        let row = Row {
            epoch: 0,
            holder: None,
            until: Instant::now(),
            renewals: 0,
        };
        MemoryLeases {
            rows: Mutex::new(vec![row; shards]),
            ahead: AtomicI64::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    /// From now on the clocks differ by so much.
    pub fn put_clock_ahead(&self, milliseconds: i64) {
        self.ahead.store(milliseconds, Ordering::Relaxed);
    }

    /// How often a server was told that its clock differs too much.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// How the clock differs of a server that is ahead of the others by so much.
    fn difference_of(&self, ahead: i64) -> ClockDifference {
        let difference = ClockDifference {
            server_ahead_ms: self.ahead.load(Ordering::Relaxed) + ahead,
            uncertainty_ms: 0,
            at: jiff::Timestamp::UNIX_EPOCH,
            asked: Instant::now(),
        };
        if !difference.is_small() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        difference
    }

    /// How many shards each server has, by its address.
    pub fn held_by(&self, server: &str) -> usize {
        let rows = self.rows.lock().unwrap();
        let held = rows
            .iter()
            .filter(|row| row.until > Instant::now())
            .filter(|row| {
                row.holder
                    .as_ref()
                    .is_some_and(|holder| holder.server == server)
            });
        held.count()
    }

    /// How often a shard was taken, and how often its lease was renewed since then.
    pub fn history(&self, shard: ShardCode) -> (u64, usize) {
        let rows = self.rows.lock().unwrap();
        let row = &rows[usize::from(shard.number())];
        (row.epoch, row.renewals)
    }

    /// Takes a shard from whoever has it, so that anybody may take it.
    pub fn free(&self, shard: ShardCode) {
        let mut rows = self.rows.lock().unwrap();
        let row = &mut rows[usize::from(shard.number())];
        row.epoch += 1;
        row.holder = None;
    }

    /// Gives a shard to somebody else, as after a pause that was longer than the lease.
    pub fn steal(&self, shard: ShardCode, thief: &Holder) {
        let mut rows = self.rows.lock().unwrap();
        let row = &mut rows[usize::from(shard.number())];
        row.epoch += 1;
        row.holder = Some(thief.clone());
        row.until = Instant::now() + Duration::from_secs(3_600);
    }

    /// Nobody renews a shard's lease any more: its holder has died.
    pub fn ends_in(&self, shard: ShardCode, remaining: Duration) {
        let mut rows = self.rows.lock().unwrap();
        rows[usize::from(shard.number())].until = Instant::now() + remaining;
    }
}

fn row_of(code: ShardCode, row: &Row) -> ShardLease {
    let remaining = row.until.saturating_duration_since(Instant::now());
    ShardLease {
        shard: code,
        epoch: row.epoch,
        holder: row.holder.clone(),
        expires: jiff::Timestamp::UNIX_EPOCH,
        remaining,
    }
}

impl Leases for MemoryLeases {
    fn list(&self) -> Result<LeaseTable, StoreError> {
        let rows = self.rows.lock().unwrap();
        let codes = (0..).filter_map(ShardCode::new);
        Ok(LeaseTable {
            shards: codes
                .zip(rows.iter())
                .map(|(code, row)| row_of(code, row))
                .collect(),
        })
    }

    fn take(
        &self,
        shard: ShardCode,
        holder: &Holder,
        lasts: Duration,
    ) -> Result<Taken, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let row = &mut rows[usize::from(shard.number())];
        let others = row
            .holder
            .as_ref()
            .is_some_and(|by| by.server != holder.server);
        if others && row.until > Instant::now() {
            return Ok(Taken::HeldBy(row_of(shard, row)));
        }
        let until = Instant::now() + lasts;
        *row = Row {
            epoch: row.epoch + 1,
            holder: Some(holder.clone()),
            until,
            renewals: 0,
        };
        Ok(Taken::Lease(Lease {
            shard,
            epoch: row.epoch,
            holder: holder.clone(),
            lasts,
            held_until: until,
        }))
    }

    fn renew(&self, leases: &[Lease]) -> Result<Vec<Renewed>, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let renewed = leases.iter().map(|lease| {
            let row = &mut rows[usize::from(lease.shard.number())];
            if row.epoch != lease.epoch || row.holder.is_none() {
                return Renewed::Lost;
            }
            row.until = Instant::now() + lease.lasts;
            row.renewals += 1;
            Renewed::Lease(Lease {
                held_until: row.until,
                ..lease.clone()
            })
        });
        Ok(renewed.collect())
    }

    fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let row = &mut rows[usize::from(lease.shard.number())];
        let own = row.epoch == lease.epoch && row.holder.is_some();
        if own {
            row.holder = None;
        }
        Ok(own)
    }

    fn clock_difference(&self) -> Result<ClockDifference, StoreError> {
        Ok(self.difference_of(0))
    }
}

/// The leases as a server asks for them whose clock is ahead of the others' by so many milliseconds.
pub struct LeasesOf {
    pub table: Arc<MemoryLeases>,
    pub ahead: i64,
}

impl Leases for LeasesOf {
    fn list(&self) -> Result<LeaseTable, StoreError> {
        self.table.list()
    }

    fn take(
        &self,
        shard: ShardCode,
        holder: &Holder,
        lasts: Duration,
    ) -> Result<Taken, StoreError> {
        let difference = self.clock_difference()?;
        if !difference.is_small() {
            return Ok(Taken::ClockDiffers(difference));
        }
        self.table.take(shard, holder, lasts)
    }

    fn renew(&self, leases: &[Lease]) -> Result<Vec<Renewed>, StoreError> {
        self.table.renew(leases)
    }

    fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.table.release(lease)
    }

    fn clock_difference(&self) -> Result<ClockDifference, StoreError> {
        Ok(self.table.difference_of(self.ahead))
    }
}
