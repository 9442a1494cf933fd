//! How the database runs the statements.

use engine::ShardCode;
use engine::store::contract;
use engine::store::lease::{Holder, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::Duration;
use testing::postgres::Server;

/// Whole tables read so far, by those who have left.
fn scans(server: &Server, database: &str) -> BTreeMap<String, u64> {
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE datname=current_database() AND pid<>pg_backend_pid()";
    while server.sql(database, gone).trim() != "0" {
        std::thread::yield_now();
    }
    let counted = server.sql(
        database,
        "SELECT relname||' '||seq_scan FROM pg_stat_user_tables WHERE relname NOT IN ('shard','qingyuan_schema')",
    );
    let lines = counted.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(table, count)| (table.to_owned(), count.parse().unwrap()))
        .collect()
}

/// Every statement of the store, on shards from a number on; answers the next number.
fn suite(url: &str, mut next: u16) -> u16 {
    let store = PostgresStore::open(url, many_shards()).unwrap();
    let holder = Holder {
        server: "test".into(),
        address: "127.0.0.1:1".into(),
    };
    let failures = contract::check_all(&mut || {
        let shard = ShardCode::new(next).unwrap();
        next += 1;
        match store
            .leases()
            .take(shard, &holder, Duration::from_secs(60))?
        {
            Taken::Lease(lease) => Ok(Box::new(store.shard(shard, lease.epoch))),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(failures, Vec::new());
    next
}

fn many_shards() -> PostgresOptions {
    PostgresOptions {
        shards: NonZeroU16::new(128),
        ..PostgresOptions::default()
    }
}

/// Small tables are where the planner prefers to read everything, and a prepared statement keeps that plan while its
/// table grows.
#[test]
fn no_statement_reads_a_whole_table() {
    let server = Server::shared();
    let database = server.create_database();
    let url = server.url(&database);
    let next = suite(&url, 0);
    // With their true sizes known to the planner.
    server.sql(&database, "VACUUM ANALYZE");
    let before = scans(&server, &database);
    assert!(before.contains_key("account"), "{before:?}");
    suite(&url, next);
    assert_eq!(scans(&server, &database), before);
}
