//! What a payer did in the last hour.

use crate::command::{Command, Due, Fact};
use crate::context::Context;
use crate::text::channel_name;
use channels::answer::Payer;
use channels::operation::Channel;
use compliance::risk::PayerHour;
use engine::{Indexes, Interrupt, Record, Tx, index_time};
use jiff::{SignedDuration, Timestamp};
use money::Money;
use serde::{Deserialize, Serialize};

/// Minutes that count.
const WINDOW_MINUTES: i64 = 60;

/// Payers removed by one command.
const PAYERS_PER_STEP: usize = 500;

/// A payer's last hour, minute by minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayerActivity {
    /// `channel/mark`.
    pub key: String,
    /// Minutes since 1970 in which it paid: how often, and how much in fen. At most sixty.
    pub minutes: Vec<(i64, u32, i64)>,
    /// Of no account from then on, in whole hours.
    #[serde(with = "calendar::rfc3339")]
    pub until: Timestamp,
}

impl PayerActivity {
    /// Key of a payer.
    pub(crate) fn key_of(channel: Channel, payer: &Payer) -> String {
        format!("{}/{}", channel_name(channel), payer.mark)
    }
}

impl Record for PayerActivity {
    const KIND: &'static str = "risk_payer";
    fn key(&self) -> &str {
        &self.key
    }
    /// `until`: by the hour from which it is of no account.
    fn indexes(&self, out: &mut Indexes) {
        out.add("until", index_time(self.until));
    }
}

/// That a sweep is to come, so that one is scheduled and not one a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// There is one in a shard.
    pub key: String,
    /// When.
    #[serde(with = "calendar::rfc3339")]
    pub due: Timestamp,
}

impl Sweep {
    const KEY: &'static str = "sweep";
}

impl Record for Sweep {
    const KIND: &'static str = "risk_sweep";
    fn key(&self) -> &str {
        &self.key
    }
}

/// Counts a payment; answers what the payer did in the hour that it ends.
pub(super) fn count(
    tx: &mut Tx<'_>,
    key: String,
    paid_at: Timestamp,
    amount: Money,
) -> Result<PayerHour, Interrupt> {
    let known = tx.get::<PayerActivity>(&key)?;
    let mut minutes = known.map_or_else(Vec::new, |known| known.minutes.clone());
    let minute = paid_at.as_second().div_euclid(60);
    match minutes.iter_mut().find(|entry| entry.0 == minute) {
        Some(entry) => {
            entry.1 = entry.1.saturating_add(1);
            entry.2 = entry.2.saturating_add(amount.amount());
        }
        None => minutes.push((minute, 1, amount.amount())),
    }
    let last = minutes.iter().map(|entry| entry.0).max().unwrap_or(minute);
    minutes.retain(|entry| entry.0 > last - WINDOW_MINUTES);
    let hour = minutes
        .iter()
        .fold(PayerHour::default(), |hour, entry| PayerHour {
            payments: hour.payments.saturating_add(entry.1),
            amount: hour.amount.saturating_add(entry.2),
        });
    let until = next_hour(tx.now() + SignedDuration::from_mins(WINDOW_MINUTES));
    tx.put(PayerActivity {
        key,
        minutes,
        until,
    })?;
    expect_sweep(tx, until)?;
    Ok(hour)
}

/// Whole hours, so that a payer's index entry changes once an hour and not with each payment.
fn next_hour(at: Timestamp) -> Timestamp {
    let hours = at.as_second().div_euclid(3_600) + 1;
    Timestamp::from_second(hours.saturating_mul(3_600)).unwrap_or(at)
}

fn expect_sweep(tx: &mut Tx<'_>, until: Timestamp) -> Result<(), Interrupt> {
    let now = tx.now();
    let expected = tx.get::<Sweep>(Sweep::KEY)?;
    if expected.is_some_and(|expected| expected.due > now) {
        return Ok(());
    }
    schedule(tx, until)
}

fn schedule(tx: &mut Tx<'_>, due: Timestamp) -> Result<(), Interrupt> {
    tx.put(Sweep {
        key: Sweep::KEY.to_owned(),
        due,
    })?;
    tx.schedule(due, "risk", &Command::Fact(Fact::Due(Due::RiskSweep)))
}

/// Removes payers whose hour is over.
pub(crate) fn sweep(cx: &mut Context<'_, '_>) -> Result<(), Interrupt> {
    let now = cx.tx.now();
    let end = index_time(now + SignedDuration::from_millis(1));
    let over = cx
        .tx
        .scan::<PayerActivity>("until", "", &end, PAYERS_PER_STEP)?;
    for payer in &over {
        cx.tx.delete::<PayerActivity>(&payer.key)?;
    }
    if over.len() == PAYERS_PER_STEP {
        return schedule(cx.tx, now);
    }
    let left = cx.tx.scan::<PayerActivity>("until", &end, "~", 1)?;
    match left.first() {
        Some(next) => schedule(cx.tx, next.until),
        None => cx.tx.delete::<Sweep>(Sweep::KEY),
    }
}
