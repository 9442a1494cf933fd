//! Payments: created → awaiting payer → succeeded | closed | failed.
//!
//! An order ends by the channel's evidence and by nothing else: the passing of its time makes us close
//! it at the channel, and the channel's word closes it here. Whatever says that money arrived is a
//! fact; [`evidence`] books it wherever it belongs and never refuses.

mod command;
mod ending;
mod evidence;
mod news;
mod posting;
mod record;
mod review;
mod rules;
mod timer;

pub use command::{AcceptUnderpayment, ClosePayment, CreatePayment, FundSource, QueryPayment};
pub(crate) use ending::order_state;
pub(crate) use evidence::keep_late;
pub(crate) use news::effect_news;
pub use record::{ChannelTrade, CloseReason, OrderNumber, Paid, Payment, PaymentStatus, Source};
pub(crate) use review::accept_underpayment;
pub(crate) use timer::due;

use crate::closing::{self, Figure};
use crate::context::Context;
use crate::effect::{Effect, Subject, reference_of};
use crate::launch::{self, Product};
use crate::merchant;
use crate::rejection::{Refusable, Rejection};
use crate::{chart, split, text};
use channels::operation::{Channel, Operation};
use engine::{EffectPolicy, EffectState, Interrupt, Repeat, Tx};
use jiff::{SignedDuration, Timestamp};
use money::{Currency, Money};
use std::sync::Arc;

/// Largest payment, minor units: 100 million yuan.
pub const AMOUNT_MAX: i64 = 10_000_000_000;

/// Longest life of an order.
const LIFETIME_MAX: SignedDuration = SignedDuration::from_hours(24 * 15);

/// Takes an order.
pub(crate) fn create(
    cx: &mut Context<'_, '_>,
    command: &CreatePayment,
) -> Refusable<(Arc<Payment>, bool)> {
    text::number("order_number", &command.order_number)?;
    let key = format!("{}/{}", command.merchant, command.order_number);
    if let Some(taken) = cx.tx.get::<OrderNumber>(&key)? {
        let payment = cx.tx.expect::<Payment>(&taken.payment)?;
        return match differing_field(&payment, command) {
            Some(field) => Err(Rejection::already_exists("order", field).into()),
            None => Ok((payment, true)),
        };
    }
    let merchant = merchant::active(cx.tx, &command.merchant)?;
    let currency = chart::of(cx.tx)?.currency;
    check(command, currency)?;
    let now = cx.tx.now();
    let lifetime = SignedDuration::from_secs(i64::from(cx.settings.order_lifetime_seconds));
    let expires_at = stored(command.expires_at.unwrap_or(now + lifetime));
    if expires_at <= now || expires_at > now + LIFETIME_MAX {
        return Err(Rejection::field(
            "expires_at",
            "the order must expire in the future, within 15 days",
        )
        .into());
    }
    if let Some(plan) = &command.split_plan {
        split::check(cx.tx, &merchant, plan, command.amount)?;
    }
    launch::require(cx, Product::payments(command.channel))?;
    let decision = rules::take(cx, &merchant, command)?;
    let split_decision = match &command.split_plan {
        Some(plan) => Some(split::ask(cx, &merchant, plan, command.channel)?),
        None => None,
    };
    let id = cx.tx.new_id("pay");
    cx.tx.put(OrderNumber {
        key,
        payment: id.clone(),
    })?;
    let effect = register(cx.tx, &id, command, expires_at)?;
    let nothing = Money::zero(currency);
    let payment = Payment {
        id: id.clone(),
        merchant: command.merchant.clone(),
        order_number: command.order_number.clone(),
        amount: command.amount,
        channel: command.channel,
        description: command.description.clone(),
        status: PaymentStatus::Created,
        late: false,
        code_url: None,
        expires_at,
        close_reason: None,
        refusal: None,
        paid: None,
        succeeded_at: None,
        fee: nothing,
        fee_returned: nothing,
        fee_kept: None,
        refunded: nothing,
        source: command.source,
        decision: Some(decision),
        split_decision,
        split_plan: command.split_plan.clone(),
        split: None,
        metadata: command.metadata.clone(),
        effect,
        close_effect: None,
        query_effect: None,
        polls: 0,
        created_at: now,
        updated_at: now,
        business_date: cx.tx.business_date(),
    };
    timer::start(cx.tx, &payment)?;
    closing::count(cx.tx, &[(Figure::PaymentsCreated, Some(command.amount))])?;
    cx.tx.put_new(payment)?;
    Ok((cx.tx.expect(&id)?, false))
}

fn check(command: &CreatePayment, currency: Currency) -> Result<(), Rejection> {
    text::plain("description", &command.description, 127)?;
    text::metadata(&command.metadata)?;
    if command.channel != Channel::Wechat {
        return Err(Rejection::field(
            "channel",
            "this channel takes no payments; use wechat",
        ));
    }
    let amount = command.amount;
    if amount.currency() != currency {
        return Err(Rejection::field(
            "amount",
            format!("the amount must be in {currency}"),
        ));
    }
    if !(1..=AMOUNT_MAX).contains(&amount.amount()) {
        return Err(Rejection::field(
            "amount",
            format!("the amount must be 1 to {AMOUNT_MAX} minor units"),
        ));
    }
    Ok(())
}

