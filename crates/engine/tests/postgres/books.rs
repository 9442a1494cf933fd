//! Books of one shard, and callers who ask until they are answered.

use crate::rig::{EVERYTHING, actor, add, key, options, vault, verify};
use crate::toy::{Counter, Toy, ToyCommand, ToyReply};
use engine::runtime::{Engine, Running, SystemClock};
use engine::store::Queries;
use engine::store::lease::{Holder, Lease, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use engine::{Envelope, ShardCode, SubmitError, Verdict};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

pub fn one_shard() -> PostgresOptions {
    PostgresOptions {
        shards: Some(NonZeroU16::MIN),
        lease: LONG,
        ..PostgresOptions::default()
    }
}

pub fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, one_shard()).unwrap()
}

pub fn take(store: &PostgresStore, server: &str) -> Lease {
    let holder = Holder {
        server: server.into(),
        address: "127.0.0.1:1".into(),
    };
    let taken = store.leases().take(ShardCode::FIRST, &holder, LONG);
    match taken.unwrap() {
        Taken::Lease(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// Makes the lease as good as over, as when its holder does not renew it.
pub const EXPIRE: &str = "UPDATE shard SET expires=now()-interval '1 s' WHERE shard=0";

/// Starts the shard for the holder of an epoch.
pub fn run(store: &PostgresStore, epoch: u64) -> Running<Toy> {
    Engine::start(
        Arc::new(Toy),
        Arc::new(store.shard(ShardCode::FIRST, epoch)),
        vault(),
        Arc::new(SystemClock),
        options(EVERYTHING, 4),
    )
    .unwrap()
}

/// Adds one to a counter, under an idempotency key.
pub fn keyed_add(counter: &str, id: &str) -> Envelope<ToyCommand> {
    Envelope {
        idempotency: Some(key(id, "body")),
        ..Envelope::new(actor(), add(counter, 1))
    }
}

/// Asks until the answer is not "try again".
pub fn ask_until_answered(engine: &Engine<Toy>, request: &Envelope<ToyCommand>) -> ToyReply {
    loop {
        match engine.submit_blocking(request.clone()) {
            Ok(outcome) => match outcome.result {
                Verdict::Done(reply) => return reply,
                other => panic!("{other:?}"),
            },
            Err(SubmitError::Unavailable(_) | SubmitError::Busy) => std::thread::yield_now(),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Callers add to counters of their own until `trouble` has returned; answers how often each was acknowledged.
pub fn under_load(engine: &Engine<Toy>, callers: usize, trouble: impl FnOnce()) -> Vec<i64> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers)
            .map(|caller| {
                let (engine, over) = (engine.clone(), &over);
                scope.spawn(move || {
                    let counter = format!("caller {caller}");
                    let mut acknowledged = 0;
                    while !over.load(Ordering::Relaxed) {
                        let request = keyed_add(&counter, &format!("{counter}, {acknowledged}"));
                        let reply = ask_until_answered(&engine, &request);
                        acknowledged += 1;
                        // What took effect twice, or not at all, shows in the very next answer.
                        assert_eq!(reply, ToyReply::Value(acknowledged));
                    }
                    acknowledged
                })
            })
            .collect();
        // A panic in here must not leave the callers asking for ever.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(trouble));
        over.store(true, Ordering::Relaxed);
        let acknowledged = callers.into_iter().map(|caller| caller.join().unwrap());
        let acknowledged = acknowledged.collect();
        ended.unwrap();
        acknowledged
    })
}

/// What is in the database is what was acknowledged, and everything in it holds.
pub fn check(store: &PostgresStore, acknowledged: &[i64]) {
    let queries = store.queries(ShardCode::FIRST);
    for (caller, acknowledged) in acknowledged.iter().enumerate() {
        assert!(*acknowledged > 0, "caller {caller} was never answered");
        let name = format!("caller {caller}");
        assert_eq!(counter(&*queries, &name), Some(*acknowledged), "{name}");
    }
    verify(&*queries);
}

pub fn counter(queries: &dyn Queries, name: &str) -> Option<i64> {
    let body = queries.record("counter", name).unwrap()?;
    Some(serde_json::from_slice::<Counter>(&body).unwrap().value)
}
