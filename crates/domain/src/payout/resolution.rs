//! Decisions of two people about payouts (the engine asks the second before these run).

use super::ending::{give_back, open_case};
use super::{
    CancelPayout, Payout, PayoutStatus, ResolvePayout, ResolvedPayout, ReturnPayout, end, posting,
    save,
};
use crate::booking::{is_open, minus, post_fact, smaller};
use crate::case::CaseKind;
use crate::chart;
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::rejection::{Refusable, Rejection};
use crate::reserve;
use crate::text;
use crate::webhook::{self, EventType};
use engine::{EffectState, Tx};
use std::sync::Arc;

fn named(tx: &mut Tx<'_>, id: &str) -> Refusable<Payout> {
    let payout = tx
        .get::<Payout>(id)?
        .ok_or_else(|| Rejection::not_found("payout", id))?;
    Ok((*payout).clone())
}

/// Ends a payout for which no automatic step is left.
pub(crate) fn resolve(cx: &mut Context<'_, '_>, command: &ResolvePayout) -> Refusable<Arc<Payout>> {
    text::plain("evidence", &command.evidence, 500)?;
    let mut payout = named(cx.tx, &command.payout)?;
    if !matches!(
        payout.status,
        PayoutStatus::Stranded | PayoutStatus::Cancelling
    ) {
        return Err(Rejection::state(
            "only a stranded or cancelled payout is decided by people; the others are still asked after",
        )
        .at("payout")
        .into());
    }
    refuse_while_under_way(cx.tx, &payout)?;
    let id = payout.id.clone();
    payout.resolution = Some(command.evidence.clone());
    match command.outcome {
        ResolvedPayout::NotPaid => give_back(cx, payout, None)?,
        ResolvedPayout::Paid => {
            let chart = chart::of(cx.tx)?;
            let merchant = cx.tx.expect::<Merchant>(&payout.merchant)?;
            post_fact(
                cx.tx,
                &[posting::paid(&chart, &merchant.accounts, payout.amount)],
                &id,
            )?;
            end(cx, &mut payout)?;
            closing::count(cx.tx, &[(Figure::PayoutsSucceeded, Some(payout.amount))])?;
            payout.status = PayoutStatus::Succeeded;
            webhook::notify(
                cx.tx,
                &payout.merchant,
                EventType::PayoutSucceeded,
                &id,
                &payout,
            )?;
            save(cx.tx, payout)?;
        }
    }
    Ok(cx.tx.expect(&id)?)
}

/// What people decide must not be overtaken by a request that is on its way.
fn refuse_while_under_way(tx: &mut Tx<'_>, payout: &Payout) -> Refusable<()> {
    let Some(effect) = &payout.effect else {
        return Ok(());
    };
    let Some(effect) = tx.effect(effect)? else {
        return Ok(());
    };
    if effect.state == EffectState::Done {
        return Ok(());
    }
    let message = match effect.may_arrive_until() {
        Some(until) if until <= tx.now() => return Ok(()),
        Some(until) => format!(
            "a request may still be on its way to the channel: decide after {}",
            until.strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
        None => "it may still be sent: cancel it first".to_owned(),
    };
    Err(Rejection::state(message).at("payout").into())
}

/// Stops a payout that does not come to its end.
pub(crate) fn cancel(cx: &mut Context<'_, '_>, command: &CancelPayout) -> Refusable<Arc<Payout>> {
    text::plain("reason", &command.reason, 500)?;
    let mut payout = named(cx.tx, &command.payout)?;
    let id = payout.id.clone();
    let reason = Some(command.reason.clone());
    match payout.status {
        PayoutStatus::Cancelling => {}
        PayoutStatus::Held | PayoutStatus::WaitingForReserve => {
            payout.cancel_reason = reason;
            give_back(cx, payout, None)?;
        }
        PayoutStatus::Created | PayoutStatus::Unknown => {
            payout.cancel_reason = reason;
            payout.status = PayoutStatus::Cancelling;
            if let Some(effect) = &payout.effect {
                cx.tx.withdraw_effect(effect)?;
            }
            save(cx.tx, payout)?;
        }
        PayoutStatus::Processing | PayoutStatus::Declined => {
            return Err(Rejection::state(
                "the channel has said that the payout reached it: only its word ends it",
            )
            .at("payout")
            .into());
        }
        PayoutStatus::Stranded => {
            return Err(Rejection::state("the payout is stranded: decide it")
                .at("payout")
                .into());
        }
        PayoutStatus::Succeeded | PayoutStatus::Failed | PayoutStatus::Returned => {
            return Err(Rejection::state("the payout is at its end")
                .at("payout")
                .into());
        }
    }
    Ok(cx.tx.expect(&id)?)
}

/// Books a payout that came back from the payee's bank.
pub(crate) fn bounce(cx: &mut Context<'_, '_>, command: &ReturnPayout) -> Refusable<Arc<Payout>> {
    text::plain("evidence", &command.evidence, 500)?;
    let mut payout = named(cx.tx, &command.payout)?;
    if payout.status != PayoutStatus::Succeeded {
        return Err(Rejection::state("only a paid payout can come back")
            .at("payout")
            .into());
    }
    let merchant = cx.tx.expect::<Merchant>(&payout.merchant)?;
    if !is_open(cx.tx, merchant.accounts.payable)? {
        return Err(
            Rejection::state("the merchant is closed: book the return as a difference")
                .at("payout")
                .into(),
        );
    }
    let id = payout.id.clone();
    let chart = chart::of(cx.tx)?;
    // What left the reserve comes back. Of that the merchant had no more in transit than was asked for: the
    // rest was taken from the differences. What was not paid stands there, and is no part of what comes back.
    let back = payout.paid_amount.unwrap_or(payout.amount);
    let covered = smaller(back, payout.amount);
    let excess = minus(back, covered)?;
    let legs = [
        posting::bounced(&chart, &merchant.accounts, covered),
        posting::left_in_reserve(&chart, excess),
    ];
    post_fact(cx.tx, &legs, &id)?;
    if excess.is_positive() {
        let reason = format!(
            "the payout came back, and {excess} more with it than was asked to be paid: it is in the \
             differences again"
        );
        open_case(cx, &payout, CaseKind::Contradiction, reason, excess)?;
    }
    reserve::wake(cx.tx)?;
    closing::count(cx.tx, &[(Figure::PayoutsReturned, Some(back))])?;
    payout.status = PayoutStatus::Returned;
    payout.resolution = Some(command.evidence.clone());
    webhook::notify(
        cx.tx,
        &payout.merchant,
        EventType::PayoutFailed,
        &id,
        &payout,
    )?;
    save(cx.tx, payout)?;
    Ok(cx.tx.expect(&id)?)
}
