//! What the rules are asked about a refund.

use crate::context::Context;
use crate::merchant::Merchant;
use crate::payment::Payment;
use crate::regulation::{self, Question, Ruling};
use crate::rejection::Refusable;
use compliance::Action;
use std::sync::Arc;

/// Whether a payment may be given back, by the way it came.
pub(super) fn ask(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    payment: &Payment,
) -> Refusable<Arc<Ruling>> {
    let question = Question::new(Action::Refund)
        .with("service", "refund")
        .over(payment.channel)
        .with("method", "original_route")
        .with("destination", "original_account")
        .with("destination_owner", "payer")
        .with("linked_to_original", true)
        .maybe("party_on_list", merchant.profile.listed);
    regulation::decide(cx, question)
}
