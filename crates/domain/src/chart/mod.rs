//! Chart of accounts: the institution's own accounts in each shard, and whose accounts are whose.

mod command;
mod movement;
mod ownership;
mod record;

pub use command::SetUp;
pub use movement::Movement;
pub use ownership::BusinessAccounts;
pub(crate) use ownership::{Ownership, claim};
pub use record::{ChannelAccounts, Chart, MerchantAccounts};

use crate::context::Context;
use crate::rejection::{Refusable, Rejection, broken};
use crate::rule_packs;
use engine::{Interrupt, Tx};
use ledger::{AccountId, AccountKind, NewAccount};
use money::Currency;
use std::sync::Arc;

/// The chart, which every command but [`SetUp`] needs.
pub(crate) fn of(tx: &mut Tx<'_>) -> Result<Arc<Chart>, Interrupt> {
    tx.expect::<Chart>(Chart::KEY)
}

/// Opens the internal accounts, under the first rules; the second time it answers what is there.
pub(crate) fn set_up(cx: &mut Context<'_, '_>, command: &SetUp) -> Refusable<Arc<Chart>> {
    if let Some(chart) = cx.tx.get::<Chart>(Chart::KEY)? {
        if chart.currency != command.currency {
            return Err(Rejection::already_exists("chart of accounts", "currency").into());
        }
        rule_packs::begin(cx, &command.packs)?;
        return Ok(chart);
    }
    rule_packs::begin(cx, &command.packs)?;
    let currency = command.currency;
    let tx = &mut *cx.tx;
    // Facts must always find room: what comes from or goes to the outside may go below zero, so that
    // the books show what happened before anybody explains it.
    let chart = Chart {
        currency,
        reserve: open(tx, "RSV", AccountKind::Asset, true, currency)?,
        wechat: open_channel(tx, "wechat", currency)?,
        unionpay: open_channel(tx, "unionpay", currency)?,
        fee_income: open(tx, "FEE", AccountKind::Income, true, currency)?,
        own_money: open(tx, "OWN", AccountKind::Asset, true, currency)?,
        differences: open(tx, "DIF", AccountKind::Liability, true, currency)?,
        suspense: open(tx, "SUS", AccountKind::Liability, true, currency)?,
        created_at: tx.now(),
    };
    tx.put(chart)?;
    Ok(of(tx)?)
}

fn open_channel(
    tx: &mut Tx<'_>,
    name: &str,
    currency: Currency,
) -> Result<ChannelAccounts, Interrupt> {
    Ok(ChannelAccounts {
        receivable: open(
            tx,
            &format!("CHN:{name}"),
            AccountKind::Asset,
            true,
            currency,
        )?,
        cost: open(
            tx,
            &format!("COST:{name}"),
            AccountKind::Expense,
            true,
            currency,
        )?,
    })
}

/// Opens the four accounts of a merchant. None may go below zero: they hold what is owed.
pub(crate) fn open_merchant(
    tx: &mut Tx<'_>,
    merchant: &str,
    currency: Currency,
) -> Result<MerchantAccounts, Interrupt> {
    let liability = AccountKind::Liability;
    Ok(MerchantAccounts {
        payable: open(tx, &format!("MS:{merchant}"), liability, false, currency)?,
        payout_in_transit: open(tx, &format!("TRN:{merchant}"), liability, false, currency)?,
        refund_in_transit: open(tx, &format!("RFD:{merchant}"), liability, false, currency)?,
        escrow: open(tx, &format!("ESC:{merchant}"), liability, false, currency)?,
    })
}

fn open(
    tx: &mut Tx<'_>,
    name: &str,
    kind: AccountKind,
    may_go_negative: bool,
    currency: Currency,
) -> Result<AccountId, Interrupt> {
    let new = NewAccount {
        name: name.to_owned(),
        kind,
        currency,
        may_go_negative,
    };
    let id = tx
        .open_account(&new)?
        .map_err(|_| broken(format!("account {name} exists outside the chart")))?;
    claim(tx, id)?;
    Ok(id)
}
