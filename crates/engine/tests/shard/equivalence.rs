//! Random command sequences: a shard that forgets everything it may forget, one that remembers all,
//! and one that is started again and again, come to the same outcomes and the same stored rows.

use crate::memory::{MemoryStore, Tables};
use crate::rig::{
    EVERYTHING, NOTHING, Rig, ToyOutcome, add, add_later, add_or_refuse, delete, keyed, open, pay,
};
use crate::toy::{ToyCommand, ToyReply};
use engine::{CacheLimits, Task, Verdict};
use ledger::AccountState;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A step of a sequence; positions are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Open(u8, bool),
    Transfers(Vec<(u8, u8, u8, i64)>),
    Postings(Vec<(u8, u8, u8, i64)>),
    Hold(u8, i64),
    Capture(u8, u8, u8, i64),
    Release(u8),
    Close(u8),
    Add(u8, i64),
    AddOrRefuse(u8, i64),
    AddLater(u8, i64),
    Fire(u8),
    Delete(u8),
    List(u8, u8),
    Suspense(u8, u8, u8, u8, i64),
    Keyed(u8, u8, i64),
    TurnDay,
    Housekeeping,
    Wait(u32),
    /// Seal; what runs next runs while the batch is being written.
    Seal,
    Commit,
}

fn transfers() -> impl Strategy<Value = Vec<(u8, u8, u8, i64)>> {
    // Few ids, so that repeats and clashes happen.
    prop::collection::vec((0u8..40, accounts(), accounts(), 1i64..40), 1..4)
}

/// Mostly those that are there from the beginning.
fn accounts() -> impl Strategy<Value = u8> {
    prop_oneof![12 => 1u8..6, 1 => 0u8..9]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0u8..10, any::<bool>()).prop_map(|(name, overdraft)| Step::Open(name, overdraft)),
        5 => transfers().prop_map(Step::Transfers),
        3 => transfers().prop_map(Step::Postings),
        2 => (0u8..8, 1i64..30).prop_map(|(account, fen)| Step::Hold(account, fen)),
        2 => (0u8..8, 40u8..60, 0u8..8, 1i64..20)
            .prop_map(|(hold, id, credit, fen)| Step::Capture(hold, id, credit, fen)),
        1 => (0u8..8).prop_map(Step::Release),
        1 => (0u8..8).prop_map(Step::Close),
        2 => (0u8..6, 0i64..5).prop_map(|(counter, by)| Step::Add(counter, by)),
        2 => (0u8..6, -5i64..5).prop_map(|(counter, by)| Step::AddOrRefuse(counter, by)),
        1 => (0u8..6, 0i64..50).prop_map(|(counter, seconds)| Step::AddLater(counter, seconds)),
        2 => (0u8..6).prop_map(Step::Fire),
        1 => (0u8..6).prop_map(Step::Delete),
        2 => (0u8..9, 0u8..9).prop_map(|(from, to)| Step::List(from, to)),
        1 => (0u8..40, 0u8..8, 0u8..8, 0u8..8, 1i64..40)
            .prop_map(|(id, poor, rich, other, fen)| Step::Suspense(id, poor, rich, other, fen)),
        2 => (0u8..4, 0u8..6, 0i64..2).prop_map(|(key, counter, by)| Step::Keyed(key, counter, by)),
        1 => Just(Step::TurnDay),
        1 => Just(Step::Housekeeping),
        1 => prop_oneof![0u32..100, Just(8 * 24 * 3600)].prop_map(Step::Wait),
        4 => Just(Step::Seal),
        5 => Just(Step::Commit),
    ]
}

struct Player {
    rig: Rig,
    sealed: Option<std::sync::Arc<engine::batch::SealedBatch>>,
    outcomes: BTreeMap<u64, ToyOutcome>,
    holds: Vec<String>,
    /// Start a new process over the store after each commit.
    restarts: bool,
}

/// Ids in no order, so that many are late.
fn id(small: u8) -> u128 {
    (u128::from(small.reverse_bits()) << 90) | (u128::from(small) + 1)
}

fn list(steps: &[(u8, u8, u8, i64)]) -> Vec<(u128, u64, u64, i64)> {
    steps
        .iter()
        .map(|(small, debit, credit, fen)| {
            (id(*small), u64::from(*debit), u64::from(*credit), *fen)
        })
        .collect()
}

impl Player {
    fn new(limits: CacheLimits, sweep_min: u64, restarts: bool) -> Player {
        let mut player = Player {
            rig: Rig::over(MemoryStore::default(), limits, sweep_min),
            sealed: None,
            outcomes: BTreeMap::new(),
            holds: vec!["00000000000000000000000001".into()],
            restarts,
        };
        player.rig.send(open(&["bank", "till"], true));
        player
            .rig
            .send(open(&["merchant", "fees", "escrow"], false));
        player.rig.send(pay(id(200), 1, 3, 100));
        player.commit();
        player
    }

