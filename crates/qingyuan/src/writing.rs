//! What writes the book of a server: a shard of its own in a file, or shards of a shared book as leases are to be had.

use crate::failure::Failure;
use crate::shared_book::SharedBook;
use domain::QingyuanApp;
use engine::runtime::Running;
use server::book::{Book, Keeper, KeeperOptions};
use server::{ChannelPerformer, RunningServer, Workers};
use std::time::Duration;

/// Attempts at effects at a time.
const PARALLEL: usize = 64;
/// How often due effects and timers are looked for.
const TICK: Duration = Duration::from_millis(250);
/// How long a lease on a shard lasts: a server that dies is replaced this much later, about.
pub const LEASE: Duration = Duration::from_secs(3);

/// Where the book is.
pub enum Kept {
    /// In a file, of one shard.
    Here(Running<QingyuanApp>),
    /// In a database that others use too.
    Shared(SharedBook),
}

impl Kept {
    /// The book.
    pub fn book(&self) -> Book {
        match self {
            Kept::Here(running) => Book::from(running.engine.clone()),
            Kept::Shared(shared) => shared.book.clone(),
        }
    }

    /// Starts background work, or taking shards; the latter fails where there is no thread for it.
    pub fn write(self, performer: ChannelPerformer) -> Result<Writing, Failure> {
        Ok(match self {
            Kept::Here(mut running) => {
                let (_, nothing) = tokio::sync::mpsc::unbounded_channel();
                let fresh = std::mem::replace(&mut running.fresh, nothing);
                let workers = Workers::start(&running.engine, performer, fresh, PARALLEL, TICK);
                Writing::Here(Box::new(running), workers)
            }
            Kept::Shared(shared) => {
                let options = KeeperOptions {
                    lasts: LEASE,
                    parallel: PARALLEL,
                    worker_tick: TICK,
                    ..KeeperOptions::new(shared.holder)
                };
                let keeper = Keeper::start(
                    shared.book,
                    shared.leases,
                    shared.tenancy,
                    performer,
                    shared.yields,
                    options,
                );
                Writing::Shared(keeper.map_err(Failure::other)?)
            }
        })
    }
}

/// What writes.
pub enum Writing {
    /// A shard of this process, and what performs its effects and fires its timers.
    Here(Box<Running<QingyuanApp>>, Workers),
    /// Shards as leases are to be had.
    Shared(Keeper),
}

impl Writing {
    /// Waits until a part has ended by itself, and names it: without it, requests would be refused, or payouts and
    /// notifications left undone, for ever. A shared book's shards are taken anew by its keeper.
    pub async fn dies(&self) -> &'static str {
        let mut look = tokio::time::interval(TICK);
        loop {
            look.tick().await;
            match self {
                Writing::Here(running, _) if running.has_ended() => return "what writes the book",
                Writing::Here(_, workers) if workers.has_ended() => {
                    return "what performs effects and fires timers";
                }
                Writing::Shared(keeper) if keeper.has_ended() => {
                    return "what keeps the leases on shards";
                }
                _ => {}
            }
        }
    }

    /// Ends it, the server with it.
    pub async fn stop(self, server: RunningServer) -> Result<(), Failure> {
        match self {
            Writing::Here(running, workers) => {
                server.stop().await;
                drop(workers);
                tokio::task::spawn_blocking(move || running.stop())
                    .await
                    .map_err(Failure::other)
            }
            Writing::Shared(mut keeper) => {
                // Requests that come meanwhile go to the servers that take over.
                keeper.give_up().await;
                server.stop().await;
                keeper.stop().await;
                Ok(())
            }
        }
    }
}
