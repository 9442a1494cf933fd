//! Where the columns are.

use super::BillError;

pub(super) const TRADED_AT: &str = "交易时间";
pub(super) const MERCHANT: &str = "商户号";
pub(super) const CHANNEL_NUMBER: &str = "微信订单号";
pub(super) const OUR_REFERENCE: &str = "商户订单号";
pub(super) const STATE: &str = "交易状态";
pub(super) const CURRENCY: &str = "货币种类";
pub(super) const SETTLEMENT: &str = "应结订单金额";
pub(super) const REFUND_CHANNEL_NUMBER: &str = "微信退款单号";
pub(super) const REFUND_REFERENCE: &str = "商户退款单号";
pub(super) const REFUND: &str = "退款金额";
pub(super) const COUPON_REFUND: &str = "充值券退款金额";
pub(super) const REFUND_STATUS: &str = "退款状态";
pub(super) const FEE: &str = "手续费";
pub(super) const RATE: &str = "费率";
pub(super) const ORDER: &str = "订单金额";
pub(super) const REQUESTED_REFUND: &str = "申请退款金额";

/// Columns with texts of whoever made the order, which may contain what separates fields. No value is read of them.
const FREE: [&str; 2] = ["商品名称", "商户数据包"];

const REQUIRED: [&str; 9] = [
    TRADED_AT,
    MERCHANT,
    CHANNEL_NUMBER,
    OUR_REFERENCE,
    STATE,
    CURRENCY,
    SETTLEMENT,
    FEE,
    RATE,
];

/// The column names of the first line, in order.
#[derive(Debug)]
pub(super) struct Layout {
    names: Vec<String>,
}

impl Layout {
    /// Reads the first line, without its byte order mark.
    pub(super) fn new(header: &str) -> Result<Self, BillError> {
        let names: Vec<String> = header.split(',').map(|n| n.trim().to_owned()).collect();
        for (position, name) in names.iter().enumerate() {
            if names.iter().take(position).any(|earlier| earlier == name) {
                return Err(BillError::column(1, name, "the column appears twice"));
            }
        }
        for name in REQUIRED {
            if !names.iter().any(|known| known == name) {
                return Err(BillError::column(1, name, "the column is missing"));
            }
        }
        Ok(Self { names })
    }

    /// Splits a data line into as many fields as there are columns.
    pub(super) fn row<'a>(&'a self, number: u64, text: &'a str) -> Result<Fields<'a>, BillError> {
        let mut values = split(text)
            .ok_or_else(|| BillError::line(number, "the row does not begin with a backtick"))?;
        if let Some(surplus) = values.len().checked_sub(self.names.len())
            && let Some(end) = self.free_texts_end()
        {
            // Fields before the texts are counted from the left, those behind them from the right.
            values.drain(end..end + surplus);
        }
        if values.len() != self.names.len() {
            return Err(BillError::line(
                number,
                format!(
                    "the row has {} fields where the header names {} columns",
                    values.len(),
                    self.names.len()
                ),
            ));
        }
        Ok(Fields {
            line: number,
            names: &self.names,
            values,
        })
    }

    /// The column behind the free texts, where these stand together.
    fn free_texts_end(&self) -> Option<usize> {
        let is_free = |name: &String| FREE.contains(&name.as_str());
        let first = self.names.iter().position(is_free)?;
        let last = self.names.iter().rposition(is_free)?;
        let between = self.names.get(first..=last)?;
        between.iter().all(is_free).then_some(last + 1)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

/// Splits a backtick-prefixed line.
pub(super) fn split(text: &str) -> Option<Vec<&str>> {
    text.strip_prefix('`')
        .map(|rest| rest.split(",`").collect())
}

/// The fields of one row.
pub(super) struct Fields<'a> {
    pub line: u64,
    names: &'a [String],
    values: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let position = self.names.iter().position(|known| known == name)?;
        self.values.get(position).copied()
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&'a str, BillError> {
        self.get(name)
            .ok_or_else(|| self.error(name, "the column is missing"))
    }

    pub(super) fn error(&self, column: &str, reason: impl Into<String>) -> BillError {
        BillError::column(self.line, column, reason)
    }
}
