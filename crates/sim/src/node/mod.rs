//! One server process without threads: what the engine's executor, outbox and timers do, one small
//! step at a time, in an order that the caller chooses.
//!
//! A sealed batch, the store's write and its acknowledgement are three steps; commands run between
//! them as they do while a real batch is on its way.

mod outbox;

pub use outbox::Outbox;

use crate::store::SimStore;
use engine::batch::SealedBatch;
use engine::shard::{Admitted, Shard, ShardOptions, Ticket, TicketOutcome};
use engine::store::{Queries, StoreError, StoreFactory, StoreWriter};
use engine::{Application, Denial, Outcome, Vault, Verdict};
use ledger::{AccountId, AccountState};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one step of the process brought.
pub struct Turn<App: Application> {
    /// Outcomes handed out.
    pub outcomes: Vec<TicketOutcome<App>>,
    /// Tickets answered 503.
    pub unavailable: Vec<Ticket>,
    /// Tickets whose command the store refused for good: answered 5xx.
    pub set_aside: Vec<Ticket>,
    /// The process died; nobody was answered.
    pub died: bool,
}

impl<App: Application> Default for Turn<App> {
    fn default() -> Self {
        Turn {
            outcomes: Vec::new(),
            unavailable: Vec::new(),
            set_aside: Vec::new(),
            died: false,
        }
    }
}

/// Where the sealed batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// There is none.
    Idle,
    /// On its way to the store.
    Sealed(Arc<SealedBatch>),
    /// Durable; the shard has not heard of it.
    Written,
}

/// A simulated server process.
pub struct Node<App: Application> {
    app: Arc<App>,
    store: SimStore,
    vault: Arc<Vault>,
    options: ShardOptions,
    /// `None` while the store cannot be opened.
    shard: Option<Shard<App>>,
    writer: Box<dyn StoreWriter>,
    stage: Stage,
    waiting: BTreeSet<Ticket>,
    /// What the process knows of effects.
    pub outbox: Outbox,
}

impl<App: Application> Node<App> {
    /// Starts a process on a store.
    pub fn start(
        app: Arc<App>,
        store: SimStore,
        vault: Arc<Vault>,
        options: ShardOptions,
    ) -> Result<Node<App>, StoreError> {
        let writer = store.writer()?;
        let mut node = Node {
            app,
            store,
            vault,
            options,
            shard: None,
            writer,
            stage: Stage::Idle,
            waiting: BTreeSet::new(),
            outbox: Outbox::default(),
        };
        node.reopen();
        Ok(node)
    }

    /// Whether commands can be run.
    pub fn is_up(&self) -> bool {
        self.shard.is_some()
    }

    /// Whether a batch can be sealed.
    pub fn can_seal(&self) -> bool {
        self.stage == Stage::Idle
            && self
                .shard
                .as_ref()
                .is_some_and(|shard| shard.commands_waiting() > 0)
    }

    /// Whether a sealed batch waits to be written.
    pub fn can_write(&self) -> bool {
        matches!(self.stage, Stage::Sealed(_))
    }

    /// Whether a durable batch waits to be acknowledged.
    pub fn can_acknowledge(&self) -> bool {
        self.stage == Stage::Written
    }

    /// Nothing is waiting anywhere in the process.
    pub fn is_idle(&self) -> bool {
        self.stage == Stage::Idle
            && self.waiting.is_empty()
            && self
                .shard
                .as_ref()
                .is_some_and(|shard| shard.commands_waiting() == 0)
    }

    /// Everything the shard knows is durable: its memory and the store must tell the same.
    pub fn is_in_step(&self) -> bool {
        self.stage == Stage::Idle
            && self
                .shard
                .as_ref()
                .is_some_and(|shard| shard.commands_waiting() == 0)
    }

    /// Lists and reports.
    pub fn queries(&self) -> Result<Arc<dyn Queries>, StoreError> {
        self.store.queries()
    }

    /// An account as the shard sees it.
    pub fn account(&mut self, id: AccountId) -> Result<Option<AccountState>, StoreError> {
        match &mut self.shard {
            Some(shard) => shard.account(id),
            None => Err(StoreError::Unavailable("the shard is down".into())),
        }
    }

    /// Runs commands; their outcomes come with a later step.
    pub fn run(&mut self, tasks: Vec<Admitted<App>>) -> Turn<App> {
        let mut turn = Turn::default();
        let Some(shard) = &mut self.shard else {
            turn.unavailable = tasks.into_iter().map(|(ticket, _, _)| ticket).collect();
            return turn;
        };
        self.waiting
            .extend(tasks.iter().map(|(ticket, _, _)| *ticket));
        match shard.run(tasks) {
            Ok(()) => self.release_unwritten(&mut turn),
            Err(_) => self.give_up(&mut turn),
        }
        turn
    }

    /// Seals the batch being filled.
    pub fn seal(&mut self) -> Turn<App> {
        let mut turn = Turn::default();
        if let Some(shard) = &mut self.shard {
            match shard.seal() {
                Ok(Some(batch)) => {
                    self.outbox.permit(Vec::new(), &shard.take_settled());
                    self.stage = Stage::Sealed(batch);
                }
                Ok(None) => {}
                Err(_) => self.give_up(&mut turn),
            }
        }
        turn
    }

