//! A fixed small scenario, with every fault at every write point of the store. Whatever happens, clients
//! that repeat what they got no answer to end with the books of the run without faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../engine/tests/toy/mod.rs"]
mod toy;

use calendar::BusinessDate;
use engine::shard::{Admitted, ShardOptions};
use engine::store::{Queries, StoreFactory};
use engine::{
    Actor, Admission, CacheLimits, Envelope, Idempotency, ShardCode, Task, Vault, Verdict, Work,
};
use jiff::{SignedDuration, Timestamp};
use sim::laws::{BookLaws, Promises};
use sim::node::{Node, Turn};
use sim::{Fault, Planned, Rng, SimStore};
use std::collections::BTreeMap;
use std::sync::Arc;
use toy::{Toy, ToyCommand, ToyReply};

const GROUPS: usize = 5;

/// Commands by the batch they are meant for. The hold is that of the second batch.
fn scenario(hold: Option<&str>) -> Vec<Vec<ToyCommand>> {
    let hold = hold.unwrap_or("none").to_owned();
    let add = |counter: &str, by| ToyCommand::Add {
        counter: counter.into(),
        by,
    };
    vec![
        vec![
            ToyCommand::Open {
                names: vec!["bank".into()],
                overdraft: true,
            },
            ToyCommand::Open {
                names: vec!["ann".into(), "ben".into()],
                overdraft: false,
            },
            add("first", 1),
        ],
        vec![
            ToyCommand::Transfers(vec![(101, 1, 2, 10_000), (102, 2, 3, 2_500)]),
            ToyCommand::Hold {
                account: 2,
                fen: 4_000,
            },
            add("first", 2),
        ],
        vec![
            ToyCommand::Capture {
                hold: hold.clone(),
                id: 103,
                credit: 3,
                fen: 1_500,
            },
            ToyCommand::Transfers(vec![(104, 2, 3, 7_000)]),
            ToyCommand::TurnDay,
            ToyCommand::PostThenSuspense {
                id: 110,
                poor: 2,
                rich: 3,
                other: 1,
                fen: 3_800,
            },
        ],
        vec![
            ToyCommand::Transfers(vec![(105, 3, 2, 150)]),
            add("second", 5),
            ToyCommand::Panic,
        ],
        vec![ToyCommand::Release { hold }, add("first", -3)],
    ]
}

struct Run {
    store: SimStore,
    node: Option<Node<Toy>>,
    laws: BookLaws,
    promises: Promises,
    rng: Rng,
    now: Timestamp,
    next_ticket: u64,
    asked: BTreeMap<u64, Idempotency>,
    answers: BTreeMap<String, Verdict<ToyReply, toy::ToyRejection>>,
}

