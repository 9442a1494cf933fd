//! The trade bill as text: header, lines, summary header, summary.

use calendar::spaced;
use jiff::Timestamp;

/// The 27 columns of the bill with all trades, in order.
pub(crate) const COLUMNS: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
/// The columns of the summary.
pub(crate) const SUMMARY_COLUMNS: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

/// One line of a bill: a payment or a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BillLine {
    pub(crate) at: Timestamp,
    pub(crate) transaction_id: String,
    pub(crate) out_trade_no: String,
    pub(crate) openid: String,
    pub(crate) description: String,
    pub(crate) attach: String,
    /// None for a payment.
    pub(crate) refund: Option<LineRefund>,
    pub(crate) amount_fen: i64,
    pub(crate) fee_fen: i64,
    pub(crate) fee_rate_ppm: u32,
}

impl BillLine {
    /// What it deducts or pays: a refund that has not succeeded moves no money.
    fn moved_fen(&self) -> i64 {
        match &self.refund {
            Some(refund) if refund.outcome != Outcome::Success => 0,
            _ => self.amount_fen,
        }
    }
}

/// The refund of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineRefund {
    /// WeChat's number.
    pub(crate) refund_id: String,
    /// Merchant's number.
    pub(crate) out_refund_no: String,
    pub(crate) outcome: Outcome,
}

/// How a refund stands when its day is over, in the bill's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Processing,
    Fail,
    Change,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Success => "SUCCESS",
            Outcome::Processing => "PROCESSING",
            Outcome::Fail => "FAIL",
            Outcome::Change => "CHANGE",
        }
    }
}

/// Writes the bill of one merchant.
pub(crate) fn write(app_id: &str, merchant_id: &str, lines: &[BillLine]) -> String {
    let mut text = String::from(COLUMNS);
    text.push('\n');
    for line in lines {
        push_row(&mut text, &row(app_id, merchant_id, line));
    }
    text.push_str(SUMMARY_COLUMNS);
    text.push('\n');
    push_row(&mut text, &summary(lines));
    text
}

fn row(app_id: &str, merchant_id: &str, line: &BillLine) -> Vec<String> {
    let amount = yuan(line.amount_fen);
    let zero = || yuan(0);
    let none = String::new;
    let (status, paid, requested, refund_id, out_refund_no, kind, outcome) = match &line.refund {
        None => ("SUCCESS", amount, zero(), "0", "0", "", ""),
        Some(refund) => (
            "REFUND",
            zero(),
            amount,
            refund.refund_id.as_str(),
            refund.out_refund_no.as_str(),
            "ORIGINAL",
            refund.outcome.word(),
        ),
    };
    let refunded = match &line.refund {
        None => zero(),
        Some(_) => yuan(line.moved_fen()),
    };
    vec![
        spaced(line.at),
        app_id.to_owned(),
        merchant_id.to_owned(),
        "0".to_owned(),
        none(),
        line.transaction_id.clone(),
        line.out_trade_no.clone(),
        line.openid.clone(),
        "NATIVE".to_owned(),
        status.to_owned(),
        "OTHERS".to_owned(),
        "CNY".to_owned(),
        paid.clone(),
        zero(),
        refund_id.to_owned(),
        out_refund_no.to_owned(),
        refunded,
        zero(),
        kind.to_owned(),
        outcome.to_owned(),
        line.description.clone(),
        line.attach.clone(),
        format!("{}000", yuan(line.fee_fen)),
        percent(line.fee_rate_ppm),
        paid,
        requested,
        none(),
    ]
}

fn summary(lines: &[BillLine]) -> Vec<String> {
    let sum = |of_refunds: bool, fen: fn(&BillLine) -> i64| {
        lines
            .iter()
            .filter(|line| line.refund.is_some() == of_refunds)
            .map(fen)
            .sum::<i64>()
    };
    let paid = sum(false, |line| line.amount_fen);
    let fee = lines.iter().map(|line| line.fee_fen).sum::<i64>();
    vec![
        lines.len().to_string(),
        yuan(paid),
        yuan(sum(true, BillLine::moved_fen)),
        yuan(0),
        format!("{}000", yuan(fee)),
        yuan(paid),
        yuan(sum(true, |line| line.amount_fen)),
    ]
}

fn push_row(text: &mut String, fields: &[String]) {
    for (at, field) in fields.iter().enumerate() {
        text.push_str(if at == 0 { "`" } else { ",`" });
        text.extend(field.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    text.push('\n');
}

/// Fen as yuan with two decimals.
pub(crate) fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let size = fen.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// Parts per million as a percentage with two decimals, with four where two lose something.
fn percent(ppm: u32) -> String {
    let (whole, rest) = (ppm / 10_000, ppm % 10_000);
    if rest % 100 == 0 {
        format!("{whole}.{:02}%", rest / 100)
    } else {
        format!("{whole}.{rest:04}%")
    }
}
