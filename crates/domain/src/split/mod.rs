//! Splits (分账): parts of a payment go to other merchants of the shard.
//!
//! The sum of the parts, the fee and what the main merchant keeps is what was paid, to the fen. A
//! refund takes from each party in proportion to what it still has of the payment.

mod command;
mod plan;
mod posting;
mod record;
mod rules;

pub use command::ExecuteSplit;
pub use record::{Receiver, ReceiverKind, Share, Split, SplitPart, SplitPlan};
pub(crate) use rules::ask;

use crate::booking::{self, available, covered, is_open, minus, plus, post_fact};
use crate::case::{self, CaseKind, Finding};
use crate::chart;
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant::{self, Merchant};
use crate::payment::{self, Payment, PaymentStatus};
use crate::refund::Refund;
use crate::regulation::Ruling;
use crate::rejection::{Code, Refusable, Rejection, broken};
use crate::settlement::{self, Item};
use engine::{Interrupt, Stop, Tx};
use jiff::SignedDuration;
use money::{Money, allocate_pro_rata};
use plan::Planned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Receivers of one split.
pub const RECEIVERS_MAX: usize = 50;

/// Checks a plan when a payment is created, so that it can be executed when it succeeds.
pub(crate) fn check(
    tx: &mut Tx<'_>,
    main: &Merchant,
    plan: &SplitPlan,
    amount: Money,
) -> Refusable<()> {
    let fee = crate::fee::of_payment(main.fee_schedule, amount)?;
    plan::parts(tx, main, plan, amount, fee).map(|_| ())
}

/// Splits a payment that succeeded and is not split, on request.
pub(crate) fn execute(
    cx: &mut Context<'_, '_>,
    command: &ExecuteSplit,
) -> Refusable<(Arc<Split>, bool)> {
    let payment = payment::of_merchant(cx.tx, &command.merchant, &command.payment)?;
    if let Some(id) = &payment.split {
        let split = cx.tx.expect::<Split>(id)?;
        let executed = split.plan.as_ref().or(payment.split_plan.as_ref());
        return if executed == Some(&command.plan) {
            Ok((split, true))
        } else {
            Err(Rejection::already_exists("split", "plan").into())
        };
    }
    if payment.status != PaymentStatus::Succeeded {
        return Err(Rejection::state("only a succeeded payment can be split")
            .at("payment")
            .into());
    }
    if !payment.refunded.is_zero() {
        return Err(
            Rejection::state("the payment was refunded in part: split before refunds")
                .at("payment")
                .into(),
        );
    }
    let main = merchant::active(cx.tx, &command.merchant)?;
    let paid_at = payment.succeeded_at.unwrap_or(payment.created_at);
    let latest = paid_at + SignedDuration::from_hours(24 * i64::from(main.split_days_max));
    if cx.tx.now() > latest {
        let message = format!("a payment can be split for {} days", main.split_days_max);
        return Err(Rejection::new(Code::LimitExceeded, message)
            .at("payment")
            .into());
    }
    let paid = payment.paid_amount()?;
    let parts = plan::parts(cx.tx, &main, &command.plan, paid, payment.fee).map_err(of_plan)?;
    let needed = total(&parts, paid)?;
    let there = Money::new(available(cx.tx, main.accounts.payable)?, paid.currency());
    if needed.amount() > there.amount() {
        return Err(Rejection::insufficient("payment", needed, there).into());
    }
    let decision = rules::ask(cx, &main, &command.plan, payment.channel)?;
    let mut payment = (*payment).clone();
    payment.split_decision = Some(decision);
    let id = book(cx, &mut payment, &main, &command.plan, &parts)?;
    payment::save(cx.tx, payment)?;
    Ok((cx.tx.expect(&id)?, false))
}

/// A payment's request has the plan as `split_plan`, a split's as `plan`.
fn of_plan(stop: Stop<Rejection>) -> Stop<Rejection> {
    let Stop::Refused(mut rejection) = stop else {
        return stop;
    };
    if let Some(place) = rejection
        .field
        .as_deref()
        .and_then(|field| field.strip_prefix("split_plan."))
    {
        rejection.field = Some(format!("plan.{place}"));
    }
    Stop::Refused(rejection)
}

