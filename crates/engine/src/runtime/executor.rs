//! The shard's thread: drains what waits, runs it, hands full or idle batches to the committer.

mod filling;
mod recovery;

use super::clock::Clock;
use super::committer::{self, Ack};
use super::outbox::Permissions;
use super::seldom::Seldom;
use super::{Counters, Message, Submitted};
use crate::application::{Application, SubmitError};
use crate::batch::SealedBatch;
use crate::effect::EffectRecord;
use crate::shard::{Released, Shard, ShardOptions, Ticket, TicketOutcome};
use crate::store::{StoreError, StoreFactory};
use crate::vault::Vault;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use filling::SMALL_BATCH;
use ledger::AccountState;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Checkpoints written per idle batch.
const IDLE_SWEEP: usize = 20_000;
/// Time without work after which checkpoints are brought up to date.
const IDLE_AFTER: Duration = Duration::from_millis(200);
/// How often the queue is looked at while a batch is being written. Being woken by each command
/// costs more than running it, for the shard and for whoever submits it.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Only behind a commit that was short, which means mostly its fixed costs, does a small batch wait a moment for the
/// callers that were just answered; during a long one the next batch fills by itself, and is better on its way at once …
const SHORT_COMMIT: Duration = Duration::from_micros(1_200);
/// … and not longer than this: half as many commits for the same commands are worth it.
const GATHER_MAX: Duration = Duration::from_millis(1);
/// Between two log lines about commands that were set aside.
const SET_ASIDE_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Parts<App: Application> {
    pub app: Arc<App>,
    pub store: Arc<dyn StoreFactory>,
    pub vault: Arc<Vault>,
    pub clock: Arc<dyn Clock>,
    pub options: ShardOptions,
    /// How long a shard that cannot be opened anew is tried: `None` for ever.
    pub reopen_max: Option<Duration>,
    pub inbox: Receiver<Message<App>>,
    pub fresh: mpsc::UnboundedSender<Permissions>,
    pub counters: Arc<Counters>,
}

type Waiter<App> = oneshot::Sender<Submitted<App>>;

pub(super) struct Executor<App: Application> {
    parts: Parts<App>,
    batches: Sender<Arc<SealedBatch>>,
    acks: Receiver<Ack>,
    committer: JoinHandle<()>,
    /// Whether a batch is with the committer.
    sent: bool,
    waiters: hashbrown::HashMap<Ticket, Waiter<App>, rustc_hash::FxBuildHasher>,
    next_ticket: Ticket,
    /// Answers to reads that saw changes of the batch being filled, and of the one being written.
    reads_waiting: Vec<Read>,
    reads_in_flight: Vec<Read>,
    /// What the next batch waits for.
    gathering: Option<Gathering>,
    /// A caller may repeat a command that breaks as fast as it is answered.
    set_asides: Seldom,
    stopping: bool,
}

/// Callers in a closed loop come back when they are answered: so many commands make the batch
/// whole, and it is sealed at the latest then.
struct Gathering {
    commands: usize,
    until: Instant,
}

type Read = (
    Option<AccountState>,
    oneshot::Sender<Result<Option<AccountState>, SubmitError>>,
);

/// Why the shard has to be opened again.
struct Failure {
    error: StoreError,
    then: Then,
}

/// What a failure leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The callers ask again.
    Reload,
    /// Tasks of the failed and of the unfinished batch are tried one by one.
    OneByOne,
    /// Nothing can be written any more, however often the shard is opened.
    End,
}

impl<App: Application> Executor<App> {
    pub fn new(parts: Parts<App>) -> Result<Executor<App>, StoreError> {
        let (batches, batch_inbox) = crossbeam_channel::bounded(1);
        let (ack_sender, acks) = crossbeam_channel::bounded(1);
        let store = parts.store.clone();
        let committer = std::thread::Builder::new()
            .name("committer".into())
            .spawn(move || committer::run(store, batch_inbox, ack_sender))
            .map_err(|error| {
                StoreError::Unavailable(format!("cannot start the writing thread: {error}"))
            })?;
        Ok(Executor {
            parts,
            batches,
            acks,
            committer,
            sent: false,
            waiters: hashbrown::HashMap::default(),
            next_ticket: 1,
            reads_waiting: Vec::new(),
            reads_in_flight: Vec::new(),
            gathering: None,
            set_asides: Seldom::once_in(SET_ASIDE_PAUSE),
            stopping: false,
        })
    }

