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

/// Rows read at a time.
const PAGE: usize = 1_000;

/// Open buckets of a merchant, oldest settlement date first: all of them. There are as many as business dates
/// lie between takings and their settlement, and more of a merchant that is suspended, whose buckets stay open.
pub(crate) fn open_of(tx: &mut Tx<'_>, merchant: &str) -> Result<Vec<Arc<Bucket>>, Interrupt> {
    let end = format!("{merchant}0");
    let mut from = format!("{merchant}/");
    let mut buckets = Vec::new();
    loop {
        let page = tx.scan::<Bucket>("merchant", &from, &end, PAGE)?;
        let full = page.len() == PAGE;
        if let Some(last) = page.last() {
            // Greater than this key and not greater than any other.
            from = format!("{}\u{1}", last.key);
        }
        buckets.extend(page);
        if !full {
            return Ok(buckets);
        }
    }
}
