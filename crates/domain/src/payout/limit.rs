//! What a merchant pays out without a second person.

use super::SmallPayouts;
use crate::booking::plus;
use crate::context::{Context, Settings};
use engine::{Interrupt, Tx};
use money::Money;

/// Why a payout needs a second person, if it does: by itself, or with what went out today without one.
pub(crate) fn is_large(
    settings: &Settings,
    tx: &mut Tx<'_>,
    merchant: &str,
    amount: Money,
) -> Result<Option<&'static str>, Interrupt> {
    if amount.amount() > settings.payout_approval_above.amount() {
        return Ok(Some("a payout above the limit"));
    }
    let before = today(tx, merchant)?.map_or(0, |sum| sum.amount());
    let after = before.saturating_add(amount.amount());
    let limit = settings.payout_approval_above_per_day.amount();
    Ok((after > limit).then_some("payouts of one day that together are above the limit"))
}

/// Counts a payout towards the day's sum, unless a second person answers for it.
pub(super) fn count(
    cx: &mut Context<'_, '_>,
    merchant: &str,
    amount: Money,
) -> Result<(), Interrupt> {
    if is_large(cx.settings, cx.tx, merchant, amount)?.is_some() {
        return Ok(());
    }
    let sum = match today(cx.tx, merchant)? {
        Some(sum) => plus(sum, amount)?,
        None => amount,
    };
    let business_date = cx.tx.business_date();
    cx.tx.put(SmallPayouts {
        merchant: merchant.to_owned(),
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
