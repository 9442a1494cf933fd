//! The loop of a server that has leases: renews them, takes free shards up to its share, gives up what others should
//! have, and runs a shard exactly as long as it has its lease and its clock is the database's.

use super::forward::YieldRequest;
use super::keeper::{KeeperOptions, Phase};
use super::lease_thread::LeaseThread;
use super::others;
use super::sharing::Sharing;
use super::tenant::{Done, Opened, Step, Tenancy, Tenant, TenantState};
use super::{Book, Place};
use crate::channel::ChannelPerformer;
use domain::QingyuanApp;
use engine::ShardCode;
use engine::runtime::{Counters, Running};
use engine::store::lease::{ClockDifference, Lease, LeaseTable, Leases, Renewed, Taken};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};

/// What keeps the leases of one server.
pub(super) struct LeaseLoop {
    book: Book,
    leases: LeaseThread,
    tenancy: Arc<dyn Tenancy>,
    performer: ChannelPerformer,
    options: KeeperOptions,
    phase: Phase,
    tenants: BTreeMap<ShardCode, Tenant>,
    sharing: Sharing,
    /// When leases end that nobody renews any more, if that is before the next tick.
    expected_at: Option<Instant>,
    done: mpsc::UnboundedSender<Done>,
    finished: mpsc::UnboundedReceiver<Done>,
    yields: mpsc::UnboundedReceiver<YieldRequest>,
}

impl LeaseLoop {
    pub fn new(
        book: Book,
        leases: Arc<dyn Leases>,
        tenancy: Arc<dyn Tenancy>,
        performer: ChannelPerformer,
        yields: mpsc::UnboundedReceiver<YieldRequest>,
        options: KeeperOptions,
    ) -> std::io::Result<LeaseLoop> {
        let (done, finished) = mpsc::unbounded_channel();
        Ok(LeaseLoop {
            book,
            leases: LeaseThread::start(leases)?,
            tenancy,
            performer,
            phase: Phase::Keep,
            tenants: BTreeMap::new(),
            sharing: Sharing::new(&options.holder.server, options.lasts),
            options,
            expected_at: None,
            done,
            finished,
            yields,
        })
    }

