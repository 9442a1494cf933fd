//! The shard: runs tasks one after another over its memory, and seals batches for the store.
//!
//! No threads, no clock, no randomness: the runtime drives it with real ones, the simulator with its
//! own. While a sealed batch is being written the next one is filled; replies of a batch are handed
//! out by [`Shard::committed`] and by nothing else.

mod recovery;
mod sealing;

use crate::application::{Application, Envelope, Interrupt, Keys, Need, Outcome, Verdict, Work};
use crate::batch::{BatchBuilder, SealedBatch, ShardHead};
use crate::contents::Contents;
use crate::effect::{EffectRecord, EffectState};
use crate::idempotency;
use crate::ids::ShardCode;
use crate::record::RecordKey;
use crate::state::accounts::AccountCache;
use crate::state::overlay::Overlay;
use crate::state::records::RecordCache;
use crate::state::transfer_ids::TransferIds;
use crate::state::{CacheLimits, State};
use crate::store::{StoreError, StoreReader};
use crate::task::{Admission, Ran, SetAside, Task};
use crate::timer::TimerRecord;
use crate::vault::Vault;
use calendar::BusinessDate;
use ledger::{AccountState, Row};
use recovery::{must_be_empty, recover};
use std::sync::Arc;

/// Settings of a shard.
#[derive(Debug, Clone)]
pub struct ShardOptions {
    /// Its code.
    pub shard: ShardCode,
    /// First business date of a book that is created.
    pub first_business_date: BusinessDate,
    /// Bounds of its memory.
    pub limits: CacheLimits,
    /// Account numbers that each large batch's sweep passes at least. A cycle over all accounts takes at
    /// most fifty batches, so that is what recovery may have to read twice.
    pub sweep_min: u64,
}

/// Identifies the caller of a task to the driver.
pub type Ticket = u64;

/// A task with its admission, kept until its batch is durable.
pub type Admitted<App> = (
    Ticket,
    Task<<App as Application>::Command, <App as Application>::Answer>,
    Admission,
);

/// Result for a ticket.
pub type TicketOutcome<App> = (
    Ticket,
    Outcome<<App as Application>::Reply, <App as Application>::Rejection>,
);

/// What a committed batch sets free.
pub struct Released<App: Application> {
    /// Outcomes by ticket.
    pub outcomes: Vec<TicketOutcome<App>>,
    /// Effects that may be performed without asking first.
    pub fresh: Vec<Arc<EffectRecord>>,
    /// Commands that were set aside.
    pub set_aside: Vec<SetAside>,
    /// Number of ledger rows in the batch.
    pub rows: usize,
    /// Number of commands in the batch.
    pub commands: usize,
    /// Time of the last command that is durable.
    pub at: jiff::Timestamp,
}

/// Outcomes and permissions waiting for their batch.
pub(crate) struct Waiting<App: Application> {
    pub outcomes: Vec<TicketOutcome<App>>,
    pub fresh: Vec<String>,
    pub settled: Vec<String>,
    pub set_aside: Vec<SetAside>,
    pub admitted: Vec<Admitted<App>>,
}

impl<App: Application> Default for Waiting<App> {
    fn default() -> Self {
        Waiting {
            outcomes: Vec::new(),
            fresh: Vec::new(),
            settled: Vec::new(),
            set_aside: Vec::new(),
            admitted: Vec::new(),
        }
    }
}

/// One shard in memory.
pub struct Shard<App: Application> {
    pub(crate) app: Arc<App>,
    pub(crate) state: State,
    pub(crate) vault: Arc<Vault>,
    pub(crate) waiting: Waiting<App>,
    in_flight: Option<(Arc<SealedBatch>, Waiting<App>)>,
    options: ShardOptions,
}

impl<App: Application> Shard<App> {
    /// Opens a shard over its store: reads the head and the rows that the checkpoints lack.
    pub fn open(
        app: Arc<App>,
        mut reader: Box<dyn StoreReader>,
        vault: Arc<Vault>,
        options: ShardOptions,
    ) -> Result<Shard<App>, StoreError> {
        let mut head = match reader.head()? {
            Some(head) => head,
            None => {
                must_be_empty(reader.as_mut())?;
                ShardHead::empty(options.shard, options.first_business_date)
            }
        };
        if head.contents.is_none() {
            // The last batch is of a release without sums: what is there now is what they begin with.
            let mut contents = Contents::default();
            reader.contents(&mut |row| contents.add(&row))?;
            head.contents = Some(contents);
        }
        let mut accounts = AccountCache::new(
            options.limits.accounts,
            head.low_seq,
            options.shard.account_base(),
        );
        recover(reader.as_mut(), &head, &mut accounts)?;
        let transfers = TransferIds::new(head.greatest_id, options.limits.transfer_ids);
        let state = State {
            shard: options.shard,
            head,
            records: RecordCache::new(options.limits.records),
            accounts,
            transfers,
            overlay: Overlay::default(),
            batch: BatchBuilder::default(),
            in_flight: None,
            reader,
            failed_read: None,
        };
        Ok(Shard {
            app,
            state,
            vault,
            waiting: Waiting::default(),
            in_flight: None,
            options,
        })
    }

