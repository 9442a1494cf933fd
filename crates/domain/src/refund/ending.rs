//! Verified states of a refund, from whatever source, taken into the books. Facts: never refused.

use super::news::ask;
use super::{ForeignRefund, Refund, RefundOrigin, RefundStatus, late, posting, save};
use crate::booking::{at_stake, covered, is_bookable, minus, plus, post_fact, smaller};
use crate::case::{self, CaseKind, Finding};
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::payment::{self, Payment};
use crate::regulation;
use crate::rejection::broken;
use crate::settlement::{self, Item};
use crate::text::channel_name;
use crate::webhook::{self, EventType};
use crate::{chart, fee, split};
use channels::answer::RefundState;
use channels::operation::{Channel, ChannelReference};
use engine::{Interrupt, Tx};
use jiff::Timestamp;
use money::{Currency, Money};

/// The payer has the money, says the channel.
struct Done<'a> {
    channel_number: &'a str,
    amount: Money,
    refunded_at: Timestamp,
}

/// A channel says how a refund stands.
pub(crate) fn state(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    reference: &ChannelReference,
    state: &RefundState,
) -> Result<(), Interrupt> {
    let refund = cx
        .tx
        .get::<Refund>(&format!("ref_{}", reference.0))?
        .filter(|refund| refund.channel == channel);
    let done = match state {
        RefundState::Succeeded {
            channel_number,
            amount,
            refunded_at,
        } => Some(Done {
            channel_number,
            amount: *amount,
            refunded_at: *refunded_at,
        }),
        _ => None,
    };
    match (refund, state, done) {
        (Some(refund), _, Some(done)) => succeeded(cx, (*refund).clone(), &done),
        (Some(refund), RefundState::Processing, _) => processing(cx, (*refund).clone()),
        (Some(refund), RefundState::Closed, _) => closed(cx, (*refund).clone()),
        (Some(refund), RefundState::Abnormal, _) => abnormal(cx, (*refund).clone()),
        (None, _, Some(done)) => foreign(cx, channel, reference, &done),
        _ => Ok(()),
    }
}

fn processing(cx: &mut Context<'_, '_>, mut refund: Refund) -> Result<(), Interrupt> {
    use RefundStatus::{Created, Declined, Stranded, Unknown};
    if late::is_with_people(&refund) {
        return Ok(());
    }
    if !matches!(refund.status, Created | Unknown | Declined | Stranded) {
        return Ok(());
    }
    if refund.status == Stranded {
        // It is not with people any more, and whoever asked after it has given up.
        ask(cx, &refund, 0)?;
    }
    refund.status = RefundStatus::Processing;
    save(cx.tx, refund)
}

fn succeeded(cx: &mut Context<'_, '_>, refund: Refund, done: &Done<'_>) -> Result<(), Interrupt> {
    match refund.status {
        // Two people said that the payer was paid in another way, so no channel was heard yet.
        RefundStatus::Succeeded if refund.channel_number.is_none() => {
            succeeded_beside(cx, refund, done)
        }
        RefundStatus::Succeeded => same_again(cx, &refund, done),
        RefundStatus::Closed => succeeded_after_close(cx, refund, done),
        _ => book(cx, refund, done),
    }
}

/// The channel's word about a refund whose success is in the books: the same again says nothing new.
fn same_again(cx: &mut Context<'_, '_>, refund: &Refund, done: &Done<'_>) -> Result<(), Interrupt> {
    // Refunds of earlier releases do not say what was booked.
    let booked = refund.refunded_amount.unwrap_or(done.amount);
    let number = refund.channel_number.as_deref();
    let reason = if number != Some(done.channel_number) {
        format!(
            "the channel names another number, {:.64}, with {}, for a refund that was made",
            done.channel_number, done.amount
        )
    } else if booked != done.amount {
        format!(
            "the channel says {} was refunded, after it had said {booked}",
            done.amount
        )
    } else {
        return Ok(());
    };
    let contradiction = finding(refund, CaseKind::Contradiction, reason, done.amount);
    case::open_once(cx.tx, contradiction).map(|_| ())
}

