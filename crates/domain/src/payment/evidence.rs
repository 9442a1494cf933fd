//! Money arrived. Booked once, from whatever source it is learned, and wherever it belongs:
//!
//! | the order is | the money goes to | and |
//! |---|---|---|
//! | open | the merchant | fee, split, event |
//! | open, more was paid | the merchant; the excess to DIF | case |
//! | open, less was paid | SUS, the payment is under review | case |
//! | closed or failed (late success) | the merchant | by its policy: refund at once, or as usual |
//! | paid by another trade | SUS | case |
//! | not ours | SUS | case |
//! | of a merchant whose account is closed | SUS, the payment is under review | case |

use super::{ChannelTrade, FundSource, Paid, Payment, PaymentStatus, posting, rules, save, timer};
use crate::booking::{is_bookable, is_open, minus, post_fact};
use crate::case::{self, CaseKind, Finding};
use crate::chart::{self, Chart};
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant::{LateSuccess, Merchant};
use crate::regulation::{self, Room};
use crate::rejection::broken;
use crate::settlement::{self, Item};
use crate::webhook::{self, EventType};
use crate::{fee, refund, risk, split};
use calendar::{BusinessDate, shanghai_date};
use channels::operation::{Channel, ChannelReference};
use engine::Interrupt;
use money::Money;
use std::sync::Arc;

/// Takes a verified statement that an order was paid.
pub(crate) fn paid(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    order: &ChannelReference,
    paid: Paid,
) -> Result<(), Interrupt> {
    let key = ChannelTrade::key_of(channel, &paid.channel_number);
    if let Some(known) = cx.tx.get::<ChannelTrade>(&key)? {
        return known_trade(cx, &known, order, &paid);
    }
    let chart = chart::of(cx.tx)?;
    if !is_bookable(paid.amount, chart.currency) {
        let reason = format!("a payment of {} cannot be booked", paid.amount);
        return finding(cx, CaseKind::Unbookable, &key, None, reason, &paid);
    }
    let payment = cx
        .tx
        .get::<Payment>(&format!("pay_{}", order.0))?
        .filter(|payment| payment.channel == channel);
    let mut trade = ChannelTrade {
        key,
        order: order.0.clone(),
        amount: paid.amount,
        in_suspense: true,
    };
    let Some(payment) = payment else {
        let key = trade.key.clone();
        cx.tx.put(trade)?;
        to_suspense(cx, &chart, channel, &paid, &key)?;
        let reason = format!("money arrived for order {:.32}, which is not ours", order.0);
        return finding(cx, CaseKind::UnknownPayment, &key, None, reason, &paid);
    };
    trade.in_suspense = !book(cx, &chart, payment, &paid)?;
    cx.tx.put(trade)
}

/// The same trade again says nothing new, unless it says something else.
fn known_trade(
    cx: &mut Context<'_, '_>,
    known: &ChannelTrade,
    order: &ChannelReference,
    paid: &Paid,
) -> Result<(), Interrupt> {
    if known.order == order.0 && known.amount == paid.amount {
        return Ok(());
    }
    let reason = format!(
        "the trade was booked with {} for order {:.32}, and is said to be {} for order {:.32}",
        known.amount, known.order, paid.amount, order.0
    );
    let finding = Finding {
        kind: CaseKind::Contradiction,
        object: &known.key,
        merchant: None,
        reason,
        amount: Some(paid.amount),
    };
    case::open_once(cx.tx, finding).map(|_| ())
}

