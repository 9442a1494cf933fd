//! `qingyuan verify`.

use crate::cli::VerifyArguments;
use crate::failure::Failure;
use crate::output;
use crate::output::say;
use engine::ShardCode;
use engine::store::postgres::{PostgresOptions, PostgresStore};
use engine::store::sqlite::SqliteStore;
use engine::store::{Queries, StoreError};
use engine::verify::{Problem, VerifyReport};
use serde_json::json;

/// Verifies a book; true when everything holds.
pub fn run(arguments: &VerifyArguments) -> Result<bool, Failure> {
    let report = match (&arguments.postgres, &arguments.data) {
        (Some(url), _) => shards(url, arguments.json)?,
        (None, Some(directory)) => {
            let queries = SqliteStore::open_read_only(directory)?;
            one(&queries, arguments.json)?
        }
        (None, None) => return Err(Failure::other("name a book: --data or --postgres")),
    };
    if arguments.json {
        let mut value = serde_json::to_value(&report).map_err(Failure::other)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("verified".into(), json!(report.holds()));
        }
        output::json(&value)?;
    } else {
        print(&report);
    }
    Ok(report.holds())
}

fn one(queries: &dyn Queries, quiet: bool) -> Result<VerifyReport, Failure> {
    let bar = output::progress(0, "verifying ledger rows", quiet);
    let report = engine::verify::verify(queries, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(report)
}

/// Each shard by itself, and their sums; money never moves between shards.
fn shards(url: &str, quiet: bool) -> Result<VerifyReport, Failure> {
    let mut report = VerifyReport::default();
    let store = match PostgresStore::open_existing(url, PostgresOptions::default()) {
        Ok(store) => store,
        // Which shards there are is not known.
        Err(StoreError::Damaged { place, problem }) => {
            report.problems.push(Problem { place, problem });
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    // Of a shard that nobody has opened yet, it is verified that it has no rows.
    for shard in (0..store.shard_count()).filter_map(ShardCode::new) {
        report.add_shard(shard, one(store.queries(shard).as_ref(), quiet)?);
    }
    Ok(report)
}

fn print(report: &VerifyReport) {
    say!(
        "batches       {:>14}  roots and chain recomputed",
        output::grouped(report.batches)
    );
    say!(
        "journal rows  {:>14}  hashed",
        output::grouped(report.journal_rows)
    );
    say!(
        "ledger rows   {:>14}  hashed and replayed",
        output::grouped(report.ledger_rows)
    );
    say!("transfers     {:>14}", output::grouped(report.transfers));
    say!(
        "accounts      {:>14}  balances derived again",
        output::grouped(report.accounts)
    );
    say!(
        "records       {:>14}  checked",
        output::grouped(report.records)
    );
    say!(
        "index entries {:>14}  summed up",
        output::grouped(report.index_entries)
    );
    say!(
        "secrets       {:>14}  summed up",
        output::grouped(report.secrets)
    );
    for (currency, difference) in &report.trial_balance {
        say!(
            "trial balance {:>14}  {currency}, debits less credits",
            output::grouped(*difference)
        );
    }
    say!("head          {}", report.head_hash);
    for problem in &report.problems {
        say!("PROBLEM  {}: {}", problem.place, problem.problem);
    }
    say!(
        "{}",
        if report.holds() {
            "verified: everything holds"
        } else {
            "NOT VERIFIED"
        }
    );
}
