//! A shard driven by hand over a store in memory: no threads, its own clock and seeds.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::memory::{MemoryStore, Tables};
use crate::toy::{Counter, Toy, ToyCommand, ToyRejection, ToyReply};
use engine::batch::SealedBatch;
use engine::shard::{Released, Ticket};
use engine::store::{Queries, StoreError, StoreWriter};
use engine::verify::VerifyReport;
use engine::{
    Actor, Admission, AttemptMode, CacheLimits, Denial, EffectRecord, EffectReport, Envelope,
    Idempotency, Outcome, Record, Repeat, Shard, ShardCode, ShardOptions, SubmitError, Task, Vault,
    Verdict, Work,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{AccountId, AccountState};
use std::collections::BTreeMap;
use std::sync::Arc;

pub type ToyOutcome = Outcome<ToyReply, ToyRejection>;
pub type ToyVerdict = Verdict<ToyReply, ToyRejection>;
pub type ToyTask = Task<ToyCommand, String>;

pub const EVERYTHING: CacheLimits = CacheLimits {
    accounts: 100_000,
    records: 100_000,
    transfer_ids: 100_000,
};

pub const NOTHING: CacheLimits = CacheLimits {
    accounts: 0,
    records: 0,
    transfer_ids: 16,
};

pub fn start() -> Timestamp {
    "2026-11-20T02:00:00Z".parse().unwrap()
}

pub fn options(limits: CacheLimits, sweep_min: u64) -> ShardOptions {
    ShardOptions {
        shard: ShardCode::FIRST,
        first_business_date: "2026-11-20".parse().unwrap(),
        limits,
        sweep_min,
    }
}

pub fn vault() -> Arc<Vault> {
    Arc::new(Vault::new(&[7; 32]).unwrap())
}

pub fn actor() -> Actor {
    Actor::new("alice", "clerk")
}

pub fn key(key: &str, body: &str) -> Idempotency {
    Idempotency {
        scope: "client POST /toys".into(),
        key: key.into(),
        body_hash: body.into(),
    }
}

/// Names without repetition.
pub fn open(names: &[&str], overdraft: bool) -> ToyCommand {
    ToyCommand::Open {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        overdraft,
    }
}

pub fn add(counter: &str, by: i64) -> ToyCommand {
    ToyCommand::Add {
        counter: counter.to_owned(),
        by,
    }
}

pub fn add_or_refuse(counter: &str, by: i64) -> ToyCommand {
    ToyCommand::AddOrRefuse {
        counter: counter.to_owned(),
        by,
    }
}

pub fn add_later(counter: &str, by: i64, seconds: i64) -> ToyCommand {
    ToyCommand::AddLater {
        counter: counter.to_owned(),
        by,
        seconds,
    }
}

pub fn delete(counter: &str) -> ToyCommand {
    ToyCommand::Delete {
        counter: counter.to_owned(),
    }
}

pub fn list(from: &str, to: &str) -> ToyCommand {
    ToyCommand::List {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

/// Emits an effect.
pub fn emit(note: &str, repeat: Repeat) -> ToyCommand {
    ToyCommand::Send {
        note: note.to_owned(),
        repeat,
    }
}

pub fn pay(id: u128, debit: u64, credit: u64, fen: i64) -> ToyCommand {
    ToyCommand::Transfers(vec![(id, debit, credit, fen)])
}

pub fn refused(reason: &str) -> ToyVerdict {
    Verdict::Refused(ToyRejection(reason.to_owned()))
}

/// Why a command broke.
#[track_caller]
pub fn broken(verdict: ToyVerdict) -> String {
    match verdict {
        Verdict::Denied(Denial::Broken { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Whether the caller is told to try again.
pub fn is_unavailable<T>(result: &Result<T, SubmitError>) -> bool {
    matches!(result, Err(SubmitError::Unavailable(_)))
}

/// Without the report of a panic that is meant to be.
pub fn quietly<T>(run: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = run();
    std::panic::set_hook(hook);
    done
}

/// Every balance, pointer and hash in a store holds.
#[track_caller]
pub fn verify(queries: &dyn Queries) -> VerifyReport {
    let report = engine::verify::verify(queries, &mut |_, _| {}).unwrap();
    assert!(report.holds(), "{report:#?}");
    report
}

pub struct Rig {
    pub store: MemoryStore,
    pub shard: Shard<Toy>,
    pub options: ShardOptions,
    pub now: Timestamp,
    pub next_seed: u128,
    next_ticket: Ticket,
    /// Effects that may be sent without asking.
    pub fresh: BTreeMap<String, Arc<EffectRecord>>,
}

impl Rig {
    pub fn new() -> Rig {
        Rig::over(MemoryStore::default(), EVERYTHING, 4)
    }

    pub fn over(store: MemoryStore, limits: CacheLimits, sweep_min: u64) -> Rig {
        let options = options(limits, sweep_min);
        Rig {
            shard: open_shard(&store, &options),
            store,
            options,
            now: start(),
            next_seed: 1,
            next_ticket: 1,
            fresh: BTreeMap::new(),
        }
    }

    /// A new process over the same store: memory and permissions are gone.
    pub fn restart(&mut self) {
        self.shard = open_shard(&self.store, &self.options);
        self.fresh.clear();
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub fn try_run(&mut self, task: ToyTask) -> Result<Ticket, StoreError> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let admission = Admission {
            now: self.now,
            seed: self.next_seed,
        };
        self.next_seed += 1;
        self.shard.run(vec![(ticket, task, admission)])?;
        Ok(ticket)
    }

    /// Runs a task in the batch being filled.
    pub fn run(&mut self, task: ToyTask) -> Ticket {
        self.try_run(task).unwrap()
    }

    pub fn send(&mut self, command: ToyCommand) -> Ticket {
        self.run(Task::Envelope(Envelope::new(actor(), command)))
    }

    pub fn seal(&mut self) -> Option<Arc<SealedBatch>> {
        let batch = self.shard.seal().unwrap();
        for id in self.shard.take_settled() {
            self.fresh.remove(&id);
        }
        batch
    }

    /// Commits a sealed batch and hands out what it sets free.
    pub fn commit_sealed(&mut self, batch: &SealedBatch) -> BTreeMap<Ticket, ToyOutcome> {
        self.store.clone().commit(batch).unwrap();
        let released = self.shard.committed();
        self.take(released)
    }

    fn take(&mut self, released: Released<Toy>) -> BTreeMap<Ticket, ToyOutcome> {
        for record in released.fresh {
            self.fresh.insert(record.id.clone(), record);
        }
        released.outcomes.into_iter().collect()
    }

    /// Seals, commits and answers.
    pub fn commit(&mut self) -> BTreeMap<Ticket, ToyOutcome> {
        let mut outcomes = BTreeMap::new();
        if let Some(batch) = self.seal() {
            outcomes = self.commit_sealed(&batch);
        }
        outcomes.extend(self.shard.take_unwritten());
        outcomes
    }

    pub fn ask_task(&mut self, task: ToyTask) -> ToyOutcome {
        let ticket = self.run(task);
        self.commit().remove(&ticket).expect("no outcome")
    }

    pub fn ask_as(&mut self, actor: Actor, work: Work<ToyCommand>) -> ToyVerdict {
        let envelope = Envelope {
            actor,
            work,
            idempotency: None,
            vault: Vec::new(),
        };
        self.ask_task(Task::Envelope(envelope)).result
    }

    pub fn ask(&mut self, command: ToyCommand) -> ToyVerdict {
        self.ask_as(actor(), Work::Command(command))
    }

    pub fn ask_keyed(&mut self, command: ToyCommand, idempotency: Idempotency) -> ToyOutcome {
        self.ask_task(keyed(command, idempotency))
    }

    pub fn done(&mut self, command: ToyCommand) -> ToyReply {
        match self.ask(command) {
            Verdict::Done(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// The effect that a command emits.
    pub fn effect_of(&mut self, command: ToyCommand) -> String {
        match self.done(command) {
            ToyReply::Effect(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn fire(&mut self, timer: &str) -> ToyVerdict {
        let key = timer.to_owned();
        self.ask_task(Task::Timer { key }).result
    }

    pub fn report(
        &mut self,
        effect: &str,
        mode: AttemptMode,
        report: EffectReport<String>,
    ) -> ToyVerdict {
        let begun_at = self.now;
        self.ask_task(Task::Effect {
            id: effect.to_owned(),
            mode,
            begun_at,
            report,
        })
        .result
    }

    pub fn effect(&self, id: &str) -> EffectRecord {
        self.stored(id).expect("no such effect")
    }

    /// A record as the store has it.
    pub fn stored<R: Record>(&self, key: &str) -> Option<R> {
        let body = Queries::record(&self.store, R::KIND, key).unwrap()?;
        Some(serde_json::from_slice(&body).unwrap())
    }

    pub fn counter(&self, name: &str) -> Option<i64> {
        self.stored::<Counter>(name).map(|counter| counter.value)
    }

    pub fn account(&mut self, id: u64) -> AccountState {
        self.shard.account(AccountId(id)).unwrap().unwrap()
    }

    /// States of all accounts as the shard knows them.
    pub fn accounts(&mut self) -> BTreeMap<u64, AccountState> {
        let last = self.shard.head().last_account;
        (1..=last).map(|id| (id, self.account(id))).collect()
    }

    /// Brings all checkpoints up to date, as on stop.
    pub fn sweep(&mut self) {
        while let Some(batch) = self.shard.seal_sweep(3).unwrap() {
            self.commit_sealed(&batch);
        }
    }

    pub fn tables(&self) -> Tables {
        self.store.tables()
    }

    pub fn verify(&self) {
        verify(&self.store);
    }
}

pub fn keyed(command: ToyCommand, idempotency: Idempotency) -> ToyTask {
    Task::Envelope(Envelope {
        idempotency: Some(idempotency),
        ..Envelope::new(actor(), command)
    })
}

pub fn open_shard(store: &MemoryStore, options: &ShardOptions) -> Shard<Toy> {
    let reader = engine::store::StoreFactory::reader(store).unwrap();
    Shard::open(Arc::new(Toy), reader, vault(), options.clone()).unwrap()
}
