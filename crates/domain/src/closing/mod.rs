//! Day close (日切): figures of a business date, its close, and the turn to the next.
//!
//! Cost: every command that moves money changes the one summary record of the date; a batch writes it
//! once. The close reads the internal accounts only, whatever the number of merchants.

mod command;
mod record;

pub use command::{ResumeSettlement, TurnDay};
pub use record::{ClosingBalance, DayClose, DaySummary, Figure, Tally};

use crate::chart;
use crate::context::Context;
use crate::rejection::{Refusable, Rejection};
use crate::settlement;
use calendar::shanghai_date;
use engine::{Interrupt, Tx};
use money::Money;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The figures of the running date so far.
pub(crate) fn figures(tx: &mut Tx<'_>) -> Result<DaySummary, Interrupt> {
    let date = tx.business_date().to_string();
    Ok(match tx.get::<DaySummary>(&date)? {
        Some(summary) => (*summary).clone(),
        None => DaySummary {
            date,
            figures: BTreeMap::new(),
        },
    })
}

/// Adds to the figures of the running date.
pub(crate) fn count(tx: &mut Tx<'_>, events: &[(Figure, Option<Money>)]) -> Result<(), Interrupt> {
    let mut summary = figures(tx)?;
    for (figure, amount) in events {
        let tally = summary.figures.entry(*figure).or_insert(Tally {
            count: 0,
            amount: None,
        });
        tally.count = tally.count.saturating_add(1);
        tally.amount = match (tally.amount, *amount) {
            // A case may be about another currency than the rest; then only the count says something.
            // A figure too large to be written is no reason to refuse what it counts.
            (Some(sum), Some(more)) if sum.currency() == more.currency() => Some(Money::new(
                sum.amount().saturating_add(more.amount()),
                sum.currency(),
            )),
            (sum, more) => sum.or(more),
        };
    }
    tx.put(summary)
}

/// Closes the running date and starts settlement.
pub(crate) fn turn_day(cx: &mut Context<'_, '_>, command: &TurnDay) -> Refusable<Arc<DayClose>> {
    let date = cx.tx.business_date();
    let today = shanghai_date(cx.tx.now());
    if command.to.is_none() && date > today {
        let message =
            format!("the business date {date} is ahead of today, {today}: turn it tomorrow");
        return Err(Rejection::state(message).into());
    }
    let next_date = command.to.unwrap_or_else(|| date.next());
    // A date never turns back: one typed wrong would stand until the calendar has caught up.
    if next_date > today.next() {
        let message = format!("the business date may be a day ahead of today, {today}, at most");
        return Err(Rejection::field("to", message).into());
    }
    if next_date <= date {
        return Err(Rejection::field(
            "to",
            format!("the business date is {date}: give a later one"),
        )
        .into());
    }
    let chart = chart::of(cx.tx)?;
    let mut balances = Vec::new();
    for (name, account) in chart.accounts() {
        let balance = cx.tx.account(account)?.map_or(0, |state| state.balance());
        let balance = Money::new(balance, chart.currency);
        balances.push(ClosingBalance {
            name: name.to_owned(),
            account: account.0,
            balance,
        });
    }
    let key = date.to_string();
    let figures = cx
        .tx
        .get::<DaySummary>(&key)?
        .map(|summary| summary.figures.clone())
        .unwrap_or_default();
    cx.tx.put(DayClose {
        date: key.clone(),
        next_date,
        figures,
        balances,
        closed_by: cx.actor.principal.to_string(),
        closed_at: cx.tx.now(),
    })?;
    cx.tx.turn_day(next_date)?;
    settlement::start(cx.tx)?;
    Ok(cx.tx.expect(&key)?)
}
