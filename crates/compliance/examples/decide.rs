//! Decides one barcode payment over and over: `cargo run --release -p compliance --example decide`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use compliance::{Action, Bearer, EMBEDDED, Packs, facts_from_node, parse_yaml};
use std::hint::black_box;
use std::time::Instant;

const PAYMENT: &str = "{actor: {kind: npi, licences: [internet_payment]}, service: code_payment, \
    merchant: {physical: true}, route: [npi, nucc, npi_wallet], code: dynamic, source: bank_account, \
    factors: [knowledge], day_total: 0, amount: 60, instruction_complete: true, \
    acct: {months_since_open: 12, txn_count: 5, reverified: true}}";

fn main() {
    let start = Instant::now();
    let packs = Packs::load(EMBEDDED).unwrap();
    println!("loaded in {} µs", start.elapsed().as_micros());
    let facts = parse_yaml(PAYMENT)
        .and_then(|node| facts_from_node(&node))
        .unwrap();
    let day = calendar::BusinessDate::from_yyyymmdd(20_250_601).unwrap();
    let decide = || packs.decide(&facts, day, Action::BarcodePayment, Bearer::AccountSide);
    let decision = decide();
    println!(
        "{} rules, {} missing {:?}",
        decision.rules.len(),
        decision.verdict.word(),
        decision.missing
    );
    let mut nanoseconds: Vec<u128> = (0..100_000)
        .map(|_| {
            let start = Instant::now();
            black_box(decide());
            start.elapsed().as_nanos()
        })
        .collect();
    nanoseconds.sort_unstable();
    for percent in [10, 50, 90, 99] {
        println!(
            "p{percent} {} ns",
            nanoseconds[nanoseconds.len() * percent / 100]
        );
    }
}
