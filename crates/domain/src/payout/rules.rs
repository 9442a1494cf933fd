//! What the rules are asked about a payout.

use crate::context::Context;
use crate::launch::{self, Product};
use crate::merchant::{AccountOwner, BankAccount, Merchant};
use crate::regulation::{self, Question, Ruling};
use crate::rejection::Refusable;
use calendar::shanghai_datetime;
use compliance::{Action, Value};
use money::Money;
use std::sync::Arc;

/// Whether a merchant's settled money may leave the reserve for an account.
pub(super) fn ask(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    payee: &BankAccount,
    amount: Money,
) -> Refusable<Arc<Ruling>> {
    launch::require(cx, Product::payouts(cx.settings.payout_channel))?;
    let clock = shanghai_datetime(cx.tx.now());
    let minute = i64::from(clock.hour()) * 60 + i64::from(clock.minute());
    let subject = |bucket: &str| merchant.subject(bucket);
    let question = Question::new(Action::Payout)
        .with("service", "payout")
        .over(cx.settings.payout_channel)
        .with("purpose", "settlement")
        // Only what is settled is paid out, so nobody lends; and the merchant agreed or asks.
        .with("funding", "none")
        .with("from_central_reserve", true)
        .with("from_reserve", true)
        .with("user_instruction", true)
        .maybe("party_on_list", listed(merchant, payee))
        .varying("time", Value::Number(minute))
        .counting(amount, &subject);
    regulation::decide(cx, payee.state(question))
}

/// Whether somebody who is paid is listed; not known as long as one of them was not looked up.
fn listed(merchant: &Merchant, payee: &BankAccount) -> Option<bool> {
    let known = [
        merchant.profile.listed,
        match payee.owner {
            Some(AccountOwner::Merchant) => merchant.profile.listed,
            _ => payee.listed,
        },
    ];
    if known.contains(&Some(true)) {
        return Some(true);
    }
    known.iter().all(Option::is_some).then_some(false)
}