/// A statement of an amount that the books cannot take. Not booked: a later one that can be is.
fn unbookable(cx: &mut Context<'_, '_>, refund: &Refund, done: &Done<'_>) -> Result<(), Interrupt> {
    let reason = format!(
        "the channel states an amount that cannot be booked: {}",
        done.amount
    );
    open_case(cx, refund, CaseKind::Unbookable, reason, done.amount)
}

impl Done<'_> {
    fn is_bookable(&self, currency: Currency) -> bool {
        is_bookable(self.amount, currency)
    }

    /// Notes in a refund what the channel gave back, so that the same statement says nothing new and the
    /// bill's line finds its entry.
    fn note_in(&self, refund: &mut Refund) {
        refund.channel_number = Some(self.channel_number.to_owned());
        refund.refunded_at = Some(self.refunded_at);
        refund.refunded_amount = Some(self.amount);
    }
}

fn book(cx: &mut Context<'_, '_>, mut refund: Refund, done: &Done<'_>) -> Result<(), Interrupt> {
    let chart = chart::of(cx.tx)?;
    let merchant = cx.tx.expect::<Merchant>(&refund.merchant)?;
    if !done.is_bookable(refund.amount.currency()) {
        // The money stays in transit, nothing is sent any more, and a better statement, the bill or two people end it.
        cx.tx.withdraw_effect(&refund.effect)?;
        unbookable(cx, &refund, done)?;
        if refund.status != RefundStatus::Abnormal {
            refund.status = RefundStatus::Stranded;
        }
        return save(cx.tx, refund);
    }
    let covered = smaller(done.amount, refund.amount);
    let legs = [
        posting::paid(&chart, refund.channel, &merchant.accounts, covered),
        posting::paid_too_little(&chart, &merchant.accounts, minus(refund.amount, covered)?),
        posting::paid_too_much(&chart, refund.channel, minus(done.amount, covered)?),
    ];
    post_fact(cx.tx, &legs, &refund.id)?;
    if done.amount != refund.amount {
        let reason = format!(
            "{} was asked to be refunded, the channel refunded {}",
            refund.amount, done.amount
        );
        let amount = at_stake(refund.amount, done.amount)?;
        open_case(cx, &refund, CaseKind::Contradiction, reason, amount)?;
    }
    give_back_room(cx.tx, &refund, covered)?;
    cx.tx.settle_effect(&refund.effect)?;
    closing::count(cx.tx, &[(Figure::RefundsSucceeded, Some(done.amount))])?;
    refund.status = RefundStatus::Succeeded;
    done.note_in(&mut refund);
    webhook::notify(
        cx.tx,
        &refund.merchant,
        EventType::RefundSucceeded,
        &refund.id,
        &refund,
    )?;
    save(cx.tx, refund)
}

/// The payer was paid: limits that say so have the room again.
pub(super) fn give_back_room(
    tx: &mut Tx<'_>,
    refund: &Refund,
    amount: Money,
) -> Result<(), Interrupt> {
    // A late success that goes back by itself never used room again.
    if refund.origin == RefundOrigin::LateSuccess {
        return Ok(());
    }
    let payment = tx.expect::<Payment>(&refund.payment)?;
    regulation::give_back_refund(tx, payment.decision.as_deref(), amount)
}

/// The merchant has its money again and the payer has it too: ours is missing until it is recovered.
fn succeeded_after_close(
    cx: &mut Context<'_, '_>,
    mut refund: Refund,
    done: &Done<'_>,
) -> Result<(), Interrupt> {
    if refund.contrary_booked {
        return match refund.channel_number {
            Some(_) => same_again(cx, &refund, done),
            // Of an earlier release, which did not note what was booked.
            None => Ok(()),
        };
    }
    let chart = chart::of(cx.tx)?;
    if !done.is_bookable(chart.currency) {
        return unbookable(cx, &refund, done);
    }
    post_fact(
        cx.tx,
        &[posting::paid_too_much(&chart, refund.channel, done.amount)],
        &refund.id,
    )?;
    let reason = "the channel says refunded, after the refund had been closed".to_owned();
    open_case(cx, &refund, CaseKind::Contradiction, reason, done.amount)?;
    refund.contrary_booked = true;
    done.note_in(&mut refund);
    save(cx.tx, refund)
}