/// Executes the plan of a payment that just succeeded. A plan that cannot be executed any more, or that is
/// not allowed any more, is a case, not a reason to refuse the money.
pub(crate) fn execute_planned(
    cx: &mut Context<'_, '_>,
    payment: &mut Payment,
    main: &Merchant,
) -> Result<(), Interrupt> {
    let Some(plan) = payment.split_plan.clone() else {
        return Ok(());
    };
    let paid = payment.paid_amount()?;
    match judge_again(cx, payment, main, &plan) {
        Ok((parts, decision)) => {
            payment.split_decision = Some(decision);
            book(cx, payment, main, &plan, &parts).map(|_| ())
        }
        Err(Stop::Interrupted(interrupt)) => Err(interrupt),
        Err(Stop::Refused(rejection)) => {
            let finding = Finding {
                kind: CaseKind::SplitFailed,
                object: &payment.id,
                merchant: Some(&payment.merchant),
                reason: format!(
                    "the planned split cannot be executed, the main merchant has the money: {rejection}"
                ),
                amount: Some(paid),
            };
            case::open(cx.tx, finding).map(|_| ())
        }
    }
}

/// Days may lie between an order and its payment: what was allowed then may not be allowed now.
fn judge_again(
    cx: &mut Context<'_, '_>,
    payment: &Payment,
    main: &Merchant,
    plan: &SplitPlan,
) -> Refusable<(Vec<Planned>, Arc<Ruling>)> {
    merchant::active(cx.tx, &main.id)?;
    let paid = payment.paid_amount()?;
    let parts = plan::parts(cx.tx, main, plan, paid, payment.fee)?;
    Ok((parts, rules::ask(cx, main, plan, payment.channel)?))
}

fn total(parts: &[Planned], paid: Money) -> Result<Money, Interrupt> {
    Money::checked_sum(paid.currency(), parts.iter().map(|part| part.amount)).map_err(broken)
}

fn book(
    cx: &mut Context<'_, '_>,
    payment: &mut Payment,
    main: &Merchant,
    plan: &SplitPlan,
    parts: &[Planned],
) -> Result<String, Interrupt> {
    let id = cx.tx.new_id("spl");
    let paid = payment.paid_amount()?;
    let mut legs = Vec::with_capacity(parts.len());
    let mut records = Vec::with_capacity(parts.len());
    for part in parts {
        let receiver = cx.tx.expect::<Merchant>(&part.receiver.merchant)?;
        legs.push(posting::paid(
            &main.accounts,
            &receiver.accounts,
            part.amount,
        ));
        settlement::add(cx, &receiver, &[(Item::SplitIn, part.amount)])?;
        records.push(SplitPart {
            merchant: receiver.id.clone(),
            kind: part.receiver.kind,
            amount: part.amount,
            returned: Money::zero(paid.currency()),
        });
    }
    post_fact(cx.tx, &legs, &payment.id)?;
    let total = total(parts, paid)?;
    settlement::add(
        cx,
        main,
        &[(Item::SplitOut, total.checked_neg().map_err(broken)?)],
    )?;
    closing::count(cx.tx, &[(Figure::Splits, Some(total))])?;
    payment.split = Some(id.clone());
    let now = cx.tx.now();
    cx.tx.put_new(Split {
        id: id.clone(),
        payment: payment.id.clone(),
        merchant: main.id.clone(),
        paid,
        plan: Some(plan.clone()),
        parts: records,
        decision: payment.split_decision.clone(),
        created_at: now,
        updated_at: now,
        business_date: cx.tx.business_date(),
    })?;
    Ok(id)
}

/// What one receiver gave back for one refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitReturn {
    /// Receiver.
    pub merchant: String,
    /// Amount.
    pub amount: Money,
}

