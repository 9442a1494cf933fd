//! Verified states of a payout, from whatever source, taken into the books. Facts: never refused.

use super::news::ask;
use super::{
    Evidence, FailureEvidence, ForeignPayout, PaidEvidence, Payout, PayoutStatus, end, posting,
    save,
};
use crate::booking::{at_stake, is_bookable, minus, post_fact, smaller};
use crate::case::{self, CaseKind, Finding};
use crate::chart;
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::regulation;
use crate::rejection::Rejection;
use crate::reserve;
use crate::text::channel_name;
use crate::webhook::{self, EventType};
use channels::answer::PayoutState;
use channels::operation::{Channel, ChannelReference};
use engine::Interrupt;
use money::Money;

/// A channel says how a payout stands.
pub(crate) fn state(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    reference: &ChannelReference,
    state: &PayoutState,
) -> Result<(), Interrupt> {
    let payout = cx
        .tx
        .get::<Payout>(&format!("pot_{}", reference.0))?
        .filter(|payout| payout.channel == channel);
    let Some(payout) = payout else {
        return match Evidence::of(state) {
            Some(Evidence::Paid(paid)) => foreign(cx, channel, reference, &paid),
            _ => Ok(()),
        };
    };
    let payout = (*payout).clone();
    match Evidence::of(state) {
        None => processing(cx, payout),
        Some(Evidence::Paid(evidence)) => paid(cx, payout, &evidence),
        Some(Evidence::Failed(evidence)) => failed(cx, payout, &evidence),
    }
}

fn processing(cx: &mut Context<'_, '_>, mut payout: Payout) -> Result<(), Interrupt> {
    use PayoutStatus::{Cancelling, Created, Declined, Stranded, Unknown};
    if !matches!(
        payout.status,
        Created | Unknown | Declined | Cancelling | Stranded
    ) {
        return Ok(());
    }
    if payout.status == Stranded {
        // It is not with people any more, and whoever asked after it has given up.
        ask(cx, &payout, 0)?;
    }
    payout.status = PayoutStatus::Processing;
    save(cx.tx, payout)
}

fn paid(
    cx: &mut Context<'_, '_>,
    payout: Payout,
    evidence: &PaidEvidence,
) -> Result<(), Interrupt> {
    match payout.status {
        PayoutStatus::Succeeded | PayoutStatus::Returned if payout.channel_number.is_none() => {
            confirmed(cx, payout, evidence)
        }
        PayoutStatus::Succeeded | PayoutStatus::Returned => same_again(cx, &payout, evidence),
        PayoutStatus::Failed => paid_after_failure(cx, payout, evidence),
        _ => book_paid(cx, payout, evidence),
    }
}

/// The channel's word about a payout whose success is in the books: the same again says nothing new.
fn same_again(
    cx: &mut Context<'_, '_>,
    payout: &Payout,
    evidence: &PaidEvidence,
) -> Result<(), Interrupt> {
    let actual = evidence.amount();
    // Payouts of earlier releases do not say what was booked.
    let booked = payout.paid_amount.unwrap_or(actual);
    let reason = if payout.channel_number.as_deref() != Some(evidence.channel_number()) {
        format!(
            "the channel names another number, {:.64}, with {actual}, for a payout that was paid",
            evidence.channel_number()
        )
    } else if booked != actual {
        format!("the channel says {actual} was paid, after it had said {booked}")
    } else {
        return Ok(());
    };
    let contradiction = finding(payout, CaseKind::Contradiction, reason, actual);
    case::open_once(cx.tx, contradiction).map(|_| ())
}

/// Notes in a payout what the channel paid and the books took, so that the same statement says nothing new
/// and the bill's line finds its entry.
fn note(payout: &mut Payout, evidence: &PaidEvidence) {
    payout.channel_number = Some(evidence.channel_number().to_owned());
    payout.settle_date = evidence.settle_date().map(str::to_owned);
    payout.paid_amount = Some(evidence.amount());
}