    fn step(&mut self, step: &Step) {
        let counter = |number: &u8| format!("c{number}");
        let command = match step {
            Step::Open(name, overdraft) => open(&[&format!("n{name}")], *overdraft),
            Step::Transfers(steps) => ToyCommand::Transfers(list(steps)),
            Step::Postings(steps) => ToyCommand::Postings(list(steps)),
            Step::Hold(account, fen) => ToyCommand::Hold {
                account: u64::from(*account),
                fen: *fen,
            },
            Step::Capture(hold, small, credit, fen) => ToyCommand::Capture {
                hold: self.hold(*hold),
                id: id(*small),
                credit: u64::from(*credit),
                fen: *fen,
            },
            Step::Release(hold) if self.holds.len() > 1 => ToyCommand::Release {
                hold: self.hold(*hold % (self.holds.len() as u8 - 1) + 1),
            },
            Step::Release(_) => return,
            Step::Close(account) => ToyCommand::Close {
                account: u64::from(*account),
            },
            Step::Add(number, by) => add(&counter(number), *by),
            Step::AddOrRefuse(number, by) => add_or_refuse(&counter(number), *by),
            Step::AddLater(number, seconds) => add_later(&counter(number), 1, *seconds),
            Step::Delete(number) => delete(&counter(number)),
            Step::List(from, to) => ToyCommand::List {
                from: format!("{from:010}"),
                to: format!("{to:010}"),
            },
            Step::Suspense(small, poor, rich, other, fen) => ToyCommand::PostThenSuspense {
                id: id(*small),
                poor: u64::from(*poor),
                rich: u64::from(*rich),
                other: u64::from(*other),
                fen: *fen,
            },
            Step::TurnDay => ToyCommand::TurnDay,
            Step::Keyed(key, number, by) => {
                let body = format!("{number} {by}");
                let idempotency = crate::rig::key(&key.to_string(), &body);
                self.rig.run(keyed(add(&counter(number), *by), idempotency));
                return;
            }
            Step::Fire(number) => {
                let key = format!("add-c{number}");
                self.rig.run(Task::Timer { key });
                return;
            }
            Step::Housekeeping => {
                self.rig.run(Task::Housekeeping);
                return;
            }
            Step::Wait(seconds) => return self.rig.wait(i64::from(*seconds)),
            Step::Seal => return self.seal(),
            Step::Commit => return self.commit(),
        };
        self.rig.send(command);
    }

    fn hold(&self, position: u8) -> String {
        self.holds[usize::from(position) % self.holds.len()].clone()
    }

    fn seal(&mut self) {
        if self.sealed.is_none() {
            self.sealed = self.rig.seal();
        }
    }

    /// Commits the batch that waits, or the one being filled.
    fn commit(&mut self) {
        self.seal();
        if let Some(batch) = self.sealed.take() {
            let outcomes = self.rig.commit_sealed(&batch);
            self.take(outcomes);
        }
        let unwritten = self.rig.shard.take_unwritten().into_iter().collect();
        self.take(unwritten);
        // What runs already would be lost with the process.
        if self.restarts && self.rig.shard.commands_waiting() == 0 {
            self.rig.restart();
        }
    }

    fn take(&mut self, outcomes: BTreeMap<u64, ToyOutcome>) {
        for outcome in outcomes.values() {
            if let Verdict::Done(ToyReply::Hold(hold)) = &outcome.result {
                self.holds.push(hold.clone());
            }
        }
        self.outcomes.extend(outcomes);
    }

    fn finish(
        mut self,
    ) -> (
        BTreeMap<u64, ToyOutcome>,
        Tables,
        BTreeMap<u64, AccountState>,
    ) {
        self.commit();
        self.commit();
        let accounts = self.rig.accounts();
        self.rig.sweep();
        self.rig.verify();
        let mut tables = self.rig.tables();
        // The number of sweeps at the end depends on the memory, and with it the chain.
        tables.batches.clear();
        let head = tables.head.as_mut().unwrap();
        assert!(
            head.low_seq > head.ledger_seq,
            "a dirty tail after the last sweep"
        );
        head.batch_seq = 0;
        head.head_hash = [0; 32];
        (self.outcomes, tables, accounts)
    }
}

fn play(
    steps: &[Step],
    limits: CacheLimits,
    sweep_min: u64,
    restarts: bool,
) -> (
    BTreeMap<u64, ToyOutcome>,
    Tables,
    BTreeMap<u64, AccountState>,
) {
    let mut player = Player::new(limits, sweep_min, restarts);
    for step in steps {
        player.step(step);
    }
    player.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn memory_makes_no_difference(steps in prop::collection::vec(steps(), 1..120)) {
        let all = play(&steps, EVERYTHING, 1_000, false);
        for (limits, sweep_min, restarts) in [(NOTHING, 1, false), (NOTHING, 1, true), (EVERYTHING, 2, true)] {
            let other = play(&steps, limits, sweep_min, restarts);
            prop_assert_eq!(&other.0, &all.0, "outcomes");
            prop_assert_eq!(&other.2, &all.2, "accounts");
            prop_assert_eq!(&other.1, &all.1, "stored rows");
        }
        // Checkpoints of the end are the states of the end.
        for (id, state) in &all.2 {
            prop_assert_eq!(&all.1.accounts[id].state, state);
        }
    }
}
