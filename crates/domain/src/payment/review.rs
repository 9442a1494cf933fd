//! A person's decision about money that did not fit its order.

use super::{AcceptUnderpayment, Payment, PaymentStatus, evidence, posting};
use crate::booking::{is_open, post_fact};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::regulation::Room;
use crate::rejection::{Refusable, Rejection};
use crate::{chart, text};
use calendar::shanghai_date;
use std::sync::Arc;

/// Gives the merchant what was paid; the payment then counts as succeeded with that amount.
pub(crate) fn accept_underpayment(
    cx: &mut Context<'_, '_>,
    command: &AcceptUnderpayment,
) -> Refusable<Arc<Payment>> {
    text::plain("reason", &command.reason, 500)?;
    let payment = cx.tx.get::<Payment>(&command.payment)?;
    let payment = payment.ok_or_else(|| Rejection::not_found("payment", &command.payment))?;
    if payment.status != PaymentStatus::UnderReview {
        return Err(Rejection::state("the payment is not under review")
            .at("payment")
            .into());
    }
    let merchant = cx.tx.expect::<Merchant>(&payment.merchant)?;
    if !is_open(cx.tx, merchant.accounts.payable)? {
        return Err(
            Rejection::state("the merchant is closed: adjust the suspense instead")
                .at("payment")
                .into(),
        );
    }
    let mut payment = (*payment).clone();
    let chart = chart::of(cx.tx)?;
    let amount = payment.paid_amount()?;
    post_fact(
        cx.tx,
        &[posting::suspense_cleared(
            &chart,
            &merchant.accounts,
            amount,
        )],
        &payment.id,
    )?;
    if payment.late {
        // Its room was given back when it was closed; from today on the merchant has the money.
        let today = shanghai_date(cx.tx.now());
        evidence::count(cx, &mut payment, today, Room::GivenBack)?;
    }
    // A person accepted it as it is; the policy for late successes is for machines.
    payment.late = false;
    evidence::succeed(cx, &chart, payment, &merchant)?;
    Ok(cx.tx.expect(&command.payment)?)
}
