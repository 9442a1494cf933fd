//! Differences planted in the written bill, so that reconciliation has something to find.
//! The books stay right.

use super::bill_text::BillLine;
use super::bills::booked_lines;
use super::core::WechatCore;
use calendar::{BusinessDate, instant_at};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A difference to be planted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantOrder {
    /// Whose bill.
    pub merchant_id: String,
    /// Which day's bill.
    pub bill_date: BusinessDate,
    /// Merchant's number of the order or refund to be changed; any without.
    #[serde(default)]
    pub number: Option<String>,
    /// What to do.
    pub difference: Difference,
}

/// Kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// A booked line is missing from the file.
    DropLine,
    /// A booked line bears another amount.
    ChangeAmount {
        /// Added to the amount, in fen.
        by_fen: i64,
    },
    /// The file has a payment that the books do not have.
    ForeignLine {
        /// Its amount in fen.
        amount_fen: i64,
    },
}

/// A difference that is in the written file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedDifference {
    /// Whose bill.
    pub merchant_id: String,
    /// Which day's bill.
    pub bill_date: BusinessDate,
    /// Its kind.
    pub difference: Difference,
    /// Merchant's number of the order.
    pub out_trade_no: String,
    /// Merchant's number of the refund, if a refund's line is concerned.
    pub out_refund_no: Option<String>,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// Amount in the books in fen; none for a foreign line.
    pub booked_fen: Option<i64>,
    /// Amount in the file in fen; none for a dropped line.
    pub written_fen: Option<i64>,
}

/// Why a difference cannot be planted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlantError {
    /// There is no such merchant.
    #[error("merchant {0} is not registered here")]
    NoSuchMerchant(String),
    /// No booked line fits, or all that fit are changed already.
    #[error("the day has no untouched line that fits; pay or refund something on it first")]
    NoLine,
    /// The amount would not be positive.
    #[error("the amount written would be {0} fen; it must be positive")]
    Amount(i64),
}

impl WechatCore {
    /// Plants a difference in the file of a day. Of the booked lines a seeded choice is made
    /// if the order names none.
    ///
    /// # Errors
    /// If nothing fits.
    pub fn plant(&mut self, order: &PlantOrder) -> Result<PlantedDifference, PlantError> {
        let planted = match order.difference {
            Difference::ForeignLine { amount_fen } => self.foreign(order, amount_fen)?,
            difference @ (Difference::DropLine | Difference::ChangeAmount { .. }) => {
                self.changed(order, difference)?
            }
        };
        if planted.written_fen.is_some_and(|fen| fen <= 0) {
            return Err(PlantError::Amount(planted.written_fen.unwrap_or_default()));
        }
        self.planted.push(planted.clone());
        Ok(planted)
    }

    /// What was planted since the start.
    pub fn planted(&self) -> &[PlantedDifference] {
        &self.planted
    }

    fn changed(
        &mut self,
        order: &PlantOrder,
        difference: Difference,
    ) -> Result<PlantedDifference, PlantError> {
        let merchant = self
            .merchants
            .get(&order.merchant_id)
            .ok_or_else(|| PlantError::NoSuchMerchant(order.merchant_id.clone()))?;
        let candidates: Vec<BillLine> = booked_lines(merchant, order.bill_date)
            .into_iter()
            .filter(|line| {
                order
                    .number
                    .as_deref()
                    .is_none_or(|number| number == own_number(line))
            })
            .filter(|line| !self.planted.iter().any(|planted| concerns(planted, line)))
            .collect();
        let count = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
        let choice = usize::try_from(self.random.below(count)).unwrap_or(0);
        let line = candidates.get(choice).ok_or(PlantError::NoLine)?;
        Ok(PlantedDifference {
            merchant_id: order.merchant_id.clone(),
            bill_date: order.bill_date,
            difference,
            out_trade_no: line.out_trade_no.clone(),
            out_refund_no: line
                .refund
                .as_ref()
                .map(|refund| refund.out_refund_no.clone()),
            transaction_id: line.transaction_id.clone(),
            booked_fen: Some(line.amount_fen),
            written_fen: match difference {
                Difference::ChangeAmount { by_fen } => Some(line.amount_fen.saturating_add(by_fen)),
                _ => None,
            },
        })
    }

    fn foreign(
        &mut self,
        order: &PlantOrder,
        amount_fen: i64,
    ) -> Result<PlantedDifference, PlantError> {
        if !self.merchants.contains_key(&order.merchant_id) {
            return Err(PlantError::NoSuchMerchant(order.merchant_id.clone()));
        }
        let number = self.next_number();
        let day = order.bill_date.to_yyyymmdd();
        Ok(PlantedDifference {
            merchant_id: order.merchant_id.clone(),
            bill_date: order.bill_date,
            difference: order.difference,
            out_trade_no: format!("FOREIGN{}{number:06}", self.random.digits(12)),
            out_refund_no: None,
            transaction_id: format!("4200{}{day}{number:010}", self.random.digits(6)),
            booked_fen: None,
            written_fen: Some(amount_fen),
        })
    }
}

/// Changes a day's booked lines into what the file is to say.
pub(crate) fn apply(
    planted: &[PlantedDifference],
    merchant_id: &str,
    day: BusinessDate,
    lines: &mut Vec<BillLine>,
) {
    let of_bill = planted
        .iter()
        .filter(|planted| planted.merchant_id == merchant_id && planted.bill_date == day);
    for difference in of_bill {
        match (difference.difference, difference.written_fen) {
            (Difference::DropLine, _) => lines.retain(|line| !concerns(difference, line)),
            (Difference::ChangeAmount { .. }, Some(written)) => lines
                .iter_mut()
                .filter(|line| concerns(difference, line))
                .for_each(|line| line.amount_fen = written),
            (Difference::ForeignLine { .. }, Some(written)) => {
                lines.push(foreign_line(difference, written));
            }
            (_, None) => {}
        }
    }
}

fn foreign_line(difference: &PlantedDifference, amount_fen: i64) -> BillLine {
    BillLine {
        at: instant_at(difference.bill_date, 12, 0, 0),
        transaction_id: difference.transaction_id.clone(),
        out_trade_no: difference.out_trade_no.clone(),
        openid: "oforeign".to_owned(),
        description: "foreign".to_owned(),
        attach: String::new(),
        refund: None,
        amount_fen,
        fee_fen: 0,
        fee_rate_ppm: 0,
    }
}

fn own_number(line: &BillLine) -> &str {
    line.refund
        .as_ref()
        .map_or(line.out_trade_no.as_str(), |refund| &refund.out_refund_no)
}

fn concerns(planted: &PlantedDifference, line: &BillLine) -> bool {
    let refund = line.refund.as_ref();
    planted.out_trade_no == line.out_trade_no
        && planted.out_refund_no.as_deref() == refund.map(|refund| refund.out_refund_no.as_str())
}
