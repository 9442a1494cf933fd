//! Settlement: what is due to merchants at the turn of a day is settled and paid out.
//!
//! A merchant's payable balance is the sum of its open buckets and of what is settled but not paid
//! out; the latter is never stored but derived, so the two cannot disagree. Settling takes the due
//! buckets and pays out what the balance covers; the rest is carried forward by staying where it is.
//!
//! Cost: one command settles at most [`MERCHANTS_PER_STEP`] merchants and continues in another; other
//! commands run between. The cursor moves over a fixed order and not over a page of a shrinking list.
//!
//! A step reads index entries; whatever is a merchant's own is read where it breaks for that merchant only, which is then
//! settled [by itself](crate::alone), on the business date on which that goes through.

mod bucket;
mod record;

pub(crate) use bucket::add;
pub use record::{Bucket, Item, Settlement, SettlementRun};

use crate::alone;
use crate::booking::{minus, plus, smaller};
use crate::case::{self, CaseKind, Finding};
use crate::chart;
use crate::closing::{self, Figure};
use crate::command::{Command, Due, Fact};
use crate::context::Context;
use crate::merchant::{Merchant, MerchantStatus};
use crate::payout::{self, Origin};
use crate::rejection::broken;
use crate::webhook::{self, EventType};
use engine::{Interrupt, RecordKey, Stop, Tx};
use money::Money;
use std::sync::Arc;

/// Merchants settled by one command.
pub const MERCHANTS_PER_STEP: usize = 50;

/// Rows that a step leaves for one more merchant: years of open buckets and what settling them writes.
const ROWS_OF_A_MERCHANT: usize = 4_000;

/// Starts (or starts again) the settlement of the current business date.
pub(crate) fn start(tx: &mut Tx<'_>) -> Result<(), Interrupt> {
    let date = tx.business_date().to_string();
    let started_at = tx.now();
    tx.put(SettlementRun {
        date,
        cursor: String::new(),
        settled: 0,
        passed_over: 0,
        finished: false,
        started_at,
    })?;
    continue_later(tx)
}

fn continue_later(tx: &mut Tx<'_>) -> Result<(), Interrupt> {
    let now = tx.now();
    tx.schedule(
        now,
        "settlement",
        &Command::Fact(Fact::Due(Due::Settlement)),
    )
}

/// Settles the next merchants of the running date.
pub(crate) fn step(cx: &mut Context<'_, '_>) -> Result<(), Interrupt> {
    let date = cx.tx.business_date();
    let Some(run) = cx
        .tx
        .get::<SettlementRun>(&date.to_string())?
        .filter(|run| !run.finished)
    else {
        return Ok(());
    };
    // What all of them need is the step's own: it breaks here, once, and not at each merchant.
    closing::figures(cx.tx)?;
    let mut run = (*run).clone();
    // Buckets due on the new date itself were filled on earlier dates, unless takings are due on the
    // day they come in: those that grow now are left to the next turn.
    let end = format!("{}/", date.next());
    let due = cx
        .tx
        .entries::<Bucket>("due", (&run.cursor, &end), None, MERCHANTS_PER_STEP)?;
    run.finished = due.len() < MERCHANTS_PER_STEP;
    let mut merchants: Vec<(String, String)> = Vec::new();
    let mut rows = Vec::new();
    for (value, key) in due {
        // Greater than this value and not greater than any other.
        run.cursor = format!("{value}\u{1}");
        if let Some((merchant, business_date)) = Bucket::parts(&key)
            && business_date < date
        {
            rows.extend([
                RecordKey::of::<Bucket>(&key),
                RecordKey::of::<Merchant>(merchant),
            ]);
            if !merchants.iter().any(|(known, _)| known == merchant) {
                merchants.push((merchant.to_owned(), value));
            }
        }
    }
    cx.tx.preload(&rows);
    for (merchant, first_due) in merchants {
        // Years of buckets of the merchants before it: the next step begins with this one.
        if cx.tx.rows_left() < ROWS_OF_A_MERCHANT {
            run.cursor = first_due;
            run.finished = false;
            break;
        }
        let timer = format!("settlement/{merchant}");
        let alone = Due::MerchantSettlement {
            merchant: merchant.clone(),
        };
        match alone::apart(cx, &timer, alone, |cx| settle_due(cx, &merchant))? {
            Some(Taken::Settled) => run.settled += 1,
            Some(Taken::PassedOver) => run.passed_over += 1,
            Some(Taken::Nothing) | None => {}
        }
    }
    let finished = run.finished;
    cx.tx.put(run)?;
    if finished {
        Ok(())
    } else {
        continue_later(cx.tx)
    }
}

/// What settlement did about a merchant.
enum Taken {
    Settled,
    /// It is suspended: its buckets stay open.
    PassedOver,
    /// It has been settled already.
    Nothing,
}

/// Settles a merchant that broke in a step. Nothing happens where a later step has settled it.
pub(crate) fn settle_alone(cx: &mut Context<'_, '_>, merchant: &str) -> Result<(), Interrupt> {
    settle_due(cx, merchant).map(|_| ())
}

