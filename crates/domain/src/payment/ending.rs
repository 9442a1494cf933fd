//! Ends other than success: closed and failed, always on the channel's word.

use super::{
    CloseReason, Paid, Payment, PaymentStatus, Source, ask_to_close, evidence, save, timer,
};
use crate::case::{self, CaseKind, Finding};
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::regulation;
use crate::webhook::{self, EventType};
use channels::answer::{OrderState, Refusal};
use channels::operation::{Channel, ChannelReference};
use engine::{Interrupt, Tx};
use jiff::SignedDuration;

/// Pause before an order that is still open at the channel is closed again.
const CLOSE_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Asks the channel to close the order. Until it says so the payment may still succeed.
pub(super) fn start_closing(
    tx: &mut Tx<'_>,
    mut payment: Payment,
    reason: CloseReason,
) -> Result<(), Interrupt> {
    // An order whose registration is still being tried must not appear after its closing.
    tx.settle_effect(&payment.effect)?;
    payment.close_reason.get_or_insert(reason);
    timer::schedule(tx, &payment)?;
    let now = tx.now();
    ask_to_close(tx, payment, now)
}

/// A channel says how an order stands.
pub(crate) fn order_state(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    order: &ChannelReference,
    state: &OrderState,
    source: Source,
) -> Result<(), Interrupt> {
    if let OrderState::Paid {
        channel_number,
        amount,
        paid_at,
        instrument,
        payer,
    } = state
    {
        let channel_number = channel_number.clone();
        let paid = Paid {
            channel_number,
            amount: *amount,
            paid_at: *paid_at,
            instrument: *instrument,
            payer: payer.clone(),
            source,
        };
        return evidence::paid(cx, channel, order, paid);
    }
    // What is not paid and not ours is not our business.
    let payment = cx.tx.get::<Payment>(&format!("pay_{}", order.0))?;
    let Some(payment) = payment.filter(|payment| payment.channel == channel) else {
        return Ok(());
    };
    let payment = (*payment).clone();
    match state {
        OrderState::AwaitingPayer => awaiting(cx.tx, payment),
        OrderState::Closed => closed(cx, payment),
        OrderState::Failed { refusal } => failed(cx, payment, refusal),
        OrderState::Paid { .. } => Ok(()),
    }
}

fn awaiting(tx: &mut Tx<'_>, mut payment: Payment) -> Result<(), Interrupt> {
    if !payment.status.is_open() {
        return Ok(());
    }
    if payment.close_reason.is_some() {
        payment.status = PaymentStatus::AwaitingPayer;
        let at = tx.now() + CLOSE_AGAIN;
        return ask_to_close(tx, payment, at);
    }
    if payment.status == PaymentStatus::AwaitingPayer {
        return Ok(());
    }
    payment.status = PaymentStatus::AwaitingPayer;
    save(tx, payment)
}

pub(super) fn closed(cx: &mut Context<'_, '_>, mut payment: Payment) -> Result<(), Interrupt> {
    match payment.status {
        PaymentStatus::Closed | PaymentStatus::Failed => Ok(()),
        PaymentStatus::Succeeded | PaymentStatus::UnderReview => contradiction(
            cx,
            &payment,
            "the channel says closed, after it had said paid",
        ),
        _ => {
            payment.status = PaymentStatus::Closed;
            payment.close_reason.get_or_insert(CloseReason::Channel);
            end(cx, payment, EventType::PaymentClosed)
        }
    }
}

pub(super) fn failed(
    cx: &mut Context<'_, '_>,
    mut payment: Payment,
    refusal: &Refusal,
) -> Result<(), Interrupt> {
    match payment.status {
        PaymentStatus::Closed | PaymentStatus::Failed => Ok(()),
        PaymentStatus::Succeeded | PaymentStatus::UnderReview => contradiction(
            cx,
            &payment,
            "the channel says failed, after it had said paid",
        ),
        _ => {
            payment.status = PaymentStatus::Failed;
            payment.refusal = Some(refusal.clone());
            end(cx, payment, EventType::PaymentFailed)
        }
    }
}

fn end(cx: &mut Context<'_, '_>, payment: Payment, event: EventType) -> Result<(), Interrupt> {
    cx.tx.settle_effect(&payment.effect)?;
    timer::cancel(cx.tx, &payment)?;
    regulation::give_back(cx.tx, payment.decision.as_deref(), payment.amount)?;
    closing::count(cx.tx, &[(Figure::PaymentsClosed, Some(payment.amount))])?;
    webhook::notify(cx.tx, &payment.merchant, event, &payment.id, &payment)?;
    save(cx.tx, payment)
}

fn contradiction(
    cx: &mut Context<'_, '_>,
    payment: &Payment,
    reason: &str,
) -> Result<(), Interrupt> {
    let finding = Finding {
        kind: CaseKind::Contradiction,
        object: &payment.id,
        merchant: Some(&payment.merchant),
        reason: reason.to_owned(),
        amount: Some(payment.amount),
    };
    case::open(cx.tx, finding).map(|_| ())
}
