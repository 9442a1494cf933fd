//! Refunds (退款) to the payer, by the way the money came.
//!
//! At the request everything that belongs to the refund is gathered with the merchant — the
//! receivers' shares, the fee's share — and set aside, so that the balance is checked once. Evidence
//! lets it go or brings all of it back to where it was; until then it stays in transit.

mod command;
mod ending;
mod late;
mod news;
mod posting;
mod record;
mod resolution;
mod rules;

pub use command::{CreateRefund, ResolveRefund, ResolvedRefund};
pub(crate) use ending::state;
pub(crate) use news::effect_news;
pub use record::{ForeignRefund, Refund, RefundNumber, RefundOrigin, RefundStatus};
pub(crate) use resolution::resolve;

use crate::booking::{self, available, minus, plus, post_fact};
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::effect::{Effect, Subject, reference_of};
use crate::fee::{self, Charged};
use crate::merchant::{self, Merchant, MerchantStatus};
use crate::payment::{self, Payment, PaymentStatus};
use crate::regulation::Ruling;
use crate::rejection::{Code, Refusable, Rejection, broken};
use crate::settlement::{self, Item};
use crate::split::{self, SplitReturn};
use crate::{chart, risk, text};
use channels::operation::Operation;
use engine::{EffectPolicy, Interrupt, Repeat, Tx};
use money::Money;
use std::sync::Arc;

/// A refund that the merchant asks for.
pub(crate) fn create(
    cx: &mut Context<'_, '_>,
    command: &CreateRefund,
) -> Refusable<(Arc<Refund>, bool)> {
    text::number("refund_number", &command.refund_number)?;
    if let Some(reason) = &command.reason {
        text::plain("reason", reason, 80)?;
    }
    let key = format!("{}/{}", command.merchant, command.refund_number);
    if let Some(taken) = cx.tx.get::<RefundNumber>(&key)? {
        let refund = cx.tx.expect::<Refund>(&taken.refund)?;
        return match differing_field(&refund, command) {
            Some(field) => Err(Rejection::already_exists("refund", field).into()),
            None => Ok((refund, true)),
        };
    }
    let payment = payment::of_merchant(cx.tx, &command.merchant, &command.payment)?;
    check(&payment, command.amount)?;
    let merchant = merchant::named(cx.tx, &command.merchant)?;
    if merchant.status == MerchantStatus::Closed {
        return Err(Rejection::state("the merchant is closed")
            .at("merchant")
            .into());
    }
    let decision = rules::ask(cx, &merchant, &payment)?;
    let mut payment = (*payment).clone();
    let split_returns = split::take_back(cx, &payment, &merchant, command.amount)?;
    let fee = share_of_fee(&payment, command.amount)?;
    let (fee_returned, fee_kept) = if merchant.refund_returns_fee {
        return_fee(cx, &payment, &merchant, fee)?;
        (fee, None)
    } else {
        (Money::zero(fee.currency()), Some(fee))
    };
    let there = Money::new(
        available(cx.tx, merchant.accounts.payable)?,
        command.amount.currency(),
    );
    if command.amount.amount() > there.amount() {
        return Err(Rejection::insufficient("amount", command.amount, there).into());
    }
    booking::post(
        cx.tx,
        &[posting::requested(&merchant.accounts, command.amount)],
        &payment.id,
    )?;
    payment.fee_returned = plus(payment.fee_returned, fee_returned)?;
    if let Some(fee) = fee_kept {
        let before = payment.fee_kept.unwrap_or(Money::zero(fee.currency()));
        payment.fee_kept = Some(plus(before, fee)?);
    }
    let new = NewRefund {
        number: &command.refund_number,
        reason: command.reason.as_deref(),
        amount: command.amount,
        origin: RefundOrigin::Request,
        fee_returned,
        fee_kept,
        split_returns,
        decision: Some(decision),
    };
    let id = record(cx, &mut payment, &merchant, new)?;
    payment::save(cx.tx, payment)?;
    risk::refund_asked(cx, &merchant.id, &id)?;
    cx.tx.put(RefundNumber {
        key,
        refund: id.clone(),
    })?;
    Ok((cx.tx.expect(&id)?, false))
}

fn check(payment: &Payment, amount: Money) -> Refusable<()> {
    if payment.status != PaymentStatus::Succeeded {
        return Err(Rejection::state("only a succeeded payment can be refunded")
            .at("payment")
            .into());
    }
    let paid = payment.paid_amount()?;
    if amount.currency() != paid.currency() || !amount.is_positive() {
        let message = format!("the amount must be above zero and in {}", paid.currency());
        return Err(Rejection::field("amount", message).into());
    }
    let left = minus(paid, payment.refunded)?;
    if amount.amount() > left.amount() {
        return Err(Rejection::new(
            Code::LimitExceeded,
            format!("{left} of the payment is left to refund"),
        )
        .at("amount")
        .with("left", left.amount())
        .into());
    }
    Ok(())
}

