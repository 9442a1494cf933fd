//! What the dispatcher learned about a payment's effects.

use super::ending::{closed, failed};
use super::{CloseReason, Payment, PaymentStatus, Source, ask, order_state, save};
use crate::context::Context;
use crate::effect::Answer;
use channels::answer::Answer as Statement;
use channels::operation::{Channel, Operation};
use engine::{EffectNews, EffectRecord, Interrupt};
use jiff::{SignedDuration, Timestamp};

/// Takes the news of an effect about a payment; an answer with the time at which it was asked for.
pub(crate) fn effect_news(
    cx: &mut Context<'_, '_>,
    record: &EffectRecord,
    (channel, operation): (Channel, &Operation),
    id: &str,
    news: EffectNews,
    answer: Option<(&Answer, Timestamp)>,
) -> Result<(), Interrupt> {
    let (answer, asked_at) = answer.unzip();
    if let Some(Answer::Channel(Statement::Order { order, state })) = answer {
        return order_state(cx, channel, order, state, Source::Answer);
    }
    if news == EffectNews::Late {
        return Ok(());
    }
    if news == EffectNews::Stranded {
        // The payment's timer asks again; this attempt needs nobody.
        cx.tx.settle_effect(&record.id)?;
    }
    let payment = cx.tx.expect::<Payment>(id)?;
    if !payment.status.is_open() {
        return Ok(());
    }
    let payment = (*payment).clone();
    let asked_at = asked_at.unwrap_or(cx.tx.now());
    match operation {
        Operation::CreateOrder { .. } => registration(cx, payment, news, answer),
        Operation::QueryOrder { .. } => match answer {
            Some(Answer::Absent) => absent(cx, payment, asked_at),
            _ => Ok(()),
        },
        Operation::CloseOrder { .. } => match (answer, news) {
            (Some(Answer::Absent), _) => absent(cx, payment, asked_at),
            // Not closed, and why is not said (it may be paid): the order itself is asked for, once
            // the attempts to close it are over.
            (Some(_), _) | (None, EffectNews::Stranded) => ask(cx.tx, payment),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn registration(
    cx: &mut Context<'_, '_>,
    mut payment: Payment,
    news: EffectNews,
    answer: Option<&Answer>,
) -> Result<(), Interrupt> {
    match answer {
        Some(Answer::Channel(Statement::OrderCreated { code_url })) => {
            payment.code_url = Some(code_url.clone());
            payment.status = PaymentStatus::AwaitingPayer;
            save(cx.tx, payment)
        }
        Some(Answer::Refused(refusal)) => {
            // An earlier attempt may have registered it: the channel is asked before it counts as failed.
            payment.refusal = Some(refusal.clone());
            payment.status = PaymentStatus::Unknown;
            ask(cx.tx, payment)
        }
        None if matches!(news, EffectNews::Unknown | EffectNews::Stranded)
            && payment.status == PaymentStatus::Created =>
        {
            payment.status = PaymentStatus::Unknown;
            save(cx.tx, payment)
        }
        _ => Ok(()),
    }
}

/// The channel verifiably has no such order. That ends it only where it could not be paid any more:
/// nobody was ever shown its code, or its time has been over for so long that no payment of it can be
/// under way. Until then the timer goes on asking. What counts is when the channel was asked: an answer that was on its
/// way for hours is of the time before the payment.
fn absent(
    cx: &mut Context<'_, '_>,
    payment: Payment,
    asked_at: Timestamp,
) -> Result<(), Interrupt> {
    let bound = SignedDuration::from_secs(i64::from(cx.settings.order_arrival_bound_seconds));
    let unpayable = payment.code_url.is_none() || asked_at >= payment.expires_at + bound;
    if payment.code_url.is_none() && payment.close_reason.is_none() {
        return match payment.refusal.clone() {
            Some(refusal) => failed(cx, payment, &refusal),
            None => Ok(()),
        };
    }
    if payment
        .close_reason
        .is_some_and(|reason| reason != CloseReason::Channel)
        && unpayable
    {
        return closed(cx, payment);
    }
    Ok(())
}
