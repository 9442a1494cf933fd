//! The shard's thread: drains what waits, runs it, hands full or idle batches to the committer.

use super::clock::Clock;
use super::committer::{self, Ack};
use super::{Counters, Message, Submitted};
use crate::application::{Application, Denial, Outcome, SubmitError, Verdict};
use crate::batch::SealedBatch;
use crate::effect::EffectRecord;
use crate::shard::{Admitted, Shard, ShardOptions, Ticket};
use crate::store::{StoreError, StoreFactory};
use crate::task::{Admission, Task};
use crate::vault::Vault;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, select};
use ledger::AccountState;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Commands run before the batch is looked at again.
const DRAIN_MAX: usize = 1_024;
/// A batch is full with this many commands …
const BATCH_COMMANDS_MAX: usize = 8_192;
/// … or ledger rows.
const BATCH_ROWS_MAX: usize = 8_000;
/// Checkpoints written per idle batch.
const IDLE_SWEEP: usize = 20_000;
/// Pause before the store is tried again.
const REOPEN_PAUSE: Duration = Duration::from_millis(200);
/// Time without work after which checkpoints are brought up to date.
const IDLE_AFTER: Duration = Duration::from_millis(200);

pub(super) struct Parts<App: Application> {
    pub app: Arc<App>,
    pub store: Arc<dyn StoreFactory>,
    pub vault: Arc<Vault>,
    pub clock: Arc<dyn Clock>,
    pub options: ShardOptions,
    pub inbox: Receiver<Message<App>>,
    pub fresh: mpsc::UnboundedSender<Vec<Arc<EffectRecord>>>,
    pub counters: Arc<Counters>,
}

type Waiter<App> = oneshot::Sender<Submitted<App>>;

pub(super) struct Executor<App: Application> {
    parts: Parts<App>,
    batches: Sender<Arc<SealedBatch>>,
    acks: Receiver<Ack>,
    waiters: hashbrown::HashMap<Ticket, Waiter<App>, rustc_hash::FxBuildHasher>,
    next_ticket: Ticket,
    /// Answers to reads that saw changes of the batch being filled, and of the one being written.
    reads_waiting: Vec<Read>,
    reads_in_flight: Vec<Read>,
    stopping: bool,
}

type Read = (
    Option<AccountState>,
    oneshot::Sender<Result<Option<AccountState>, SubmitError>>,
);

/// Why the shard has to be opened again.
struct Failure {
    error: StoreError,
    /// Tasks of the failed and of the unfinished batch, if they shall be tried one by one.
    retry: bool,
}

impl<App: Application> Executor<App> {
    pub fn new(parts: Parts<App>) -> Result<Executor<App>, StoreError> {
        let (batches, batch_inbox) = crossbeam_channel::bounded(1);
        let (ack_sender, acks) = crossbeam_channel::bounded(1);
        let store = parts.store.clone();
        std::thread::Builder::new()
            .name("committer".into())
            .spawn(move || committer::run(store, batch_inbox, ack_sender))
            .map_err(|error| {
                StoreError::Unavailable(format!("cannot start the writing thread: {error}"))
            })?;
        Ok(Executor {
            parts,
            batches,
            acks,
            waiters: hashbrown::HashMap::default(),
            next_ticket: 1,
            reads_waiting: Vec::new(),
            reads_in_flight: Vec::new(),
            stopping: false,
        })
    }

    pub fn run(mut self, shard: Shard<App>) {
        let mut shard = shard;
        loop {
            match self.work(&mut shard) {
                Ok(()) => return,
                Err(failure) => {
                    tracing::error!(error = %failure.error, "the shard stops and reloads");
                    Counters::add(&self.parts.counters.failed_commits, 1);
                    let Some(reopened) = self.recover(shard, &failure) else {
                        return;
                    };
                    shard = reopened;
                }
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
                self.drain(shard)?;
                self.seal(shard)?;
            } else if self.stopping {
                return self.finish(shard);
            } else {
                self.wait_idle(shard)?;
            }
        }
    }

    fn wait_while_writing(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        let full = shard.rows_waiting() >= BATCH_ROWS_MAX
            || shard.commands_waiting() >= BATCH_COMMANDS_MAX;
        if full || self.stopping {
            let ack = self.acks.recv().map_err(|_| gone())?;
            return self.acknowledged(shard, ack);
        }
        let inbox = self.parts.inbox.clone();
        let acks = self.acks.clone();
        select! {
            recv(acks) -> ack => self.acknowledged(shard, ack.map_err(|_| gone())?),
            recv(inbox) -> message => match message {
                Ok(message) => self.take(shard, message),
                Err(_) => { self.stopping = true; Ok(()) }
            },
        }
    }

