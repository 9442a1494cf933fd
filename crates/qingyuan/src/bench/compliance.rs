//! `qingyuan bench compliance`.

use crate::failure::Failure;
use crate::output::say;
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
pub fn run() -> Result<bool, Failure> {
    let start = Instant::now();
    let packs = regulation::load(None)?;
    let loaded = start.elapsed();
    let node = parse_yaml(PAYMENT).map_err(Failure::other)?;
    let facts = facts_from_node(&node).map_err(Failure::other)?;
    let day = calendar::BusinessDate::from_yyyymmdd(20_250_601).map_err(Failure::other)?;
    let decide = || packs.decide(&facts, day, Action::BarcodePayment, Bearer::AccountSide);
    let mut nanoseconds: Vec<u128> = (0..DECISIONS)
        .map(|_| {
            let start = Instant::now();
            black_box(decide());
            start.elapsed().as_nanos()
        })
        .collect();
    nanoseconds.sort_unstable();
    let at = |percent: usize| {
        nanoseconds
            .get(DECISIONS * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    say!("packs loaded  {:>10} µs", loaded.as_micros());
    say!("rules         {:>10}", packs.rules().len());
    say!(
        "decision      {:>10}  {}",
        "verdict",
        decide().verdict.word()
    );
    say!("p50           {:>10} ns", at(50));
    say!("p99           {:>10} ns", at(99));
    Ok(true)
}
