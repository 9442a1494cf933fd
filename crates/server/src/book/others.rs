//! What the table of leases tells of other servers: where their shards are, and when one has died.

use super::{Book, Place};
use engine::ShardCode;
use engine::store::lease::LeaseTable;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Added to the end of a lease before it is looked for: what the database's milliseconds leave open.
const MARGIN: Duration = Duration::from_millis(5);

/// Notes who has the shards that are not `here`, and asks how those servers are. `server` is this one.
pub(super) fn look_around(
    book: &Book,
    table: &LeaseTable,
    here: &BTreeSet<ShardCode>,
    server: &str,
) {
    let mut others = BTreeMap::new();
    for entry in &table.shards {
        let other = entry
            .holder
            .as_ref()
            .filter(|holder| !entry.is_free() && holder.server != server);
        if let Some(holder) = other {
            others.insert(holder.server.as_str(), holder);
        }
        if !here.contains(&entry.shard) {
            let place = other.map_or(Place::Nobody, |holder| Place::There(holder.clone()));
            book.set_place(entry.shard, place);
        }
    }
    if let Some(peers) = book.peers() {
        for holder in others.into_values() {
            let (peers, holder) = (peers.clone(), holder.clone());
            // A server that does not answer must not keep this one from its leases.
            tokio::spawn(async move { peers.greet(&holder).await });
        }
    }
}

/// When the leases have ended that end before the next look. Who is alive renews long before; those of a server that
/// died end together, and waiting for the last leaves its whole share to be had.
pub(super) fn next_end(
    table: &LeaseTable,
    here: &BTreeSet<ShardCode>,
    tick: Duration,
) -> Option<Instant> {
    let others = table
        .shards
        .iter()
        .filter(|entry| !entry.is_free() && !here.contains(&entry.shard));
    let ending = others.filter(|entry| entry.remaining < tick);
    let last = ending.map(|entry| entry.remaining).max()?;
    Some(Instant::now() + last + MARGIN)
}
