//! PostgreSQL passes the suite for stores.

use crate::books::{open, take};
use crate::rig::{Rig, add, pay};
use engine::ShardCode;
use engine::store::StoreFactory;
use engine::store::contract;
use engine::store::lease::{Holder, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use ledger::AccountId;
use std::num::NonZeroU16;
use std::time::Duration;
use testing::postgres::Server;

#[test]
fn rows_changed_at_rest_are_named_as_damage() {
    let server = Server::shared();
    let database = server.create_database();
    let store = open(&server.url(&database));
    let lease = take(&store, "test");
    let shard = store.shard(ShardCode::FIRST, lease.epoch);
    let mut rig = Rig::new();
    rig.send(crate::rig::open(&["a", "b"], true));
    rig.send(pay(1, 1, 2, 500));
    rig.send(add("counter", 3));
    shard
        .writer()
        .unwrap()
        .commit(&rig.seal().unwrap())
        .unwrap();
    let mut reader = shard.reader().unwrap();
    for change in ["credits=credits+1", "closed=true", "chk=chk+1"] {
        let change = format!("UPDATE account SET {change} WHERE id=1 RETURNING id");
        assert_eq!(server.sql(&database, &change).trim(), "1");
        for error in [
            reader.accounts(&[AccountId(1)]).unwrap_err(),
            reader.accounts(&[AccountId(2), AccountId(1)]).unwrap_err(),
            shard.queries().unwrap().account(AccountId(1)).unwrap_err(),
        ] {
            let told = error.to_string();
            assert!(told.contains("id 1: the row does not match"), "{told}");
        }
        assert!(reader.accounts(&[AccountId(2)]).unwrap()[0].is_some());
    }
    let change = "UPDATE ledger SET amount=amount+1 WHERE seq=3 RETURNING seq";
    assert_eq!(server.sql(&database, change).trim(), "3");
    let told = reader.row(3).unwrap_err().to_string();
    assert!(told.contains("seq 3: the row does not match"), "{told}");
}

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