    pub async fn run(mut self, mut wanted: watch::Receiver<Phase>, emptied: watch::Sender<bool>) {
        let mut interval = tokio::time::interval(self.options.tick);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = interval.tick() => self.tick().await,
                () = until(self.expected_at) => self.tick().await,
                Some(done) = self.finished.recv() => self.take_done(done).await,
                Some(request) = self.yields.recv() => self.give_up_for(&request).await,
                changed = wanted.changed(), if self.phase != Phase::End => {
                    // Whoever dropped the keeper wants nothing of it any more.
                    self.phase = changed.map_or(Phase::End, |()| *wanted.borrow_and_update());
                    for (shard, _) in self.open_shards() {
                        self.close(shard);
                    }
                }
            }
            if self.phase != Phase::Keep && self.is_empty() {
                emptied.send_replace(true);
                if self.phase == Phase::End {
                    return;
                }
            }
        }
    }

    /// Whether no shard is written here any more. One that is still being opened ends by its lease.
    fn is_empty(&self) -> bool {
        let opening = |tenant: &Tenant| matches!(tenant.state, TenantState::Opening);
        self.tenants.values().all(opening)
    }

    async fn tick(&mut self) {
        self.expected_at = None;
        self.renew().await;
        self.compare_clocks().await;
        self.notice_ends();
        match self.leases.ask(|leases| leases.list()).await {
            Ok(table) => {
                let here = self.tenants.keys().copied().collect();
                others::look_around(&self.book, &table, &here, &self.options.holder.server);
                if self.phase == Phase::Keep {
                    self.expected_at = others::next_end(&table, &here, self.options.tick);
                    self.take_free(&table).await;
                    self.ask_for_more(&table);
                }
            }
            Err(error) => tracing::warn!(%error, "leases cannot be read"),
        }
    }

    /// A server whose clock differs from the database's keeps no shard: what it sends again, it might send too early.
    async fn compare_clocks(&mut self) {
        match self.leases.ask(|leases| leases.clock_difference()).await {
            Ok(difference) if difference.is_small() => {
                self.tenancy.clock_agrees(&difference);
                self.book.set_clock_ahead(None);
                if self.sharing.found_clock(false) {
                    tracing::info!("this server's clock agrees with the database's again");
                }
            }
            Ok(difference) => self.clock_differs(difference),
            // The leases end by themselves if the database does not answer for long.
            Err(error) => tracing::warn!(%error, "the clocks cannot be compared"),
        }
    }

    fn clock_differs(&mut self, difference: ClockDifference) {
        self.book.set_clock_ahead(Some(difference.server_ahead_ms));
        // Once, not with every look at the leases.
        if self.sharing.found_clock(true) {
            tracing::error!(
                server_ahead_ms = difference.server_ahead_ms,
                "this server's clock differs from the database's: it takes no shard until the clock is right"
            );
        }
        for (shard, _) in self.open_shards() {
            self.close(shard);
        }
    }

    async fn renew(&mut self) {
        let held: Vec<Lease> = self
            .tenants
            .values()
            .map(|tenant| tenant.lease.clone())
            .collect();
        if held.is_empty() {
            return;
        }
        let asked = held.clone();
        let renewed = self.leases.ask(move |leases| leases.renew(&asked)).await;
        let outcomes = match renewed {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::warn!(%error, "leases cannot be renewed");
                Vec::new()
            }
        };
        for (lease, outcome) in held.iter().zip(outcomes) {
            match outcome {
                Renewed::Lease(lease) => {
                    if let Some(tenant) = self.tenants.get_mut(&lease.shard) {
                        // One that is being closed keeps its lease for its checkpoints, no more.
                        if !matches!(tenant.state, TenantState::Closing) {
                            tenant.until.send_replace(lease.held_until);
                        }
                        tenant.lease = lease;
                    }
                }
                Renewed::Lost => self.lose(lease.shard, "another server has taken it"),
                Renewed::Failed(error) => {
                    tracing::warn!(shard = %lease.shard, %error, "a lease cannot be renewed");
                }
            }
        }
        let expired: Vec<ShardCode> = self
            .tenants
            .iter()
            .filter(|(_, tenant)| tenant.lease.remaining().is_zero())
            .map(|(shard, _)| *shard)
            .collect();
        for shard in expired {
            self.lose(shard, "its lease could not be renewed in time");
        }
    }

    /// The time on a shard is over: nothing of it may be answered or sent from here any more. What
    /// its engine still tries to write is refused by the epoch.
    fn lose(&mut self, shard: ShardCode, reason: &str) {
        tracing::warn!(%shard, reason, "a shard is lost");
        self.book.set_place(shard, Place::Nobody);
        if let Some(tenant) = self.tenants.remove(&shard) {
            tenant.end_tenure();
            if let TenantState::Open(opened) = tenant.state {
                let Opened { running, workers } = *opened;
                drop(workers);
                self.end(running);
            }
        }
    }

    /// Ends the engine of a lost shard in the background. Where there is no thread to wait for its end, its handle is
    /// dropped here: the engine ends by itself when the last one is gone, and what it still tries to write is refused.
    fn end(&self, running: Running<QingyuanApp>) {
        let book = self.book.clone();
        let spawned = std::thread::Builder::new().spawn(move || {
            let engine = running.engine.clone();
            running.stop();
            book.add_fenced(Counters::get(&engine.counters().fenced));
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "there is no thread to wait for the end of a lost shard");
        }
    }

    /// Shards whose engine found out by itself that another server writes, or whose background work died: taken
    /// anew, it begins anew.
    fn notice_ends(&mut self) {
        let ended: Vec<ShardCode> = self
            .tenants
            .iter()
            .filter(|(_, tenant)| {
                matches!(&tenant.state, TenantState::Open(opened)
                    if opened.running.has_ended() || opened.workers.has_ended())
            })
            .map(|(shard, _)| *shard)
            .collect();
        for shard in ended {
            self.lose(shard, "its engine or its background work has ended");
        }
    }

    async fn take_free(&mut self, table: &LeaseTable) {
        let here = self.tenants.keys().copied().collect();
        let share = self.sharing.share(table);
        for shard in self.sharing.takes(table, &here, Instant::now()) {
            if self.tenants.len() >= share {
                return;
            }
            let (holder, lasts) = (self.options.holder.clone(), self.options.lasts);
            let taken = self
                .leases
                .ask(move |leases| leases.take(shard, &holder, lasts));
            match taken.await {
                Ok(Taken::Lease(lease)) => self.open(lease),
                Ok(Taken::HeldBy(_)) => {}
                Ok(Taken::ClockDiffers(difference)) => {
                    self.clock_differs(difference);
                    return;
                }
                Err(error) => tracing::warn!(%shard, %error, "a lease cannot be taken"),
            }
        }
    }

    fn open(&mut self, lease: Lease) {
        let shard = lease.shard;
        let Some(first) = self.book.queries(ShardCode::FIRST).cloned() else {
            tracing::error!(%shard, "the book has no first shard");
            return;
        };
        let tenant = Tenant::opening(lease, self.tenancy.clone(), first, self.done.clone());
        self.tenants.insert(shard, tenant);
    }

    async fn take_done(&mut self, done: Done) {
        let Done { shard, epoch, step } = done;
        let tenant = self.tenants.get(&shard);
        if tenant.is_none_or(|tenant| tenant.lease.epoch != epoch) {
            // Of an earlier time on the shard, which was lost meanwhile: what is there now is not its.
            if let Step::Opened(Ok(running)) = step {
                self.end(*running);
            }
            return;
        }
        match step {
            Step::Opened(Ok(running))
                if self.phase == Phase::Keep && !self.sharing.clock_differs() =>
            {
                self.opened(shard, *running);
            }
            Step::Opened(Ok(running)) => {
                if let Some(tenant) = self.tenants.get_mut(&shard) {
                    tenant.close(*running, self.done.clone());
                }
            }
            Step::Opened(Err(error)) => {
                tracing::error!(%shard, error, "a shard cannot be opened; it is tried again");
                self.sharing.opening_failed(shard, Instant::now());
                self.release(shard).await;
            }
            Step::Closed => self.release(shard).await,
        }
    }

    fn opened(&mut self, shard: ShardCode, running: Running<QingyuanApp>) {
        let Some(tenant) = self.tenants.get_mut(&shard) else {
            return;
        };
        let place = tenant.write(running, &self.performer, &self.options);
        self.book.set_place(shard, place);
        self.sharing.opened(shard);
        tracing::info!(%shard, "a shard is written here");
    }

    /// Forgets a shard that has ended here and gives its lease back.
    async fn release(&mut self, shard: ShardCode) {
        let Some(tenant) = self.tenants.remove(&shard) else {
            return;
        };
        let lease = tenant.lease;
        if let Err(error) = self.leases.ask(move |leases| leases.release(&lease)).await {
            tracing::warn!(%shard, %error, "a lease could not be given back; it expires");
        }
    }

    /// Stops a shard in the background; then its lease is given back.
    fn close(&mut self, shard: ShardCode) {
        let Some(tenant) = self.tenants.get_mut(&shard) else {
            return;
        };
        match std::mem::replace(&mut tenant.state, TenantState::Closing) {
            TenantState::Open(opened) => {
                self.book.set_place(shard, Place::Nobody);
                let Opened { running, workers } = *opened;
                drop(workers);
                tenant.close(running, self.done.clone());
            }
            other => tenant.state = other,
        }
    }

    /// Shards written here with their epochs, in order.
    fn open_shards(&self) -> Vec<(ShardCode, u64)> {
        self.tenants
            .iter()
            .filter(|(_, tenant)| matches!(tenant.state, TenantState::Open(_)))
            .map(|(shard, tenant)| (*shard, tenant.lease.epoch))
            .collect()
    }

    async fn give_up_for(&mut self, request: &YieldRequest) {
        let Ok(table) = self.leases.ask(|leases| leases.list()).await else {
            return;
        };
        let open = self.open_shards();
        let given = self
            .sharing
            .gives_up(&table, &open, request, Instant::now());
        for shard in given {
            self.close(shard);
        }
    }

    fn ask_for_more(&mut self, table: &LeaseTable) {
        let asked = self.sharing.asks(table, self.tenants.len(), Instant::now());
        if let (Some((holder, count)), Some(peers)) = (asked, self.book.peers()) {
            let peers = peers.clone();
            // Its answer may be long in coming; leases are renewed meanwhile.
            tokio::spawn(async move { peers.ask_to_yield(&holder, count).await });
        }
    }
}

/// Waits until then; without an instant for ever.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}