    /// Seals a batch of account checkpoints, as an idle server does.
    pub fn sweep(&mut self, count: usize) -> Turn<App> {
        let mut turn = Turn::default();
        if !self.is_in_step() {
            return turn;
        }
        if let Some(shard) = &mut self.shard {
            match shard.seal_sweep(count) {
                Ok(Some(batch)) => {
                    self.outbox.permit(Vec::new(), &shard.take_settled());
                    self.stage = Stage::Sealed(batch);
                }
                Ok(None) => {}
                Err(_) => self.give_up(&mut turn),
            }
        }
        turn
    }

    /// Hands the sealed batch to the store.
    pub fn write(&mut self) -> Turn<App> {
        let mut turn = Turn::default();
        let Stage::Sealed(batch) = &self.stage else {
            return turn;
        };
        let batch = batch.clone();
        match self.writer.commit(&batch) {
            Ok(()) => self.stage = Stage::Written,
            Err(_) if self.store.is_crashed() => turn.died = true,
            Err(StoreError::Refused(_)) => self.one_by_one(&mut turn),
            Err(_) => self.give_up(&mut turn),
        }
        turn
    }

    /// Tells the shard that its batch is durable.
    pub fn acknowledge(&mut self) -> Turn<App> {
        let mut turn = Turn::default();
        if self.stage != Stage::Written {
            return turn;
        }
        self.stage = Stage::Idle;
        self.take_released(&mut turn);
        self.release_unwritten(&mut turn);
        turn
    }

    fn take_released(&mut self, turn: &mut Turn<App>) {
        let Some(shard) = &mut self.shard else { return };
        let released = shard.committed();
        self.outbox.permit(released.fresh, &[]);
        self.answer(released.outcomes, turn);
    }

    fn release_unwritten(&mut self, turn: &mut Turn<App>) {
        let Some(shard) = &mut self.shard else { return };
        let outcomes = shard.take_unwritten();
        self.answer(outcomes, turn);
    }

    fn answer(&mut self, outcomes: Vec<TicketOutcome<App>>, turn: &mut Turn<App>) {
        for (ticket, _) in &outcomes {
            self.waiting.remove(ticket);
        }
        turn.outcomes.extend(outcomes);
    }

    /// The store failed, or nobody knows whether it did: forget everything and answer 503.
    fn give_up(&mut self, turn: &mut Turn<App>) {
        if self.store.is_crashed() {
            turn.died = true;
            return;
        }
        self.shard = None;
        self.stage = Stage::Idle;
        turn.unavailable.extend(std::mem::take(&mut self.waiting));
        self.reopen();
    }

    /// Tries to open the shard again; the process stays down when the store does not let it.
    pub fn reopen(&mut self) {
        if self.shard.is_some() {
            return;
        }
        let opened = self.store.reader().and_then(|reader| {
            Shard::open(
                self.app.clone(),
                reader,
                self.vault.clone(),
                self.options.clone(),
            )
        });
        self.shard = opened.ok();
    }

    /// The store refused a batch for good: its commands are tried one per batch.
    fn one_by_one(&mut self, turn: &mut Turn<App>) {
        let Some(shard) = self.shard.take() else {
            return;
        };
        self.stage = Stage::Idle;
        let (sealed, waiting) = shard.abandon();
        self.reopen();
        for (ticket, task, admission) in sealed.into_iter().chain(waiting) {
            if !self.is_up() {
                break;
            }
            match self.alone(vec![(ticket, task.clone(), admission)], turn) {
                Ok(()) => {}
                Err(StoreError::Refused(reason)) => {
                    self.shard = None;
                    self.reopen();
                    let noted = match &mut self.shard {
                        Some(shard) => shard.set_aside_unwritable(&task, admission, &reason),
                        None => Ok(()),
                    };
                    if noted.is_ok() {
                        let _ = self.alone(Vec::new(), turn);
                    }
                    self.waiting.remove(&ticket);
                    turn.set_aside.push(ticket);
                }
                Err(_) => {
                    self.waiting.remove(&ticket);
                    turn.unavailable.push(ticket);
                    self.shard = None;
                    self.reopen();
                }
            }
            if self.store.is_crashed() {
                turn.died = true;
                return;
            }
        }
        if !self.is_up() {
            turn.unavailable.extend(std::mem::take(&mut self.waiting));
        }
    }

    fn alone(&mut self, tasks: Vec<Admitted<App>>, turn: &mut Turn<App>) -> Result<(), StoreError> {
        let Some(shard) = &mut self.shard else {
            return Err(StoreError::Unavailable("the shard is down".into()));
        };
        shard.run(tasks)?;
        if let Some(batch) = shard.seal()? {
            self.outbox.permit(Vec::new(), &shard.take_settled());
            self.writer.commit(&batch)?;
            self.take_released(turn);
        }
        self.release_unwritten(turn);
        Ok(())
    }

    /// What a caller is told whose command was set aside.
    pub fn set_aside_outcome(reason: &str) -> Outcome<App::Reply, App::Rejection> {
        Outcome {
            journal_seq: 0,
            replayed: false,
            result: Verdict::Denied(Denial::Broken {
                reason: reason.to_owned(),
            }),
        }
    }
}
