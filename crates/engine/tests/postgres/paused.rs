//! A holder that stands still in the middle of a transaction for longer than its lease, and then goes on.

use crate::books::{self, EXPIRE, ask_until_answered, counter, keyed_add};
use crate::toy::{Toy, ToyReply};
use engine::runtime::{Counters, Running};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use engine::{ShardCode, SubmitError};
use std::sync::Arc;
use std::time::Duration;
use testing::line::Line;
use testing::postgres::Server;

/// The first bytes of a batch's rows.
const ROWS: &[u8] = b"PGCOPY";
/// The fence has moved the shard's row by then.
const COMMIT: &[u8] = b"COMMIT\0";

struct Pause {
    server: Arc<Server>,
    database: String,
    line: Line,
    first: Running<Toy>,
    /// Reaches the database by another way.
    store: PostgresStore,
}

impl Pause {
    /// One holder who has written, and stands still at a point of its next transaction until its lease is over;
    /// and what that transaction's caller will be told.
    fn at(marker: &[u8]) -> (Pause, impl FnOnce() -> Result<(), SubmitError>) {
        let server = Server::shared();
        let database = server.create_database();
        let store = books::open(&server.url(&database));
        let line = Line::to(server.port());
        let url = format!("postgres://qingyuan@127.0.0.1:{}/{database}", line.port());
        let options = PostgresOptions {
            lease: Duration::from_secs(1),
            ..books::one_shard()
        };
        let held_up = PostgresStore::open(&url, options).unwrap();
        let first = books::run(&held_up, books::take(&held_up, "a").epoch);
        let reply = ask_until_answered(&first.engine, &keyed_add("counter", "1"));
        assert_eq!(reply, ToyReply::Value(1));
        line.hold_before(marker);
        let late = first.engine.submit_later(keyed_add("counter", "late"));
        line.wait_until_held();
        let pause = Pause {
            server,
            database,
            line,
            first,
            store,
        };
        pause.expire();
        let answer = || late.unwrap().blocking_recv().unwrap().map(drop);
        (pause, answer)
    }

    /// Its lease is over. An open transaction may not keep the row: that would be for ever.
    fn expire(&self) {
        let expire = format!("SET lock_timeout='30 s'; {EXPIRE}");
        self.server.sql(&self.database, &expire);
    }

    /// What it was writing has no effect, it learns that, and writes nothing any more.
    fn ends_without_effect(self, answer: Result<(), SubmitError>) {
        let Err(SubmitError::Unavailable(reason)) = answer else {
            panic!("{answer:?}");
        };
        let told = "another server writes this shard now";
        assert!(reason.contains(told), "{reason}");
        while !self.first.has_ended() {
            std::thread::yield_now();
        }
        let counters = self.first.engine.counters();
        assert_eq!(Counters::get(&counters.fenced), 1);
        books::check(&self.store, &[]);
    }
}

#[test]
fn rows_sent_after_the_lease_was_taken_are_fenced() {
    let (pause, answer) = Pause::at(ROWS);
    let taken = books::take(&pause.store, "b");
    // Its session lives: what keeps it out is the epoch alone.
    pause.line.let_go();
    let answer = answer();
    assert_eq!(
        counter(&*pause.store.queries(ShardCode::FIRST), "counter"),
        Some(1)
    );
    let second = books::run(&pause.store, taken.epoch);
    let reply = ask_until_answered(&second.engine, &keyed_add("counter", "2"));
    assert_eq!(reply, ToyReply::Value(2));
    second.stop();
    pause.ends_without_effect(answer);
}

/// Stands still until its successor has ended its session and written, and goes on.
fn goes_on_behind_its_successor(marker: &[u8]) {
    let (pause, answer) = Pause::at(marker);
    let second = books::run(&pause.store, books::take(&pause.store, "b").epoch);
    let reply = ask_until_answered(&second.engine, &keyed_add("counter", "2"));
    assert_eq!(reply, ToyReply::Value(2));
    pause.line.let_go();
    let answer = answer();
    let reply = ask_until_answered(&second.engine, &keyed_add("counter", "3"));
    assert_eq!(reply, ToyReply::Value(3));
    assert_eq!(Counters::get(&second.engine.counters().failed_commits), 0);
    second.stop();
    pause.ends_without_effect(answer);
}

#[test]
fn whoever_stops_in_the_middle_of_its_rows_keeps_nobody_waiting() {
    goes_on_behind_its_successor(ROWS);
}

#[test]
fn whoever_stops_before_its_commit_keeps_the_row_for_half_a_lease() {
    goes_on_behind_its_successor(COMMIT);
}
