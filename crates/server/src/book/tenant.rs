//! A shard of this server from its lease to its end. It is opened and closed in the background, and
//! what came of that is told with the epoch of the lease it was done under.

use super::keeper::KeeperOptions;
use super::rules::{BookRules, set_up_command};
use super::{Place, Tenure};
use crate::channel::ChannelPerformer;
use crate::state::Engine;
use crate::workers::Workers;
use domain::{Command, QingyuanApp, Request};
use engine::runtime::Running;
use engine::store::lease::{ClockDifference, Lease};
use engine::store::{Queries, StoreError};
use engine::{Actor, Envelope, ShardCode, VaultEntry, Verdict};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

/// An empty text that each shard keeps under the book's vault key, so that a server with another key is
/// noticed before it seals anything.
pub const VAULT_CHECK: &str = "vault_check";

/// Opens shards; what is done with them here is the same for every store.
pub trait Tenancy: Send + Sync + 'static {
    /// Starts the shard of a lease. Blocks.
    ///
    /// # Errors
    /// [`StoreError`]; the lease is given back and taken again later.
    fn open(&self, lease: &Lease) -> Result<Running<QingyuanApp>, StoreError>;

    /// How shards are begun.
    fn rules(&self) -> BookRules;

    /// Hears again and again that this server's clock agreed with the database's, and what it showed then.
    fn clock_agrees(&self, _compared: &ClockDifference) {}
}

/// A shard of this server.
pub(super) struct Tenant {
    pub lease: Lease,
    /// Until when it may answer and send.
    pub until: watch::Sender<Instant>,
    pub state: TenantState,
}

pub(super) enum TenantState {
    /// Being read from the database and set up.
    Opening,
    Open(Box<Opened>),
    /// Its last checkpoints are being written.
    Closing,
}

pub(super) struct Opened {
    pub running: Running<QingyuanApp>,
    pub workers: Workers,
}

/// What a background step came to, and under which lease: a shard may have been lost and taken again
/// since the step began.
pub(super) struct Done {
    pub shard: ShardCode,
    pub epoch: u64,
    pub step: Step,
}

pub(super) enum Step {
    /// It is open and set up, or was closed again.
    Opened(Result<Box<Running<QingyuanApp>>, String>),
    Closed,
}

impl Tenant {
    /// A shard that is opened from now on. `done` hears how that ended, whatever happens.
    pub fn opening(
        lease: Lease,
        tenancy: Arc<dyn Tenancy>,
        first: Arc<dyn Queries>,
        done: mpsc::UnboundedSender<Done>,
    ) -> Tenant {
        let (until, _) = watch::channel(lease.held_until);
        let given = lease.clone();
        tokio::spawn(async move {
            let (shard, epoch) = (given.shard, given.epoch);
            let opened =
                on_its_own_thread(move || open(tenancy.as_ref(), first.as_ref(), &given)).await;
            let opened = opened.unwrap_or_else(|| Err("its opening ended badly".to_owned()));
            let step = Step::Opened(opened);
            // Nobody listens any more only when the server ends.
            let _ = done.send(Done { shard, epoch, step });
        });
        Tenant {
            lease,
            until,
            state: TenantState::Opening,
        }
    }

    /// From now on nothing of the shard is answered or sent from here, whatever is still under way.
    pub fn end_tenure(&self) {
        self.until.send_replace(Instant::now());
    }

    /// Stops the shard in the background; `done` hears when its last checkpoints are written.
    pub fn close(&mut self, running: Running<QingyuanApp>, done: mpsc::UnboundedSender<Done>) {
        self.end_tenure();
        self.state = TenantState::Closing;
        let (shard, epoch) = (self.lease.shard, self.lease.epoch);
        tokio::spawn(async move {
            if on_its_own_thread(move || running.stop()).await.is_none() {
                tracing::error!(%shard, "a shard ended badly");
            }
            let step = Step::Closed;
            let _ = done.send(Done { shard, epoch, step });
        });
    }

    /// Starts the background work of a shard that has opened; what the book is to know of it.
    pub fn write(
        &mut self,
        mut running: Running<QingyuanApp>,
        performer: &ChannelPerformer,
        options: &KeeperOptions,
    ) -> Place {
        let tenure = Tenure::leased(self.until.subscribe());
        let engine = running.engine.clone();
        let (_, nothing) = mpsc::unbounded_channel();
        let fresh = std::mem::replace(&mut running.fresh, nothing);
        let workers = Workers::start(
            &engine,
            performer.for_shard(self.lease.shard, tenure.clone()),
            fresh,
            options.parallel,
            options.worker_tick,
        );
        self.state = TenantState::Open(Box::new(Opened { running, workers }));
        Place::Here(engine, tenure)
    }
}

/// Does something that blocks on a thread of its own: those that requests share may all be waiting for the database.
/// `None` if it panicked, or there was no thread to be had.
async fn on_its_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    let spawned = std::thread::Builder::new().spawn(move || {
        // Nobody waits any more only when the server ends.
        let _ = answer.send(work());
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "there is no thread to be had");
    }
    answered.await.ok()
}

/// Opens a shard and sets it up, all or nothing: one that is open but not set up would keep its lease
/// and serve nobody.
fn open(
    tenancy: &dyn Tenancy,
    first: &dyn Queries,
    lease: &Lease,
) -> Result<Box<Running<QingyuanApp>>, String> {
    let running = tenancy.open(lease).map_err(|error| error.to_string())?;
    match set_up(&running.engine, first, &tenancy.rules()) {
        Ok(()) => Ok(Box::new(running)),
        Err(reason) => {
            running.stop();
            Err(reason)
        }
    }
}

/// Opens the internal accounts of a shard under its first rule packs and leaves an empty text under the
/// vault's key; harmless when all are there. The chart must stand before the first request. A shard whose rule
/// packs this server cannot use is not set up. `first` reads the book's first shard. Blocks.
///
/// # Errors
/// A text that says what failed.
pub fn set_up(engine: &Engine, first: &dyn Queries, rules: &BookRules) -> Result<(), String> {
    let set_up = set_up_command(engine.queries().as_ref(), first, rules, engine.now())
        .map_err(|error| error.to_string())?;
    let command = Command::Request(Request::SetUp(set_up));
    let mut envelope = Envelope::new(Actor::system(), command);
    match engine.open_secret(VAULT_CHECK) {
        Ok(Some(_)) => {}
        Ok(None) => envelope.vault.push(VaultEntry {
            id: VAULT_CHECK.into(),
            clear_text: zeroize::Zeroizing::new(Vec::new()),
        }),
        Err(error) => return Err(error.to_string()),
    }
    let submitted = engine.submit_blocking(envelope);
    match submitted.map_err(|error| error.to_string())?.result {
        Verdict::Done(_) => Ok(()),
        other => Err(format!(
            "the internal accounts could not be opened: {other:?}"
        )),
    }
}