/// Books the money of a known payment; says whether it reached the merchant.
fn book(
    cx: &mut Context<'_, '_>,
    chart: &Chart,
    payment: Arc<Payment>,
    paid: &Paid,
) -> Result<bool, Interrupt> {
    let merchant = cx.tx.expect::<Merchant>(&payment.merchant)?;
    let id = payment.id.clone();
    let mut payment = (*payment).clone();
    if payment.paid.is_some() {
        to_suspense(cx, chart, payment.channel, paid, &id)?;
        let reason = format!(
            "the order was paid a second time, by trade {:.64}",
            paid.channel_number
        );
        finding(
            cx,
            CaseKind::DoublePayment,
            &id,
            Some(&merchant.id),
            reason,
            paid,
        )?;
        return Ok(false);
    }
    let late = !payment.status.is_open();
    payment.paid = Some(paid.clone());
    payment.late = late;
    if !late {
        let paid_on = paid_on(cx, &payment);
        count(cx, &mut payment, paid_on, Room::Used)?;
    }
    let problem = if !is_open(cx.tx, merchant.accounts.payable)? {
        Some((
            CaseKind::AccountClosed,
            "money arrived for a merchant that is closed".to_owned(),
        ))
    } else if paid.amount.amount() < payment.amount.amount() {
        let reason = format!(
            "{} was asked for, {} was paid: accept it or give it back",
            payment.amount, paid.amount
        );
        Some((CaseKind::Underpaid, reason))
    } else {
        None
    };
    if let Some((kind, reason)) = problem {
        to_suspense(cx, chart, payment.channel, paid, &id)?;
        finding(cx, kind, &id, Some(&merchant.id), reason, paid)?;
        payment.status = PaymentStatus::UnderReview;
        finish(cx, payment)?;
        return Ok(false);
    }
    let excess = minus(paid.amount, payment.amount)?;
    let legs = [
        posting::received(chart, payment.channel, &merchant.accounts, payment.amount),
        posting::overpaid(chart, payment.channel, excess),
    ];
    post_fact(cx.tx, &legs, &id)?;
    if excess.is_positive() {
        let reason = format!("{} was asked for, {} was paid", payment.amount, paid.amount);
        finding(
            cx,
            CaseKind::Overpaid,
            &id,
            Some(&merchant.id),
            reason,
            paid,
        )?;
    }
    succeed(cx, chart, payment, &merchant)?;
    Ok(true)
}

/// The day on which the payer paid, by the channel's clock, as far as ours does not contradict it.
fn paid_on(cx: &Context<'_, '_>, payment: &Payment) -> BusinessDate {
    let now = cx.tx.now();
    let paid_at = payment.paid.as_ref().map_or(now, |paid| paid.paid_at);
    shanghai_date(paid_at.max(payment.created_at).min(now))
}

/// Limits count what is paid, on the day it is paid, by what it was paid from. Nothing is refused here; what
/// follows sees the room.
pub(super) fn count(
    cx: &mut Context<'_, '_>,
    payment: &mut Payment,
    paid_on: BusinessDate,
    room: Room,
) -> Result<(), Interrupt> {
    let paid = payment.paid_amount()?;
    let source = payment.other_source();
    let mut room = room;
    if room == Room::Used && (source.is_some() || paid != payment.amount) {
        // Its order used room of another kind or size.
        regulation::give_back(cx.tx, payment.decision.as_deref(), payment.amount)?;
        room = Room::GivenBack;
    }
    let Some(source) = source else {
        if let Some(ruling) = &payment.decision {
            let counted = regulation::count_paid(cx.tx, ruling, paid, (paid_on, room))?;
            payment.decision = Some(counted);
        }
        return Ok(());
    };
    let merchant = cx.tx.expect::<Merchant>(&payment.merchant)?;
    payment.decision = rules::count_as(cx, &merchant, payment, source, paid_on)?;
    let reason = format!(
        "the order said that the payer pays from {}, the channel says it was {}: it counts as what it was. Ask \
         the merchant, whose limits depend on it",
        payment.source.map_or("something", FundSource::word),
        source.word()
    );
    let finding = Finding {
        kind: CaseKind::SourceContradicted,
        object: &payment.id,
        merchant: Some(&payment.merchant),
        reason,
        amount: Some(payment.amount),
    };
    case::open(cx.tx, finding).map(|_| ())
}

