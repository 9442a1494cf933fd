//! A new process after every batch knows every account exactly as the old one did, however far the
//! checkpoints lag behind.

use crate::memory::{MemoryStore, Tables};
use crate::rig::{EVERYTHING, NOTHING, Rig, open, open_shard, options, pay};
use crate::toy::{ToyCommand, ToyReply};
use ledger::AccountState;
use std::collections::BTreeMap;

/// What the store held after a batch, and what the shard knew then.
struct Moment {
    tables: Tables,
    accounts: BTreeMap<u64, AccountState>,
}

struct Story {
    rig: Rig,
    moments: Vec<Moment>,
}

impl Story {
    fn new(limits: engine::CacheLimits, sweep_min: u64) -> Story {
        Story {
            rig: Rig::over(MemoryStore::default(), limits, sweep_min),
            moments: Vec::new(),
        }
    }

    fn batch(&mut self, commands: Vec<ToyCommand>) -> Vec<ToyReply> {
        let tickets: Vec<u64> = commands
            .into_iter()
            .map(|command| self.rig.send(command))
            .collect();
        let outcomes = self.rig.commit();
        let accounts = self.rig.accounts();
        let tables = self.rig.tables();
        self.moments.push(Moment { tables, accounts });
        tickets
            .iter()
            .map(|ticket| match &outcomes[ticket].result {
                engine::Verdict::Done(reply) => reply.clone(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// Twelve accounts, three days, a hold and a closing, in small batches.
    fn told(mut self) -> Story {
        let names: Vec<String> = (1..=12).map(|n| format!("account {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.batch(vec![open(&names[..6], true)]);
        self.batch(vec![open(&names[6..], true), pay(1, 1, 2, 10)]);
        let mut id = 10;
        for day in 0..3u64 {
            for round in 0..4u64 {
                let mut commands = Vec::new();
                for step in 0..3 {
                    id += 1;
                    let debit = (round * 3 + step + day) % 12 + 1;
                    let credit = (debit + 4 + day) % 12 + 1;
                    if debit != 12 && credit != 12 {
                        commands.push(pay(id, debit, credit, 5 + step as i64));
                    }
                }
                if !commands.is_empty() {
                    self.batch(commands);
                }
            }
            let replies = self.batch(vec![ToyCommand::Hold {
                account: 3 + day,
                fen: 2,
            }]);
            let ToyReply::Hold(hold) = &replies[0] else {
                panic!("no hold")
            };
            self.batch(vec![ToyCommand::TurnDay]);
            // On the next day's side of the turn; sometimes the whole batch is nothing else.
            self.batch(vec![ToyCommand::Release { hold: hold.clone() }]);
            if day == 1 {
                self.batch(vec![ToyCommand::Close { account: 12 }]);
            }
        }
        self
    }
}

#[test]
fn every_batch_can_be_the_last() {
    for limits in [EVERYTHING, NOTHING] {
        for sweep_min in [1, 2, 5, 1_000] {
            let story = Story::new(limits, sweep_min).told();
            let mut longest_tail = 0;
            for (number, moment) in story.moments.iter().enumerate() {
                let head = moment.tables.head.as_ref().unwrap();
                longest_tail = longest_tail.max(head.ledger_seq + 1 - head.low_seq);
                let store = MemoryStore::of(moment.tables.clone());
                let mut rig = Rig::over(store, limits, sweep_min);
                assert_eq!(
                    rig.accounts(),
                    moment.accounts,
                    "after batch {}",
                    number + 1
                );
                assert_eq!(rig.shard.head(), head);
                rig.verify();
            }
            if sweep_min == 1 && limits.accounts > 0 {
                assert!(
                    longest_tail > 8,
                    "the tail never mattered: {longest_tail} rows"
                );
            }
        }
    }
}

#[test]
fn the_story_goes_on_after_any_restart() {
    let whole = Story::new(EVERYTHING, 1).told();
    let end = whole.moments.last().unwrap();
    // The last rows again, on top of every earlier moment: pointers and balances must fit.
    for moment in &whole.moments {
        let mut rig = Rig::over(MemoryStore::of(moment.tables.clone()), NOTHING, 1);
        rig.next_seed = 1 << 70;
        for round in 0..6u128 {
            rig.done(pay(90_000 + round, 1, 2, 1));
            rig.done(ToyCommand::TurnDay);
            rig.done(pay(91_000 + round, 3, 1, 1));
            rig.restart();
        }
        rig.verify();
    }
    assert!(end.accounts[&12].closed);
}

#[test]
fn checkpoints_alone_are_not_trusted() {
    // A checkpoint may be newer than the tail's first rows and older than its last: rows win.
    let mut rig = Rig::over(MemoryStore::default(), EVERYTHING, 1);
    rig.done(open(&["a", "b", "c", "d"], true));
    for id in 1..=20 {
        rig.done(pay(id, 1 + (id as u64 % 3), 4, 1));
    }
    let tables = rig.tables();
    let head = tables.head.as_ref().unwrap();
    let stale = tables
        .accounts
        .values()
        .filter(|account| account.state != rig.shard.account(account.id).unwrap().unwrap())
        .count();
    assert!(
        stale > 0,
        "every checkpoint is up to date: nothing is tested"
    );
    assert!(head.low_seq <= head.ledger_seq);
    let mut reopened = open_shard(&MemoryStore::of(tables), &options(EVERYTHING, 1));
    for id in 1..=4 {
        let id = ledger::AccountId(id);
        assert_eq!(
            reopened.account(id).unwrap(),
            rig.shard.account(id).unwrap()
        );
    }
}

#[test]
fn a_stopped_shard_has_no_tail() {
    let mut story = Story::new(EVERYTHING, 1).told();
    story.rig.sweep();
    assert_eq!(story.rig.shard.dirty_accounts(), 0);
    let head = story.rig.tables().head.unwrap();
    assert_eq!(head.low_seq, head.ledger_seq + 1);
    let reopened = open_shard(&story.rig.store, &story.rig.options);
    assert_eq!(
        reopened.accounts_in_memory().count(),
        0,
        "nothing had to be read"
    );
}

#[test]
fn memory_is_bounded() {
    let limits = engine::CacheLimits {
        accounts: 10,
        records: 10,
        transfer_ids: 16,
    };
    let mut rig = Rig::over(MemoryStore::default(), limits, 1);
    for round in 0..40u128 {
        let names: Vec<String> = (0..10).map(|n| format!("{round}/{n}")).collect();
        rig.done(ToyCommand::Open {
            names,
            overdraft: true,
        });
        rig.done(pay(
            round + 1,
            round as u64 * 10 + 1,
            round as u64 * 10 + 2,
            1,
        ));
    }
    // Two rounds of use and what is dirty; not the four hundred that exist.
    assert!(rig.shard.accounts_in_memory().count() < 60);
    rig.verify();
}

#[test]
fn the_ledger_naming_an_unknown_account_is_damage() {
    let mut rig = Rig::new();
    rig.done(open(&["a", "b"], true));
    rig.done(pay(1, 1, 2, 1));
    let mut tables = rig.tables();
    tables.accounts.remove(&2);
    if let Some(head) = &mut tables.head {
        head.low_seq = 3;
    }
    let reader = engine::store::StoreFactory::reader(&MemoryStore::of(tables)).unwrap();
    let opened = engine::Shard::open(
        std::sync::Arc::new(crate::toy::Toy),
        reader,
        crate::rig::vault(),
        options(EVERYTHING, 1),
    );
    let error = opened.err().unwrap().to_string();
    assert_eq!(
        error,
        "damaged data in account 2: the ledger touches it but it has no row"
    );
}
