//! Decisions of two people about payouts (the engine asks the second before these run).

use super::ending::give_back;
use super::{Payout, PayoutStatus, ResolvePayout, ResolvedPayout, ReturnPayout, posting, save};
use crate::booking::{is_open, post_fact};
use crate::chart;
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::rejection::{Refusable, Rejection};
use crate::text;
use crate::webhook::{self, EventType};
use engine::Tx;
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
    if payout.status != PayoutStatus::Stranded {
        return Err(Rejection::state(
            "only a stranded payout is decided by people; the others are still asked after",
        )
        .at("payout")
        .into());
    }
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
            cx.tx.settle_effect(&payout.effect)?;
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
    post_fact(
        cx.tx,
        &[posting::bounced(&chart, &merchant.accounts, payout.amount)],
        &id,
    )?;
    closing::count(cx.tx, &[(Figure::PayoutsReturned, Some(payout.amount))])?;
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
