//! Payouts (代付): money leaves the reserve for a bank account.
//!
//! The money is in transit from the request on and stays there while the outcome is unknown. Only
//! [`Evidence`] ends a payout by itself; where no evidence can be had, two people do. It is sent when no
//! [sign of risk](crate::risk) holds it and the [reserve](crate::reserve) covers it. One that was held or
//! waited is judged again before it goes on, and is the merchant's again if it is not allowed any more. One
//! that takes too long gets a case and is asked after all the same.

mod command;
mod ending;
mod evidence;
mod limit;
mod news;
mod overdue;
mod posting;
mod record;
mod resolution;
mod rules;

pub use command::{CancelPayout, CreatePayout, ResolvePayout, ResolvedPayout, ReturnPayout};
pub(crate) use ending::state;
pub use evidence::{Evidence, FailureEvidence, PaidEvidence};
pub(crate) use limit::needs_second_person;
pub(crate) use news::effect_news;
pub(crate) use overdue::due;
pub use record::{ForeignPayout, Origin, Payout, PayoutNumber, PayoutStatus, SmallPayouts};
pub(crate) use resolution::{bounce, cancel, resolve};

use crate::booking;
use crate::chart;
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::effect::{Effect, Subject, reference_of};
use crate::merchant::{self, BankAccount, Merchant};
use crate::regulation::Ruling;
use crate::rejection::{Refusable, Rejection};
use crate::webhook::{self, EventType};
use crate::{regulation, reserve, risk, settlement, text};
use channels::operation::{DELIMITERS, Operation};
use engine::{EffectPolicy, Interrupt, Repeat, Stop, Tx};
use jiff::Timestamp;
use money::Money;
use std::sync::Arc;

/// A payout that the merchant asks for.
pub(crate) fn create(
    cx: &mut Context<'_, '_>,
    command: &CreatePayout,
) -> Refusable<(Arc<Payout>, bool)> {
    text::number("payout_number", &command.payout_number)?;
    text::plain("purpose", &command.purpose, 32)?;
    let key = PayoutNumber::key_of(&command.merchant, &command.payout_number);
    if let Some(taken) = cx.tx.get::<PayoutNumber>(&key)? {
        let payout = cx.tx.expect::<Payout>(&taken.payout)?;
        return match differing_field(&payout, command) {
            Some(field) => Err(Rejection::already_exists("payout", field).into()),
            None => Ok((payout, true)),
        };
    }
    // After the look for a repeat: one of a payout that an earlier release took is answered.
    if command.purpose.contains(DELIMITERS) {
        let problem = "purpose must not contain any of & = { } [ ]";
        return Err(Rejection::field("purpose", problem).into());
    }
    let merchant = merchant::active(cx.tx, &command.merchant)?;
    let payee = match (&command.payee, &merchant.settlement_account) {
        (Some(payee), on_file) => payee.with_facts_of(on_file.as_ref()),
        (None, Some(account)) => account.clone(),
        (None, None) => {
            return Err(Rejection::field(
                "payee",
                "name a payee: the merchant has no settlement account",
            )
            .into());
        }
    };
    text::number("payee", &payee.vault_id)?;
    text::masked("payee", &payee.masked)?;
    check_amount(cx, &merchant, command.amount)?;
    let decision = rules::ask(cx, &merchant, &payee, command.amount)?;
    let new = NewPayout {
        number: &command.payout_number,
        purpose: &command.purpose,
        payee: &payee,
        amount: command.amount,
        decision,
    };
    booking::post(
        cx.tx,
        &[posting::created(&merchant.accounts, command.amount)],
        &key,
    )?;
    limit::count(cx, command)?;
    let id = record(cx, &merchant, new, Origin::Request)?;
    cx.tx.put(PayoutNumber {
        key,
        payout: id.clone(),
    })?;
    Ok((cx.tx.expect(&id)?, false))
}

fn check_amount(cx: &mut Context<'_, '_>, merchant: &Merchant, amount: Money) -> Refusable<()> {
    let currency = chart::of(cx.tx)?.currency;
    if !amount.is_positive() || amount.currency() != currency {
        return Err(Rejection::field(
            "amount",
            format!("the amount must be above zero and in {currency}"),
        )
        .into());
    }
    let payable = settlement::payable_now(cx.tx, merchant)?;
    if amount.amount() > payable.amount() {
        return Err(Rejection::insufficient("amount", amount, payable).into());
    }
    Ok(())
}

fn differing_field(payout: &Payout, command: &CreatePayout) -> Option<&'static str> {
    let same_payee = command
        .payee
        .as_ref()
        .is_none_or(|payee| payee.is_same(&payout.payee));
    [
        ("amount", payout.amount == command.amount),
        ("purpose", payout.purpose == command.purpose),
        ("payee", same_payee),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

/// A payout of money that settlement found payable; returns its id. Refused only by a rule.
pub(crate) fn create_settled(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    payee: &BankAccount,
    amount: Money,
    origin: Origin,
) -> Refusable<String> {
    let decision = rules::ask(cx, merchant, payee, amount)?;
    let number = match &origin {
        Origin::Settlement { settlement } => settlement.clone(),
        Origin::Request => merchant.id.clone(),
    };
    booking::post_fact(
        cx.tx,
        &[posting::created(&merchant.accounts, amount)],
        &number,
    )?;
    let new = NewPayout {
        number: &number,
        purpose: "settlement",
        payee,
        amount,
        decision,
    };
    Ok(record(cx, merchant, new, origin)?)
}

struct NewPayout<'a> {
    number: &'a str,
    purpose: &'a str,
    payee: &'a BankAccount,
    amount: Money,
    decision: Arc<Ruling>,
}