/// The payer was paid in another way and has the channel's refund too: what the channel gave back
/// stands in suspense until it is recovered.
fn succeeded_beside(
    cx: &mut Context<'_, '_>,
    mut refund: Refund,
    done: &Done<'_>,
) -> Result<(), Interrupt> {
    let chart = chart::of(cx.tx)?;
    if !done.is_bookable(chart.currency) {
        return unbookable(cx, &refund, done);
    }
    post_fact(
        cx.tx,
        &[posting::unknown(&chart, refund.channel, done.amount)],
        &refund.id,
    )?;
    closing::count(cx.tx, &[(Figure::Suspense, Some(done.amount))])?;
    let reason = format!(
        "the channel refunded {}, after two people had said that the payer was paid in another way",
        done.amount
    );
    open_case(cx, &refund, CaseKind::Contradiction, reason, done.amount)?;
    refund.contrary_booked = true;
    done.note_in(&mut refund);
    save(cx.tx, refund)
}

pub(super) fn closed(cx: &mut Context<'_, '_>, refund: Refund) -> Result<(), Interrupt> {
    match refund.status {
        RefundStatus::Closed if !refund.contrary_booked => Ok(()),
        // People paid the payer in another way because of that.
        RefundStatus::Succeeded if refund.channel_number.is_none() => Ok(()),
        RefundStatus::Succeeded | RefundStatus::Closed => {
            let reason = "the channel says closed, after it had said refunded".to_owned();
            let amount = refund.amount;
            open_case(cx, &refund, CaseKind::Contradiction, reason, amount)
        }
        _ if refund.origin == RefundOrigin::LateSuccess => late::strand(cx, refund),
        _ => release(cx, refund),
    }
}

/// Brings all that was gathered for the refund back to where it was.
pub(super) fn release(cx: &mut Context<'_, '_>, mut refund: Refund) -> Result<(), Interrupt> {
    let merchant = cx.tx.expect::<Merchant>(&refund.merchant)?;
    let mut payment = (*cx.tx.expect::<Payment>(&refund.payment)?).clone();
    post_fact(
        cx.tx,
        &[posting::released(&merchant.accounts, refund.amount)],
        &refund.id,
    )?;
    settlement::add(cx, &merchant, &[(Item::RefundReleased, refund.amount)])?;
    let missing = split::give_again(cx, &payment, &merchant, &refund)?;
    let missing = plus(missing, restore_fee(cx, &refund, &merchant)?)?;
    if !missing.is_zero() {
        let reason = format!(
            "the refund came to nothing, but the merchant has not {missing} of the fee and shares that are due again"
        );
        open_case(cx, &refund, CaseKind::Unbookable, reason, missing)?;
    }
    payment.refunded = minus(payment.refunded, refund.amount)?;
    payment.fee_returned = minus(payment.fee_returned, refund.fee_returned)?;
    if let (Some(all), Some(kept)) = (payment.fee_kept, refund.fee_kept) {
        payment.fee_kept = Some(minus(all, kept)?);
    }
    if refund.origin == RefundOrigin::LateSuccess {
        payment::keep_late(cx, &mut payment, &merchant)?;
    }
    payment::save(cx.tx, payment)?;
    cx.tx.settle_effect(&refund.effect)?;
    closing::count(cx.tx, &[(Figure::RefundsReleased, Some(refund.amount))])?;
    refund.status = RefundStatus::Closed;
    webhook::notify(
        cx.tx,
        &refund.merchant,
        EventType::RefundFailed,
        &refund.id,
        &refund,
    )?;
    save(cx.tx, refund)
}

