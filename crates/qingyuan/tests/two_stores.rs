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
