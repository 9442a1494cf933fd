//! The trade bill (交易账单) of a day, read row by row.
//!
//! The file ends with a summary of counts and totals, so rows are proved complete only when the
//! reader has come to its end without an error: book nothing before.
//!
//! Columns are found by their names in the first line; unknown ones are skipped. Fields are
//! separated by a comma *and* a backtick, because goods names contain commas; a name that contains both is
//! told from fields by what stands on its other side.

mod decimal;
mod layout;
mod reader;
mod summary;

pub use reader::BillReader;

use calendar::{BusinessDate, instant_at};
use jiff::Timestamp;
use money::Money;
use thiserror::Error;

/// Days after which a bill may be gone: the channel keeps three months.
pub const KEPT_DAYS: i32 = 89;

/// From when on a day's bill can be had: ten in the morning of the following day. Before that the
/// channel's "no such bill" may mean "not yet".
pub fn published_at(date: BusinessDate) -> Timestamp {
    instant_at(date.next(), 10, 0, 0)
}

/// Whose bill of which day is expected; rows of others are errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillScope {
    /// `mchid`.
    pub merchant_id: String,
    /// The day asked for, in Shanghai.
    pub date: BusinessDate,
}

/// What a row reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillKind {
    /// An order was paid.
    Payment,
    /// Money was given back (also the reversal of a payment-code order).
    Refund,
}

/// State of a refund in the bill; the words differ from those of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BillRefundStatus {
    /// The payer has the money.
    Succeeded,
    /// Not final yet.
    Processing,
    /// Failed; the money stayed with the merchant.
    Failed,
    /// The payer's account refuses; a person must choose another way.
    Change,
    /// A word this reader does not know.
    Other(String),
}

impl BillRefundStatus {
    /// The word of the bill.
    pub fn as_str(&self) -> &str {
        match self {
            BillRefundStatus::Succeeded => "SUCCESS",
            BillRefundStatus::Processing => "PROCESSING",
            BillRefundStatus::Failed => "FAIL",
            BillRefundStatus::Change => "CHANGE",
            BillRefundStatus::Other(word) => word,
        }
    }
}

/// The refund part of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRefund {
    /// 微信退款单号.
    pub channel_number: String,
    /// 商户退款单号.
    pub our_reference: String,
    /// 申请退款金额, the amount asked for; 退款金额 in bills that lack the column.
    pub amount: Money,
    /// 退款金额, what is deducted in settlement: what a day pays over is 应结订单总金额 − 退款总金额 −
    /// 手续费总金额.
    pub settlement_amount: Money,
    /// 退款状态.
    pub status: BillRefundStatus,
}

/// A row of the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRow {
    /// Line in the file, from 1.
    pub line: u64,
    /// 交易时间.
    pub traded_at: Timestamp,
    /// 商户号.
    pub merchant_id: String,
    /// 微信订单号.
    pub channel_number: String,
    /// 商户订单号.
    pub our_reference: String,
    /// Payment or refund.
    pub kind: BillKind,
    /// 订单金额, what the order was about; nothing in refund rows.
    pub amount: Money,
    /// 应结订单金额, what is settled before the fee: less than the order where the merchant pays for a
    /// coupon. Nothing in refund rows.
    pub settlement_amount: Money,
    /// Present in refund rows.
    pub refund: Option<BillRefund>,
    /// 手续费 rounded to whole fen, halves away from zero; negative where a fee is given back.
    pub fee: Money,
    /// 手续费 exactly, in units of 0.00001 yuan.
    pub fee_e5: i64,
    /// 费率 as written, e.g. `0.60%`.
    pub rate: String,
}

/// The totals the file states and the rows were found to add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillSummary {
    /// 总交易单数, also the number of rows.
    pub rows: u64,
    /// 应结订单总金额.
    pub settlement_total: Money,
    /// 退款总金额.
    pub refund_total: Money,
    /// 手续费总金额 rounded to whole fen, already less the fees given back.
    pub fee_total: Money,
    /// 订单总金额, where the bill has the column.
    pub order_total: Option<Money>,
    /// 申请退款总金额, where the bill has the column.
    pub requested_refund_total: Option<Money>,
}

/// A fee in units of 0.00001 yuan as whole fen, halves away from zero. Round a sum once: the sum of
/// rounded fees is another one.
pub fn fee_in_fen(e5: i64) -> Money {
    decimal::rounded_fen(e5)
}

/// What is wrong with a bill, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("bill line {line}{}: {reason}", column.as_deref().map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct BillError {
    /// Line in the file, from 1; one past the last for a file that ends too early.
    pub line: u64,
    /// Column as named in the file, if one is to blame.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl BillError {
    fn line(line: u64, reason: impl Into<String>) -> Self {
        Self {
            line,
            column: None,
            reason: reason.into(),
        }
    }

    fn column(line: u64, column: &str, reason: impl Into<String>) -> Self {
        Self {
            line,
            column: Some(column.to_owned()),
            reason: reason.into(),
        }
    }
}
