//! What the rules are asked about a payment.

use super::{CreatePayment, FundSource};
use crate::context::Context;
use crate::merchant::Merchant;
use crate::regulation::{self, Question, Ruling};
use crate::rejection::Refusable;
use compliance::Action;
use std::sync::Arc;

/// Whether an order may be taken: a code of the merchant, made for this order, that the payer scans.
pub(super) fn take(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    command: &CreatePayment,
) -> Refusable<Arc<Ruling>> {
    let institution = &cx.settings.institution;
    let source = command.source.map(|source| match source {
        FundSource::BankAccount => "bank_account",
        FundSource::CreditCard => "credit_card",
        FundSource::PaymentAccountBalance => "payment_account_balance",
        FundSource::Prepaid => "prepaid",
    });
    let subject = |bucket: &str| merchant.subject(bucket);
    let question = Question::new(Action::BarcodePayment)
        .with("service", "code_acquiring")
        .over(command.channel)
        .with("code", "dynamic")
        .with("code_owner", "merchant")
        .with("payee.business_activity", true)
        // Merchant, number and amount go with every order; the account side adds the payer.
        .with("instruction_complete", true)
        .maybe("source", source)
        .counting(command.amount, &subject);
    let question = merchant.profile.state(institution, question);
    regulation::decide(cx, question)
}