/// Takes the fee again that was given back with the refund. Answers what the merchant had not (it
/// may have been paid out meanwhile) and the differences account gave for it.
fn restore_fee(
    cx: &mut Context<'_, '_>,
    refund: &Refund,
    merchant: &Merchant,
) -> Result<Money, Interrupt> {
    if refund.fee_returned.is_zero() {
        return Ok(refund.fee_returned);
    }
    let chart = chart::of(cx.tx)?;
    let covered = covered(cx.tx, merchant.accounts.payable, refund.fee_returned)?;
    let missing = minus(refund.fee_returned, covered)?;
    let legs = [
        fee::posting::restored(&chart, &merchant.accounts, covered),
        fee::posting::restored_for_merchant(&chart, missing),
    ];
    post_fact(cx.tx, &legs, &refund.id)?;
    let again = covered.checked_neg().map_err(broken)?;
    settlement::add(cx, merchant, &[(Item::FeeRestored, again)])?;
    closing::count(cx.tx, &[(Figure::FeesRestored, Some(refund.fee_returned))])?;
    Ok(missing)
}

/// The money stays in transit: it was taken from the merchant and the payer has not got it.
fn abnormal(cx: &mut Context<'_, '_>, mut refund: Refund) -> Result<(), Interrupt> {
    if refund.status == RefundStatus::Abnormal {
        return Ok(());
    }
    let amount = refund.amount;
    if is_ended_by_people(&refund) {
        // Because of that: the same word, told once more.
        return Ok(());
    }
    if !refund.status.is_open() {
        let reason = "the channel says abnormal, after the refund had ended".to_owned();
        return open_case(cx, &refund, CaseKind::Contradiction, reason, amount);
    }
    // People may decide now: nothing is sent any more.
    cx.tx.withdraw_effect(&refund.effect)?;
    refund.status = RefundStatus::Abnormal;
    let reason = "the payer's account refuses the refund: choose another way".to_owned();
    open_case(cx, &refund, CaseKind::RefundAbnormal, reason, amount)?;
    save(cx.tx, refund)
}

/// Two people ended it, and nothing else was heard of it since.
pub(super) fn is_ended_by_people(refund: &Refund) -> bool {
    !refund.status.is_open() && refund.resolution.is_some() && refund.channel_number.is_none()
}

fn foreign(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    reference: &ChannelReference,
    done: &Done<'_>,
) -> Result<(), Interrupt> {
    let key = format!("{}/{}", channel_name(channel), done.channel_number);
    let mut kind = CaseKind::UnknownRefund;
    let mut reason = format!(
        "the channel refunded {} under number {:.32}, which is not ours",
        done.amount, reference.0
    );
    let chart = chart::of(cx.tx)?;
    if let Some(known) = cx.tx.get::<ForeignRefund>(&key)? {
        if known.amount == done.amount {
            return Ok(());
        }
        kind = CaseKind::Contradiction;
        reason = format!(
            "the channel says {} was refunded, after it had said {}, under a number that is not ours",
            done.amount, known.amount
        );
    } else if done.is_bookable(chart.currency) {
        cx.tx.put(ForeignRefund {
            key: key.clone(),
            amount: done.amount,
        })?;
        post_fact(
            cx.tx,
            &[posting::unknown(&chart, channel, done.amount)],
            &key,
        )?;
        closing::count(cx.tx, &[(Figure::Suspense, Some(done.amount))])?;
    } else {
        // Not booked and not noted as booked: a later statement of an amount that can be is.
        kind = CaseKind::Unbookable;
    }
    let finding = Finding {
        kind,
        object: &key,
        merchant: None,
        reason,
        amount: Some(done.amount),
    };
    case::open_once(cx.tx, finding).map(|_| ())
}

pub(super) fn open_case(
    cx: &mut Context<'_, '_>,
    refund: &Refund,
    kind: CaseKind,
    reason: String,
    amount: Money,
) -> Result<(), Interrupt> {
    case::open(cx.tx, finding(refund, kind, reason, amount)).map(|_| ())
}

fn finding(refund: &Refund, kind: CaseKind, reason: String, amount: Money) -> Finding<'_> {
    Finding {
        kind,
        object: &refund.id,
        merchant: Some(&refund.merchant),
        reason,
        amount: Some(amount),
    }
}
