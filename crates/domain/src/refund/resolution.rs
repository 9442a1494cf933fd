//! Decisions of two people about refunds (the engine asks the second before these run).

use super::ending::{give_back_room, release};
use super::{Refund, RefundStatus, ResolveRefund, ResolvedRefund, posting, save};
use crate::booking::post_fact;
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::rejection::{Refusable, Rejection};
use crate::webhook::{self, EventType};
use crate::{chart, text};
use std::sync::Arc;

/// Ends a refund for which the channel has no way left.
pub(crate) fn resolve(cx: &mut Context<'_, '_>, command: &ResolveRefund) -> Refusable<Arc<Refund>> {
    text::plain("evidence", &command.evidence, 500)?;
    let refund = cx.tx.get::<Refund>(&command.refund)?;
    let refund = refund.ok_or_else(|| Rejection::not_found("refund", &command.refund))?;
    if !matches!(
        refund.status,
        RefundStatus::Abnormal | RefundStatus::Stranded
    ) {
        return Err(
            Rejection::state("only an abnormal or stranded refund is decided by people")
                .at("refund")
                .into(),
        );
    }
    let mut refund = (*refund).clone();
    refund.resolution = Some(command.evidence.clone());
    match command.outcome {
        ResolvedRefund::NotPaid => release(cx, refund)?,
        ResolvedRefund::PaidOtherwise => {
            let chart = chart::of(cx.tx)?;
            let merchant = cx.tx.expect::<Merchant>(&refund.merchant)?;
            post_fact(
                cx.tx,
                &[posting::paid_otherwise(
                    &chart,
                    &merchant.accounts,
                    refund.amount,
                )],
                &refund.id,
            )?;
            give_back_room(cx.tx, &refund, refund.amount)?;
            cx.tx.settle_effect(&refund.effect)?;
            closing::count(cx.tx, &[(Figure::RefundsSucceeded, Some(refund.amount))])?;
            refund.status = RefundStatus::Succeeded;
            webhook::notify(
                cx.tx,
                &refund.merchant,
                EventType::RefundSucceeded,
                &refund.id,
                &refund,
            )?;
            save(cx.tx, refund)?;
        }
    }
    Ok(cx.tx.expect(&command.refund)?)
}
