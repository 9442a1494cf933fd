//! PostgreSQL passes the suite for stores.

use engine::ShardCode;
use engine::store::contract;
use engine::store::lease::{Holder, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use std::num::NonZeroU16;
use std::time::Duration;
use testing::postgres::Server;

/// Each check has a shard of one book: what another shard holds must not be seen.
#[test]
fn postgres_passes() {
    let server = Server::shared();
    let options = PostgresOptions {
        shards: NonZeroU16::new(64),
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(&server.fresh(), options).unwrap();
    let leases = store.leases();
    let holder = Holder {
        server: "test".into(),
        address: "127.0.0.1:1".into(),
    };
    let mut next = 0;
    let failures = contract::check_all(&mut || {
        let shard = ShardCode::new(next).unwrap();
        next += 1;
        match leases.take(shard, &holder, Duration::from_secs(60))? {
            Taken::Lease(lease) => Ok(Box::new(store.shard(shard, lease.epoch))),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(failures, Vec::new());
}