impl Run {
    fn new(planned: Option<Planned>) -> Run {
        let store = SimStore::new();
        if let Some(planned) = planned {
            store.plan(planned);
        }
        Run {
            store,
            node: None,
            laws: BookLaws::default(),
            promises: Promises::default(),
            rng: Rng::new(7),
            now: "2026-03-02T09:00:00+08:00".parse().unwrap(),
            next_ticket: 1,
            asked: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    fn node(&mut self) -> &mut Node<Toy> {
        if self.node.is_none() {
            self.store.restart();
            let options = ShardOptions {
                shard: ShardCode::FIRST,
                first_business_date: BusinessDate::new(2026, 3, 2).unwrap(),
                limits: CacheLimits {
                    accounts: 1,
                    records: 2,
                    transfer_ids: 16,
                },
                sweep_min: 1,
            };
            let vault = Arc::new(Vault::new(&[7; 32]).unwrap());
            let node = Node::start(Arc::new(Toy), self.store.clone(), vault, options).unwrap();
            self.node = Some(node);
            self.look();
            let mut node = self.node.take().unwrap();
            self.laws.memory(&mut node).unwrap();
            self.node = Some(node);
            self.promises.kept(self.queries().as_ref()).unwrap();
        }
        self.node.as_mut().unwrap()
    }

    fn queries(&self) -> Arc<dyn Queries> {
        self.store.queries().unwrap()
    }

    fn look(&mut self) {
        let queries = self.queries();
        self.laws.observe(queries.as_ref()).unwrap();
        self.laws.hold_records(queries.as_ref()).unwrap();
    }

    fn admit(&mut self, key: String, command: ToyCommand) -> Admitted<Toy> {
        self.now += SignedDuration::from_secs(1);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let idempotency = Idempotency {
            scope: "client".into(),
            body_hash: key.clone(),
            key,
        };
        self.asked.insert(ticket, idempotency.clone());
        let envelope = Envelope {
            actor: Actor::new("client", "client"),
            work: Work::Command(command),
            idempotency: Some(idempotency),
            vault: Vec::new(),
        };
        let admission = Admission {
            now: self.now,
            seed: self.rng.seed(),
        };
        (ticket, Task::Envelope(envelope), admission)
    }

    fn take(&mut self, turn: Turn<Toy>) {
        for (ticket, outcome) in turn.outcomes {
            let idempotency = self
                .asked
                .remove(&ticket)
                .expect("an answer nobody asked for");
            let queries = self.queries();
            self.promises
                .told(queries.as_ref(), Some(&idempotency), &outcome)
                .unwrap();
            self.answers.insert(idempotency.key, outcome.result);
        }
        for ticket in turn.unavailable {
            self.asked.remove(&ticket);
        }
        assert_eq!(
            turn.set_aside,
            Vec::<u64>::new(),
            "set aside without a reason"
        );
        if turn.died {
            self.node = None;
            self.asked.clear();
        }
    }

    fn step(&mut self, step: impl FnOnce(&mut Node<Toy>) -> Turn<Toy>) {
        let turn = step(self.node());
        self.take(turn);
        self.look();
    }

    /// One group after another; the next one runs while the batch of the last is on its way.
    fn play(&mut self) {
        for _ in 0..20 {
            for group in 0..GROUPS {
                let tasks = self.tasks_of(group);
                self.step(|node| node.run(tasks));
                self.step(Node::acknowledge);
                self.step(Node::seal);
                self.step(Node::write);
            }
            self.step(Node::acknowledge);
            if (0..GROUPS).all(|group| self.is_done(group)) {
                return;
            }
        }
        panic!("never done: {:?}", self.answers);
    }

    /// What of a group has to be asked (again), if everything before it is done or under way.
    fn tasks_of(&mut self, group: usize) -> Vec<Admitted<Toy>> {
        let hold = self.hold();
        let needs_hold = matches!(group, 2 | 4);
        if (needs_hold && hold.is_none()) || !(0..group).all(|earlier| self.is_under_way(earlier)) {
            return Vec::new();
        }
        let mut tasks = Vec::new();
        for (place, command) in scenario(hold.as_deref())[group].iter().enumerate() {
            let key = format!("{group}-{place}");
            if !self.answers.contains_key(&key) && !self.is_asked(&key) {
                tasks.push(self.admit(key, command.clone()));
            }
        }
        tasks
    }

    fn is_asked(&self, key: &str) -> bool {
        self.asked.values().any(|asked| asked.key == key)
    }

    fn is_under_way(&self, group: usize) -> bool {
        let commands = &scenario(None)[group];
        (0..commands.len()).all(|place| {
            let key = format!("{group}-{place}");
            self.answers.contains_key(&key) || self.is_asked(&key)
        })
    }

    fn is_done(&self, group: usize) -> bool {
        let commands = &scenario(None)[group];
        (0..commands.len()).all(|place| self.answers.contains_key(&format!("{group}-{place}")))
    }

    fn hold(&self) -> Option<String> {
        match self.answers.get("1-1") {
            Some(Verdict::Done(ToyReply::Hold(hold))) => Some(hold.clone()),
            _ => None,
        }
    }

    /// What the run must come to, whatever happened on the way.
    fn result(&self) -> (Vec<Option<i64>>, Vec<i64>, BTreeMap<String, i64>) {
        let queries = self.queries();
        let counters = queries.records_after("counter", "", 100).unwrap();
        let counters = counters
            .into_iter()
            .map(|(key, body, _)| {
                let counter: toy::Counter = serde_json::from_slice(&body).unwrap();
                (key, counter.value)
            })
            .collect();
        let accounts = 1..=3;
        (
            accounts
                .clone()
                .map(|id| self.laws.debit_balance(id))
                .collect(),
            accounts.map(|id| self.laws.held_amount(id)).collect(),
            counters,
        )
    }
}

#[test]
fn every_fault_at_every_write_point_ends_in_the_same_books() {
    let mut faultless = Run::new(None);
    faultless.play();
    let expected = faultless.result();
    assert_eq!(expected.0, vec![Some(6_200), Some(-6_150), Some(-50)]);
    assert_eq!(expected.1, vec![0, 0, 0]);
    let points = faultless.store.points();
    assert!(points > 60, "only {points} write points");
    let mut runs = 0;
    for at in 0..points {
        let crashes = [0, 1, 3, 1_000].map(|survivors| Fault::Crash { survivors });
        let others = [Fault::Fail, Fault::Refuse, Fault::LostAcknowledgement];
        for fault in crashes.into_iter().chain(others) {
            let mut run = Run::new(Some(Planned { at, fault }));
            run.play();
            assert_eq!(run.result(), expected, "{fault:?} at write point {at}");
            runs += 1;
        }
    }
    assert_eq!(runs, points * 7);
}
