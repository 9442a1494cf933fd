//! The database itself fails over: its primary dies under load and the synchronous standby takes its place.

use crate::books::{self, ask_until_answered, counter, keyed_add};
use crate::toy::ToyReply;
use engine::ShardCode;
use std::time::Instant;
use testing::postgres::{Durability, Server};

/// What this prints stands in docs/operations/postgresql.md.
#[test]
fn a_promoted_standby_has_everything_that_was_acknowledged() {
    let primary = Server::start(Durability::Disk);
    let database = primary.create_database();
    let standby = primary.synchronous_standby();
    // One URL names both; the one that takes writes is meant.
    let url = format!(
        "postgres://qingyuan@127.0.0.1:{},127.0.0.1:{}/{database}",
        primary.port(),
        standby.port()
    );
    let store = books::open(&url);
    let running = books::run(&store, books::take(&store, "a").epoch);
    let engine = running.engine.clone();
    let acknowledged = books::under_load(&engine, 8, || {
        for number in 1..=200 {
            let reply = ask_until_answered(&engine, &keyed_add("before", &number.to_string()));
            assert_eq!(reply, ToyReply::Value(number));
        }
        // The last commit is on the primary's disk only, and its caller has no answer.
        let paused = standby.pause_receiving();
        primary.wait_for_waiting_commit();
        let killed = Instant::now();
        primary.kill();
        drop(paused);
        let dead = killed.elapsed();
        standby.promote();
        let promoted = killed.elapsed();
        let reply = ask_until_answered(&engine, &keyed_add("after", "1"));
        assert_eq!(reply, ToyReply::Value(1));
        println!(
            "primary killed: gone after {} ms, standby promoted after {} ms, first answer after {} ms",
            dead.as_millis(),
            promoted.as_millis(),
            killed.elapsed().as_millis()
        );
    });
    running.stop();
    books::check(&store, &acknowledged);
    let queries = store.queries(ShardCode::FIRST);
    assert_eq!(counter(&*queries, "before"), Some(200));
    println!(
        "{} acknowledged commands of 8 callers and 200 of one more: all there, once, and the book verifies",
        acknowledged.iter().sum::<i64>()
    );
}
