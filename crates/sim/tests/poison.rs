//! A command whose rows the store never takes: it alone is set aside, nothing else stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../engine/tests/toy/mod.rs"]
mod toy;

use calendar::BusinessDate;
use engine::shard::{Admitted, ShardOptions};
use engine::store::StoreFactory;
use engine::{Actor, Admission, CacheLimits, Envelope, ShardCode, Task, Vault, Verdict};
use jiff::Timestamp;
use sim::SimStore;
use sim::laws::BookLaws;
use sim::node::Node;
use std::sync::Arc;
use toy::{Toy, ToyCommand, ToyReply};

fn node(store: &SimStore) -> Node<Toy> {
    let options = ShardOptions {
        shard: ShardCode::FIRST,
        first_business_date: BusinessDate::new(2026, 3, 2).unwrap(),
        limits: CacheLimits::default(),
        sweep_min: 1,
    };
    let vault = Arc::new(Vault::new(&[7; 32]).unwrap());
    Node::start(Arc::new(Toy), store.clone(), vault, options).unwrap()
}

fn add(ticket: u64, counter: &str) -> Admitted<Toy> {
    let command = ToyCommand::Add {
        counter: counter.into(),
        by: 1,
    };
    let admission = Admission {
        now: Timestamp::from_second(1_772_413_200 + i64::try_from(ticket).unwrap()).unwrap(),
        seed: u128::from(ticket) << 64,
    };
    let envelope = Envelope::new(Actor::new("client", "client"), command);
    (ticket, Task::Envelope(envelope), admission)
}

#[test]
fn only_the_culprit_is_set_aside() {
    let store = SimStore::new();
    let mut node = node(&store);
    store.poison("poisonous");

    let first = vec![add(1, "before"), add(2, "poisonous"), add(3, "after")];
    assert!(node.run(first).outcomes.is_empty());
    node.seal();
    // Runs while the refused batch is on its way, and must not be lost with it.
    node.run(vec![add(4, "behind")]);
    let turn = node.write();

    let done: Vec<(u64, bool)> = turn
        .outcomes
        .iter()
        .map(|(ticket, outcome)| {
            let value = Verdict::Done(ToyReply::Value(1));
            (*ticket, outcome.result == value)
        })
        .collect();
    assert_eq!(done, vec![(1, true), (3, true), (4, true)]);
    assert_eq!((turn.set_aside, turn.unavailable), (vec![2], Vec::new()));
    assert!(!turn.died && node.is_idle());

    let queries = store.queries().unwrap();
    assert!(queries.record("counter", "poisonous").unwrap().is_none());
    let reports = queries.records_after("set_aside", "", 10).unwrap();
    assert_eq!(reports.len(), 1);
    assert!(String::from_utf8_lossy(&reports[0].1).contains("poisonous"));
    BookLaws::default().observe(queries.as_ref()).unwrap();
}
