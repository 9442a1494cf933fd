//! The tables: their keys, their versions, and books of earlier releases.

use crate::books;
use crate::rig::verify;
use crate::steps;
use engine::ShardCode;
use engine::store::StoreError;
use engine::store::postgres::PostgresStore;
use std::path::PathBuf;
use std::process::Stdio;
use testing::postgres::Server;

/// Every table's columns and every index, as the catalogue has them.
const SCHEMA: &str = "SELECT table_name||'.'||column_name||' '||data_type||' '||is_nullable||' '||coalesce(collation_name,'')||' '||coalesce(column_default,'') \
     FROM information_schema.columns WHERE table_schema='public' \
     UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname='public' \
     UNION ALL SELECT relname||' '||coalesce(reloptions::text,'') FROM pg_class WHERE relkind='r' AND relnamespace='public'::regnamespace \
     UNION ALL SELECT attrelid::regclass::text||'.'||attname::text||' '||attstorage::text||attcompression::text FROM pg_attribute \
         WHERE attnum>0 AND attrelid IN (SELECT oid FROM pg_class WHERE relkind='r' AND relnamespace='public'::regnamespace) \
     ORDER BY 1";

#[test]
fn every_primary_key_begins_with_the_shard() {
    let server = Server::shared();
    let database = server.create_database();
    drop(books::open(&server.url(&database)));
    let keys = server.sql(
        &database,
        "SELECT c.relname,coalesce((SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid=c.oid AND a.attnum=i.indkey[0] \
         WHERE i.indrelid=c.oid AND i.indisprimary),'none') FROM pg_class c \
         WHERE c.relkind='r' AND c.relnamespace='public'::regnamespace AND c.relname<>'qingyuan_schema' ORDER BY 1",
    );
    let keys: Vec<&str> = keys.lines().collect();
    assert_eq!(
        keys,
        [
            "account|shard",
            "batch|shard",
            "contents|shard",
            "journal|shard",
            "ledger|shard",
            "record|shard",
            "record_index|shard",
            "secret|shard",
            "shard|shard",
        ]
    );
    let others = server.sql(
        &database,
        "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid=i.indrelid JOIN pg_attribute a ON a.attrelid=c.oid AND a.attnum=i.indkey[0] \
         WHERE c.relnamespace='public'::regnamespace AND c.relname<>'qingyuan_schema' AND a.attname<>'shard'",
    );
    assert_eq!(others.trim(), "0");
}

#[test]
fn a_schema_from_the_future_is_refused() {
    let server = Server::shared();
    let database = server.create_database();
    drop(books::open(&server.url(&database)));
    server.sql(
        &database,
        "INSERT INTO qingyuan_schema(version) VALUES(999)",
    );
    let error = PostgresStore::open(&server.url(&database), books::one_shard()).unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("schema version 999"), "{error}");
}

#[test]
fn only_a_database_without_a_book_takes_a_new_one() {
    let server = Server::shared();
    let url = server.fresh();
    drop(PostgresStore::create(&url, books::one_shard()).unwrap());
    let error = PostgresStore::create(&url, books::one_shard()).unwrap_err();
    assert!(error.to_string().contains("has a book already"), "{error}");
}

#[test]
fn whoever_reads_creates_no_book() {
    let server = Server::shared();
    let database = server.create_database();
    let url = server.url(&database);
    let error = PostgresStore::open_existing(&url, books::one_shard()).unwrap_err();
    assert!(error.to_string().contains("has no book"), "{error}");
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace='public'::regnamespace";
    assert_eq!(server.sql(&database, tables).trim(), "0");
    drop(books::open(&url));
    assert!(PostgresStore::open_existing(&url, books::one_shard()).is_ok());
}

/// New rows were made for them, which said that nothing had been written.
#[test]
fn shard_rows_that_are_gone_are_not_made_anew() {
    let server = Server::shared();
    let database = server.create_database();
    let url = server.url(&database);
    drop(books::open(&url));
    server.sql(&database, "DELETE FROM shard");
    let empty = PostgresStore::open_existing(&url, books::one_shard()).unwrap_err();
    assert!(
        empty.to_string().contains("table shard is empty"),
        "{empty}"
    );
    let rows = || server.sql(&database, "SELECT count(*) FROM shard");
    assert_eq!(rows().trim(), "0");
    server.sql(&database, "INSERT INTO contents VALUES(0,1,'')");
    let written = PostgresStore::open(&url, books::one_shard()).unwrap_err();
    assert!(
        written.to_string().contains("restore a backup"),
        "{written}"
    );
    assert_eq!(rows().trim(), "0");
}

#[test]
fn whoever_reads_migrates_nothing() {
    let server = Server::shared();
    let database = server.create_database();
    let url = server.url(&database);
    drop(books::open(&url));
    let last = "(SELECT max(version) FROM qingyuan_schema)";
    server.sql(
        &database,
        &format!("DELETE FROM qingyuan_schema WHERE version={last}"),
    );
    let error = PostgresStore::open_existing(&url, books::one_shard()).unwrap_err();
    assert!(error.to_string().contains("migrates it"), "{error}");
    drop(books::open(&url));
    assert!(PostgresStore::open_existing(&url, books::one_shard()).is_ok());
}

#[test]
fn each_step_applies_twice_and_their_sum_is_the_fresh_schema() {
    let server = Server::shared();
    let fresh = server.create_database();
    drop(books::open(&server.url(&fresh)));
    let expected = server.sql(&fresh, SCHEMA);
    assert!(expected.contains("CREATE UNIQUE INDEX ledger_transfer ON public.ledger"));
    let stepped = server.create_database();
    server.sql(
        &stepped,
        "CREATE TABLE qingyuan_schema (version integer NOT NULL PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())",
    );
    for (step, number) in steps::released("postgres").iter().zip(1..) {
        server.sql(&stepped, step);
        let once = server.sql(&stepped, SCHEMA);
        server.sql(&stepped, step);
        assert_eq!(server.sql(&stepped, SCHEMA), once, "step {number}");
        server.sql(
            &stepped,
            &format!("INSERT INTO qingyuan_schema(version) VALUES({number})"),
        );
    }
    assert_eq!(server.sql(&stepped, SCHEMA), expected);
    // A book goes on from there.
    assert_eq!(books::open(&server.url(&stepped)).shard_count(), 1);
    assert_eq!(server.sql(&stepped, SCHEMA), expected);
}

/// `fixtures/postgres-0.1.0.sql` is what `pg_dump --no-owner` wrote of a small benchmark's book in the first schema.
#[test]
fn a_book_of_0_1_0_opens_and_holds() {
    let server = Server::shared();
    let database = server.create_database();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/postgres-0.1.0.sql");
    let mut psql = server.client("psql");
    psql.args(["-qX", "-v", "ON_ERROR_STOP=1", "-d", &database, "-f"])
        .arg(file)
        .stdout(Stdio::null());
    assert!(psql.status().unwrap().success());
    let store = PostgresStore::open(&server.url(&database), Default::default()).unwrap();
    let mut ledger_rows = 0;
    for number in 0..store.shard_count() {
        let queries = store.queries(ShardCode::new(number).unwrap());
        if queries.head().unwrap().is_none() {
            continue;
        }
        ledger_rows += verify(&*queries).ledger_rows;
    }
    assert!(ledger_rows >= 100, "{ledger_rows}");
    let fresh = server.create_database();
    drop(books::open(&server.url(&fresh)));
    assert_eq!(
        server.sql(&database, SCHEMA),
        server.sql(&fresh, SCHEMA),
        "what was migrated differs from what is made new"
    );
}