fn record(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    new: NewPayout<'_>,
    origin: Origin,
) -> Result<String, Interrupt> {
    let id = cx.tx.new_id("pot");
    let now = cx.tx.now();
    if origin == Origin::Request {
        risk::payout_asked(cx, &merchant.id, &id)?;
    }
    closing::count(cx.tx, &[(Figure::PayoutsCreated, Some(new.amount))])?;
    let mut payout = Payout {
        id: id.clone(),
        merchant: merchant.id.clone(),
        payout_number: new.number.to_owned(),
        amount: new.amount,
        purpose: new.purpose.to_owned(),
        payee: new.payee.clone(),
        origin,
        decision: Some(new.decision),
        channel: cx.settings.payout_channel,
        status: PayoutStatus::WaitingForReserve,
        effect: None,
        reserved: false,
        submitted_at: now,
        channel_number: None,
        settle_date: None,
        paid_amount: None,
        refusal: None,
        refusal_queries: 0,
        contrary_booked: false,
        cancel_reason: None,
        resolution: None,
        created_at: now,
        updated_at: now,
        business_date: cx.tx.business_date(),
    };
    if risk::holds_payouts(cx.tx, &merchant.id)? {
        payout.status = PayoutStatus::Held;
        let event = EventType::PayoutHeld;
        webhook::notify(cx.tx, &merchant.id, event, &id, &payout)?;
    } else {
        if reserve::admit(cx.tx, new.amount)? {
            send(cx, &mut payout)?;
        }
        overdue::watch_new(cx, &id)?;
    }
    cx.tx.put_new(payout)?;
    Ok(id)
}

/// Nothing holds a held payout any more: it goes the way of a new one, if it is still allowed.
pub(crate) fn let_go(cx: &mut Context<'_, '_>, payout: &Payout) -> Result<(), Interrupt> {
    let Some(mut payout) = still_allowed(cx, payout)? else {
        return Ok(());
    };
    payout.status = PayoutStatus::WaitingForReserve;
    if reserve::admit(cx.tx, payout.amount)? {
        send(cx, &mut payout)?;
    }
    overdue::watch(cx, &payout.id)?;
    save(cx.tx, payout)
}

/// Records the intent to pay: from here on it may have been sent.
fn send(cx: &mut Context<'_, '_>, payout: &mut Payout) -> Result<(), Interrupt> {
    let now = cx.tx.now();
    // The channel's form of this time has no parts of a second.
    payout.submitted_at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let operation = Operation::Payout {
        payout: reference_of(&payout.id),
        submitted_at: payout.submitted_at,
        amount: payout.amount,
        payee: payout.payee.vault_id.clone(),
        purpose: payout.purpose.clone(),
    };
    let effect = Effect::Channel {
        channel: payout.channel,
        operation,
        subject: Subject::Payout {
            payout: payout.id.clone(),
        },
    };
    let policy = policy(cx.settings.payout_arrival_bound_seconds);
    payout.effect = Some(cx.tx.emit(&effect, policy)?);
    payout.reserved = true;
    payout.status = PayoutStatus::Created;
    Ok(())
}

/// A payout's turn has come: the reserve covers it.
pub(crate) fn release(cx: &mut Context<'_, '_>, payout: &Payout) -> Result<(), Interrupt> {
    let Some(mut payout) = still_allowed(cx, payout)? else {
        return Ok(());
    };
    reserve::set_aside(cx.tx, &payout)?;
    send(cx, &mut payout)?;
    overdue::watch(cx, &payout.id)?;
    save(cx.tx, payout)
}

/// The payout with the decision that allows it now. It was allowed when it was asked for, and much may have
/// become known since: none if it is not allowed any more, and then the merchant has its money again.
fn still_allowed(cx: &mut Context<'_, '_>, payout: &Payout) -> Result<Option<Payout>, Interrupt> {
    let mut payout = payout.clone();
    // Its own room does not stand in its way.
    regulation::give_back(cx.tx, payout.decision.as_deref(), payout.amount)?;
    match judge_again(cx, &payout) {
        Ok(decision) => {
            payout.decision = Some(decision);
            Ok(Some(payout))
        }
        Err(Stop::Interrupted(interrupt)) => Err(interrupt),
        Err(Stop::Refused(rejection)) => ending::forbidden(cx, payout, &rejection).map(|()| None),
    }
}

fn judge_again(cx: &mut Context<'_, '_>, payout: &Payout) -> Refusable<Arc<Ruling>> {
    let merchant = merchant::active(cx.tx, &payout.merchant)?;
    rules::ask(cx, &merchant, &payout.payee, payout.amount)
}

/// A payout is at its end: nothing is attempted, watched or set aside for it any more.
fn end(cx: &mut Context<'_, '_>, payout: &mut Payout) -> Result<(), Interrupt> {
    if let Some(effect) = &payout.effect {
        cx.tx.settle_effect(effect)?;
    }
    overdue::unwatch(cx, &payout.id)?;
    reserve::leave(cx.tx, payout)?;
    payout.reserved = false;
    Ok(())
}

/// Asked after for ever: money in transit is never given up on by a counter.
fn policy(arrival_bound_seconds: u32) -> EffectPolicy {
    EffectPolicy {
        repeat: Repeat::AfterNotFound {
            arrival_bound_seconds,
        },
        pause_seconds: 10,
        pause_seconds_max: 1_800,
        attempts_max: None,
    }
}

pub(crate) fn save(tx: &mut Tx<'_>, mut payout: Payout) -> Result<(), Interrupt> {
    payout.updated_at = tx.now();
    tx.put(payout)
}
