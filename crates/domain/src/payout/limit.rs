//! What a merchant is paid out without a second person.

use super::{CreatePayout, SmallPayouts};
use crate::authorise::is_merchant;
use crate::booking::plus;
use crate::context::{Context, Settings};
use crate::merchant::Merchant;
use engine::{Actor, Interrupt, Tx};
use money::Money;

/// Why a payout needs a second person, if it does: by itself, with what went out today without one, or
/// because of the account it goes to.
pub(crate) fn needs_second_person(
    settings: &Settings,
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &CreatePayout,
) -> Result<Option<&'static str>, Interrupt> {
    if command.amount.amount() > settings.payout_approval_above.amount() {
        return Ok(Some("a payout above the limit"));
    }
    // One person of the institution would send anybody's money anywhere. A merchant disposes of its own,
    // and who its payee is, it cannot state.
    if !is_merchant(actor)
        && let Some(payee) = &command.payee
        && let Some(merchant) = tx.get::<Merchant>(&command.merchant)?
        && !payee.is_on_file(merchant.settlement_account.as_ref())
    {
        return Ok(Some(
            "a payout to an account that is not the merchant's on file",
        ));
    }
    let before = today(tx, &command.merchant)?.map_or(0, |sum| sum.amount());
    let after = before.saturating_add(command.amount.amount());
    let limit = settings.payout_approval_above_per_day.amount();
    Ok((after > limit).then_some("payouts of one day that together are above the limit"))
}

/// Counts a payout towards the merchant's sum of the day, unless a second person answers for it.
pub(super) fn count(cx: &mut Context<'_, '_>, command: &CreatePayout) -> Result<(), Interrupt> {
    if needs_second_person(cx.settings, cx.tx, cx.actor, command)?.is_some() {
        return Ok(());
    }
    let sum = match today(cx.tx, &command.merchant)? {
        Some(sum) => plus(sum, command.amount)?,
        None => command.amount,
    };
    let business_date = cx.tx.business_date();
    cx.tx.put(SmallPayouts {
        merchant: command.merchant.clone(),
        business_date,
        sum,
    })
}

fn today(tx: &mut Tx<'_>, merchant: &str) -> Result<Option<Money>, Interrupt> {
    let date = tx.business_date();
    let known = tx.get::<SmallPayouts>(merchant)?;
    Ok(known
        .filter(|known| known.business_date == date)
        .map(|known| known.sum))
}