fn differing_field(refund: &Refund, command: &CreateRefund) -> Option<&'static str> {
    [
        ("payment", refund.payment == command.payment),
        ("amount", refund.amount == command.amount),
        ("reason", refund.reason == command.reason),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

fn share_of_fee(payment: &Payment, amount: Money) -> Result<Money, Interrupt> {
    let settled = match payment.fee_kept {
        Some(kept) => plus(payment.fee_returned, kept)?,
        None => payment.fee_returned,
    };
    let charged = Charged {
        paid: payment.paid_amount()?,
        fee: payment.fee,
        refunded: payment.refunded,
        settled,
    };
    fee::of_refund(charged, amount)
}

fn return_fee(
    cx: &mut Context<'_, '_>,
    payment: &Payment,
    merchant: &Merchant,
    fee: Money,
) -> Result<(), Interrupt> {
    if fee.is_zero() {
        return Ok(());
    }
    let chart = chart::of(cx.tx)?;
    post_fact(
        cx.tx,
        &[fee::posting::returned(&chart, &merchant.accounts, fee)],
        &payment.id,
    )?;
    settlement::add(cx, merchant, &[(Item::FeeReturned, fee)])?;
    closing::count(cx.tx, &[(Figure::FeesReturned, Some(fee))])
}

/// All of a payment that came after it had been closed goes back to the payer. The merchant was just
/// credited with it, so this cannot fail.
pub(crate) fn refund_late(
    cx: &mut Context<'_, '_>,
    payment: &mut Payment,
    merchant: &Merchant,
) -> Result<(), Interrupt> {
    let amount = payment.paid_amount()?;
    post_fact(
        cx.tx,
        &[posting::requested(&merchant.accounts, amount)],
        &payment.id,
    )?;
    let number = payment.id.clone();
    let new = NewRefund {
        number: &number,
        reason: None,
        amount,
        origin: RefundOrigin::LateSuccess,
        fee_returned: Money::zero(amount.currency()),
        fee_kept: None,
        split_returns: Vec::new(),
        decision: None,
    };
    record(cx, payment, merchant, new).map(|_| ())
}

struct NewRefund<'a> {
    number: &'a str,
    reason: Option<&'a str>,
    amount: Money,
    origin: RefundOrigin,
    fee_returned: Money,
    fee_kept: Option<Money>,
    split_returns: Vec<SplitReturn>,
    decision: Option<Arc<Ruling>>,
}

fn record(
    cx: &mut Context<'_, '_>,
    payment: &mut Payment,
    merchant: &Merchant,
    new: NewRefund<'_>,
) -> Result<String, Interrupt> {
    settlement::add(
        cx,
        merchant,
        &[(Item::Refund, new.amount.checked_neg().map_err(broken)?)],
    )?;
    closing::count(cx.tx, &[(Figure::RefundsRequested, Some(new.amount))])?;
    payment.refunded = plus(payment.refunded, new.amount)?;
    let id = cx.tx.new_id("ref");
    let operation = Operation::Refund {
        order: reference_of(&payment.id),
        refund: reference_of(&id),
        amount: new.amount,
        // The channel compares this with what it took, which is not what was asked for when more was paid.
        order_total: payment
            .paid
            .as_ref()
            .map_or(payment.amount, |paid| paid.amount),
        reason: new.reason.map(str::to_owned),
    };
    let subject = Subject::Refund { refund: id.clone() };
    let effect = Effect::Channel {
        channel: payment.channel,
        operation,
        subject,
    };
    // The channel knows the number, so a repeat is the same refund.
    let policy = EffectPolicy {
        repeat: Repeat::Always,
        pause_seconds: 5,
        pause_seconds_max: 3_600,
        attempts_max: Some(60),
    };
    let effect = cx.tx.emit(&effect, policy)?;
    let now = cx.tx.now();
    cx.tx.put_new(Refund {
        id: id.clone(),
        merchant: merchant.id.clone(),
        payment: payment.id.clone(),
        refund_number: new.number.to_owned(),
        amount: new.amount,
        reason: new.reason.map(str::to_owned),
        origin: new.origin,
        channel: payment.channel,
        status: RefundStatus::Created,
        fee_returned: new.fee_returned,
        fee_kept: new.fee_kept,
        split_returns: new.split_returns,
        decision: new.decision,
        effect,
        channel_number: None,
        refunded_at: None,
        refusal: None,
        refusal_queries: 0,
        refunded_amount: None,
        contrary_booked: false,
        resolution: None,
        created_at: now,
        updated_at: now,
        business_date: cx.tx.business_date(),
    })?;
    Ok(id)
}

pub(crate) fn save(tx: &mut Tx<'_>, mut refund: Refund) -> Result<(), Interrupt> {
    refund.updated_at = tx.now();
    tx.put(refund)
}
