//! A holder whose time is over writes nothing any more, and learns it.

use crate::books::{self, EXPIRE, ask_until_answered, counter, keyed_add};
use crate::rig::{EVERYTHING, actor, add, is_unavailable, options, start, vault};
use crate::toy::{Toy, ToyReply};
use engine::runtime::Counters;
use engine::store::StoreError;
use engine::{Admission, Envelope, Shard, ShardCode, SubmitError, Task};
use std::sync::Arc;
use testing::postgres::Server;

#[test]
fn a_stale_epochs_commit_is_fenced() {
    let server = Server::shared();
    let database = server.create_database();
    let store = books::open(&server.url(&database));
    let mine = books::take(&store, "a");
    let factory = store.shard(ShardCode::FIRST, mine.epoch);
    let mut writer = factory.writer().unwrap();
    let reader = factory.reader().unwrap();
    let mut shard = Shard::open(Arc::new(Toy), reader, vault(), options(EVERYTHING, 4)).unwrap();
    let admission = Admission {
        now: start(),
        seed: 1,
    };
    let task = Task::Envelope(Envelope::new(actor(), add("counter", 1)));
    shard.run(vec![(1, task, admission)]).unwrap();
    let batch = shard.seal().unwrap().unwrap();
    // The writer's connection lives: only the epoch stands in its way.
    server.sql(&database, EXPIRE);
    books::take(&store, "b");
    let error = writer.commit(&batch).unwrap_err();
    assert!(matches!(error, StoreError::Fenced(_)), "{error:?}");
    assert!(error.to_string().contains("epoch 2"), "{error}");
    for table in ["shard WHERE batch_seq>0", "journal", "record", "batch"] {
        let rows = server.sql(&database, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(rows.trim(), "0", "{table}");
    }
}

#[test]
fn a_shard_that_another_holder_writes_ends() {
    let server = Server::shared();
    let database = server.create_database();
    let store = books::open(&server.url(&database));
    let first = books::run(&store, books::take(&store, "a").epoch);
    let reply = ask_until_answered(&first.engine, &keyed_add("counter", "1"));
    assert_eq!(reply, ToyReply::Value(1));
    server.sql(&database, EXPIRE);
    let second = books::run(&store, books::take(&store, "b").epoch);
    let reply = ask_until_answered(&second.engine, &keyed_add("counter", "2"));
    assert_eq!(reply, ToyReply::Value(2));
    // The first believes that it still holds the shard.
    let answer = first.engine.submit_blocking(keyed_add("counter", "3"));
    assert!(is_unavailable(&answer), "{answer:?}");
    while !first.has_ended() {
        std::thread::yield_now();
    }
    let answer = first.engine.submit_blocking(keyed_add("counter", "3"));
    assert!(
        matches!(
            answer,
            Err(SubmitError::Moving | SubmitError::Unavailable(_))
        ),
        "{answer:?}"
    );
    let reply = ask_until_answered(&second.engine, &keyed_add("counter", "3"));
    assert_eq!(reply, ToyReply::Value(3));
    // What the first did when its own session had ended did not touch the second's.
    assert_eq!(Counters::get(&first.engine.counters().fenced), 1);
    assert_eq!(Counters::get(&second.engine.counters().failed_commits), 0);
    second.stop();
    let queries = store.queries(ShardCode::FIRST);
    assert_eq!(counter(&*queries, "counter"), Some(3));
    books::check(&store, &[]);
}
