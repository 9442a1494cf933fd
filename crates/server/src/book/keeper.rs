//! Keeps this server's leases, until it is told to give everything up: see [`super::lease_loop`] for how.

use super::Book;
use super::forward::YieldRequest;
use super::lease_loop::LeaseLoop;
use super::tenant::Tenancy;
use crate::channel::ChannelPerformer;
use engine::store::lease::{Holder, Leases};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How leases are kept.
#[derive(Debug, Clone)]
pub struct KeeperOptions {
    /// This process, and where other servers reach it (`http://host:port`).
    pub holder: Holder,
    /// How long a lease lasts from each renewal.
    pub lasts: Duration,
    /// How often it is renewed and others are looked at; several times within a lease.
    pub tick: Duration,
    /// Attempts at effects at a time, per shard and counterpart.
    pub parallel: usize,
    /// How often due effects and timers are looked for.
    pub worker_tick: Duration,
}

impl KeeperOptions {
    /// The defaults: a lease of three seconds, renewed twice a second, so that a shard whose holder
    /// died is taken over within four.
    pub fn new(holder: Holder) -> KeeperOptions {
        KeeperOptions {
            holder,
            lasts: Duration::from_secs(3),
            tick: Duration::from_millis(500),
            parallel: 64,
            worker_tick: Duration::from_millis(250),
        }
    }
}

/// What is wanted of the keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Hold the share of this server.
    Keep,
    /// Give everything up, and go on looking who has what.
    GiveUp,
    /// End when everything is given up.
    End,
}

/// Keeps leases until it is told to stop.
pub struct Keeper {
    phase: watch::Sender<Phase>,
    empty: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Starts keeping leases. `yields` are requests of other servers.
    ///
    /// # Errors
    /// There is no thread to be had on which leases could be asked for.
    pub fn start(
        book: Book,
        leases: Arc<dyn Leases>,
        tenancy: Arc<dyn Tenancy>,
        performer: ChannelPerformer,
        yields: mpsc::UnboundedReceiver<YieldRequest>,
        options: KeeperOptions,
    ) -> std::io::Result<Keeper> {
        let (phase, wanted) = watch::channel(Phase::Keep);
        let (emptied, empty) = watch::channel(false);
        let keeping = LeaseLoop::new(book, leases, tenancy, performer, yields, options)?;
        Ok(Keeper {
            phase,
            empty,
            task: tokio::spawn(keeping.run(wanted, emptied)),
        })
    }

    /// Whether it ended by itself: no lease is kept or taken here any more.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Gives every shard up, each as soon as its last batch is written, and takes none any more.
    /// Until [`Keeper::stop`] it is still known who has them, so that requests find the way there.
    pub async fn give_up(&mut self) {
        self.phase.send_replace(Phase::GiveUp);
        // An error means that the keeper has ended.
        let _ = self.empty.wait_for(|empty| *empty).await;
    }

    /// Gives every shard up, and ends.
    pub async fn stop(self) {
        self.phase.send_replace(Phase::End);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the keeper of leases ended badly");
        }
    }
}