/// The merchant has been credited: fee, split, event; or all of it back, if it came too late.
pub(super) fn succeed(
    cx: &mut Context<'_, '_>,
    chart: &Chart,
    mut payment: Payment,
    merchant: &Merchant,
) -> Result<(), Interrupt> {
    let amount = payment.paid_amount()?;
    payment.status = PaymentStatus::Succeeded;
    payment.succeeded_at = Some(cx.tx.now());
    payment.business_date = cx.tx.business_date();
    closing::count(cx.tx, &[(Figure::PaymentsSucceeded, Some(amount))])?;
    if payment.late && merchant.late_success == LateSuccess::Refund {
        settlement::add(cx, merchant, &[(Item::Payment, amount)])?;
        refund::refund_late(cx, &mut payment, merchant)?;
        return finish(cx, payment);
    }
    if payment.late {
        let paid_on = paid_on(cx, &payment);
        count(cx, &mut payment, paid_on, Room::GivenBack)?;
    }
    let fee = charge(cx, chart, &mut payment, merchant)?;
    settlement::add(cx, merchant, &[(Item::Payment, amount), (Item::Fee, fee)])?;
    split::execute_planned(cx, &mut payment, merchant)?;
    risk::payment_booked(cx, &payment, amount)?;
    webhook::notify(
        cx.tx,
        &merchant.id,
        EventType::PaymentSucceeded,
        &payment.id,
        &payment,
    )?;
    finish(cx, payment)
}

/// Charges the fee; answers the change of the merchant's balance.
fn charge(
    cx: &mut Context<'_, '_>,
    chart: &Chart,
    payment: &mut Payment,
    merchant: &Merchant,
) -> Result<Money, Interrupt> {
    payment.fee = fee::of_payment(merchant.fee_schedule, payment.paid_amount()?)?;
    let leg = fee::posting::charged(chart, &merchant.accounts, payment.fee);
    post_fact(cx.tx, &[leg], &payment.id)?;
    if !payment.fee.is_zero() {
        closing::count(cx.tx, &[(Figure::Fees, Some(payment.fee))])?;
    }
    payment.fee.checked_neg().map_err(broken)
}

/// A late success that was to go back stays with the merchant, who was just credited with it again: it is a
/// payment like any other from now on, but for its split, which is left to a request.
pub(crate) fn keep_late(
    cx: &mut Context<'_, '_>,
    payment: &mut Payment,
    merchant: &Merchant,
) -> Result<(), Interrupt> {
    let today = shanghai_date(cx.tx.now());
    count(cx, payment, today, Room::GivenBack)?;
    let chart = chart::of(cx.tx)?;
    let fee = charge(cx, &chart, payment, merchant)?;
    settlement::add(cx, merchant, &[(Item::Fee, fee)])?;
    let event = EventType::PaymentSucceeded;
    webhook::notify(cx.tx, &merchant.id, event, &payment.id, payment)
}

fn finish(cx: &mut Context<'_, '_>, payment: Payment) -> Result<(), Interrupt> {
    cx.tx.settle_effect(&payment.effect)?;
    timer::cancel(cx.tx, &payment)?;
    save(cx.tx, payment)
}

fn to_suspense(
    cx: &mut Context<'_, '_>,
    chart: &Chart,
    channel: Channel,
    paid: &Paid,
    reference: &str,
) -> Result<(), Interrupt> {
    post_fact(
        cx.tx,
        &[posting::suspense(chart, channel, paid.amount)],
        reference,
    )?;
    closing::count(cx.tx, &[(Figure::Suspense, Some(paid.amount))])
}

fn finding(
    cx: &mut Context<'_, '_>,
    kind: CaseKind,
    object: &str,
    merchant: Option<&str>,
    reason: String,
    paid: &Paid,
) -> Result<(), Interrupt> {
    case::open(
        cx.tx,
        Finding {
            kind,
            object,
            merchant,
            reason,
            amount: Some(paid.amount),
        },
    )
    .map(|_| ())
}
