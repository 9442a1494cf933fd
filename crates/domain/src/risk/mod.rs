//! Signs of risk: what a payment, a refund or a payout shows of its merchant and its payer, and what follows.
//!
//! A payment, refund or payout is counted in its own command, and the signs of `compliance::risk` are read
//! from the counts there. A sign that is seen becomes a [`RiskSignal`] with a case; nothing happens silently.
//! One that only flags is shown. One that holds keeps the merchant's payouts, also those of settlements, as
//! *held*: the money stands in transit and nothing is sent until people clear every sign that holds, or
//! cancel the payout. Payments and refunds go on: they are facts, or the payer's right.
//!
//! A sign is raised once a Shanghai day and subject, and again only if it grows from a flag to a hold. What a
//! person cleared stays cleared for the day.
//!
//! Not counted: payments that became known a day late, refunds of late successes and what two people paid to a
//! payer in another way (the institution did them), static codes (no order is taken over one). A payer is
//! known where the channel names it, and only within a shard.
//!
//! Cost of a payment: one record of the merchant and one of the payer. There is one record a merchant, of bounded
//! size; a payer's is removed by [`sweep`] when its hour is over.

mod command;
mod count;
mod decision;
mod payer;
mod raise;
mod record;

pub use command::{DecideSignal, SignalDecision};
pub(crate) use count::{payment_booked, payout_asked, refund_asked};
pub(crate) use decision::{decide, frees_money, let_go, let_go_alone};
pub(crate) use payer::sweep;
pub use payer::{PayerActivity, Sweep};
pub use record::{Decided, MerchantRisk, Raised, RiskSignal, SignalStatus};

use compliance::risk::RiskFigures;
use engine::{Interrupt, Tx};
use std::sync::Arc;

/// Which figures the signs are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RiskSetting {
    /// Those that come with the program.
    #[default]
    Embedded,
    /// The institution's own.
    Own(Arc<RiskFigures>),
    /// Nothing is counted and no sign is raised.
    Off,
}

/// Whether a sign holds a merchant's payouts.
pub(crate) fn holds_payouts(tx: &mut Tx<'_>, merchant: &str) -> Result<bool, Interrupt> {
    let risk = tx.get::<MerchantRisk>(merchant)?;
    Ok(risk.is_some_and(|risk| risk.holds()))
}