/// Two people had said that it was paid; now the channel says so too. Only an amount that is not
/// theirs is news to the books.
fn confirmed(
    cx: &mut Context<'_, '_>,
    mut payout: Payout,
    evidence: &PaidEvidence,
) -> Result<(), Interrupt> {
    let chart = chart::of(cx.tx)?;
    let actual = evidence.amount();
    if !is_bookable(actual, payout.amount.currency()) {
        // Not noted: a later statement of an amount that can be booked is news.
        let reason = not_booked(evidence);
        return open_case(cx, &payout, CaseKind::Unbookable, reason, actual);
    }
    note(&mut payout, evidence);
    if actual != payout.amount {
        // What was returned came back as it had left: the reserve has it, whatever it was.
        if payout.status != PayoutStatus::Returned {
            let common = smaller(actual, payout.amount);
            let legs = [
                posting::paid_too_much(&chart, minus(actual, common)?),
                posting::left_in_reserve(&chart, minus(payout.amount, common)?),
            ];
            post_fact(cx.tx, &legs, &payout.id)?;
            reserve::wake(cx.tx)?;
        }
        let reason = format!(
            "two people said that {} was paid, the channel paid {actual}",
            payout.amount
        );
        let amount = at_stake(payout.amount, actual)?;
        open_case(cx, &payout, CaseKind::Contradiction, reason, amount)?;
    }
    save(cx.tx, payout)
}

fn book_paid(
    cx: &mut Context<'_, '_>,
    mut payout: Payout,
    evidence: &PaidEvidence,
) -> Result<(), Interrupt> {
    let chart = chart::of(cx.tx)?;
    let merchant = cx.tx.expect::<Merchant>(&payout.merchant)?;
    let actual = evidence.amount();
    if !is_bookable(actual, payout.amount.currency()) {
        return unbookable(cx, payout, evidence);
    }
    let covered = smaller(actual, payout.amount);
    let too_little = minus(payout.amount, covered)?;
    let too_much = minus(actual, covered)?;
    let legs = [
        posting::paid(&chart, &merchant.accounts, covered),
        posting::paid_too_little(&chart, &merchant.accounts, too_little),
        posting::paid_too_much(&chart, too_much),
    ];
    post_fact(cx.tx, &legs, &payout.id)?;
    if actual != payout.amount {
        let reason = format!(
            "{} was asked to be paid, the channel paid {actual}",
            payout.amount
        );
        let amount = at_stake(payout.amount, actual)?;
        open_case(cx, &payout, CaseKind::Contradiction, reason, amount)?;
    }
    end(cx, &mut payout)?;
    closing::count(cx.tx, &[(Figure::PayoutsSucceeded, Some(actual))])?;
    payout.status = PayoutStatus::Succeeded;
    note(&mut payout, evidence);
    webhook::notify(
        cx.tx,
        &payout.merchant,
        EventType::PayoutSucceeded,
        &payout.id,
        &payout,
    )?;
    save(cx.tx, payout)
}

fn not_booked(evidence: &PaidEvidence) -> String {
    format!(
        "the channel says paid under number {:.64}, with an amount that cannot be booked: {}",
        evidence.channel_number(),
        evidence.amount()
    )
}

/// The channel says paid, with an amount that the books cannot take. The money stays in transit, nothing
/// is sent any more, and a better statement, the bill or two people end it.
fn unbookable(
    cx: &mut Context<'_, '_>,
    mut payout: Payout,
    evidence: &PaidEvidence,
) -> Result<(), Interrupt> {
    if let Some(effect) = &payout.effect {
        cx.tx.withdraw_effect(effect)?;
    }
    if payout.status == PayoutStatus::WaitingForReserve {
        // It never was ours to send; from now on it is not in the line.
        reserve::leave(cx.tx, &payout)?;
    }
    payout.status = PayoutStatus::Stranded;
    let reason = not_booked(evidence);
    open_case(cx, &payout, CaseKind::Unbookable, reason, evidence.amount())?;
    save(cx.tx, payout)
}

/// The merchant has its money again and the payee has it too: ours is missing until it is recovered.
fn paid_after_failure(
    cx: &mut Context<'_, '_>,
    mut payout: Payout,
    evidence: &PaidEvidence,
) -> Result<(), Interrupt> {
    if payout.contrary_booked {
        return match payout.channel_number {
            Some(_) => same_again(cx, &payout, evidence),
            // Of an earlier release, which did not note what was booked.
            None => Ok(()),
        };
    }
    let chart = chart::of(cx.tx)?;
    let amount = evidence.amount();
    if !is_bookable(amount, chart.currency) {
        // Not booked: a later statement of an amount that can be is.
        let reason = not_booked(evidence);
        return open_case(cx, &payout, CaseKind::Unbookable, reason, amount);
    }
    post_fact(cx.tx, &[posting::paid_too_much(&chart, amount)], &payout.id)?;
    payout.contrary_booked = true;
    note(&mut payout, evidence);
    let reason =
        "the channel says paid, after the payout had been returned to the merchant".to_owned();
    open_case(cx, &payout, CaseKind::Contradiction, reason, amount)?;
    save(cx.tx, payout)
}