    pub fn run(mut self, shard: Shard<App>) {
        let mut shard = shard;
        while let Err(failure) = self.work(&mut shard) {
            tracing::error!(error = %failure.error, "the shard stops and reloads");
            Counters::add(&self.parts.counters.failed_commits, 1);
            let Some(reopened) = self.recover(shard, &failure) else {
                break;
            };
            shard = reopened;
        }
        let reason: Arc<str> = "the shard is no longer this server's".into();
        let left: Vec<Ticket> = self.waiters.keys().copied().collect();
        for ticket in left {
            self.answer_unavailable(ticket, &reason);
        }
        // The writing connection and its lock end before the caller of stop goes on.
        let Executor {
            batches,
            committer,
            parts,
            ..
        } = self;
        drop(batches);
        if committer.join().is_err() {
            tracing::error!("the writing thread panicked");
        }
        while let Ok(message) = parts.inbox.try_recv() {
            match message {
                Message::Task(_, reply) => drop(reply.send(Err(SubmitError::Moving))),
                Message::Account(_, reply) => drop(reply.send(Err(SubmitError::Moving))),
                Message::Stop => {}
            }
        }
    }

    /// Runs until asked to stop (`Ok`) or until the store fails.
    fn work(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        loop {
            self.release_unwritten(shard);
            if shard.is_writing() {
                self.wait_while_writing(shard)?;
            } else if shard.commands_waiting() > 0 {
                self.gather(shard)?;
                self.seal(shard)?;
            } else if self.stopping {
                if let Err(failure) = self.finish(shard) {
                    // The next start reads a longer tail; trying again would keep it from stopping.
                    tracing::warn!(error = %failure.error, "checkpoints are left behind");
                }
                return Ok(());
            } else {
                self.wait_idle(shard)?;
            }
        }
    }