fn settle_due(cx: &mut Context<'_, '_>, merchant: &str) -> Result<Taken, Interrupt> {
    let date = cx.tx.business_date();
    let merchant = cx.tx.expect::<Merchant>(merchant)?;
    let mut due = bucket::open_of(cx.tx, &merchant.id)?;
    due.retain(|bucket| bucket.settlement_date <= date && bucket.business_date < date);
    if due.is_empty() {
        return Ok(Taken::Nothing);
    }
    if merchant.status == MerchantStatus::Suspended {
        return Ok(Taken::PassedOver);
    }
    settle(cx, &merchant, &due)?;
    Ok(Taken::Settled)
}

/// Settled but not paid out: what the balance has beyond the open buckets; may be below nothing.
pub(crate) fn settled_unpaid(tx: &mut Tx<'_>, merchant: &Merchant) -> Result<Money, Interrupt> {
    let currency = chart::of(tx)?.currency;
    let state = tx
        .account(merchant.accounts.payable)?
        .ok_or_else(|| broken("a merchant's account is gone"))?;
    let mut rest = Money::new(state.balance(), currency);
    for bucket in bucket::open_of(tx, &merchant.id)? {
        rest = minus(rest, bucket.net)?;
    }
    Ok(rest)
}

/// What may be paid out now: settled, and there.
pub(crate) fn payable_now(tx: &mut Tx<'_>, merchant: &Merchant) -> Result<Money, Interrupt> {
    let settled = settled_unpaid(tx, merchant)?;
    let available = crate::booking::available(tx, merchant.accounts.payable)?;
    let possible = smaller(settled, Money::new(available, settled.currency()));
    Ok(if possible.is_negative() {
        Money::zero(possible.currency())
    } else {
        possible
    })
}

/// Settles what is due to one merchant.
fn settle(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    due: &[Arc<Bucket>],
) -> Result<(), Interrupt> {
    let date = cx.tx.business_date();
    let id = cx.tx.new_id("set");
    let brought_forward = settled_unpaid(cx.tx, merchant)?;
    let mut settlement = Settlement {
        id: id.clone(),
        merchant: merchant.id.clone(),
        business_date: date,
        buckets: Vec::new(),
        items: Default::default(),
        net: Money::zero(brought_forward.currency()),
        brought_forward,
        paid_out: Money::zero(brought_forward.currency()),
        carried_forward: brought_forward,
        payout: None,
        created_at: cx.tx.now(),
    };
    for bucket in due {
        take(cx.tx, &mut settlement, bucket)?;
    }
    if merchant.automatic_payout {
        pay_out(cx, merchant, &mut settlement)?;
    }
    let all = plus(settlement.brought_forward, settlement.net)?;
    settlement.carried_forward = minus(all, settlement.paid_out)?;
    closing::count(cx.tx, &[(Figure::Settlements, Some(settlement.net))])?;
    webhook::notify(
        cx.tx,
        &merchant.id,
        EventType::SettlementCompleted,
        &id,
        &settlement,
    )?;
    cx.tx.put_new(settlement)
}

fn take(
    tx: &mut Tx<'_>,
    settlement: &mut Settlement,
    bucket: &Arc<Bucket>,
) -> Result<(), Interrupt> {
    let mut bucket = (**bucket).clone();
    for (item, amount) in &bucket.items {
        let sum = settlement
            .items
            .entry(*item)
            .or_insert(Money::zero(amount.currency()));
        *sum = plus(*sum, *amount)?;
    }
    settlement.net = plus(settlement.net, bucket.net)?;
    settlement.buckets.push(bucket.key.clone());
    bucket.settlement = Some(settlement.id.clone());
    tx.put(bucket)
}

fn pay_out(
    cx: &mut Context<'_, '_>,
    merchant: &Merchant,
    settlement: &mut Settlement,
) -> Result<(), Interrupt> {
    let amount = payable_now(cx.tx, merchant)?;
    if !amount.is_positive() {
        return Ok(());
    }
    let Some(account) = &merchant.settlement_account else {
        let reason =
            "the merchant is due but has no settlement account: add one, then request a payout"
                .to_owned();
        let finding = Finding {
            kind: CaseKind::NoSettlementAccount,
            object: &merchant.id,
            merchant: Some(&merchant.id),
            reason,
            amount: Some(amount),
        };
        return case::open(cx.tx, finding).map(|_| ());
    };
    let origin = Origin::Settlement {
        settlement: settlement.id.clone(),
    };
    match payout::create_settled(cx, merchant, account, amount, origin) {
        Ok(id) => {
            settlement.payout = Some(id);
            settlement.paid_out = amount;
            Ok(())
        }
        Err(Stop::Interrupted(interrupt)) => Err(interrupt),
        // Settlement itself is a fact; the money stays the merchant's until the reason is removed.
        Err(Stop::Refused(rejection)) => {
            let finding = Finding {
                kind: CaseKind::PayoutRefused,
                object: &merchant.id,
                merchant: Some(&merchant.id),
                reason: format!("the settled money is not paid out: {rejection}"),
                amount: Some(amount),
            };
            case::open(cx.tx, finding).map(|_| ())
        }
    }
}

/// Ends all buckets of a merchant whose accounts are empty, before they are closed.
pub(crate) fn close_all(tx: &mut Tx<'_>, merchant: &Merchant) -> Result<(), Interrupt> {
    for bucket in bucket::open_of(tx, &merchant.id)? {
        let mut bucket = (*bucket).clone();
        bucket.settlement = Some("closed".to_owned());
        tx.put(bucket)?;
    }
    Ok(())
}