/// Takes back the receivers' share of a refund, in proportion to what each party still has of the
/// payment. Refused, naming the receiver, when one has not enough.
pub(crate) fn take_back(
    cx: &mut Context<'_, '_>,
    payment: &Payment,
    main: &Merchant,
    amount: Money,
) -> Refusable<Vec<SplitReturn>> {
    let Some(id) = &payment.split else {
        return Ok(Vec::new());
    };
    let mut split = (*cx.tx.expect::<Split>(id)?).clone();
    let shares = shares_of_refund(&split, payment, amount)?;
    let mut returns = Vec::new();
    for (part, share) in split.parts.iter_mut().zip(shares) {
        if share.is_zero() {
            continue;
        }
        let receiver = cx.tx.expect::<Merchant>(&part.merchant)?;
        let there = Money::new(
            available(cx.tx, receiver.accounts.payable)?,
            share.currency(),
        );
        if share.amount() > there.amount() || !is_open(cx.tx, receiver.accounts.payable)? {
            let field = format!("receiver:{}", receiver.id);
            return Err(Rejection::insufficient(&field, share, there)
                .with("receiver", &receiver.id)
                .into());
        }
        booking::post(
            cx.tx,
            &[posting::returned(&main.accounts, &receiver.accounts, share)],
            &payment.id,
        )?;
        settlement::add(
            cx,
            &receiver,
            &[(Item::SplitReturnedOut, share.checked_neg().map_err(broken)?)],
        )?;
        part.returned = plus(part.returned, share)?;
        returns.push(SplitReturn {
            merchant: receiver.id.clone(),
            amount: share,
        });
    }
    let total = sum(&returns, amount)?;
    if !total.is_zero() {
        settlement::add(cx, main, &[(Item::SplitReturnedIn, total)])?;
        closing::count(cx.tx, &[(Figure::SplitsReturned, Some(total))])?;
        save(cx.tx, split)?;
    }
    Ok(returns)
}

/// Each receiver's share of a refund; what is missing to the refund is the main merchant's.
fn shares_of_refund(
    split: &Split,
    payment: &Payment,
    amount: Money,
) -> Result<Vec<Money>, Interrupt> {
    let mut rest = minus(payment.paid_amount()?, payment.refunded)?;
    let mut holdings = Vec::with_capacity(split.parts.len() + 1);
    for part in &split.parts {
        let holding = minus(part.amount, part.returned)?;
        rest = minus(rest, holding)?;
        holdings.push(holding);
    }
    holdings.push(rest);
    let mut shares = allocate_pro_rata(amount, &holdings).map_err(broken)?;
    shares.pop();
    Ok(shares)
}

fn sum(returns: &[SplitReturn], like: Money) -> Result<Money, Interrupt> {
    Money::checked_sum(like.currency(), returns.iter().map(|part| part.amount)).map_err(broken)
}

/// Gives the receivers their shares again after a refund came to nothing. A receiver that was
/// closed since leaves its share with the main merchant, and a case. Answers what the main
/// merchant had not and the differences account gave for it.
pub(crate) fn give_again(
    cx: &mut Context<'_, '_>,
    payment: &Payment,
    main: &Merchant,
    refund: &Refund,
) -> Result<Money, Interrupt> {
    let mut missing = Money::zero(payment.amount.currency());
    let Some(id) = &payment.split else {
        return Ok(missing);
    };
    let chart = chart::of(cx.tx)?;
    let mut split = (*cx.tx.expect::<Split>(id)?).clone();
    let mut restored = missing;
    for part in &refund.split_returns {
        let receiver = cx.tx.expect::<Merchant>(&part.merchant)?;
        if !is_open(cx.tx, receiver.accounts.payable)? {
            let finding = Finding {
                kind: CaseKind::AccountClosed,
                object: &payment.id,
                merchant: Some(&receiver.id),
                reason: format!(
                    "refund {} came to nothing, but {}, the receiver of a part, is closed: the main merchant has it",
                    refund.id, receiver.id
                ),
                amount: Some(part.amount),
            };
            case::open(cx.tx, finding)?;
            continue;
        }
        let covered = covered(cx.tx, main.accounts.payable, part.amount)?;
        let lacking = minus(part.amount, covered)?;
        post_fact(
            cx.tx,
            &[
                posting::restored(&main.accounts, &receiver.accounts, covered),
                posting::restored_for_main(&chart, &receiver.accounts, lacking),
            ],
            &payment.id,
        )?;
        missing = plus(missing, lacking)?;
        restored = plus(restored, part.amount)?;
        settlement::add(cx, &receiver, &[(Item::SplitIn, part.amount)])?;
        settlement::add(
            cx,
            main,
            &[(Item::SplitOut, covered.checked_neg().map_err(broken)?)],
        )?;
        if let Some(known) = split
            .parts
            .iter_mut()
            .find(|known| known.merchant == part.merchant)
        {
            known.returned = minus(known.returned, part.amount)?;
        }
    }
    if !restored.is_zero() {
        closing::count(cx.tx, &[(Figure::SplitsRestored, Some(restored))])?;
    }
    save(cx.tx, split)?;
    Ok(missing)
}

fn save(tx: &mut Tx<'_>, mut split: Split) -> Result<(), Interrupt> {
    split.updated_at = tx.now();
    tx.put(split)
}
