//! The database as the `sqlite3` program and our own reader see it.

use super::database_file;
use engine::Record;
use engine::store::Queries;
use engine::store::sqlite::{SqliteQueries, SqliteStore};
use ledger::{AccountId, Row};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Runs a statement with the `sqlite3` program and gives what it prints.
#[track_caller]
pub fn sqlite3(directory: &Path, statement: &str) -> String {
    let output = Command::new("sqlite3")
        .arg(database_file(directory))
        .arg(statement)
        .output()
        .expect("the sqlite3 program is installed");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && problem.is_empty(),
        "{statement}: {problem}"
    );
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// Opens a book beside its writer.
pub fn read(directory: &Path) -> SqliteQueries {
    SqliteStore::open_read_only(directory).expect("a book")
}

/// Every record of a kind.
pub fn all<R: Record>(queries: &dyn Queries) -> Vec<R> {
    let mut records = Vec::new();
    let mut last = String::new();
    loop {
        let page = queries
            .records_after(R::KIND, &last, 1_000)
            .expect("records");
        let Some((key, _, _)) = page.last() else {
            return records;
        };
        last.clone_from(key);
        records.extend(
            page.iter()
                .map(|(_, body, _)| serde_json::from_slice::<R>(body).expect("a record")),
        );
    }
}

/// Every row of the ledger.
pub fn rows(queries: &dyn Queries) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let last = rows.last().map_or(0, |row: &Row| row.seq);
        let page = queries.rows_after(last, 5_000).expect("rows");
        if page.is_empty() {
            return rows;
        }
        rows.extend(page.into_iter().map(|(row, _)| row));
    }
}

/// Balance of every account by name, in minor units on its normal side.
pub fn balances(queries: &dyn Queries) -> BTreeMap<String, i64> {
    let mut balances = BTreeMap::new();
    let mut last = AccountId(0);
    loop {
        let page = queries.accounts_after(last, 1_000).expect("accounts");
        let Some(end) = page.last() else {
            return balances;
        };
        last = end.id;
        balances.extend(
            page.into_iter()
                .map(|account| (account.name, account.state.balance())),
        );
    }
}
