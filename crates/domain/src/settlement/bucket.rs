//! Every change of a payable balance goes into a bucket in the command that makes it.

use super::{Bucket, Item};
use crate::booking::plus;
use crate::context::Context;
use crate::merchant::Merchant;
use engine::{Interrupt, Tx};
use money::Money;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds changes of today to the merchant's bucket; amounts are signed.
pub(crate) fn add(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    changes: &[(Item, Money)],
) -> Result<(), Interrupt> {
    let business_date = cx.tx.business_date();
    let settlement_date = cx
        .settings
        .calendar
        .settlement_date(business_date, merchant.settlement_cycle);
    let key = format!("{}/{settlement_date}/{business_date}", merchant.id);
    let mut bucket = match cx.tx.get::<Bucket>(&key)? {
        Some(bucket) => (*bucket).clone(),
        None => {
            let Some((_, first)) = changes.first() else {
                return Ok(());
            };
            Bucket {
                key,
                merchant: merchant.id.clone(),
                settlement_date,
                business_date,
                payments: 0,
                items: BTreeMap::new(),
                net: Money::zero(first.currency()),
                settlement: None,
            }
        }
    };
    for (item, amount) in changes {
        if *item == Item::Payment {
            bucket.payments += 1;
        }
        if amount.is_zero() {
            continue;
        }
        let sum = bucket
            .items
            .entry(*item)
            .or_insert(Money::zero(amount.currency()));
        *sum = plus(*sum, *amount)?;
        bucket.net = plus(bucket.net, *amount)?;
    }
    cx.tx.put(bucket)
}

/// Open buckets of a merchant, oldest settlement date first. A cycle has at most 31 dates open, so
/// the bound of a scan is far away.
pub(crate) fn open_of(tx: &mut Tx<'_>, merchant: &str) -> Result<Vec<Arc<Bucket>>, Interrupt> {
    tx.scan::<Bucket>(
        "merchant",
        &format!("{merchant}/"),
        &format!("{merchant}0"),
        1_000,
    )
}
