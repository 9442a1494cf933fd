//! Running totals, and the summary line they must equal.

use super::decimal::{exact_fen, parse_e5, rounded_fen};
use super::layout::{
    COUPON_REFUND, FEE, Fields, Layout, ORDER, REFUND, REQUESTED_REFUND, SETTLEMENT, split,
};
use super::{BillError, BillSummary};
use money::Money;

const COUNT: &str = "总交易单数";

/// Column, its total in the summary, and whether the summary must state it.
const TOTALS: [(&str, &str, bool); 6] = [
    (SETTLEMENT, "应结订单总金额", true),
    (REFUND, "退款总金额", true),
    (COUPON_REFUND, "充值券退款总金额", false),
    (FEE, "手续费总金额", true),
    (ORDER, "订单总金额", false),
    (REQUESTED_REFUND, "申请退款总金额", false),
];

/// Sums over the rows so far, in units of 0.00001 yuan, in the order of [`TOTALS`].
#[derive(Debug, Default)]
pub(super) struct Totals {
    rows: u64,
    sums: [i64; TOTALS.len()],
}

impl Totals {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &Fields<'_>) -> Result<(), BillError> {
        self.rows += 1;
        for ((column, _, _), sum) in TOTALS.iter().zip(&mut self.sums) {
            let Some(text) = row.get(column) else {
                continue;
            };
            let value = parse_e5(text).ok_or_else(|| row.error(column, "it is no amount"))?;
            *sum = sum
                .checked_add(value)
                .ok_or_else(|| row.error(column, "the total is out of range"))?;
        }
        Ok(())
    }

    /// Compares with the summary's two lines; `line` is that of the values.
    pub(super) fn check(
        &self,
        layout: &Layout,
        names: &str,
        values: &str,
        line: u64,
    ) -> Result<BillSummary, BillError> {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        let values = split(values)
            .filter(|values| values.len() == names.len())
            .ok_or_else(|| BillError::line(line, "the summary's names and values do not match"))?;
        let stated = |name: &str| {
            let position = names.iter().position(|known| *known == name)?;
            values.get(position).copied()
        };
        let count: u64 = stated(COUNT)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| BillError::column(line, COUNT, "the number of rows is missing"))?;
        if count != self.rows {
            return Err(BillError::column(
                line,
                COUNT,
                format!("it states {count} rows, the file has {}", self.rows),
            ));
        }
        for ((_, total, required), sum) in TOTALS.iter().zip(self.sums) {
            match stated(total) {
                None if *required => {
                    return Err(BillError::column(line, total, "the total is missing"));
                }
                None => {}
                Some(text) => compare(line, total, text, sum)?,
            }
        }
        self.summary(layout, line)
    }

    fn summary(&self, layout: &Layout, line: u64) -> Result<BillSummary, BillError> {
        let [settlement, refund, _, fee, order, requested] = self.sums;
        let fen = |column: &str, e5: i64| {
            exact_fen(e5).ok_or_else(|| BillError::column(line, column, "it is no whole fen"))
        };
        let optional = |column: &str, e5: i64| -> Result<Option<Money>, BillError> {
            layout.has(column).then(|| fen(column, e5)).transpose()
        };
        Ok(BillSummary {
            rows: self.rows,
            settlement_total: fen(SETTLEMENT, settlement)?,
            refund_total: fen(REFUND, refund)?,
            fee_total: rounded_fen(fee),
            order_total: optional(ORDER, order)?,
            requested_refund_total: optional(REQUESTED_REFUND, requested)?,
        })
    }
}

fn compare(line: u64, column: &str, text: &str, sum: i64) -> Result<(), BillError> {
    let stated =
        parse_e5(text).ok_or_else(|| BillError::column(line, column, "it is no amount"))?;
    if stated == sum {
        return Ok(());
    }
    Err(BillError::column(
        line,
        column,
        format!("it states {stated} but the rows add up to {sum} (units of 0.00001 yuan)"),
    ))
}
