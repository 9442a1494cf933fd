//! From a movement with a name to transfers in the ledger.

use crate::chart::Movement;
use crate::clearing::AMOUNT_MAX;
use crate::rejection::broken;
use engine::{Interrupt, PostStop, Tx};
use ledger::{AccountId, Transfer};
use money::{Currency, Money};

/// One movement of money: 借 debit, 贷 credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leg {
    pub movement: Movement,
    pub debit: AccountId,
    pub credit: AccountId,
    pub amount: Money,
}

/// Posts the legs, all or none; a leg of nothing is left out.
pub(crate) fn post(tx: &mut Tx<'_>, legs: &[Leg], reference: &str) -> Result<(), PostStop> {
    let transfers: Vec<Transfer> = legs
        .iter()
        .filter(|leg| !leg.amount.is_zero())
        .map(|leg| Transfer {
            id: tx.new_transfer_id(),
            debit: leg.debit,
            credit: leg.credit,
            amount: leg.amount,
            code: leg.movement.code(),
        })
        .collect();
    if transfers.is_empty() {
        return Ok(());
    }
    tx.post(&transfers, Some(reference)).map(|_| ())
}

/// Posts the legs of a fact. The caller has made sure that the accounts take them; a refusal by
/// the ledger is therefore a defect, not an answer.
pub(crate) fn post_fact(tx: &mut Tx<'_>, legs: &[Leg], reference: &str) -> Result<(), Interrupt> {
    post(tx, legs, reference).map_err(|stop| match stop {
        PostStop::Refused(error) => broken(format!("posting of {reference}: {error}")),
        PostStop::Interrupted(interrupt) => interrupt,
    })
}

/// Whether an account still takes postings.
pub(crate) fn is_open(tx: &mut Tx<'_>, account: AccountId) -> Result<bool, Interrupt> {
    Ok(tx.account(account)?.is_some_and(|state| !state.closed))
}

/// What an account has and does not hold back, in minor units.
pub(crate) fn available(tx: &mut Tx<'_>, account: AccountId) -> Result<i64, Interrupt> {
    Ok(tx.account(account)?.map_or(0, |state| state.available()))
}

/// What of an amount an account can give.
pub(crate) fn covered(
    tx: &mut Tx<'_>,
    account: AccountId,
    amount: Money,
) -> Result<Money, Interrupt> {
    let there = available(tx, account)?.max(0);
    Ok(smaller(amount, Money::new(there, amount.currency())))
}

/// Sum of two amounts that the books keep in one currency.
pub(crate) fn plus(left: Money, right: Money) -> Result<Money, Interrupt> {
    left.checked_add(right).map_err(broken)
}

/// Difference of two amounts that the books keep in one currency.
pub(crate) fn minus(left: Money, right: Money) -> Result<Money, Interrupt> {
    left.checked_sub(right).map_err(broken)
}

/// What a case is about where another amount was moved than was asked for: what was moved, or what lies between the
/// two where that is more. The latter stands in the differences, and has to have room to be taken out of them.
pub(crate) fn at_stake(asked: Money, moved: Money) -> Result<Money, Interrupt> {
    let common = smaller(asked, moved);
    let between = plus(minus(asked, common)?, minus(moved, common)?)?;
    Ok(larger(moved, between))
}

/// Whether the books can take an amount that a channel states: in their currency, above nothing, and not beyond
/// all money. Totals of accounts only grow, so that one statement of nonsense would leave no room for others.
pub(crate) fn is_bookable(amount: Money, currency: Currency) -> bool {
    amount.currency() == currency && (1..=AMOUNT_MAX).contains(&amount.amount())
}

/// The larger of two amounts of one currency.
fn larger(left: Money, right: Money) -> Money {
    if left.amount() >= right.amount() {
        left
    } else {
        right
    }
}

/// The smaller of two amounts of one currency.
pub(crate) fn smaller(left: Money, right: Money) -> Money {
    if left.amount() <= right.amount() {
        left
    } else {
        right
    }
}