    fn wait_idle(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        match self.parts.inbox.recv_timeout(IDLE_AFTER) {
            Ok(message) => self.take(shard, message),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(batch) = shard.seal_sweep(IDLE_SWEEP).map_err(fatal)? {
                    self.send(batch)?;
                }
                Ok(())
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.stopping = true;
                Ok(())
            }
        }
    }

    /// Takes a message and what waits behind it.
    fn take(&mut self, shard: &mut Shard<App>, first: Message<App>) -> Result<(), Failure> {
        let mut tasks = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Task(task, reply) => tasks.push(self.admit(task, reply)),
                Message::Account(id, reply) => {
                    // In order with the commands before it, and not before they are durable.
                    shard.run(std::mem::take(&mut tasks)).map_err(fatal)?;
                    let state = shard.account(id).map_err(fatal)?;
                    if shard.commands_waiting() > 0 {
                        self.reads_waiting.push((state, reply));
                    } else if shard.is_writing() {
                        self.reads_in_flight.push((state, reply));
                    } else {
                        let _ = reply.send(Ok(state));
                    }
                }
                Message::Stop => self.stopping = true,
            }
            let room = tasks.len() < DRAIN_MAX && !self.stopping;
            next = if room {
                self.parts.inbox.try_recv().ok()
            } else {
                None
            };
        }
        shard.run(tasks).map_err(fatal)
    }

    fn drain(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        match self.parts.inbox.try_recv() {
            Ok(message) => self.take(shard, message),
            Err(_) => Ok(()),
        }
    }

    fn admit(
        &mut self,
        task: Task<App::Command, App::Answer>,
        reply: Waiter<App>,
    ) -> Admitted<App> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiters.insert(ticket, reply);
        (
            ticket,
            task,
            Admission {
                now: self.parts.clock.now(),
                seed: seed(),
            },
        )
    }

    fn seal(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        match shard.seal().map_err(fatal)? {
            Some(batch) => self.send(batch),
            None => Ok(()),
        }
    }

    fn send(&mut self, batch: Arc<SealedBatch>) -> Result<(), Failure> {
        self.reads_in_flight.append(&mut self.reads_waiting);
        self.batches.send(batch).map_err(|_| gone())
    }

    fn acknowledged(&mut self, shard: &mut Shard<App>, (result, took): Ack) -> Result<(), Failure> {
        let counters = &self.parts.counters;
        counters.last_commit_us.store(
            took.as_micros() as u64,
            std::sync::atomic::Ordering::Relaxed,
        );
        match result {
            Ok(()) => {}
            Err(error @ StoreError::Refused(_)) => return Err(Failure { error, retry: true }),
            Err(error) => return Err(fatal(error)),
        }
        let released = shard.committed();
        Counters::add(&counters.batches, 1);
        Counters::add(&counters.commands, released.commands as u64);
        let reads = std::mem::take(&mut self.reads_in_flight);
        // The next batch is on its way before the replies of this one are handed out.
        if shard.commands_waiting() > 0 {
            self.seal(shard)?;
        }
        self.reply(released.outcomes);
        for (state, reply) in reads {
            let _ = reply.send(Ok(state));
        }
        if !released.fresh.is_empty() {
            let _ = self.parts.fresh.send(released.fresh);
        }
        Ok(())
    }

    fn release_unwritten(&mut self, shard: &mut Shard<App>) {
        let outcomes = shard.take_unwritten();
        self.reply(outcomes);
    }

    fn reply(&mut self, outcomes: Vec<(Ticket, Outcome<App::Reply, App::Rejection>)>) {
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
            self.send(batch)?;
            let (result, _) = self.acks.recv().map_err(|_| gone())?;
            result.map_err(fatal)?;
            shard.committed();
        }
        Ok(())
    }

    /// Opens the shard again after a failure; `None` when the engine is asked to stop meanwhile.
    fn recover(&mut self, shard: Shard<App>, failure: &Failure) -> Option<Shard<App>> {
        if shard.is_writing() && !failure.retry {
            // The commit may still come to an end; its outcome is read from the store.
            let _ = self.acks.recv_timeout(Duration::from_secs(30));
        }
        // Their readers are told to ask again.
        self.reads_waiting.clear();
        self.reads_in_flight.clear();
        let (sealed, waiting) = shard.abandon();
        if failure.retry {
            return self.one_by_one(sealed.into_iter().chain(waiting).collect());
        }
        let reason: Arc<str> = failure.error.to_string().into();
        for (ticket, _, _) in sealed.into_iter().chain(waiting) {
            self.answer_unavailable(ticket, &reason);
        }
        let stale: Vec<Ticket> = self.waiters.keys().copied().collect();
        for ticket in stale {
            self.answer_unavailable(ticket, &reason);
        }
        self.reopen()
    }

    fn answer_unavailable(&mut self, ticket: Ticket, reason: &Arc<str>) {
        if let Some(waiter) = self.waiters.remove(&ticket) {
            let _ = waiter.send(Err(SubmitError::Unavailable(reason.clone())));
        }
    }

    fn reopen(&mut self) -> Option<Shard<App>> {
        loop {
            let parts = &self.parts;
            let opened = parts.store.reader().and_then(|reader| {
                Shard::open(
                    parts.app.clone(),
                    reader,
                    parts.vault.clone(),
                    parts.options.clone(),
                )
            });
            match opened {
                Ok(shard) => return Some(shard),
                Err(error) => {
                    tracing::error!(%error, "the shard cannot be opened; it is tried again");
                    if self.refuse_for(REOPEN_PAUSE, &error.to_string().into()) {
                        return None;
                    }
                }
            }
        }
    }

    /// Answers everything 503 for a while; true when asked to stop.
    fn refuse_for(&mut self, pause: Duration, reason: &Arc<str>) -> bool {
        let until = std::time::Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match self.parts.inbox.recv_timeout(left) {
                Ok(Message::Task(_, reply)) => {
                    let _ = reply.send(Err(SubmitError::Unavailable(reason.clone())));
                }
                Ok(Message::Account(_, reply)) => {
                    let _ = reply.send(Err(SubmitError::Unavailable(reason.clone())));
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Tries the tasks of a refused batch one per batch; the one that is refused again is set aside.
    fn one_by_one(&mut self, tasks: Vec<Admitted<App>>) -> Option<Shard<App>> {
        let mut shard = self.reopen()?;
        for (ticket, task, admission) in tasks {
            match self.alone(&mut shard, vec![(ticket, task.clone(), admission)]) {
                Ok(()) => {}
                Err(StoreError::Refused(reason)) => {
                    Counters::add(&self.parts.counters.set_aside, 1);
                    tracing::error!(reason, "a command that the store refuses is set aside");
                    shard = self.reopen()?;
                    let noted = shard.set_aside(&task, admission, &reason);
                    if noted.is_ok() {
                        let _ = self.alone(&mut shard, Vec::new());
                    }
                    if let Some(waiter) = self.waiters.remove(&ticket) {
                        let result = Verdict::Denied(Denial::Broken { reason });
                        let _ = waiter.send(Ok(Outcome {
                            journal_seq: 0,
                            replayed: false,
                            result,
                        }));
                    }
                }
                Err(error) => {
                    self.answer_unavailable(ticket, &error.to_string().into());
                    shard = self.reopen()?;
                }
            }
        }
        Some(shard)
    }

    fn alone(
        &mut self,
        shard: &mut Shard<App>,
        tasks: Vec<Admitted<App>>,
    ) -> Result<(), StoreError> {
        shard.run(tasks)?;
        if let Some(batch) = shard.seal()? {
            self.batches.send(batch).map_err(|_| gone().error)?;
            let (result, _) = self.acks.recv().map_err(|_| gone().error)?;
            result?;
            let released = shard.committed();
            self.reply(released.outcomes);
            if !released.fresh.is_empty() {
                let _ = self.parts.fresh.send(released.fresh);
            }
        }
        let outcomes = shard.take_unwritten();
        self.reply(outcomes);
        Ok(())
    }
}

fn fatal(error: StoreError) -> Failure {
    Failure {
        error,
        retry: false,
    }
}

fn gone() -> Failure {
    fatal(StoreError::Unavailable("the writing thread is gone".into()))
}

/// 128 bits from the operating system; without them no id may be issued.
fn seed() -> u128 {
    thread_local! {
        static POOL: std::cell::RefCell<(u128, u64)> = const { std::cell::RefCell::new((0, 0)) };
    }
    POOL.with_borrow_mut(|(base, used)| {
        if *used % 1_024 == 0 {
            let mut bytes = [0u8; 16];
            while getrandom::fill(&mut bytes).is_err() {
                std::thread::yield_now();
            }
            *base = u128::from_le_bytes(bytes);
        }
        *used += 1;
        base.wrapping_add(u128::from(*used).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    })
}
