//! People decide on a sign, and what it held goes on.

use super::{
    DecideSignal, Decided, MerchantRisk, RiskSignal, SignalDecision, SignalStatus, count,
    holds_payouts,
};
use crate::alone::{self, Turn};
use crate::case::{self, Case, CaseStatus};
use crate::command::{Command, Due, Fact};
use crate::context::Context;
use crate::payout::{self, Payout, PayoutStatus};
use crate::rejection::{Refusable, Rejection};
use crate::reserve;
use crate::text;
use compliance::risk::Measure;
use engine::{Interrupt, Tx};
use std::sync::Arc;

/// Payouts that go on in one command.
const PAYOUTS_PER_STEP: usize = 50;

/// Whether a decision frees what a sign holds, and so needs a second person.
pub(crate) fn frees_money(tx: &mut Tx<'_>, command: &DecideSignal) -> Result<bool, Interrupt> {
    if command.decision != SignalDecision::Clear {
        return Ok(false);
    }
    let signal = tx.get::<RiskSignal>(&command.signal)?;
    Ok(signal.is_some_and(|signal| {
        signal.measure == Measure::Hold && signal.status != SignalStatus::Cleared
    }))
}

/// Takes a person's decision.
pub(crate) fn decide(
    cx: &mut Context<'_, '_>,
    command: &DecideSignal,
) -> Refusable<Arc<RiskSignal>> {
    text::plain("reason", &command.reason, 500)?;
    let signal = cx.tx.get::<RiskSignal>(&command.signal)?;
    let signal = signal.ok_or_else(|| Rejection::not_found("signal", &command.signal))?;
    let status = match (command.decision, signal.status) {
        (SignalDecision::Clear, SignalStatus::Cleared)
        | (SignalDecision::Confirm, SignalStatus::Confirmed) => return Ok(signal),
        (SignalDecision::Confirm, SignalStatus::Cleared) => {
            return Err(Rejection::state(
                "the signal was cleared: suspend the merchant if the suspicion came up again",
            )
            .at("signal")
            .into());
        }
        (SignalDecision::Clear, _) => SignalStatus::Cleared,
        (SignalDecision::Confirm, _) => SignalStatus::Confirmed,
    };
    let now = cx.tx.now();
    let mut signal = (*signal).clone();
    signal.status = status;
    signal.updated_at = now;
    signal.decisions.push(Decided {
        decision: command.decision,
        reason: command.reason.clone(),
        by: cx.actor.principal.to_string(),
        at: now,
    });
    follow_in_case(cx.tx, &signal, &command.reason)?;
    if status == SignalStatus::Cleared {
        lift(cx.tx, &signal)?;
    }
    cx.tx.put(signal)?;
    Ok(cx.tx.expect(&command.signal)?)
}

/// The case says what was found; it ends with the signal.
fn follow_in_case(tx: &mut Tx<'_>, signal: &RiskSignal, reason: &str) -> Result<(), Interrupt> {
    let mut case = (*tx.expect::<Case>(&signal.case)?).clone();
    case.explanation = Some(reason.to_owned());
    match signal.status {
        SignalStatus::Cleared => {
            case.status = CaseStatus::Closed;
            case.resolution = Some("the sign was cleared".to_owned());
        }
        _ => case.status = CaseStatus::Explained,
    }
    case::save(tx, case).map(|_| ())
}

/// The sign counts no more; what only it held goes on.
fn lift(tx: &mut Tx<'_>, signal: &RiskSignal) -> Result<(), Interrupt> {
    let mut risk: MerchantRisk = count::latest(tx, &signal.merchant)?;
    let held = risk.holds();
    for raised in &mut risk.raised {
        if raised.signal == signal.id {
            raised.open = false;
        }
    }
    let holds = risk.holds();
    tx.put(risk)?;
    if held && !holds {
        go_on(tx, &signal.merchant)?;
    }
    Ok(())
}

fn go_on(tx: &mut Tx<'_>, merchant: &str) -> Result<(), Interrupt> {
    let now = tx.now();
    let due = Due::HeldPayouts {
        merchant: merchant.to_owned(),
    };
    let key = format!("held/{merchant}");
    tx.schedule(now, &key, &Command::Fact(Fact::Due(due)))
}

/// Sends a merchant's held payouts on, the oldest first, unless another sign has come to hold them.
pub(crate) fn let_go(cx: &mut Context<'_, '_>, merchant: &str) -> Result<(), Interrupt> {
    if holds_payouts(cx.tx, merchant)? {
        return Ok(());
    }
    // What all of them need breaks here, once, and not at each payout.
    reserve::free(cx.tx)?;
    let (from, to) = (format!("{merchant}/"), format!("{merchant}0"));
    let own = |id: &str| {
        let payout = id.to_owned();
        (format!("held/{merchant}/{id}"), Due::HeldPayout { payout })
    };
    let part = |cx: &mut Context<'_, '_>, id: &str| let_go_alone(cx, id).map(|()| Turn::Taken);
    if alone::in_turn::<Payout>(cx, "held", (&from, &to), PAYOUTS_PER_STEP, own, part)? {
        go_on(cx.tx, merchant)?;
    }
    Ok(())
}

/// Sends one held payout on, unless a sign holds it.
pub(crate) fn let_go_alone(cx: &mut Context<'_, '_>, id: &str) -> Result<(), Interrupt> {
    let payout = cx.tx.expect::<Payout>(id)?;
    if payout.status != PayoutStatus::Held || holds_payouts(cx.tx, &payout.merchant)? {
        return Ok(());
    }
    payout::let_go(cx, &payout)
}
