//! What the rules are asked about merchants and about paying them.

use super::{AccountOwner, BankAccount, Merchant, Profile};
use crate::context::Context;
use crate::regulation::{self, Question, Ruling};
use crate::rejection::{Refusable, Rejection};
use crate::text;
use calendar::{BusinessDate, SettlementCycle, shanghai_date};
use compliance::Action;
use jiff::Timestamp;
use std::sync::Arc;

/// Whether a merchant of this profile, who is settled to this account, may be served.
pub(super) fn onboard(
    cx: &mut Context<'_, '_>,
    profile: &Profile,
    account: Option<&BankAccount>,
) -> Refusable<Arc<Ruling>> {
    // Who gets the money is dealt with as much as who earns it.
    let listed = match account {
        Some(account) if account.is_of_listed() => Some(true),
        _ => profile.listed,
    };
    let question = profile
        .onboarding(&cx.settings.institution)
        .maybe("party_on_list", listed);
    regulation::decide(cx, question)
}

/// Whether takings may be settled to an account on these terms; asked when there is an account.
pub(super) fn settle(
    cx: &mut Context<'_, '_>,
    profile: &Profile,
    account: Option<&BankAccount>,
    cycle: SettlementCycle,
    since: Timestamp,
) -> Refusable<Option<Arc<Ruling>>> {
    let Some(account) = account else {
        return Ok(None);
    };
    let age = shanghai_date(since).days_until(shanghai_date(cx.tx.now()));
    let question = Question::new(Action::Settle)
        .with("service", "settlement")
        .with("settlement_cycle", cycle.to_string())
        .with("merchant.age_days", i64::from(age))
        .maybe(
            "merchant.normal_trading_days",
            profile.trading_days.map(i64::from),
        );
    regulation::decide(cx, account.state(question)).map(Some)
}

impl BankAccount {
    /// States whose account it is.
    pub(crate) fn state<'q>(&self, question: Question<'q>) -> Question<'q> {
        let owner = self.owner.map(|owner| match owner {
            AccountOwner::Merchant => "merchant",
            AccountOwner::Platform => "platform",
            AccountOwner::Designated => "designated",
        });
        question
            .maybe("payee_account_owner", owner)
            .maybe("documented_fund_management", self.documented)
    }
}

impl Merchant {
    /// Whose counter a kind of bucket means for a payment to this merchant.
    pub(crate) fn subject(&self, bucket: &str) -> Option<String> {
        match bucket {
            "merchant" => Some(self.id.clone()),
            "merchant_document" => self.profile.owner.clone(),
            _ => None,
        }
    }
}

/// Checks the texts of a profile, of a merchant of a group or of none.
pub(super) fn check(profile: &Profile, group: Option<&str>) -> Result<(), Rejection> {
    if let Some(province) = &profile.province {
        known("profile.province", "merchant.province", province)?;
    }
    if let Some(owner) = &profile.owner {
        text::number("profile.owner", owner)?;
        if is_identity_number(owner) {
            // It is kept and shown in clear, and is the key of a counter.
            return Err(Rejection::field(
                "profile.owner",
                "this has the form of an identity number: state a reference of your own for the owner",
            ));
        }
        if group.is_none() {
            // Its merchants would be counted apart, each with the whole figure.
            return Err(Rejection::field(
                "profile.owner",
                "limits add up an owner's merchants of one group: open this merchant, and the owner's \
                 others, in a group",
            ));
        }
    }
    let outsourced = profile.outsourced.iter().flatten();
    if outsourced.clone().count() > 20 {
        return Err(Rejection::field(
            "profile.outsourced",
            "at most 20 functions",
        ));
    }
    for (position, function) in outsourced.enumerate() {
        let field = format!("profile.outsourced[{position}]");
        known(&field, "outsourced", function)?;
    }
    Ok(())
}

/// Whether a text is a resident identity number (GB 11643): an area, the date of birth, a sequence and the
/// check character of ISO 7064 MOD 11-2. A unified social credit code has 18 places too, but no date.
fn is_identity_number(text: &str) -> bool {
    let [digits @ .., check] = text.as_bytes() else {
        return false;
    };
    if digits.len() != 17 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let value = |digit: &u8| u32::from(digit - b'0');
    let remainder = digits
        .iter()
        .fold(0, |sum, digit| (sum + value(digit)) * 2 % 11);
    let expected = match (12 - remainder) % 11 {
        10 => Some('X'),
        digit => char::from_digit(digit, 10),
    };
    let born = text
        .get(6..14)
        .and_then(|date| BusinessDate::from_yyyymmdd(date.parse().ok()?).ok());
    expected == Some(char::from(check.to_ascii_uppercase()))
        && born.is_some_and(|date| (1800..2200).contains(&date.year()))
}

/// A word that the rules do not know would count as harmless.
fn known(field: &str, fact: &str, word: &str) -> Result<(), Rejection> {
    text::number(field, word)?;
    compliance::spelled(fact, word)
        .map(|_| ())
        .map_err(|error| Rejection::field(field, error.to_string()))
}
