//! Limits that count: how much of a figure a subject has used in a period.
//!
//! A counter has one row per bucket, subject and kind of period, which says for which day, month or year it
//! counts: time never goes back in a shard, so an earlier period is never asked about again. It changes in
//! the command that uses the room, in the one that learns that the room was not used after all, and in the one
//! that learns that it was used on a later day.

use super::question::Question;
use super::record::Ruling;
use super::rulebook::Rulebook;
use calendar::{BusinessDate, shanghai_date};
use compliance::{Packs, Period, definition};
use engine::{Interrupt, Record, Tx};
use money::Money;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What was used of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// `bucket/period/subject`.
    pub key: String,
    /// The day, month or year that is counted.
    pub period: String,
    /// Used in it, minor units.
    pub used: i64,
}

impl Record for Counter {
    const KIND: &'static str = "limit_counter";
    fn key(&self) -> &str {
        &self.key
    }
}

/// A limit that applied to a request, and where it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The rule.
    pub rule: String,
    /// `bucket/period/subject`.
    pub counter: String,
    /// The day, month or year.
    pub period: String,
    /// The figure, minor units.
    pub figure: i64,
    /// Used before, minor units.
    pub used: i64,
    /// A refund gives the room back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refund_gives_back: bool,
}

/// A limit with the counter that belongs to a question.
pub(super) struct LimitState {
    rule: String,
    counter: String,
    period: String,
    /// The fact under which the rule knows what was used.
    pub fact: &'static str,
    /// That.
    pub used: i64,
}

/// The day, month or year that a day belongs to; none for a single payment, which counts nothing.
fn period_of(period: Period, day: BusinessDate) -> Option<(&'static str, String)> {
    match period {
        Period::Single => None,
        Period::Day => Some(("day", day.to_string())),
        Period::Month => Some(("month", format!("{:04}-{:02}", day.year(), day.month()))),
        Period::Year => Some(("year", format!("{:04}", day.year()))),
        Period::Lifetime => Some(("lifetime", "all".to_owned())),
    }
}

fn used(tx: &mut Tx<'_>, counter: &str, period: &str) -> Result<i64, Interrupt> {
    let known = tx.get::<Counter>(counter)?;
    Ok(known
        .filter(|known| known.period == period)
        .map_or(0, |known| known.used))
}

/// The limits that may apply, with what was used. One whose subject is not known stays uncounted: the
/// rule then lacks its fact and asks.
pub(super) fn of_limits(
    tx: &mut Tx<'_>,
    rules: &Rulebook,
    day: BusinessDate,
    question: &Question<'_>,
) -> Result<Vec<LimitState>, Interrupt> {
    let mut states = Vec::new();
    if question.amount.is_none() {
        return Ok(states);
    }
    for rule in rules.limits(question.action, day) {
        let Some(limit) = &rule.limit else { continue };
        let (Some((kind, period)), Some(subject), Some(fact)) = (
            period_of(limit.period, day),
            (question.subject)(&limit.bucket),
            limit.used.first(),
        ) else {
            continue;
        };
        let counter = format!("{}/{kind}/{subject}", limit.bucket);
        let used = used(tx, &counter, &period)?;
        states.push(LimitState {
            rule: rule.id.clone(),
            counter,
            period,
            fact: definition(*fact).path,
            used,
        });
    }
    Ok(states)
}

/// The limits that did apply.
pub(super) fn applied(
    packs: &Packs,
    limits: &[LimitState],
    rooms: &[compliance::Room],
) -> Vec<Counted> {
    rooms
        .iter()
        .filter_map(|room| {
            let state = limits.iter().find(|state| state.rule == room.rule)?;
            let limit = packs.find(&room.rule)?.limit.as_ref()?;
            Some(Counted {
                rule: room.rule.clone(),
                counter: state.counter.clone(),
                period: state.period.clone(),
                figure: room.figure,
                used: room.used,
                refund_gives_back: limit.refund_gives_back,
            })
        })
        .collect()
}

