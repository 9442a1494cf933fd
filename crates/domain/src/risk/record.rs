//! What is counted of a merchant, and the signs that were seen.

use super::SignalDecision;
use calendar::BusinessDate;
use compliance::Text;
use compliance::risk::{Measure, MerchantDay, Sign};
use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Payers of a day that are told apart.
const PAYERS_MAX: usize = 16;

/// A merchant's Shanghai day so far, and the signs of it. One record a merchant: an earlier day is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantRisk {
    /// The merchant.
    pub merchant: String,
    /// The day that is counted.
    pub day: BusinessDate,
    /// Payments.
    pub payments: u32,
    /// Their sum, fen.
    pub amount: i64,
    /// Refunds asked for.
    pub refunds: u32,
    /// Fen taken in the night window.
    pub night_amount: i64,
    /// Fen paid by credit card.
    pub credit_amount: i64,
    /// Payments of a round amount.
    pub round_payments: u32,
    /// Fen by payer. With more payers than are told apart, each is at least what stands here, and at most a
    /// seventeenth of the day more.
    pub payers: BTreeMap<String, i64>,
    /// When the last payment was booked.
    #[serde(default, with = "calendar::rfc3339::option")]
    pub last_payment_at: Option<Timestamp>,
    /// Signs raised today, and earlier ones that nobody has cleared.
    pub raised: Vec<Raised>,
}

/// A sign that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// Which.
    pub sign: Sign,
    /// The payer, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// What follows.
    pub measure: Measure,
    /// The signal.
    pub signal: String,
    /// Nobody has cleared it.
    pub open: bool,
}

impl MerchantRisk {
    /// A day on which nothing happened yet.
    pub(super) fn new(merchant: &str, day: BusinessDate) -> MerchantRisk {
        MerchantRisk {
            merchant: merchant.to_owned(),
            day,
            payments: 0,
            amount: 0,
            refunds: 0,
            night_amount: 0,
            credit_amount: 0,
            round_payments: 0,
            payers: BTreeMap::new(),
            last_payment_at: None,
            raised: Vec::new(),
        }
    }

    /// The record as it is on a day: an earlier day's counts are over, what nobody cleared stays.
    pub(super) fn on(self, day: BusinessDate) -> MerchantRisk {
        if day <= self.day {
            return self;
        }
        let mut raised = self.raised;
        raised.retain(|raised| raised.open);
        MerchantRisk {
            raised,
            ..MerchantRisk::new(&self.merchant, day)
        }
    }

    /// Whether one of the signs holds payouts.
    pub fn holds(&self) -> bool {
        self.open().any(|raised| raised.measure == Measure::Hold)
    }

    /// Signs that nobody has cleared.
    pub fn open(&self) -> impl Iterator<Item = &Raised> {
        self.raised.iter().filter(|raised| raised.open)
    }

    /// Adds a payer's payment. When there are more payers than places, all give up as much as the least of
    /// them has (Misra and Gries): whoever pays much of the day keeps a place, and no sum is overstated.
    pub(super) fn add_payer(&mut self, mark: &str, amount: i64) {
        if let Some(sum) = self.payers.get_mut(mark) {
            *sum = sum.saturating_add(amount);
            return;
        }
        if self.payers.len() < PAYERS_MAX {
            self.payers.insert(mark.to_owned(), amount);
            return;
        }
        let least = self.payers.values().copied().min().unwrap_or(0).min(amount);
        self.payers.retain(|_, sum| {
            *sum -= least;
            *sum > 0
        });
        if amount > least {
            self.payers.insert(mark.to_owned(), amount - least);
        }
    }

    /// What the signs are read from.
    pub(super) fn counts(&self, payout_after_minutes: Option<u32>) -> MerchantDay {
        MerchantDay {
            payments: self.payments,
            amount: self.amount,
            refunds: self.refunds,
            night_amount: self.night_amount,
            credit_amount: self.credit_amount,
            round_payments: self.round_payments,
            largest_payer_amount: self.payers.values().copied().max(),
            payout_after_minutes,
            ..MerchantDay::default()
        }
    }
}

impl Record for MerchantRisk {
    const KIND: &'static str = "merchant_risk";
    fn key(&self) -> &str {
        &self.merchant
    }
}

/// Standing of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalStatus {
    /// Nobody has decided.
    Open,
    /// A person confirmed the suspicion.
    Confirmed,
    /// People cleared it.
    Cleared,
}

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What was found.
    pub decision: SignalDecision,
    /// Why.
    pub reason: String,
    /// Principal who asked for it; a second person, where one was needed, is with the proposal.
    pub by: String,
    /// When.
    #[serde(with = "calendar::rfc3339")]
    pub at: Timestamp,
}

/// A sign that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskSignal {
    /// `rsk_…`
    pub id: String,
    /// Whose day or payer it was seen in.
    pub merchant: String,
    /// Which.
    pub sign: Sign,
    /// What follows: shown, or payouts held.
    pub measure: Measure,
    /// The payer's mark, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// What it means.
    pub says: Text,
    /// What was seen, each with the figure it reached.
    pub seen: Vec<String>,
    /// What could not be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// What to do.
    pub remedy: Text,
    /// Payment, refund or payout with which it was seen.
    pub object: String,
    /// The Shanghai day.
    pub day: BusinessDate,
    /// Its case.
    pub case: String,
    /// Standing.
    pub status: SignalStatus,
    /// What people decided, the last one last.
    pub decisions: Vec<Decided>,
    /// Seen at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date on which it was seen.
    pub business_date: BusinessDate,
}

impl Record for RiskSignal {
    const KIND: &'static str = "risk_signal";
    fn key(&self) -> &str {
        &self.id
    }
    /// `time`: all. `open`: not cleared. `merchant`: by merchant. Each by time.
    fn indexes(&self, out: &mut Indexes) {
        let time = index_time(self.created_at);
        if self.status != SignalStatus::Cleared {
            out.add("open", time.clone());
        }
        out.add("merchant", format!("{}/{time}", self.merchant));
        out.add("time", time);
    }
}
