//! Leases, and what becomes of a writer that has lost its own.

use engine::ShardCode;
use engine::store::StoreError;
use engine::store::lease::{Holder, Lease, Leases, Renewed, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use std::time::Duration;
use testing::postgres::Server;

const LONG: Duration = Duration::from_secs(60);

fn holder(name: &str) -> Holder {
    Holder {
        server: name.into(),
        address: "127.0.0.1:1".into(),
    }
}

fn take(leases: &dyn Leases, name: &str) -> Lease {
    match leases.take(ShardCode::FIRST, &holder(name), LONG).unwrap() {
        Taken::Lease(lease) => lease,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_is_held_renewed_lost_and_given_back() {
    let server = Server::shared();
    let database = server.create_database();
    let store = PostgresStore::open(&server.url(&database), PostgresOptions::default()).unwrap();
    let leases = store.leases();
    assert_eq!(leases.list().unwrap().shards.len(), 16);
    let first = take(&*leases, "a");
    assert_eq!(first.epoch, 1);
    let held = leases.take(ShardCode::FIRST, &holder("b"), LONG).unwrap();
    assert!(matches!(held, Taken::HeldBy(by) if by.holder == Some(holder("a"))));
    let renewed = leases.renew(std::slice::from_ref(&first)).unwrap();
    assert!(matches!(renewed.as_slice(), [Renewed::Lease(_)]));
    let expire = "UPDATE shard SET expires=now()-interval '1 s' WHERE shard=0";
    server.sql(&database, expire);
    let second = take(&*leases, "b");
    assert_eq!(second.epoch, 2);
    let renewed = leases.renew(std::slice::from_ref(&first)).unwrap();
    assert!(matches!(renewed.as_slice(), [Renewed::Lost]));
    assert!(!leases.release(&first).unwrap());
    assert!(leases.release(&second).unwrap());
    assert_eq!(take(&*leases, "a").epoch, 3);
    // The holder of the first epoch opens nothing any more.
    let stale = store.shard(ShardCode::FIRST, first.epoch).reader();
    assert!(matches!(stale.err(), Some(StoreError::Fenced(_))));
}

/// The answer to a request for a lease can be lost, and a shard can end before its lease does.
#[test]
fn a_holder_that_asks_again_takes_it_anew() {
    let server = Server::shared();
    let store = PostgresStore::open(&server.fresh(), PostgresOptions::default()).unwrap();
    let leases = store.leases();
    let lost = take(&*leases, "a");
    let taken = take(&*leases, "a");
    assert_eq!((lost.epoch, taken.epoch), (1, 2));
    // What was begun under the epoch before is kept out, and another server still is.
    let stale = store.shard(ShardCode::FIRST, lost.epoch).reader();
    assert!(matches!(stale.err(), Some(StoreError::Fenced(_))));
    assert!(store.shard(ShardCode::FIRST, taken.epoch).reader().is_ok());
    let renewed = leases.renew(&[lost, taken]).unwrap();
    assert!(matches!(
        renewed.as_slice(),
        [Renewed::Lost, Renewed::Lease(_)]
    ));
    let held = leases.take(ShardCode::FIRST, &holder("b"), LONG).unwrap();
    assert!(matches!(held, Taken::HeldBy(by) if by.holder == Some(holder("a"))));
}

#[test]
fn a_clock_that_differs_takes_no_lease() {
    let server = Server::shared();
    let options = PostgresOptions {
        clock: || jiff::Timestamp::now() + jiff::SignedDuration::from_secs(9),
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(&server.fresh(), options).unwrap();
    let taken = store
        .leases()
        .take(ShardCode::FIRST, &holder("a"), LONG)
        .unwrap();
    assert!(matches!(taken, Taken::ClockDiffers(by) if by.server_ahead_ms > 8_000));
}