/// Uses the room. Rules that share a counter count once.
pub(super) fn add(tx: &mut Tx<'_>, counted: &[Counted], amount: i64) -> Result<(), Interrupt> {
    change(tx, counted.iter(), amount)
}

fn change<'a>(
    tx: &mut Tx<'_>,
    counted: impl Iterator<Item = &'a Counted>,
    amount: i64,
) -> Result<(), Interrupt> {
    let mut done: Vec<&str> = Vec::new();
    for entry in counted {
        if done.contains(&entry.counter.as_str()) {
            continue;
        }
        done.push(&entry.counter);
        let known = tx.get::<Counter>(&entry.counter)?;
        let same = known
            .as_ref()
            .is_some_and(|known| known.period == entry.period);
        // What belongs to a period that is over is of no account any more.
        if amount < 0 && !same {
            continue;
        }
        let before = known.filter(|_| same).map_or(0, |known| known.used);
        tx.put(Counter {
            key: entry.counter.clone(),
            period: entry.period.clone(),
            used: before.saturating_add(amount).max(0),
        })?;
    }
    Ok(())
}

/// The room was not used: the payment failed or was closed.
pub(crate) fn give_back(
    tx: &mut Tx<'_>,
    ruling: Option<&Ruling>,
    amount: Money,
) -> Result<(), Interrupt> {
    let counted = ruling.map_or(&[][..], |ruling| &ruling.counted);
    change(tx, counted.iter(), amount.amount().saturating_neg())
}

/// A refund was made: limits that say so have the room again.
pub(crate) fn give_back_refund(
    tx: &mut Tx<'_>,
    ruling: Option<&Ruling>,
    amount: Money,
) -> Result<(), Interrupt> {
    let counted = ruling.map_or(&[][..], |ruling| &ruling.counted);
    let counted = counted.iter().filter(|entry| entry.refund_gives_back);
    change(tx, counted, amount.amount().saturating_neg())
}

/// What became of the room that a payment's order used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It is used since the order was taken.
    Used,
    /// It was given back: the order had been given up.
    GivenBack,
}

/// An order was paid, and what was paid counts in the day, month and year of its payment, not of the order.
/// Answers the ruling with the periods that count from now on.
///
/// Where the period of the payment is over already nothing is added: nobody is judged by it any more.
pub(crate) fn count_paid(
    tx: &mut Tx<'_>,
    ruling: &Arc<Ruling>,
    amount: Money,
    (paid_on, room): (BusinessDate, Room),
) -> Result<Arc<Ruling>, Interrupt> {
    if ruling.counted.is_empty() {
        return Ok(ruling.clone());
    }
    let today = shanghai_date(tx.now());
    let mut moved: Vec<Counted> = Vec::new();
    let mut left: Vec<Counted> = Vec::new();
    let mut ruling = (**ruling).clone();
    for entry in &mut ruling.counted {
        let kind = kind_of(&entry.counter);
        let Some((_, period)) = period_of(kind, paid_on) else {
            continue;
        };
        if room == Room::Used {
            if period == entry.period {
                continue;
            }
            left.push(entry.clone());
        }
        entry.used = used(tx, &entry.counter, &period)?;
        entry.period = period;
        if period_of(kind, today).is_some_and(|(_, running)| running == entry.period) {
            moved.push(entry.clone());
        }
    }
    change(tx, left.iter(), amount.amount().saturating_neg())?;
    change(tx, moved.iter(), amount.amount())?;
    Ok(Arc::new(ruling))
}

/// The kind of period of a counter.
fn kind_of(counter: &str) -> Period {
    match counter.split('/').nth(1).unwrap_or_default() {
        "day" => Period::Day,
        "month" => Period::Month,
        "year" => Period::Year,
        _ => Period::Lifetime,
    }
}
