//! A person's decision about money that did not fit its order.

use super::{AcceptUnderpayment, Payment, PaymentStatus, evidence, posting};
use crate::booking::{is_open, post_fact};
use crate::case::{self, Case, CaseKind, CaseStatus};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::regulation::Room;
use crate::rejection::{Refusable, Rejection};
use crate::{chart, text};
use calendar::shanghai_date;
use engine::{Interrupt, Tx};
use money::Money;
use std::sync::Arc;

/// Gives the merchant what was paid; the payment then counts as succeeded with that amount. Its case ends
/// with it: the same suspense is given away once, by this or by adjustments.
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
    let case = untouched_case(cx.tx, &payment.id)?;
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
    if let Some(case) = case {
        end_case(cx.tx, &case, amount, &command.reason)?;
    }
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

/// The latest case about the money, which stands in suspense. Refused if people have taken some of it to
/// where they found it belongs.
fn untouched_case(tx: &mut Tx<'_>, payment: &str) -> Refusable<Option<Arc<Case>>> {
    let cases = case::about(tx, payment, CaseKind::Underpaid)?;
    if let Some((case, adjusted)) = cases
        .iter()
        .find_map(|case| Some((&case.id, case.adjusted?)))
    {
        let message =
            format!("case {case} took {adjusted} of what was paid elsewhere: end it there");
        return Err(Rejection::state(message)
            .at("payment")
            .with("case", case)
            .into());
    }
    Ok(cases.last().cloned())
}

fn end_case(tx: &mut Tx<'_>, case: &Case, amount: Money, reason: &str) -> Result<(), Interrupt> {
    let mut case = case.clone();
    case.explanation.get_or_insert_with(|| reason.to_owned());
    case.adjusted = Some(amount);
    case.status = CaseStatus::Closed;
    case.resolution = Some(format!(
        "the payment was accepted, the merchant has {amount}"
    ));
    case::save(tx, case).map(|_| ())
}
