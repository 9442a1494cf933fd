//! The report at the end.
#![allow(clippy::float_arithmetic)] // durations, not money

use super::checks::MerchantLine;
use super::facts::{Facts, internal_accounts, sum};
use crate::output::grouped;
use crate::output::say;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use domain::payment::PaymentStatus;
use recon::{Difference, Finding};
use serde_json::{Value, json};
use server::reconciliation::Reconciled;
use std::time::Duration;

/// One object with the figures.
pub fn json(facts: &Facts, reconciliations: &[Reconciled], broken: &[String]) -> Value {
    let lines: u64 = reconciliations
        .iter()
        .map(|reconciled| reconciled.lines)
        .sum();
    let matched: u64 = reconciliations
        .iter()
        .map(|reconciled| reconciled.reconciliation.matched)
        .sum();
    let differences: Vec<&Difference> = reconciliations
        .iter()
        .flat_map(|reconciled| &reconciled.reconciliation.differences)
        .collect();
    let trial_balance: i128 = facts.verification.trial_balance.values().sum();
    json!({
        "payments": facts.payments.len(),
        "refunds": facts.refunds.len(),
        "payouts": facts.payouts.len(),
        "ledger": {
            "accounts": facts.verification.accounts,
            "transfers": facts.transfers,
            "trial_balance": i64::try_from(trial_balance).unwrap_or(i64::MAX),
        },
        "recon": {"lines": lines, "matched": matched, "differences": differences},
        "money": {
            "paid": sum(facts.payments.iter().filter_map(|payment| Some(payment.paid.as_ref()?.amount))),
            "refunded": sum(facts.refunds.iter().map(|refund| refund.amount)),
            "paid_out": sum(facts.payouts.iter().map(|payout| payout.amount)),
            "currency": "CNY",
        },
        "mishaps": facts.channels.mishaps,
        "cases": facts.cases,
        "broken": broken,
        "verified": broken.is_empty(),
    })
}

/// Prints the tables.
pub fn print(facts: &Facts, reconciliations: &[Reconciled], broken: &[String], took: Duration) {
    money_in(facts);
    merchants(facts);
    settlements(facts);
    balances(facts);
    reconciliation(reconciliations);
    mishaps(facts);
    say!("");
    say!(
        "{} journal rows, {} transfers and {} accounts verified: every balance derived again, every hash recomputed.",
        grouped(facts.verification.journal_rows),
        grouped(facts.transfers),
        grouped(facts.verification.accounts)
    );
    for sentence in broken {
        say!("DOES NOT HOLD: {sentence}");
    }
    let verdict = if broken.is_empty() {
        "Everything holds."
    } else {
        "Something does not hold."
    };
    say!(
        "{verdict} Two business days took {:.1} s.",
        took.as_secs_f64()
    );
}

/// Fen as yuan with separators.
fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", grouped(fen / 100), fen % 100)
}

