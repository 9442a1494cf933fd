//! The shard on real threads: one that executes, one that writes, and tasks that drive effects and timers.

mod clock;
mod committer;
mod executor;
mod outbox;
mod seldom;
mod timers;

pub use clock::{Clock, SimulatedClock, SystemClock};
pub use outbox::{Job, Lane, Outbox, Performer, Permissions};
pub use timers::Timers;

use crate::application::{Application, Envelope, Outcome, SubmitError};
use crate::shard::{Shard, ShardOptions};
use crate::store::{Queries, StoreError, StoreFactory};
use crate::task::Task;
use crate::vault::{Vault, VaultError};
use crossbeam_channel::{Sender, TrySendError};
use ledger::{AccountId, AccountState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Commands waiting for the shard; more are answered [`SubmitError::Busy`].
const QUEUE_MAX: usize = 65_536;

pub(crate) type Submitted<App> =
    Result<Outcome<<App as Application>::Reply, <App as Application>::Rejection>, SubmitError>;

/// What the executor is asked.
pub(crate) enum Message<App: Application> {
    Task(
        Task<App::Command, App::Answer>,
        oneshot::Sender<Submitted<App>>,
    ),
    Account(
        AccountId,
        oneshot::Sender<Result<Option<AccountState>, SubmitError>>,
    ),
    Stop,
}

/// Counters for `/metrics`; monotonic unless said otherwise.
#[derive(Debug, Default)]
pub struct Counters {
    /// Commands whose batch was committed.
    pub commands: AtomicU64,
    /// Batches committed.
    pub batches: AtomicU64,
    /// Ledger rows committed.
    pub ledger_rows: AtomicU64,
    /// Commits that failed.
    pub failed_commits: AtomicU64,
    /// 1 once the store refused this shard's writer because another server has the shard: it ended there.
    pub fenced: AtomicU64,
    /// Commands set aside, whatever they were.
    pub set_aside: AtomicU64,
    /// Time of the last durable command in milliseconds (a gauge): commands never see an earlier one.
    pub last_command_ms: AtomicI64,
    /// Last commit's duration in microseconds (a gauge).
    pub last_commit_us: AtomicU64,
}

/// Handle of a running shard; clones share it.
pub struct Engine<App: Application> {
    messages: Sender<Message<App>>,
    queries: Arc<dyn Queries>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
}

impl<App: Application> Clone for Engine<App> {
    fn clone(&self) -> Self {
        Engine {
            messages: self.messages.clone(),
            queries: self.queries.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            counters: self.counters.clone(),
        }
    }
}

/// Everything that ends with the engine.
pub struct Running<App: Application> {
    /// The handle.
    pub engine: Engine<App>,
    /// Which effects this process may perform without asking first, batch by batch.
    pub fresh: mpsc::UnboundedReceiver<Permissions>,
    executor: JoinHandle<()>,
}

impl<App: Application> Running<App> {
    /// Whether the shard ended by itself: another server writes it now or should, or a part of it died.
    pub fn has_ended(&self) -> bool {
        self.executor.is_finished()
    }

    /// Finishes what was submitted, writes the account checkpoints that are behind, and ends.
    pub fn stop(self) {
        let _ = self.engine.messages.send(Message::Stop);
        // The data directory is free when the last handle is dropped after this. A panic of the executor was reported when it happened.
        let _ = self.executor.join();
    }
}

impl<App: Application> Engine<App> {
    /// Opens the shard and starts its threads. Ready when it returns. While the store is away, it is tried again
    /// until it is back.
    pub fn start(
        app: Arc<App>,
        store: Arc<dyn StoreFactory>,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        options: ShardOptions,
    ) -> Result<Running<App>, StoreError> {
        Engine::start_until(app, store, vault, clock, options, None)
    }

    /// As [`Engine::start`], for a shard that another server could serve: it ends when it could not be opened anew
    /// for so long, damage excepted, which would be in the other's way too.
    pub fn start_leased(
        app: Arc<App>,
        store: Arc<dyn StoreFactory>,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        options: ShardOptions,
        reopen_max: Duration,
    ) -> Result<Running<App>, StoreError> {
        Engine::start_until(app, store, vault, clock, options, Some(reopen_max))
    }

    fn start_until(
        app: Arc<App>,
        store: Arc<dyn StoreFactory>,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        options: ShardOptions,
        reopen_max: Option<Duration>,
    ) -> Result<Running<App>, StoreError> {
        let (messages, inbox) = crossbeam_channel::bounded(QUEUE_MAX);
        let (fresh_sender, fresh) = mpsc::unbounded_channel();
        let queries = store.queries()?;
        let shard = Shard::open(app.clone(), store.reader()?, vault.clone(), options.clone())?;
        let counters = Arc::new(Counters::default());
        let last_command_ms = shard.head().now.as_millisecond();
        counters
            .last_command_ms
            .store(last_command_ms, Ordering::Relaxed);
        let executor = executor::Executor::new(executor::Parts {
            app,
            store,
            vault: vault.clone(),
            clock: clock.clone(),
            options,
            reopen_max,
            inbox,
            fresh: fresh_sender,
            counters: counters.clone(),
        })?;
        let thread = std::thread::Builder::new()
            .name("shard".into())
            .spawn(move || executor.run(shard))
            .map_err(|error| {
                StoreError::Unavailable(format!("cannot start the shard's thread: {error}"))
            })?;
        let engine = Engine {
            messages,
            queries,
            vault,
            clock,
            counters,
        };
        Ok(Running {
            engine,
            fresh,
            executor: thread,
        })
    }

    /// Submits a command and waits until its outcome is durable.
    pub async fn submit(&self, envelope: Envelope<App::Command>) -> Submitted<App> {
        self.submit_task(Task::Envelope(envelope)).await
    }

    /// Submits any task.
    pub async fn submit_task(&self, task: Task<App::Command, App::Answer>) -> Submitted<App> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(task, reply)?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Submits a command from a thread that may block.
    pub fn submit_blocking(&self, envelope: Envelope<App::Command>) -> Submitted<App> {
        self.submit_later(envelope)?
            .blocking_recv()
            .unwrap_or_else(|_| Err(gone()))
    }

    /// Submits a command; the outcome is fetched from the receiver when wanted.
    pub fn submit_later(
        &self,
        envelope: Envelope<App::Command>,
    ) -> Result<oneshot::Receiver<Submitted<App>>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Task::Envelope(envelope), reply)?;
        Ok(answer)
    }

    fn enqueue(
        &self,
        task: Task<App::Command, App::Answer>,
        reply: oneshot::Sender<Submitted<App>>,
    ) -> Result<(), SubmitError> {
        self.messages
            .try_send(Message::Task(task, reply))
            .map_err(refused)
    }

    /// State of an account as the writer knows it.
    pub async fn account(&self, id: AccountId) -> Result<Option<AccountState>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.messages
            .try_send(Message::Account(id, reply))
            .map_err(refused)?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Lists and reports.
    pub fn queries(&self) -> &Arc<dyn Queries> {
        &self.queries
    }

    /// What seals personal data.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Time as commands see it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Time as the next command will see it: the clock's, or that of the last command where the clock
    /// has fallen behind it. What is due is measured by this.
    pub fn now(&self) -> jiff::Timestamp {
        let last = self.counters.last_command_ms.load(Ordering::Relaxed);
        let last = jiff::Timestamp::from_millisecond(last).unwrap_or_default();
        self.clock.now().max(last)
    }

    /// Counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Commands waiting for the shard.
    pub fn queue_length(&self) -> usize {
        self.messages.len()
    }

    /// Clear text of a vault entry.
    pub fn open_secret(
        &self,
        id: &str,
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, SecretError> {
        let Some(secret) = self.queries.secret(id)? else {
            return Ok(None);
        };
        Ok(Some(self.vault.open(&secret)?))
    }
}

/// Asks the store where blocking is allowed: a list of a database that is away takes half a minute, and on a thread that
/// drives tasks it would hold up all of them.
async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
}

/// The command was not taken.
fn refused<T>(error: TrySendError<T>) -> SubmitError {
    match error {
        TrySendError::Full(_) => SubmitError::Busy,
        TrySendError::Disconnected(_) => SubmitError::Moving,
    }
}

/// The shard ended without an answer.
fn gone() -> SubmitError {
    SubmitError::Unavailable("the shard ended before it answered".into())
}

/// A vault entry could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The entry cannot be decrypted.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// Current value of a counter.
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}
