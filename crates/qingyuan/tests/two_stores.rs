//! The same two days on SQLite and on PostgreSQL end with the same money, the same outcomes and the same report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use engine::ShardCode;
use engine::store::Queries;
use engine::store::postgres::{PostgresOptions, PostgresStore};
use serde_json::Value;
use std::collections::BTreeMap;
use support::database::{balances, read};
use support::process::run;
use testing::postgres::Server;

const PAYMENTS: &str = "300";

fn demo(place: &[&str]) -> Value {
    let mut arguments = vec!["demo", "--json", "--payments", PAYMENTS, "--seed", "7"];
    arguments.extend(place);
    run(arguments).expect(0).json()
}

/// How often each kind of command came to each kind of outcome.
fn outcomes(queries: &dyn Queries) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    let mut last = 0;
    loop {
        let page = queries.journal_after(last, 1_000).unwrap();
        let Some((end, _)) = page.last() else {
            return counts;
        };
        last = end.seq;
        for (row, _) in &page {
            *counts
                .entry((kind(&row.command, 3), kind(&row.outcome, 2)))
                .or_default() += 1;
        }
    }
}

/// Names on the way into a JSON value, without its contents and ids.
fn kind(text: &str, depth: usize) -> String {
    let value: Value = serde_json::from_str(text).unwrap();
    let (mut names, mut value) = (Vec::new(), &value);
    for _ in 0..depth {
        match value {
            Value::Object(fields) if fields.len() == 1 => {
                let (name, inner) = fields.iter().next().unwrap();
                names.push(name.clone());
                value = inner;
            }
            Value::String(text) => {
                // An id, or what one follows behind a slash.
                names.push(text.split(['/', '_']).next().unwrap_or_default().to_owned());
                break;
            }
            _ => break,
        }
    }
    names.join(".")
}

/// The report without what differs between any two runs: ids and hashes.
fn figures(mut report: Value) -> Value {
    for difference in report["recon"]["differences"].as_array_mut().unwrap() {
        let fields = difference.as_object_mut().unwrap();
        fields.retain(|_, value| value.is_number() || value.is_object());
    }
    report
}

#[test]
fn both_stores_end_with_the_same_books() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let server = Server::shared();
    let url = server.url(&server.create_database());
    let (one, other) = (demo(&["--data", path]), demo(&["--postgres", &url]));
    assert_eq!(one["verified"], true);
    assert_eq!(figures(one), figures(other));

    let sqlite = read(directory.path());
    let postgres = PostgresStore::open(&url, PostgresOptions::default()).unwrap();
    let postgres = postgres.queries(ShardCode::FIRST);
    assert_eq!(
        by_kind(balances(&sqlite)),
        by_kind(balances(postgres.as_ref()))
    );
    assert_eq!(outcomes(&sqlite), outcomes(postgres.as_ref()));
}

/// Balances by the account's kind, in order: merchants' ids differ from run to run.
fn by_kind(balances: BTreeMap<String, i64>) -> BTreeMap<String, Vec<i64>> {
    let mut kinds: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (name, balance) in balances {
        let kind = match name.split_once(":mch_") {
            Some((kind, _)) => kind.to_owned(),
            None => name,
        };
        kinds.entry(kind).or_default().push(balance);
    }
    for balances in kinds.values_mut() {
        balances.sort_unstable();
    }
    kinds
}

/// It was skipped as one that nobody had opened yet, or made anew: "everything holds".
#[test]
fn a_shard_row_that_is_gone_or_reset_is_named_and_not_made_anew() {
    let server = Server::shared();
    let database = server.create_database();
    let url = server.url(&database);
    demo(&["--postgres", &url]);
    let verify = || run(["verify", "--json", "--postgres", &url]);
    assert_eq!(verify().expect(0).json()["verified"], true);
    let rows = || server.sql(&database, "SELECT count(*) FROM shard");
    let problem = |statement: &str| {
        server.sql(&database, statement);
        let before = rows();
        let report = verify().expect(1).json();
        assert_eq!(report["verified"], false, "{statement}");
        assert_eq!(rows(), before, "{statement}");
        let problem = &report["problems"][0];
        let text = |name: &str| problem[name].as_str().unwrap().to_owned();
        (text("place"), text("problem"))
    };
    server.sql(&database, "CREATE TABLE kept AS TABLE shard");
    for (place, statement) in [
        (
            "shard 00, shard row",
            "UPDATE shard SET batch_seq=0 WHERE shard=0",
        ),
        (
            "shard 00, table shard, shard 0",
            "UPDATE shard SET head_hash='x' WHERE shard=0",
        ),
        ("the shard rows", "DELETE FROM shard WHERE shard=0"),
        ("the shard rows", "DELETE FROM shard"),
    ] {
        assert_eq!(problem(statement).0, place, "{statement}");
        server.sql(&database, "TRUNCATE shard; INSERT INTO shard TABLE kept");
    }
    // A second shard, which nobody has opened: a row in any table gives away that its row is not as it was left.
    let second = "UPDATE shard SET shards=2; INSERT INTO shard(shard,shards) VALUES(1,2)";
    server.sql(&database, second);
    assert_eq!(verify().expect(0).json()["verified"], true);
    for table in [
        "batch",
        "contents",
        "journal",
        "ledger",
        "account",
        "record",
        "record_index",
        "secret",
    ] {
        let (place, text) = problem(&format!(
            "CREATE TEMP TABLE one AS SELECT * FROM {table} WHERE shard=0 LIMIT 1; \
             UPDATE one SET shard=1; INSERT INTO {table} TABLE one"
        ));
        assert_eq!(place, "shard 01, shard row", "{table}");
        assert!(text.ends_with(&format!("rows in {table}")), "{text}");
        server.sql(&database, &format!("DELETE FROM {table} WHERE shard=1"));
    }
    assert_eq!(verify().expect(0).json()["verified"], true);
}