fn table(title: &str, header: &[&str]) -> Table {
    say!("\n{title}");
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(header);
    for index in 1..header.len() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn money_in(facts: &Facts) {
    let mut table = table("Money in and back  收款与退款", &["", "count", "CNY"]);
    let of = |status: PaymentStatus| {
        facts
            .payments
            .iter()
            .filter(move |payment| payment.status == status)
    };
    let paid = || {
        facts
            .payments
            .iter()
            .filter_map(|payment| payment.paid.as_ref())
    };
    let row = |table: &mut Table, name: &str, count: usize, fen: i64| {
        table.add_row([name.to_owned(), grouped(count as u64), yuan(fen)]);
    };
    row(
        &mut table,
        "orders taken",
        facts.payments.len(),
        sum(facts.payments.iter().map(|payment| payment.amount)),
    );
    row(
        &mut table,
        "paid",
        paid().count(),
        sum(paid().map(|paid| paid.amount)),
    );
    row(
        &mut table,
        "closed unpaid",
        of(PaymentStatus::Closed).count(),
        0,
    );
    let late = || facts.payments.iter().filter(|payment| payment.late);
    row(
        &mut table,
        "paid after their close",
        late().count(),
        sum(late().map(|payment| payment.amount)),
    );
    row(
        &mut table,
        "refunds",
        facts.refunds.len(),
        sum(facts.refunds.iter().map(|refund| refund.amount)),
    );
    say!("{table}");
}

fn merchants(facts: &Facts) {
    let header = [
        "merchant",
        "paid",
        "CNY",
        "fees",
        "split out",
        "split in",
        "refunded",
        "paid out",
        "still owed",
    ];
    let mut table = table("Merchants  商户", &header);
    for merchant in &facts.merchants {
        let line = MerchantLine::of(facts, &merchant.id);
        table.add_row([
            merchant.name.clone(),
            grouped(line.payments),
            yuan(line.taken),
            yuan(line.fees),
            yuan(line.split_out),
            yuan(line.split_in),
            yuan(line.refunded),
            yuan(line.paid_out),
            yuan(line.owed()),
        ]);
    }
    say!("{table}");
}

fn settlements(facts: &Facts) {
    let mut table = table(
        "Settlements and payouts over UnionPay  结算与代付",
        &["merchant", "date", "net", "paid out", "to", "status"],
    );
    for settlement in &facts.settlements {
        let name = facts
            .merchants
            .iter()
            .find(|merchant| merchant.id == settlement.merchant);
        let payout = facts
            .payouts
            .iter()
            .find(|payout| Some(&payout.id) == settlement.payout.as_ref());
        table.add_row([
            name.map(|merchant| merchant.name.clone())
                .unwrap_or_default(),
            settlement.business_date.to_string(),
            yuan(settlement.net.amount()),
            yuan(settlement.paid_out.amount()),
            payout
                .map(|payout| payout.payee.masked.clone())
                .unwrap_or_default(),
            payout
                .map(|payout| format!("{:?}", payout.status).to_lowercase())
                .unwrap_or_default(),
        ]);
    }
    say!("{table}");
}

fn balances(facts: &Facts) {
    let mut table = table(
        "The institution's accounts  内部账户",
        &["account", "CNY", "meaning"],
    );
    let meanings = [
        "customer reserve at the bank",
        "receivable from WeChat Pay",
        "receivable from UnionPay",
        "fee income",
        "what WeChat Pay charged",
        "what UnionPay charged",
        "own money",
        "differences",
        "suspense: facts without a home",
    ];
    for (name, meaning) in internal_accounts().into_iter().zip(meanings) {
        table.add_row([
            name.to_owned(),
            yuan(facts.balance(name)),
            meaning.to_owned(),
        ]);
    }
    let owed: i64 = facts
        .balances
        .iter()
        .filter(|(name, _)| name.starts_with("MS:"))
        .map(|(_, fen)| *fen)
        .sum();
    table.add_row(["MS".to_owned(), yuan(owed), "owed to merchants".to_owned()]);
    let trial: i128 = facts.verification.trial_balance.values().sum();
    table.add_row([
        "trial balance".to_owned(),
        yuan(i64::try_from(trial).unwrap_or(i64::MAX)),
        "debits less credits".to_owned(),
    ]);
    say!("{table}");
}

fn reconciliation(reconciliations: &[Reconciled]) {
    let mut days = table(
        "WeChat Pay's bills  对账",
        &["date", "lines", "matched", "differences", "net CNY"],
    );
    for reconciled in reconciliations {
        let reconciliation = &reconciled.reconciliation;
        days.add_row([
            reconciliation.statement_date.to_string(),
            grouped(reconciled.lines),
            grouped(reconciliation.matched),
            grouped(reconciliation.differences.len() as u64),
            yuan(reconciled.pays_over.net.amount()),
        ]);
    }
    say!("{days}");
    let mut found = table(
        "Differences, each with a case and an owner  差错",
        &["finding", "line", "number", "ours", "theirs"],
    );
    for difference in reconciliations
        .iter()
        .flat_map(|reconciled| &reconciled.reconciliation.differences)
    {
        let (ours, theirs) = sides(&difference.finding);
        found.add_row([
            difference.finding.name().to_owned(),
            difference
                .line
                .map(|line| line.to_string())
                .unwrap_or_else(|| "-".into()),
            difference.our_reference.clone().unwrap_or_default(),
            ours.map_or_else(|| "-".into(), yuan),
            theirs.map_or_else(|| "-".into(), yuan),
        ]);
    }
    say!("{found}");
}

fn sides(finding: &Finding) -> (Option<i64>, Option<i64>) {
    match finding {
        Finding::AmountDiffers { ours, theirs } => (Some(ours.amount()), Some(theirs.amount())),
        Finding::OursOnly { amount } => (Some(amount.amount()), None),
        Finding::TheirsOnly { amount, .. } | Finding::Duplicate { amount, .. } => {
            (None, Some(amount.amount()))
        }
        Finding::DateShift { amount, .. }
        | Finding::NumberDiffers { amount }
        | Finding::StatusDiffers { amount, .. } => (Some(amount.amount()), Some(amount.amount())),
    }
}

fn mishaps(facts: &Facts) {
    let mut table = table(
        "What went wrong on the way, and cost nobody a fen",
        &["mishap", "times"],
    );
    for (name, count) in &facts.channels.mishaps {
        table.add_row([name.replace('_', " "), grouped(*count)]);
    }
    say!("{table}");
}
