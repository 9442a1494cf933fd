//! The payment's one timer: asks the channel while the payer has not paid, so that a lost
//! notification is found, and closes the order when its time is over.

use super::ending::start_closing;
use super::{CloseReason, Payment, ask};
use crate::command::{Command, Due, Fact};
use crate::context::Context;
use engine::{Interrupt, Tx};
use jiff::{SignedDuration, Timestamp};

/// Pauses between questions in seconds; the last one repeats.
const PAUSES: [i64; 7] = [30, 30, 60, 180, 600, 1_200, 1_800];

/// By id: timers of neighbours in time are neighbours in the database, and a new one needs no look-up.
fn key(payment: &Payment) -> String {
    format!("payment/{}", payment.id)
}

/// Sets the timer of a payment whose id this command has issued.
pub(super) fn start(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), Interrupt> {
    let (due, command) = next(tx, payment);
    tx.schedule_new(due, &key(payment), &command)
}

/// Sets the timer to the next question or to the end of the order, whichever is first.
pub(super) fn schedule(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), Interrupt> {
    let (due, command) = next(tx, payment);
    tx.schedule(due, &key(payment), &command)
}

/// When the timer is due next, and its command.
fn next(tx: &Tx<'_>, payment: &Payment) -> (Timestamp, Command) {
    let index = usize::try_from(payment.polls)
        .unwrap_or(usize::MAX)
        .min(PAUSES.len() - 1);
    let pause = PAUSES.get(index).copied().unwrap_or(1_800);
    let now = tx.now();
    let mut due = now + SignedDuration::from_secs(pause);
    if payment.expires_at > now {
        due = due.min(payment.expires_at);
    }
    let command = Command::Fact(Fact::Due(Due::Payment {
        payment: payment.id.clone(),
    }));
    (due, command)
}

/// The payment has ended; nothing is to be asked.
pub(super) fn cancel(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), Interrupt> {
    tx.cancel(&key(payment))
}

/// The timer fired.
pub(crate) fn due(cx: &mut Context<'_, '_>, id: &str) -> Result<(), Interrupt> {
    let Some(payment) = cx
        .tx
        .get::<Payment>(id)?
        .filter(|payment| payment.status.is_open())
    else {
        return Ok(());
    };
    let mut payment = (*payment).clone();
    let now = cx.tx.now();
    payment.polls = payment.polls.saturating_add(1);
    if now >= payment.expires_at && payment.close_reason.is_none() {
        // The pauses start again: from here on the channel is asked whether the order is closed.
        payment.polls = 0;
        return start_closing(cx.tx, payment, CloseReason::Expired);
    }
    schedule(cx.tx, &payment)?;
    ask(cx.tx, payment)
}