    fn wait_while_writing(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        if Self::is_full(shard) || self.stopping {
            let (result, took) = self.await_ack()?;
            return self.acknowledged(shard, result, took);
        }
        if let Ok(ack) = self.acks.try_recv() {
            let (result, took) = self.heard(ack);
            return self.acknowledged(shard, result, took);
        }
        match self.parts.inbox.try_recv() {
            Ok(message) => return self.take(shard, message),
            Err(TryRecvError::Disconnected) => self.stopping = true,
            Err(TryRecvError::Empty) => {}
        }
        match self.acks.recv_timeout(LOOK_AGAIN) {
            Ok(ack) => {
                let (result, took) = self.heard(ack);
                self.acknowledged(shard, result, took)
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }

    fn wait_idle(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        match self.parts.inbox.recv_timeout(IDLE_AFTER) {
            Ok(message) => self.take(shard, message),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(batch) = shard.seal_sweep(IDLE_SWEEP).map_err(fatal)? {
                    self.send(shard, batch)?;
                }
                Ok(())
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.stopping = true;
                Ok(())
            }
        }
    }

    fn seal(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        match shard.seal().map_err(failed)? {
            Some(batch) => self.send(shard, batch),
            None => Ok(()),
        }
    }

    fn send(&mut self, shard: &mut Shard<App>, batch: Arc<SealedBatch>) -> Result<(), Failure> {
        self.tell_outbox(Vec::new(), shard.take_settled());
        self.gathering = None;
        self.reads_in_flight.append(&mut self.reads_waiting);
        self.sent = true;
        self.batches.send(batch).map_err(|_| gone())
    }

    fn heard(&mut self, ack: Ack) -> (Result<(), StoreError>, Duration) {
        self.sent = false;
        (ack.result, ack.took)
    }

    /// Waits for the batch that is being written, however long it takes: one that was given up could take effect behind
    /// the back of a shard that was opened anew meanwhile. A store bounds the time of a commit itself.
    fn await_ack(&mut self) -> Result<(Result<(), StoreError>, Duration), Failure> {
        let ack = self.acks.recv().map_err(|_| gone())?;
        Ok(self.heard(ack))
    }

    fn acknowledged(
        &mut self,
        shard: &mut Shard<App>,
        result: Result<(), StoreError>,
        took: Duration,
    ) -> Result<(), Failure> {
        let counters = &self.parts.counters;
        counters.last_commit_us.store(
            took.as_micros() as u64,
            std::sync::atomic::Ordering::Relaxed,
        );
        result.map_err(failed)?;
        let mut released = shard.committed();
        // What the next batch takes back comes after what this one gives.
        self.tell_outbox(std::mem::take(&mut released.fresh), Vec::new());
        let reads = std::mem::take(&mut self.reads_in_flight);
        let waiting = shard.commands_waiting();
        self.gathering = (took < SHORT_COMMIT).then(|| Gathering {
            commands: released.commands + waiting,
            until: Instant::now() + GATHER_MAX.min(took * 2),
        });
        // A batch that waits for nobody is on its way before the replies of this one are handed out.
        let sealed = if waiting >= SMALL_BATCH || self.gathering.is_none() && waiting > 0 {
            self.seal(shard)
        } else {
            Ok(())
        };
        self.release(released, reads);
        sealed
    }

    /// Hands out what a durable batch sets free.
    fn release(&mut self, mut released: Released<App>, reads: Vec<Read>) {
        let counters = &self.parts.counters;
        Counters::add(&counters.batches, 1);
        Counters::add(&counters.commands, released.commands as u64);
        Counters::add(&counters.ledger_rows, released.rows as u64);
        let at = released.at.as_millisecond();
        counters
            .last_command_ms
            .fetch_max(at, std::sync::atomic::Ordering::Relaxed);
        for record in &released.set_aside {
            self.tell_set_aside(&record.id, &record.reason);
        }
        // Before the replies: who sees a reply may look for the effects it led to.
        self.tell_outbox(std::mem::take(&mut released.fresh), Vec::new());
        self.reply(released.outcomes);
        for (state, reply) in reads {
            let _ = reply.send(Ok(state));
        }
    }

    fn tell_outbox(&self, given: Vec<Arc<EffectRecord>>, void: Vec<String>) {
        if !given.is_empty() || !void.is_empty() {
            let _ = self.parts.fresh.send(Permissions { given, void });
        }
    }

    /// Counts a command that was set aside and says so. What it was stays in its record: it may be anything.
    fn tell_set_aside(&self, record: &str, reason: &str) {
        Counters::add(&self.parts.counters.set_aside, 1);
        let shard = self.parts.options.shard;
        self.set_asides.say(|unsaid| {
            tracing::error!(%shard, record, reason, unsaid, "a command is set aside");
        });
    }

    fn release_unwritten(&mut self, shard: &mut Shard<App>) {
        let outcomes = shard.take_unwritten();
        self.reply(outcomes);
        if !shard.is_writing() && shard.commands_waiting() == 0 {
            for (state, reply) in std::mem::take(&mut self.reads_waiting) {
                let _ = reply.send(Ok(state));
            }
        }
    }

    fn reply(&mut self, outcomes: Vec<TicketOutcome<App>>) {
        for (ticket, outcome) in outcomes {
            if let Some(waiter) = self.waiters.remove(&ticket) {
                // Nobody listens any more: the outcome is durable all the same.
                let _ = waiter.send(Ok(outcome));
            }
        }
    }

    /// Writes the checkpoints that are behind, so that the next start reads no tail.
    fn finish(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        while let Some(batch) = shard.seal_sweep(IDLE_SWEEP).map_err(fatal)? {
            self.send(shard, batch)?;
            let (result, _) = self.await_ack()?;
            result.map_err(fatal)?;
            shard.committed();
        }
        Ok(())
    }
}

/// A write that will be refused again is laid at the door of one command.
fn failed(error: StoreError) -> Failure {
    let then = match error {
        StoreError::Refused(_) => Then::OneByOne,
        _ => Then::Reload,
    };
    Failure { error, then }
}

fn fatal(error: StoreError) -> Failure {
    Failure {
        error,
        then: Then::Reload,
    }
}

/// The writing thread panicked: whoever runs the shard has to begin it anew.
fn gone() -> Failure {
    Failure {
        error: StoreError::Unavailable("the writing thread is gone".into()),
        then: Then::End,
    }
}
