//! Keeps this server's leases: renews them, takes free shards up to its share, gives up what others
//! should have, and runs a shard exactly as long as it has its lease.
//!
//! The share is the number of shards divided by the servers seen, rounded up. A server that has no
//! shard is not in the lease table, so it asks the richest holder to yield; that one gives up shards
//! only while it has more than its share counting the newcomer.

use super::forward::YieldRequest;
use super::tenant::{Done, Opened, Step, Tenancy, Tenant, TenantState};
use super::{Book, Place, Tenure};
use crate::channel::ChannelPerformer;
use crate::workers::Workers;
use domain::QingyuanApp;
use engine::ShardCode;
use engine::runtime::{Counters, Running};
use engine::store::StoreError;
use engine::store::lease::{Holder, Lease, LeaseTable, Leases, Renewed, Taken};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Longest time a shard that was given up is left to others.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(5);
/// How often shards are asked for at most.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Added to the end of a lease before it is looked for: what the database's milliseconds leave open.
const MARGIN: Duration = Duration::from_millis(5);

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
enum Phase {
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
    pub fn start(
        book: Book,
        leases: Arc<dyn Leases>,
        tenancy: Arc<dyn Tenancy>,
        performer: ChannelPerformer,
        yields: mpsc::UnboundedReceiver<YieldRequest>,
        options: KeeperOptions,
    ) -> Keeper {
        let (phase, wanted) = watch::channel(Phase::Keep);
        let (emptied, empty) = watch::channel(false);
        let (done, finished) = mpsc::unbounded_channel();
        let work = Work {
            book,
            leases,
            tenancy,
            performer,
            options,
            phase: Phase::Keep,
            tenants: BTreeMap::new(),
            left: BTreeMap::new(),
            asked_at: None,
            expected_at: None,
            clock_differs: false,
            done,
            finished,
            yields,
        };
        Keeper {
            phase,
            empty,
            task: tokio::spawn(work.run(wanted, emptied)),
        }
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

struct Work {
    book: Book,
    leases: Arc<dyn Leases>,
    tenancy: Arc<dyn Tenancy>,
    performer: ChannelPerformer,
    options: KeeperOptions,
    phase: Phase,
    tenants: BTreeMap<ShardCode, Tenant>,
    /// Shards given up for others, and until when they are not taken back.
    left: BTreeMap<ShardCode, Instant>,
    asked_at: Option<Instant>,
    /// When leases end that nobody renews any more, if that is before the next tick.
    expected_at: Option<Instant>,
    /// Whether this server's clock was found to differ from the database's, and said so.
    clock_differs: bool,
    done: mpsc::UnboundedSender<Done>,
    finished: mpsc::UnboundedReceiver<Done>,
    yields: mpsc::UnboundedReceiver<YieldRequest>,
}

impl Work {
    async fn run(mut self, mut wanted: watch::Receiver<Phase>, emptied: watch::Sender<bool>) {
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
                    for shard in self.open_shards() {
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

    /// Runs something on the leases where blocking is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Leases) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let leases = self.leases.clone();
        tokio::task::spawn_blocking(move || call(leases.as_ref()))
            .await
            .unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    async fn tick(&mut self) {
        self.expected_at = None;
        self.renew().await;
        self.notice_ends();
        match self.blocking(|leases| leases.list()).await {
            Ok(table) => {
                self.look_around(&table);
                if self.phase == Phase::Keep {
                    self.expected_at = self.next_end(&table);
                    self.take_free(&table).await;
                    self.ask_for_more(&table);
                }
            }
            Err(error) => tracing::warn!(%error, "leases cannot be read"),
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
        let renewed = self.blocking(move |leases| leases.renew(&asked)).await;
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

    /// Ends the engine of a lost shard in the background.
    fn end(&self, running: Running<QingyuanApp>) {
        let book = self.book.clone();
        std::thread::spawn(move || {
            let engine = running.engine.clone();
            running.stop();
            book.add_fenced(Counters::get(&engine.counters().fenced));
        });
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

    /// Notes who has the shards that are not here, and asks how those servers are.
    fn look_around(&self, table: &LeaseTable) {
        let mut others = BTreeMap::new();
        for entry in &table.shards {
            let other = entry
                .holder
                .as_ref()
                .filter(|holder| !entry.is_free() && holder.server != self.options.holder.server);
            if let Some(holder) = other {
                others.insert(holder.server.as_str(), holder);
            }
            if !self.tenants.contains_key(&entry.shard) {
                let place = other.map_or(Place::Nobody, |holder| Place::There(holder.clone()));
                self.book.set_place(entry.shard, place);
            }
        }
        if let Some(peers) = self.book.peers() {
            for holder in others.into_values() {
                let (peers, holder) = (peers.clone(), holder.clone());
                // A server that does not answer must not keep this one from its leases.
                tokio::spawn(async move { peers.greet(&holder).await });
            }
        }
    }

    /// When the leases have ended that end before the next look. Who is alive renews long before; those of a server that
    /// died end together, and waiting for the last leaves its whole share to be had.
    fn next_end(&self, table: &LeaseTable) -> Option<Instant> {
        let others = table
            .shards
            .iter()
            .filter(|entry| !entry.is_free() && !self.tenants.contains_key(&entry.shard));
        let ending = others.filter(|entry| entry.remaining < self.options.tick);
        let last = ending.map(|entry| entry.remaining).max()?;
        Some(Instant::now() + last + MARGIN)
    }

    /// Servers seen, this one and `newcomer` included.
    fn servers(&self, table: &LeaseTable, newcomer: Option<&str>) -> usize {
        let mut servers: BTreeSet<&str> = table
            .shards
            .iter()
            .filter(|entry| !entry.is_free())
            .filter_map(|entry| entry.holder.as_ref())
            .map(|holder| holder.server.as_str())
            .collect();
        servers.insert(&self.options.holder.server);
        servers.extend(newcomer);
        servers.len()
    }

    async fn take_free(&mut self, table: &LeaseTable) {
        let now = Instant::now();
        self.left.retain(|_, until| *until > now);
        let share = table.shards.len().div_ceil(self.servers(table, None));
        for entry in &table.shards {
            if self.tenants.len() >= share {
                return;
            }
            let shard = entry.shard;
            // What is this server's in the table and not here was lost with an answer, or with its engine.
            let own = entry
                .holder
                .as_ref()
                .is_some_and(|holder| holder.server == self.options.holder.server);
            if !(own || entry.is_free())
                || self.tenants.contains_key(&shard)
                || self.left.contains_key(&shard)
            {
                continue;
            }
            let (holder, lasts) = (self.options.holder.clone(), self.options.lasts);
            let taken = self
                .blocking(move |leases| leases.take(shard, &holder, lasts))
                .await;
            match taken {
                Ok(Taken::Lease(lease)) => {
                    self.clock_differs = false;
                    self.open(lease);
                }
                Ok(Taken::HeldBy(_)) => {}
                Ok(Taken::ClockDiffers(difference)) => {
                    // Once, not with every look at the leases.
                    if !std::mem::replace(&mut self.clock_differs, true) {
                        tracing::error!(
                            server_ahead_ms = difference.server_ahead_ms,
                            "this server's clock differs from the database's: it takes no shard until the clock is right"
                        );
                    }
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
            Step::Opened(Ok(running)) if self.phase == Phase::Keep => {
                self.opened(shard, *running);
            }
            Step::Opened(Ok(running)) => {
                if let Some(tenant) = self.tenants.get_mut(&shard) {
                    tenant.close(*running, self.done.clone());
                }
            }
            Step::Opened(Err(error)) => {
                tracing::error!(%shard, error, "a shard cannot be opened; it is tried again");
                self.left.insert(shard, Instant::now() + self.options.lasts);
                self.release(shard).await;
            }
            Step::Closed => self.release(shard).await,
        }
    }

    fn opened(&mut self, shard: ShardCode, mut running: Running<QingyuanApp>) {
        let Some(tenant) = self.tenants.get_mut(&shard) else {
            return;
        };
        let tenure = Tenure::leased(tenant.until.subscribe());
        let engine = running.engine.clone();
        let (_, nothing) = mpsc::unbounded_channel();
        let fresh = std::mem::replace(&mut running.fresh, nothing);
        let workers = Workers::start(
            &engine,
            self.performer.for_shard(shard, tenure.clone()),
            fresh,
            self.options.parallel,
            self.options.worker_tick,
        );
        tenant.state = TenantState::Open(Box::new(Opened { running, workers }));
        self.book.set_place(shard, Place::Here(engine, tenure));
        tracing::info!(%shard, "a shard is written here");
    }

    /// Forgets a shard that has ended here and gives its lease back.
    async fn release(&mut self, shard: ShardCode) {
        let Some(tenant) = self.tenants.remove(&shard) else {
            return;
        };
        let lease = tenant.lease;
        if let Err(error) = self.blocking(move |leases| leases.release(&lease)).await {
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

    fn open_shards(&self) -> Vec<ShardCode> {
        self.tenants
            .iter()
            .filter(|(_, tenant)| matches!(tenant.state, TenantState::Open(_)))
            .map(|(shard, _)| *shard)
            .collect()
    }

    async fn give_up_for(&mut self, request: &YieldRequest) {
        let Ok(table) = self.blocking(|leases| leases.list()).await else {
            return;
        };
        let servers = self.servers(&table, Some(&request.server));
        let share = table.shards.len().div_ceil(servers);
        let open = self.open_shards();
        let surplus = open.len().saturating_sub(share).min(request.count);
        // The last ones, so that low numbers stay where they are.
        for shard in open.into_iter().rev().take(surplus) {
            self.left.insert(shard, Instant::now() + LEFT_TO_OTHERS);
            self.close(shard);
        }
    }

    /// Asks the richest server for shards when this one has too few and nothing is free.
    fn ask_for_more(&mut self, table: &LeaseTable) {
        let now = Instant::now();
        if self.asked_at.is_some_and(|at| now < at + ASK_EVERY) {
            return;
        }
        let mut holders: BTreeMap<&str, (&Holder, usize)> = BTreeMap::new();
        for entry in table.shards.iter().filter(|entry| !entry.is_free()) {
            if let Some(holder) = &entry.holder {
                holders.entry(&holder.server).or_insert((holder, 0)).1 += 1;
            }
        }
        let own = self.tenants.len();
        let least = table.shards.len() / self.servers(table, None);
        let Some((richest, most)) = holders.into_values().max_by_key(|(_, count)| *count) else {
            return;
        };
        if own >= least || most <= own + 1 || richest.server == self.options.holder.server {
            return;
        }
        self.asked_at = Some(now);
        if let Some(peers) = self.book.peers() {
            let (peers, holder) = (peers.clone(), richest.clone());
            // Its answer may be long in coming; leases are renewed meanwhile.
            tokio::spawn(async move { peers.ask_to_yield(&holder, least - own).await });
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
