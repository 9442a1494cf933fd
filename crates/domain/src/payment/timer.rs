//! The payment's one timer: asks the channel while the payer has not paid, so that a lost
//! notification is found, and closes the order when its time is over.

use super::ending::start_closing;
use super::{CloseReason, Payment, ask};
use crate::command::{Command, Due, Fact};
use crate::context::Context;
use engine::{Interrupt, Tx};
use jiff::SignedDuration;

/// Pauses between questions in seconds; the last one repeats.
const PAUSES: [i64; 7] = [30, 30, 60, 180, 600, 1_200, 1_800];

/// By order number and not by id, so that the batch of a new order can look for it beforehand.
pub(crate) fn key(merchant: &str, order_number: &str) -> String {
    format!("payment/{merchant}/{order_number}")
}

/// Sets the timer to the next question or to the end of the order, whichever is first.
pub(super) fn schedule(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), Interrupt> {
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
    tx.schedule(
        due,
        &key(&payment.merchant, &payment.order_number),
        &command,
    )
}

/// The payment has ended; nothing is to be asked.
pub(super) fn cancel(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), Interrupt> {
    tx.cancel(&key(&payment.merchant, &payment.order_number))
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
