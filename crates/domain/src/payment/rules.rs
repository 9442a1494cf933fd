//! What the rules are asked about a payment.

use super::{CreatePayment, FundSource, Payment};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::regulation::{self, Question, Ruling};
use crate::rejection::Refusable;
use calendar::BusinessDate;
use channels::operation::Channel;
use compliance::Action;
use engine::Interrupt;
use std::sync::Arc;

/// Whether an order may be taken.
pub(super) fn take(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    command: &CreatePayment,
) -> Refusable<Arc<Ruling>> {
    let subject = |bucket: &str| merchant.subject(bucket);
    let question = order(command.channel, command.source).counting(command.amount, &subject);
    let question = merchant.profile.state(&cx.settings.institution, question);
    regulation::decide(cx, question)
}

/// Counts a payment by what it was paid from, which is not what its order said. Nothing is refused.
pub(super) fn count_as(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    payment: &Payment,
    source: FundSource,
    paid_on: BusinessDate,
) -> Result<Option<Arc<Ruling>>, Interrupt> {
    let Some(ruling) = &payment.decision else {
        return Ok(None);
    };
    let paid = payment.paid_amount()?;
    let subject = |bucket: &str| merchant.subject(bucket);
    let question = order(payment.channel, Some(source)).counting(paid, &subject);
    let question = merchant.profile.state(&cx.settings.institution, question);
    regulation::count_fact(cx, &question, ruling, (paid, paid_on)).map(Some)
}

/// A code of the merchant, made for this order, that the payer scans.
fn order<'q>(channel: Channel, source: Option<FundSource>) -> Question<'q> {
    Question::new(Action::BarcodePayment)
        .with("service", "code_acquiring")
        .over(channel)
        .with("code", "dynamic")
        .with("code_owner", "merchant")
        .with("payee.business_activity", true)
        // Merchant, number and amount go with every order; the account side adds the payer.
        .with("instruction_complete", true)
        .maybe("source", source.map(FundSource::word))
}
