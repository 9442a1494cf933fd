//! The customer reserve (备付金, `RSV`): payouts do not take it below zero.
//!
//! A payout is sent when the reserve covers it and everything that was sent before and is not at its
//! end. Otherwise it waits. Payouts of a shard wait in one line, first come, first served: a large one
//! holds up smaller ones behind it until the reserve covers it or people cancel it. Overtaking would let a
//! stream of small payouts keep a large one waiting for ever; the line's head has its case when it waits too long.
//!
//! A payout that waited is judged anew when its turn comes; what is not allowed any more leaves the line.
//! One whose turn cannot be taken, because a row that it needs is damaged, keeps its place and holds up nobody: those
//! behind it go on, and it is looked at [by itself](crate::alone) until it can be read again.
//!
//! Corrections of the books are requests and take no more than is not set aside. Facts are not held up: what a
//! channel paid, or two people say was paid, is booked, whatever the reserve holds.
//!
//! Cost: one command sends at most [`PAYOUTS_PER_STEP`] payouts and continues in another. The counts are one
//! record that each payout changes twice.

mod record;

pub use record::Reserve;

use crate::alone::{self, Turn};
use crate::booking::{minus, plus};
use crate::chart;
use crate::command::{Command, Due, Fact};
use crate::context::Context;
use crate::payout::{self, Payout, PayoutStatus};
use engine::{Interrupt, Tx};
use money::Money;

/// Payouts sent by one command.
pub const PAYOUTS_PER_STEP: usize = 50;

fn load(tx: &mut Tx<'_>) -> Result<Reserve, Interrupt> {
    if let Some(reserve) = tx.get::<Reserve>(Reserve::KEY)? {
        return Ok((*reserve).clone());
    }
    let nothing = Money::zero(chart::of(tx)?.currency);
    Ok(Reserve {
        key: Reserve::KEY.to_owned(),
        committed: nothing,
        waiting: 0,
        waiting_amount: nothing,
    })
}

/// Whether the reserve covers an amount beside what is set aside.
fn covers(tx: &mut Tx<'_>, amount: Money) -> Result<bool, Interrupt> {
    Ok(amount.amount() <= free(tx)?.amount())
}

/// What of the reserve is not set aside for payouts that were sent.
pub(crate) fn free(tx: &mut Tx<'_>) -> Result<Money, Interrupt> {
    let account = chart::of(tx)?.reserve;
    let there = crate::booking::available(tx, account)?;
    let committed = load(tx)?.committed;
    minus(Money::new(there, committed.currency()), committed)
}

/// A new payout: whether it may be sent now. Otherwise it stands in the line.
pub(crate) fn admit(tx: &mut Tx<'_>, amount: Money) -> Result<bool, Interrupt> {
    let mut reserve = load(tx)?;
    let admitted = reserve.waiting == 0 && covers(tx, amount)?;
    if admitted {
        reserve.committed = plus(reserve.committed, amount)?;
    } else {
        reserve.waiting += 1;
        reserve.waiting_amount = plus(reserve.waiting_amount, amount)?;
    }
    tx.put(reserve)?;
    if !admitted && covers(tx, amount)? {
        // Nobody before it may be waiting for money: who cannot be read stands in the line as well.
        wake(tx)?;
    }
    Ok(admitted)
}

/// A payout leaves the line to be sent.
pub(crate) fn set_aside(tx: &mut Tx<'_>, payout: &Payout) -> Result<(), Interrupt> {
    let mut reserve = load(tx)?;
    leave_line(&mut reserve, payout)?;
    reserve.committed = plus(reserve.committed, payout.amount)?;
    tx.put(reserve)
}

/// A payout came to its end, sent or not.
pub(crate) fn leave(tx: &mut Tx<'_>, payout: &Payout) -> Result<(), Interrupt> {
    let mut reserve = load(tx)?;
    if payout.reserved {
        reserve.committed = minus(reserve.committed, payout.amount)?;
    } else if payout.status == PayoutStatus::WaitingForReserve {
        leave_line(&mut reserve, payout)?;
    } else {
        // Sent by a release that set nothing aside.
        return Ok(());
    }
    tx.put(reserve)?;
    wake(tx)
}

fn leave_line(reserve: &mut Reserve, payout: &Payout) -> Result<(), Interrupt> {
    reserve.waiting = reserve.waiting.saturating_sub(1);
    reserve.waiting_amount = minus(reserve.waiting_amount, payout.amount)?;
    Ok(())
}

/// The reserve may cover more than before: whoever waits is looked at.
pub(crate) fn wake(tx: &mut Tx<'_>) -> Result<(), Interrupt> {
    if load(tx)?.waiting == 0 {
        return Ok(());
    }
    let now = tx.now();
    tx.schedule(now, "reserve", &Command::Fact(Fact::Due(Due::Reserve)))
}

/// Sends the next payouts in the line, as far as the reserve covers them and the rules still allow them.
pub(crate) fn step(cx: &mut Context<'_, '_>) -> Result<(), Interrupt> {
    // What all of them need is the step's own: it breaks here, once, and not at each payout.
    free(cx.tx)?;
    let own = |id: &str| {
        let payout = id.to_owned();
        (format!("reserve/{id}"), Due::WaitingPayout { payout })
    };
    let range = ("", "~");
    if alone::in_turn::<Payout>(cx, "waiting", range, PAYOUTS_PER_STEP, own, take_turn)? {
        wake(cx.tx)?;
    }
    Ok(())
}

fn take_turn(cx: &mut Context<'_, '_>, id: &str) -> Result<Turn, Interrupt> {
    let payout = cx.tx.expect::<Payout>(id)?;
    if payout.status != PayoutStatus::WaitingForReserve {
        return Ok(Turn::Taken);
    }
    if !covers(cx.tx, payout.amount)? {
        return Ok(Turn::Waits);
    }
    payout::release(cx, &payout)?;
    Ok(Turn::Taken)
}

/// A payout broke at its turn: breaks again as long as it would, and then the line is gone through in its order.
pub(crate) fn look_alone(cx: &mut Context<'_, '_>, id: &str) -> Result<(), Interrupt> {
    let payout = cx.tx.expect::<Payout>(id)?;
    if payout.status != PayoutStatus::WaitingForReserve {
        return Ok(());
    }
    cx.rehearse(|cx| {
        covers(cx.tx, payout.amount)?;
        payout::release(cx, &payout)
    })?;
    wake(cx.tx)
}
