//! `qingyuan bench compliance`.

use super::figures::{self, Figures};
use crate::cli::ComplianceBenchmark;
use crate::failure::Failure;
use crate::output;
use crate::regulation;
use compliance::{Action, Bearer, facts_from_node, parse_yaml};
use std::hint::black_box;
use std::time::Instant;

const DECISIONS: usize = 100_000;
const PAYMENT: &str = "{actor: {kind: npi, licences: [internet_payment]}, service: code_payment, \
    merchant: {physical: true}, route: [npi, nucc, npi_wallet], code: dynamic, source: bank_account, \
    factors: [knowledge], day_total: 0, amount: 60, instruction_complete: true, \
    acct: {months_since_open: 12, txn_count: 5, reverified: true}}";

/// Decides one barcode payment over and over on one core.
pub fn run(arguments: &ComplianceBenchmark) -> Result<bool, Failure> {
    let start = Instant::now();
    let packs = regulation::load(None)?;
    let loaded = start.elapsed();
    let node = parse_yaml(PAYMENT).map_err(Failure::other)?;
    let facts = facts_from_node(&node).map_err(Failure::other)?;
    let day = calendar::BusinessDate::from_yyyymmdd(20_250_601).map_err(Failure::other)?;
    let decide = || packs.decide(&facts, day, Action::BarcodePayment, Bearer::AccountSide);
    let verdict = decide().verdict.word();
    let start = Instant::now();
    let mut nanoseconds: Vec<u64> = (0..DECISIONS)
        .map(|_| {
            let start = Instant::now();
            black_box(decide());
            u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
        })
        .collect();
    let took = start.elapsed();
    let (p50, p99, max) = figures::percentiles(&mut nanoseconds).unwrap_or_default();
    let more = serde_json::json!({
        "p50_ns": p50,
        "p99_ns": p99,
        "packs_loaded_us": u64::try_from(loaded.as_micros()).unwrap_or(u64::MAX),
        "rules": packs.rules().len(),
        "verdict": verdict,
    });
    let operations = nanoseconds.len() as u64;
    let figures = Figures {
        name: "decisions for a live barcode payment".to_owned(),
        operations,
        per_second: figures::rate(operations, took),
        p50_us: Some(p50 / 1_000),
        p99_us: Some(p99 / 1_000),
        max_us: Some(max / 1_000),
        rss_bytes: figures::peak_rss_bytes(),
        more: more.as_object().cloned().unwrap_or_default(),
        ..Figures::default()
    };
    if arguments.json {
        output::json(&figures)?;
    } else {
        figures::print(&figures);
    }
    Ok(true)
}
