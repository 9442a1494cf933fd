//! Holds of clients on their own accounts.

use super::{CaptureHold, HeldTrade, PlaceHold, PlacedHold, ReleaseHold, TradeHold, permit};
use crate::chart::Ownership;
use crate::context::Context;
use crate::regulation::{self, Question, Ruling};
use crate::rejection::{Code, Refusable, Rejection};
use crate::text;
use calendar::shanghai_date;
use compliance::Action;
use engine::{Interrupt, Posted};
use ledger::{AccountId, HoldState};
use std::sync::Arc;

/// Reserves an amount.
pub(crate) fn place(cx: &mut Context<'_, '_>, command: &PlaceHold) -> Refusable<PlacedHold> {
    if let Some(reference) = &command.reference {
        text::plain("reference", reference, 64)?;
    }
    let account = AccountId(command.account);
    if Ownership::default().is_business(cx.tx, account)? {
        return Err(not_a_clients(command.account).into());
    }
    let decision = match &command.trade {
        Some(trade) => Some(ask(cx, Action::Hold, trade)?),
        None => None,
    };
    let hold = cx.tx.hold(
        account,
        command.side,
        command.amount,
        command.reference.as_deref(),
    )?;
    if let (Some(trade), Some(decision)) = (&command.trade, &decision) {
        cx.tx.put_new(TradeHold {
            hold: hold.clone(),
            trade: trade.clone(),
            decision: decision.clone(),
        })?;
    }
    Ok(PlacedHold {
        hold,
        account: command.account,
        remaining: command.amount.amount(),
        decision,
    })
}

/// Whether a trade's money may be held back, or let go.
fn ask(cx: &mut Context<'_, '_>, action: Action, trade: &HeldTrade) -> Refusable<Arc<Ruling>> {
    let today = shanghai_date(cx.tx.now());
    let days = trade
        .confirmed_on
        .map(|day| i64::from(day.days_until(today)));
    // The payer has confirmed or has not: a day to come would put off the end of every period.
    if days.is_some_and(|days| days < 0) {
        return Err(Rejection::field(
            "trade.confirmed_on",
            format!("the trade cannot have been confirmed after today, {today}"),
        )
        .into());
    }
    let question = Question::new(action)
        .with("service", "escrow")
        .maybe("real_trade", trade.real)
        .maybe("days_after_confirmation", days)
        .maybe("risk_hold", trade.risk);
    regulation::decide(cx, question)
}

/// Captures a hold, whole or in part; the second return value says that it had been done before.
pub(crate) fn capture(
    cx: &mut Context<'_, '_>,
    command: &CaptureHold,
) -> Refusable<(PlacedHold, bool)> {
    if let Some(reference) = &command.reference {
        text::plain("reference", reference, 64)?;
    }
    named(cx, &command.hold)?;
    permit(cx.tx, &command.transfer)?;
    let transfer = command.transfer.transfer(command.currency);
    let posted = cx
        .tx
        .capture(&command.hold, &transfer, command.reference.as_deref())?;
    Ok((now(cx, &command.hold)?, posted == Posted::Already))
}

/// Gives up the rest of a hold; a finished one stays as it is.
pub(crate) fn release(cx: &mut Context<'_, '_>, command: &ReleaseHold) -> Refusable<PlacedHold> {
    named(cx, &command.hold)?;
    let decision = match cx.tx.get::<TradeHold>(&command.hold)? {
        Some(held) => Some(ask(cx, Action::Release, &held.trade)?),
        None => None,
    };
    cx.tx.release(&command.hold, None)?;
    Ok(PlacedHold {
        decision,
        ..now(cx, &command.hold)?
    })
}

fn named(cx: &mut Context<'_, '_>, id: &str) -> Refusable<HoldState> {
    let hold = cx
        .tx
        .hold_state(id)?
        .ok_or_else(|| Rejection::not_found("hold", id))?;
    if Ownership::default().is_business(cx.tx, hold.account)? {
        return Err(not_a_clients(hold.account.0).into());
    }
    Ok(hold)
}

fn now(cx: &mut Context<'_, '_>, id: &str) -> Result<PlacedHold, Interrupt> {
    let hold = cx.tx.hold_state(id)?;
    let (account, remaining) = hold.map_or((0, 0), |hold| (hold.account.0, hold.remaining));
    Ok(PlacedHold {
        hold: id.to_owned(),
        account,
        remaining,
        decision: None,
    })
}

fn not_a_clients(account: u64) -> Rejection {
    Rejection::new(
        Code::Forbidden,
        format!("account {account} is not a client's"),
    )
    .at("account")
}
