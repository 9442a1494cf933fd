//! How a server runs the statements of this store, whatever it believes of the tables: by their indexes.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::pool::Pool;
use super::session::Session;
use super::sql::{ALL, LISTS, OF_ALL_SHARDS, SCANS};
use super::{PostgresOptions, PostgresStore};
use crate::store::postgres::address::Address;
use std::sync::Arc;
use testing::postgres::Server;
use tokio_postgres::SimpleQueryMessage;

/// What reads more of a table than was asked for, or gathers before it answers.
const NEVER: &[&str] = &["Seq Scan", "Bitmap", "Hash", "Merge", "Sort", "Materialize"];

/// Every table with the same number of rows, numbered from one, in the first shard.
const FILL: &str = "\
    INSERT INTO batch SELECT 0,i,i,i,'','' FROM generate_series($from,$to) i;
    INSERT INTO contents SELECT 0,i,'' FROM generate_series($from,$to) i;
    INSERT INTO journal SELECT 0,i,i,i,0,'','','{}','{}' FROM generate_series($from,$to) i;
    INSERT INTO ledger(shard,kind,date,seq,amount,dr_account,dr_debits,dr_credits,dr_prev,cr_account,cr_debits,cr_credits,cr_prev,id,code,chk) \
      SELECT 0,0,20260101,i,1,1,i,0,0,2,0,i,0,lpad(to_hex(i),32,'0')::uuid,1,1 FROM generate_series($from,$to) i;
    INSERT INTO account SELECT 0,1,156,i,0,0,0,0,0,0,20260101,0,true,false,'' FROM generate_series($from,$to) i;
    INSERT INTO record SELECT 0,0,'kind',i::text,'{}' FROM generate_series($from,$to) i;
    INSERT INTO record_index SELECT 0,'kind','name',i::text,i::text FROM generate_series($from,$to) i;
    INSERT INTO secret SELECT 0,i::text,'','' FROM generate_series($from,$to) i;";

fn fill(session: &Session, from: u32, to: u32) {
    let text = FILL.replace("$from", &from.to_string());
    let text = text.replace("$to", &to.to_string());
    session.script("filling tables", &text).unwrap();
}

fn ask(session: &Session, text: &str) -> Vec<String> {
    let answer = session.wait(text, session.client().simple_query(text));
    let rows = answer.unwrap_or_else(|error| panic!("{text}: {error}"));
    let column = |message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    rows.into_iter().filter_map(column).collect()
}

/// A value of a parameter's type, as it may come: a batch's arrays are long.
fn value(of: &str) -> String {
    if let Some(element) = of.strip_suffix("[]") {
        let one = value(element);
        return format!("array_fill({one},ARRAY[8000])");
    }
    match of {
        "text" => "'7'::text".to_owned(),
        "uuid" => "'00000000-0000-0000-0000-000000000007'::uuid".to_owned(),
        "boolean" => "false".to_owned(),
        "bytea" => r"'\x00'::bytea".to_owned(),
        // No number but the shard's is that small.
        "smallint" => "0::smallint".to_owned(),
        number => format!("7::{number}"),
    }
}

/// Statements that are run for batches and requests, and over tables of this store.
fn planned() -> impl Iterator<Item = (&'static str, &'static str)> {
    let scans = SCANS.iter().map(|text| ("a scan", *text));
    let lists = LISTS.iter().map(|text| ("a list", *text));
    let all = ALL.iter().copied().chain(scans).chain(lists);
    all.filter(|(name, text)| {
        let copies = text.starts_with("COPY ");
        let sessions = text.contains("FROM pg_stat_activity");
        !copies && !sessions && !OF_ALL_SHARDS.contains(name)
    })
}

/// What is wrong with a plan. A filter says that rows are read which the index condition did not exclude; only the
/// table of shards has so few that it does not matter.
fn wrong_with(plan: &[String]) -> Option<String> {
    let mut scanned = "";
    for line in plan {
        if let Some(node) = NEVER.iter().find(|node| line.contains(*node)) {
            return Some(format!("{node} in"));
        }
        if line.contains(" Scan ") {
            scanned = line;
        }
        if line.contains("Filter:") && !scanned.contains(" on shard") {
            return Some("rows that are read and left out in".to_owned());
        }
    }
    None
}

/// Wants every statement to go by an index alone, with the plan that is made for given values and with the one that
/// is made once for all.
fn all_go_by_their_index(session: &Session, tables: &str) {
    let mut seen = 0;
    for (name, text) in planned() {
        session
            .script(name, &format!("PREPARE asked AS {text}"))
            .unwrap();
        let types =
            "SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name='asked'";
        let types = ask(session, types);
        let values: Vec<String> = types.iter().map(|of| value(of)).collect();
        for mode in ["force_custom_plan", "force_generic_plan"] {
            ask(session, &format!("SET plan_cache_mode={mode}"));
            let explain = format!("EXPLAIN (COSTS OFF) EXECUTE asked({})", values.join(","));
            let plan = ask(session, &explain);
            if let Some(wrong) = wrong_with(&plan) {
                panic!("{wrong} {name}, {mode}, {tables}:\n{}", plan.join("\n"));
            }
            seen += 1;
        }
        session.script(name, "DEALLOCATE asked").unwrap();
    }
    assert!(seen >= 2 * 40, "{seen} plans of {tables}");
}

#[test]
fn every_statement_goes_by_its_index_whatever_is_known_of_the_tables() {
    let server = Server::shared();
    let url = server.fresh();
    drop(PostgresStore::open(&url, PostgresOptions::default()).unwrap());
    let session = Pool::new(Arc::new(Address::parse(&url).unwrap()))
        .open()
        .unwrap();
    let tables =
        "SELECT relname FROM pg_class WHERE relkind='r' AND relnamespace='public'::regnamespace";
    for table in ask(&session, tables) {
        let text = format!("ALTER TABLE {table} SET (autovacuum_enabled=false)");
        session.script("leaving statistics alone", &text).unwrap();
    }
    all_go_by_their_index(&session, "empty tables");
    fill(&session, 1, 1);
    all_go_by_their_index(&session, "tables of one row");
    fill(&session, 2, 20);
    all_go_by_their_index(&session, "tables of a page");
    fill(&session, 21, 50_000);
    all_go_by_their_index(&session, "great tables, never analysed");
    session.script("statistics", "ANALYZE").unwrap();
    all_go_by_their_index(&session, "great tables, analysed");
    let emptied = "TRUNCATE batch,contents,journal,ledger,account,record,record_index,secret";
    session.script("emptying tables", emptied).unwrap();
    session.script("statistics", "VACUUM ANALYZE").unwrap();
    fill(&session, 1, 50_000);
    all_go_by_their_index(&session, "great tables, analysed when they were empty");
}

#[test]
fn a_plan_that_reads_too_much_is_found() {
    let plan = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    let by_index = [
        "Index Scan using account_pkey on account",
        "  Index Cond: (id = 1)",
    ];
    assert_eq!(wrong_with(&plan(&by_index)), None);
    assert!(wrong_with(&plan(&["Seq Scan on account"])).is_some());
    let filtered = [
        "Index Scan using ledger_pkey on ledger",
        "  Filter: (id = 1)",
    ];
    assert!(wrong_with(&plan(&filtered)).is_some());
}