    /// The shard's row as the next command sees it.
    pub fn head(&self) -> &ShardHead {
        &self.state.head
    }

    /// Ledger rows in the batch being filled.
    pub fn rows_waiting(&self) -> usize {
        self.state.batch.rows.len()
    }

    /// Effects that the commands of the sealed batch settle or withdraw: a permission to send one of them is void. It is
    /// taken back **before** the batch is written. Afterwards it may be too late: a commit whose outcome nobody hears of
    /// takes effect all the same.
    pub fn take_settled(&mut self) -> Vec<String> {
        let waiting = self.in_flight.as_mut().map(|(_, waiting)| waiting);
        waiting.map_or_else(Vec::new, |waiting| std::mem::take(&mut waiting.settled))
    }

    /// Commands in the batch being filled.
    pub fn commands_waiting(&self) -> usize {
        self.waiting.admitted.len()
    }

    /// Length of what the commands in the batch being filled said and were answered.
    pub fn bytes_waiting(&self) -> usize {
        self.state.batch.bytes
    }

    /// Whether a sealed batch waits for its commit.
    pub fn is_writing(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Accounts whose checkpoints are behind.
    pub fn dirty_accounts(&self) -> usize {
        self.state.accounts.dirty_count()
    }

    /// State of an account, loading it if needed; uncommitted changes included.
    pub fn account(&mut self, id: ledger::AccountId) -> Result<Option<AccountState>, StoreError> {
        if !self.state.accounts.contains(id) {
            self.load(&Need::Account(id))?;
        }
        Ok(self.state.accounts.get(id).flatten())
    }

    /// Accounts in memory, for checks.
    pub fn accounts_in_memory(&self) -> impl Iterator<Item = (ledger::AccountId, &AccountState)> {
        self.state.accounts.iter()
    }

    /// Runs tasks in order; their outcomes come with the commit of the batch they are in.
    pub fn run(&mut self, mut tasks: Vec<Admitted<App>>) -> Result<(), StoreError> {
        for (_, task, _) in &mut tasks {
            self.stamp(task);
        }
        let ran = self.run_all(&tasks);
        // Also of a failed run: [`Shard::abandon`] hands out every task.
        self.waiting.admitted.extend(tasks);
        ran
    }

    fn run_all(&mut self, tasks: &[Admitted<App>]) -> Result<(), StoreError> {
        match self.prefetch(tasks) {
            // One task's damaged row or impossible key is that task's trouble: each loads its own.
            Ok(()) | Err(StoreError::Damaged { .. } | StoreError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        for (ticket, task, admission) in tasks {
            let ran = self.run_one(task, *admission)?;
            self.push_outcome(*ticket, ran);
        }
        Ok(())
    }

    fn stamp(&self, task: &mut Task<App::Command, App::Answer>) {
        let Task::Envelope(Envelope {
            work: Work::Command(command),
            vault: entries,
            ..
        }) = task
        else {
            return;
        };
        if entries.is_empty() {
            return;
        }
        self.app.stamp(command, &|id| {
            let entry = entries.iter().find(|entry| entry.id == id)?;
            Some(self.vault.fingerprint(&entry.clear_text))
        });
    }

    fn push_outcome(&mut self, ticket: Ticket, ran: Ran<App::Reply, App::Rejection>) {
        let outcome = Outcome {
            journal_seq: ran.journal_seq,
            replayed: ran.replayed,
            result: ran.verdict,
        };
        self.waiting.outcomes.push((ticket, outcome));
    }

    /// Loads in one go what the tasks say they will read.
    fn prefetch(&mut self, tasks: &[Admitted<App>]) -> Result<(), StoreError> {
        let mut keys = Keys::default();
        for (_, task, _) in tasks {
            match task {
                Task::Envelope(envelope) => {
                    if let Some(idempotency) = &envelope.idempotency {
                        keys.record::<idempotency::IdempotencyRecord>(&idempotency::record_key(
                            idempotency,
                        ));
                    }
                    if let Work::Command(command) = &envelope.work {
                        self.app.declare(command, &mut keys);
                    }
                }
                Task::Timer { key } => keys.record::<TimerRecord>(key),
                Task::Effect { id, .. } => keys.record::<EffectRecord>(id),
                Task::Housekeeping => {}
            }
        }
        let records: Vec<RecordKey> = keys
            .records
            .into_iter()
            .filter(|key| !self.state.records.contains(key))
            .collect();
        let mut accounts = keys.accounts;
        accounts.retain(|id| !self.state.accounts.contains(*id));
        accounts.sort_unstable();
        accounts.dedup();
        let mut transfers = keys.transfers;
        transfers.retain(|id| self.state.transfers.must_ask(*id));
        self.load_all(&records, &accounts, &transfers)
    }

    fn load_all(
        &mut self,
        records: &[RecordKey],
        accounts: &[ledger::AccountId],
        transfers: &[ledger::TransferId],
    ) -> Result<(), StoreError> {
        if !records.is_empty() {
            let bodies = self.state.reader.records(records)?;
            for (key, body) in records.iter().zip(bodies) {
                self.state.records.load(key.clone(), body);
            }
        }
        if !accounts.is_empty() {
            self.state.load_accounts(accounts)?;
        }
        if !transfers.is_empty() {
            self.state.load_transfers(transfers)?;
        }
        Ok(())
    }

    pub(crate) fn load(&mut self, need: &Need) -> Result<(), StoreError> {
        match need {
            Need::Record(key) => self.load_all(std::slice::from_ref(key), &[], &[]),
            Need::Account(id) => self.load_all(&[], &[*id], &[]),
            Need::Transfer(id) => self.load_all(&[], &[], &[*id]),
        }
    }

    /// The sealed batch is durable: hands out its outcomes.
    pub fn committed(&mut self) -> Released<App> {
        let Some((batch, waiting)) = self.in_flight.take() else {
            return Released {
                outcomes: Vec::new(),
                fresh: Vec::new(),
                set_aside: Vec::new(),
                rows: 0,
                commands: 0,
                at: jiff::Timestamp::UNIX_EPOCH,
            };
        };
        self.state.in_flight = None;
        let seq = batch.head.batch_seq;
        let keys: Vec<RecordKey> = batch
            .records
            .iter()
            .map(|change| change.key.clone())
            .collect();
        let fresh = waiting
            .fresh
            .iter()
            .filter_map(|id| self.fresh_effect(id))
            .collect();
        self.state.records.written(&keys, seq);
        self.state.overlay.written(seq);
        self.state.records.evict();
        self.state.accounts.evict();
        self.state.transfers.evict(batch.head.ledger_seq);
        Released {
            outcomes: waiting.outcomes,
            fresh,
            set_aside: waiting.set_aside,
            rows: batch.rows.len(),
            commands: batch.journal.len(),
            at: batch.head.now,
        }
    }

    fn fresh_effect(&mut self, id: &str) -> Option<Arc<EffectRecord>> {
        let record = self.state.records.get::<EffectRecord>(id)?.ok().flatten()?;
        (record.state == EffectState::Ready).then_some(record)
    }

    /// Outcomes of a batch in which nothing was to be written and on which nothing waits: repeats
    /// answered from durable records.
    pub fn take_unwritten(&mut self) -> Vec<TicketOutcome<App>> {
        if self.in_flight.is_some() || !self.state.batch.is_empty() {
            return Vec::new();
        }
        self.waiting.admitted.clear();
        std::mem::take(&mut self.waiting.outcomes)
    }

    /// Gives the shard up after a failed commit: what was not durable, task by task, in order.
    pub fn abandon(self) -> (Vec<Admitted<App>>, Vec<Admitted<App>>) {
        let sealed = self
            .in_flight
            .map(|(_, waiting)| waiting.admitted)
            .unwrap_or_default();
        (sealed, self.waiting.admitted)
    }
}

impl State {
    /// A ledger row, wherever it is by now.
    pub(crate) fn row(&mut self, seq: u64) -> Result<Row, Interrupt> {
        let gone = |what: &str| Interrupt::Broken(format!("row {seq} is {what}"));
        if let Some(first) = self.batch.rows.first()
            && seq >= first.seq
        {
            let found = self.batch.rows.get((seq - first.seq) as usize);
            return found.cloned().ok_or_else(|| gone("not in the batch"));
        }
        if let Some(batch) = &self.in_flight
            && let Some((first, _)) = batch.rows.first()
            && seq >= first.seq
        {
            let found = batch.rows.get((seq - first.seq) as usize);
            return found
                .map(|(row, _)| row.clone())
                .ok_or_else(|| gone("not in the batch"));
        }
        match self.reader.row(seq) {
            Ok(row) => row.ok_or_else(|| gone("gone")),
            Err(error) => Err(self.cannot_read(error)),
        }
    }
}

impl<App: Application> Shard<App> {
    pub(crate) fn interrupted(
        &mut self,
        interrupt: Interrupt,
    ) -> Result<Option<String>, StoreError> {
        match interrupt {
            Interrupt::Load(need) => match self.load(&need) {
                Ok(()) => Ok(None),
                // A damaged row stops the commands that need it, not the shard.
                Err(error @ (StoreError::Damaged { .. } | StoreError::Refused(_))) => {
                    Ok(Some(error.to_string()))
                }
                Err(error) => Err(error),
            },
            Interrupt::Broken(reason) => Ok(Some(reason)),
        }
    }

    pub(crate) fn denied(reason: String) -> Verdict<App::Reply, App::Rejection> {
        Verdict::Denied(crate::application::Denial::Broken { reason })
    }
}