fn failed(
    cx: &mut Context<'_, '_>,
    payout: Payout,
    evidence: &FailureEvidence,
) -> Result<(), Interrupt> {
    match payout.status {
        PayoutStatus::Failed if !payout.contrary_booked => Ok(()),
        PayoutStatus::Returned => Ok(()),
        PayoutStatus::Succeeded | PayoutStatus::Failed => {
            let reason = "the channel says failed, after it had said paid".to_owned();
            let amount = payout.amount;
            open_case(cx, &payout, CaseKind::Contradiction, reason, amount)
        }
        _ => give_back(cx, payout, Some(evidence)),
    }
}

/// Returns the money to the merchant: on evidence, or (without) on two people's decision.
pub(super) fn give_back(
    cx: &mut Context<'_, '_>,
    payout: Payout,
    evidence: Option<&FailureEvidence>,
) -> Result<(), Interrupt> {
    regulation::give_back(cx.tx, payout.decision.as_deref(), payout.amount)?;
    return_money(cx, payout, evidence)
}

/// Returns the money of a payout that waited or was held and that the rules, or the merchant's standing, do not
/// allow any more. The room of its decision was given back before they were asked.
pub(super) fn forbidden(
    cx: &mut Context<'_, '_>,
    mut payout: Payout,
    rejection: &Rejection,
) -> Result<(), Interrupt> {
    let reason = format!("not sent when its turn came, the merchant has the money: {rejection}");
    let amount = payout.amount;
    open_case(cx, &payout, CaseKind::PayoutRefused, reason.clone(), amount)?;
    payout.resolution = Some(reason);
    return_money(cx, payout, None)
}

fn return_money(
    cx: &mut Context<'_, '_>,
    mut payout: Payout,
    evidence: Option<&FailureEvidence>,
) -> Result<(), Interrupt> {
    let merchant = cx.tx.expect::<Merchant>(&payout.merchant)?;
    post_fact(
        cx.tx,
        &[posting::returned(&merchant.accounts, payout.amount)],
        &payout.id,
    )?;
    end(cx, &mut payout)?;
    closing::count(cx.tx, &[(Figure::PayoutsReturned, Some(payout.amount))])?;
    payout.status = PayoutStatus::Failed;
    payout.resolution = payout.resolution.or(payout.cancel_reason.clone());
    payout.refusal = evidence
        .map(|evidence| evidence.refusal().clone())
        .or(payout.refusal);
    webhook::notify(
        cx.tx,
        &payout.merchant,
        EventType::PayoutFailed,
        &payout.id,
        &payout,
    )?;
    save(cx.tx, payout)
}

fn foreign(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    reference: &ChannelReference,
    evidence: &PaidEvidence,
) -> Result<(), Interrupt> {
    let key = format!("{}/{}", channel_name(channel), evidence.channel_number());
    let chart = chart::of(cx.tx)?;
    let amount = evidence.amount();
    let mut kind = CaseKind::UnknownPayout;
    let mut reason = format!(
        "the channel paid {amount} under number {:.32}, which is not ours",
        reference.0
    );
    if let Some(known) = cx.tx.get::<ForeignPayout>(&key)? {
        if known.amount == amount {
            return Ok(());
        }
        kind = CaseKind::Contradiction;
        reason = format!(
            "the channel says {amount} was paid, after it had said {}, under a number that is not ours",
            known.amount
        );
    } else if is_bookable(amount, chart.currency) {
        cx.tx.put(ForeignPayout {
            key: key.clone(),
            amount,
        })?;
        post_fact(cx.tx, &[posting::unknown(&chart, amount)], &key)?;
        closing::count(cx.tx, &[(Figure::Suspense, Some(amount))])?;
    } else {
        // Not booked and not noted as booked: a later statement of an amount that can be is.
        kind = CaseKind::Unbookable;
    }
    let finding = Finding {
        kind,
        object: &key,
        merchant: None,
        reason,
        amount: Some(amount),
    };
    case::open_once(cx.tx, finding).map(|_| ())
}

pub(super) fn open_case(
    cx: &mut Context<'_, '_>,
    payout: &Payout,
    kind: CaseKind,
    reason: String,
    amount: Money,
) -> Result<(), Interrupt> {
    case::open(cx.tx, finding(payout, kind, reason, amount)).map(|_| ())
}

fn finding(payout: &Payout, kind: CaseKind, reason: String, amount: Money) -> Finding<'_> {
    Finding {
        kind,
        object: &payout.id,
        merchant: Some(&payout.merchant),
        reason,
        amount: Some(amount),
    }
}
