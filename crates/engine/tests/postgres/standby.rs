//! Synchronous replication: nothing counts that the standby does not have.

use crate::books::{self, ask_until_answered, counter, keyed_add};
use crate::rig::is_unavailable;
use crate::toy::ToyReply;
use engine::store::lease::{Holder, Taken};
use engine::{ShardCode, SubmitError};
use std::time::Duration;
use testing::postgres::{Durability, Server};

const LONG: Duration = Duration::from_secs(60);

/// Cancels the wait of a commit for the standby: PostgreSQL answers such a commit as any other, after a warning.
const CANCEL: &str =
    "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event='SyncRep'";

#[test]
fn a_commit_whose_wait_is_cancelled_is_not_acknowledged() {
    let primary = Server::start(Durability::Memory);
    let database = primary.create_database();
    let standby = primary.synchronous_standby();
    let store = books::open(&primary.url(&database));
    let running = books::run(&store, books::take(&store, "a").epoch);
    let engine = running.engine.clone();
    let reply = ask_until_answered(&engine, &keyed_add("counter", "1"));
    assert_eq!(reply, ToyReply::Value(1));
    let paused = standby.pause_receiving();
    let asked = engine.submit_later(keyed_add("counter", "2")).unwrap();
    primary.wait_for_waiting_commit();
    assert_eq!(primary.sql("postgres", CANCEL).trim(), "1");
    let answer = asked.blocking_recv().unwrap();
    let Err(SubmitError::Unavailable(reason)) = &answer else {
        panic!("{answer:?}");
    };
    assert!(reason.contains("the database warned"), "{reason}");
    // The primary has it and shows it. The shard does not go on from there before the standby has it too.
    let queries = store.queries(ShardCode::FIRST);
    assert_eq!(counter(&*queries, "counter"), Some(2));
    for _ in 0..2 {
        primary.wait_for_waiting_commit();
        primary.sql("postgres", CANCEL);
    }
    let answer = engine.submit_blocking(keyed_add("counter", "2"));
    assert!(is_unavailable(&answer), "{answer:?}");
    drop(paused);
    // The repeat finds what was done.
    let reply = ask_until_answered(&engine, &keyed_add("counter", "2"));
    assert_eq!(reply, ToyReply::Value(2));
    running.stop();
    primary.kill();
    standby.promote();
    let promoted = books::open(&standby.url(&database));
    let queries = promoted.queries(ShardCode::FIRST);
    assert_eq!(counter(&*queries, "counter"), Some(2));
    books::check(&promoted, &[]);
}

#[test]
fn a_lease_counts_when_the_standby_has_it() {
    let primary = Server::start(Durability::Memory);
    let database = primary.create_database();
    let standby = primary.synchronous_standby();
    let store = books::open(&primary.url(&database));
    let leases = store.leases();
    let holder = Holder {
        server: "a".into(),
        address: "127.0.0.1:1".into(),
    };
    let paused = standby.pause_receiving();
    // The database answers with the epoch when its wait is cancelled.
    let taken = std::thread::scope(|scope| {
        let asked = scope.spawn(|| leases.take(ShardCode::FIRST, &holder, LONG));
        primary.wait_for_waiting_commit();
        primary.sql("postgres", CANCEL);
        asked.join().unwrap()
    });
    let told = taken.as_ref().map_err(ToString::to_string).err();
    let warned = told.is_some_and(|told| told.contains("the database warned"));
    assert!(warned, "{taken:?}");
    drop(paused);
    match leases.take(ShardCode::FIRST, &holder, LONG) {
        Ok(Taken::Lease(lease)) => assert_eq!(lease.epoch, 2),
        other => panic!("{other:?}"),
    }
}
