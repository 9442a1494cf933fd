//! Holds of clients on their own accounts.

use super::{CaptureHold, PlaceHold, PlacedHold, ReleaseHold, permit};
use crate::chart::Ownership;
use crate::context::Context;
use crate::rejection::{Code, Refusable, Rejection};
use crate::text;
use engine::{Interrupt, Posted};
use ledger::{AccountId, HoldState};

/// Reserves an amount.
pub(crate) fn place(cx: &mut Context<'_, '_>, command: &PlaceHold) -> Refusable<PlacedHold> {
    if let Some(reference) = &command.reference {
        text::plain("reference", reference, 64)?;
    }
    let account = AccountId(command.account);
    if Ownership::default().is_business(cx.tx, account)? {
        return Err(not_a_clients(command.account).into());
    }
    let hold = cx.tx.hold(
        account,
        command.side,
        command.amount,
        command.reference.as_deref(),
    )?;
    Ok(PlacedHold {
        hold,
        account: command.account,
        remaining: command.amount.amount(),
    })
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
    cx.tx.release(&command.hold, None)?;
    Ok(now(cx, &command.hold)?)
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
    })
}

fn not_a_clients(account: u64) -> Rejection {
    Rejection::new(
        Code::Forbidden,
        format!("account {account} is not a client's"),
    )
    .at("account")
}
