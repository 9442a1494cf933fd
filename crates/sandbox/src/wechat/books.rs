//! WeChat's own books of one merchant. The bill is written from these and nothing else.

use super::request::{NativeOrder, RefundOrder};
use calendar::{BusinessDate, shanghai_date};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// An order. Amounts are fen.
#[derive(Debug, Clone, Serialize)]
pub struct Trade {
    /// Merchant's number.
    pub out_trade_no: String,
    /// What is bought.
    pub description: String,
    /// Merchant's own data.
    pub attach: String,
    /// Where the result is announced.
    pub notify_url: String,
    /// What is to be paid.
    pub total_fen: i64,
    /// What the payer scans.
    pub code_url: String,
    /// When the order came.
    pub created_at: Timestamp,
    /// When it closes by itself.
    pub expires_at: Timestamp,
    /// Its state.
    pub state: TradeState,
    /// Merchant's numbers of its refunds, closed ones included.
    pub refunds: Vec<String>,
    #[serde(skip)]
    pub(crate) request: NativeOrder,
}

/// State of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TradeState {
    /// Waits for the payer.
    NotPaid,
    /// Closed unpaid.
    Closed {
        /// When.
        at: Timestamp,
    },
    /// Paid.
    Paid(Payment),
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// WeChat's number: 28 digits.
    pub transaction_id: String,
    /// Who paid.
    pub openid: String,
    /// When, in whole seconds.
    pub paid_at: Timestamp,
    /// Fee taken, in fen.
    pub fee_fen: i64,
}

impl Trade {
    /// The payment, if there was one.
    pub fn payment(&self) -> Option<&Payment> {
        match &self.state {
            TradeState::Paid(payment) => Some(payment),
            TradeState::NotPaid | TradeState::Closed { .. } => None,
        }
    }
}

/// A refund. Amounts are fen.
#[derive(Debug, Clone, Serialize)]
pub struct Refund {
    /// Merchant's number.
    pub out_refund_no: String,
    /// WeChat's number.
    pub refund_id: String,
    /// Merchant's number of the order.
    pub out_trade_no: String,
    /// WeChat's number of the order.
    pub transaction_id: String,
    /// Given back.
    pub refund_fen: i64,
    /// Of the whole order.
    pub total_fen: i64,
    /// Where the result is announced.
    pub notify_url: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it came to its end, in whole seconds.
    pub ended_at: Option<Timestamp>,
    /// Its state.
    pub state: RefundState,
    #[serde(skip)]
    pub(crate) request: RefundOrder,
}

/// State of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RefundState {
    /// Accepted.
    Processing,
    /// The payer has the money.
    Succeeded {
        /// When, in whole seconds.
        at: Timestamp,
        /// Fee given back to the merchant, in fen.
        fee_returned_fen: i64,
    },
    /// Closed without effect.
    Closed,
    /// The payer's account takes no money.
    Abnormal,
}

/// One movement of money: a line of the day's bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The order.
    pub out_trade_no: String,
    /// The refund; none for a payment.
    pub out_refund_no: Option<String>,
    /// Paid or given back, always positive, in fen.
    pub amount_fen: i64,
    /// Fee taken; negative if given back, in fen.
    pub fee_fen: i64,
}

/// What a day's entries add up to, in fen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DayTotals {
    /// Number of entries.
    pub count: u64,
    /// Paid.
    pub paid_fen: i64,
    /// Given back.
    pub refunded_fen: i64,
    /// Fees taken less fees given back.
    pub fee_fen: i64,
}

/// The books of one merchant.
#[derive(Debug, Default, Serialize)]
pub struct Books {
    /// Orders by the merchant's number.
    pub trades: BTreeMap<String, Trade>,
    /// Refunds by the merchant's number.
    pub refunds: BTreeMap<String, Refund>,
    /// Movements of money by Shanghai day, in order of time.
    pub entries: BTreeMap<BusinessDate, Vec<Entry>>,
    #[serde(skip)]
    pub(crate) by_transaction: BTreeMap<String, String>,
}

impl Books {
    /// The order that a payment belongs to.
    pub fn trade_by_transaction(&self, transaction_id: &str) -> Option<&Trade> {
        self.trades.get(self.by_transaction.get(transaction_id)?)
    }

    /// What the entries of `day` add up to.
    pub fn totals(&self, day: BusinessDate) -> DayTotals {
        let mut totals = DayTotals::default();
        for entry in self.entries.get(&day).into_iter().flatten() {
            totals.count += 1;
            totals.fee_fen += entry.fee_fen;
            match entry.out_refund_no {
                None => totals.paid_fen += entry.amount_fen,
                Some(_) => totals.refunded_fen += entry.amount_fen,
            }
        }
        totals
    }

    pub(crate) fn enter(&mut self, entry: Entry) {
        self.entries
            .entry(shanghai_date(entry.at))
            .or_default()
            .push(entry);
    }

    /// Given back or about to be, of one order, in fen. Closed refunds do not count.
    pub(crate) fn refunded_or_pending_fen(&self, trade: &Trade) -> i64 {
        self.refunds_of(trade)
            .filter(|refund| refund.state != RefundState::Closed)
            .map(|refund| refund.refund_fen)
            .sum()
    }

    /// Amount and returned fee of an order's successful refunds, in fen.
    pub(crate) fn succeeded_refunds_fen(&self, trade: &Trade) -> (i64, i64) {
        self.refunds_of(trade)
            .fold((0, 0), |(amount, fee), refund| match refund.state {
                RefundState::Succeeded {
                    fee_returned_fen, ..
                } => (amount + refund.refund_fen, fee + fee_returned_fen),
                _ => (amount, fee),
            })
    }

    fn refunds_of<'a>(&'a self, trade: &'a Trade) -> impl Iterator<Item = &'a Refund> {
        trade
            .refunds
            .iter()
            .filter_map(|number| self.refunds.get(number))
    }
}

/// `rate_ppm` parts per million of `amount_fen`, half a fen rounded up.
pub(crate) fn fee_fen(amount_fen: i64, rate_ppm: u32) -> i64 {
    rounded_share(amount_fen, i64::from(rate_ppm), 1_000_000)
}

/// `amount * part / whole`, half rounded up; all at least zero, `whole` above zero.
pub(crate) fn rounded_share(amount: i64, part: i64, whole: i64) -> i64 {
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole));
    i64::try_from((2 * amount * part + whole) / (2 * whole.max(1))).unwrap_or(i64::MAX)
}

impl Books {
    /// Fee that the success of this refund gives back, in fen: with it, what is given back of
    /// the order's fee is in proportion to what is given back of its amount.
    pub(crate) fn fee_returned_by(&self, out_refund_no: &str) -> Option<i64> {
        let refund = self.refunds.get(out_refund_no)?;
        let trade = self.trades.get(&refund.out_trade_no)?;
        let fee = trade.payment()?.fee_fen;
        let (amount_before, fee_before) = self.succeeded_refunds_fen(trade);
        let amount_after = amount_before + refund.refund_fen;
        Some(rounded_share(fee, amount_after, trade.total_fen) - fee_before)
    }
}