fn register(
    tx: &mut Tx<'_>,
    id: &str,
    command: &CreatePayment,
    expires_at: Timestamp,
) -> Result<String, Interrupt> {
    let operation = Operation::CreateOrder {
        order: reference_of(id),
        description: command.description.clone(),
        amount: command.amount,
        expires_at,
    };
    let effect = Effect::Channel {
        channel: command.channel,
        operation,
        subject: Subject::Payment {
            payment: id.to_owned(),
        },
    };
    // The channel knows the number, so a repeat registers the same order.
    let policy = EffectPolicy {
        repeat: Repeat::Always,
        pause_seconds: 1,
        pause_seconds_max: 60,
        attempts_max: Some(20),
    };
    tx.emit(&effect, policy)
}

/// An instant as records keep it: to the millisecond.
fn stored(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}

fn differing_field(payment: &Payment, command: &CreatePayment) -> Option<&'static str> {
    [
        ("amount", payment.amount == command.amount),
        ("channel", payment.channel == command.channel),
        ("description", payment.description == command.description),
        ("source", payment.source == command.source),
        // An order that named no expiry got one by default; a repeat names none again.
        (
            "expires_at",
            command
                .expires_at
                .is_none_or(|at| stored(at) == stored(payment.expires_at)),
        ),
        ("split_plan", command.split_plan == payment.split_plan),
        ("metadata", payment.metadata == command.metadata),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

/// A payment of a merchant; that of another does not exist for it.
pub(crate) fn of_merchant(tx: &mut Tx<'_>, merchant: &str, id: &str) -> Refusable<Arc<Payment>> {
    let payment = tx
        .get::<Payment>(id)?
        .filter(|payment| payment.merchant == merchant);
    payment.ok_or_else(|| Rejection::not_found("payment", id).into())
}

/// Starts to close an unpaid order.
pub(crate) fn close(cx: &mut Context<'_, '_>, command: &ClosePayment) -> Refusable<Arc<Payment>> {
    let payment = of_merchant(cx.tx, &command.merchant, &command.payment)?;
    match payment.status {
        PaymentStatus::Closed => Ok(payment),
        status if !status.is_open() => Err(Rejection::state(
            "the payment has ended, it cannot be closed",
        )
        .at("payment")
        .into()),
        // Being closed already: the timer sees to it.
        _ if payment.close_reason.is_some() => Ok(payment),
        _ => {
            ending::start_closing(cx.tx, (*payment).clone(), CloseReason::Requested)?;
            Ok(cx.tx.expect(&command.payment)?)
        }
    }
}

/// Asks the channel now.
pub(crate) fn query(cx: &mut Context<'_, '_>, command: &QueryPayment) -> Refusable<Arc<Payment>> {
    let payment = of_merchant(cx.tx, &command.merchant, &command.payment)?;
    if !payment.status.is_open() {
        return Ok(payment);
    }
    ask(cx.tx, (*payment).clone())?;
    Ok(cx.tx.expect(&command.payment)?)
}

/// Records the intent to ask the channel how the order stands, and the payment.
fn ask(tx: &mut Tx<'_>, mut payment: Payment) -> Result<(), Interrupt> {
    if is_pending(tx, payment.query_effect.as_deref())? {
        return save(tx, payment);
    }
    let operation = Operation::QueryOrder {
        order: reference_of(&payment.id),
    };
    let now = tx.now();
    payment.query_effect = Some(emit(tx, &payment, operation, now)?);
    save(tx, payment)
}

/// Records the intent to close the order at the channel, and the payment.
fn ask_to_close(
    tx: &mut Tx<'_>,
    mut payment: Payment,
    not_before: Timestamp,
) -> Result<(), Interrupt> {
    if is_pending(tx, payment.close_effect.as_deref())? {
        return save(tx, payment);
    }
    let operation = Operation::CloseOrder {
        order: reference_of(&payment.id),
    };
    payment.close_effect = Some(emit(tx, &payment, operation, not_before)?);
    save(tx, payment)
}

/// Whether an effect is still to be attempted. A second one beside it would only load the channel,
/// and each of its answers would bring further ones.
fn is_pending(tx: &mut Tx<'_>, effect: Option<&str>) -> Result<bool, Interrupt> {
    let Some(id) = effect else {
        return Ok(false);
    };
    Ok(tx
        .effect(id)?
        .is_some_and(|effect| !matches!(effect.state, EffectState::Done | EffectState::Stranded)))
}

fn emit(
    tx: &mut Tx<'_>,
    payment: &Payment,
    operation: Operation,
    not_before: Timestamp,
) -> Result<String, Interrupt> {
    let subject = Subject::Payment {
        payment: payment.id.clone(),
    };
    let effect = Effect::Channel {
        channel: payment.channel,
        operation,
        subject,
    };
    // Given up soon: the payment's timer asks again.
    let policy = EffectPolicy {
        repeat: Repeat::Always,
        pause_seconds: 2,
        pause_seconds_max: 30,
        attempts_max: Some(3),
    };
    tx.emit_at(&effect, policy, not_before)
}

pub(crate) fn save(tx: &mut Tx<'_>, mut payment: Payment) -> Result<(), Interrupt> {
    payment.updated_at = tx.now();
    tx.put(payment)
}
