//! Bodies of the requests, and the checks that need no books.

use super::refusal::Refusal;
use calendar::parse_rfc3339;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Largest amount of one order in fen; beyond it WeChat's own limits apply.
const AMOUNT_FEN_MAX: i64 = 10_000_000_000;

/// Body of `POST /v3/pay/transactions/native`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NativeOrder {
    /// Application.
    pub appid: String,
    /// Merchant.
    pub mchid: String,
    /// What is bought.
    pub description: String,
    /// Merchant's number.
    pub out_trade_no: String,
    /// Where the result is announced.
    pub notify_url: String,
    /// What is paid.
    pub amount: OrderAmount,
    /// RFC 3339; the unpaid order closes then.
    #[serde(default)]
    pub time_expire: Option<String>,
    /// Returned in query, notification and bill.
    #[serde(default)]
    pub attach: Option<String>,
}

/// Amount of an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderAmount {
    /// Fen.
    pub total: i64,
    /// `CNY`, also when absent.
    #[serde(default)]
    pub currency: Option<String>,
}

/// Body of a close.
#[derive(Debug, Clone, Deserialize)]
pub struct CloseOrder {
    /// Merchant.
    pub mchid: String,
}

/// Body of `POST /v3/refund/domestic/refunds`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RefundOrder {
    /// WeChat's number of the order, or …
    #[serde(default)]
    pub transaction_id: Option<String>,
    /// … the merchant's.
    #[serde(default)]
    pub out_trade_no: Option<String>,
    /// Merchant's number of the refund.
    pub out_refund_no: String,
    /// Shown to the payer.
    #[serde(default)]
    pub reason: Option<String>,
    /// Where the result is announced.
    #[serde(default)]
    pub notify_url: Option<String>,
    /// What is given back.
    pub amount: RefundAmount,
}

/// Amounts of a refund, in fen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RefundAmount {
    /// Given back.
    pub refund: i64,
    /// Of the whole order.
    pub total: i64,
    /// `CNY`.
    pub currency: String,
}

/// Reads a JSON body.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let value: Value =
        serde_json::from_slice(body).map_err(|_| Refusal::parameter("body", "is no valid JSON"))?;
    serde_json::from_value(value).map_err(|error| Refusal::parameter("body", &error.to_string()))
}

impl NativeOrder {
    /// Checks everything that does not depend on the books; answers when the order expires, if
    /// the request says so.
    pub(crate) fn check(
        &self,
        merchant_id: &str,
        app_id: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        check_merchant(&self.mchid, merchant_id)?;
        if self.appid != app_id {
            return Err(Refusal::new(
                400,
                "APPID_MCHID_NOT_MATCH",
                268_445_527,
                "appid和mchid不匹配",
            ));
        }
        check_order_number(&self.out_trade_no)?;
        check_length("description", &self.description, 1, 127)?;
        check_length("attach", self.attach.as_deref().unwrap_or_default(), 0, 128)?;
        check_notify_url(&self.notify_url)?;
        check_currency(self.amount.currency.as_deref().unwrap_or("CNY"))?;
        if !(1..=AMOUNT_FEN_MAX).contains(&self.amount.total) {
            return Err(Refusal::parameter("amount.total", "must be at least 1 fen"));
        }
        let Some(text) = &self.time_expire else {
            return Ok(None);
        };
        let expires = parse_rfc3339(text)
            .map_err(|_| Refusal::parameter("time_expire", "is no RFC 3339 time"))?;
        if expires <= now {
            return Err(Refusal::parameter("time_expire", "is in the past"));
        }
        Ok(Some(expires))
    }
}

impl RefundOrder {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let number = &self.out_refund_no;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-|*@".contains(c);
        if number.is_empty() || number.len() > 64 || !number.chars().all(allowed) {
            return Err(Refusal::parameter(
                "out_refund_no",
                "must be 1 to 64 of 0-9A-Za-z_-|*@",
            ));
        }
        check_length("reason", self.reason.as_deref().unwrap_or_default(), 0, 80)?;
        if let Some(url) = &self.notify_url {
            check_notify_url(url)?;
        }
        check_currency(&self.amount.currency)?;
        if self.amount.refund < 1 {
            return Err(Refusal::parameter(
                "amount.refund",
                "must be at least 1 fen",
            ));
        }
        Ok(())
    }
}

pub(crate) fn check_merchant(given: &str, authenticated: &str) -> Result<(), Refusal> {
    if given == authenticated {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "PARAM_ERROR",
        268_447_843,
        "商户号与签名所用的商户号不一致",
    ))
}

fn check_order_number(number: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-*|".contains(c);
    if (6..=32).contains(&number.len()) && number.chars().all(allowed) {
        return Ok(());
    }
    Err(Refusal::parameter(
        "out_trade_no",
        "must be 6 to 32 of 0-9A-Za-z_-*|",
    ))
}

fn check_length(field: &str, text: &str, least: usize, most: usize) -> Result<(), Refusal> {
    if (least..=most).contains(&text.chars().count()) {
        return Ok(());
    }
    Err(Refusal::parameter(
        field,
        &format!("must have {least} to {most} characters"),
    ))
}

fn check_notify_url(url: &str) -> Result<(), Refusal> {
    let fit = url.len() <= 256
        && url::Url::parse(url).is_ok_and(|parsed| {
            matches!(parsed.scheme(), "http" | "https") && parsed.query().is_none()
        });
    if fit {
        return Ok(());
    }
    Err(Refusal::parameter(
        "notify_url",
        "must be an http(s) URL of at most 256 characters without a query",
    ))
}

fn check_currency(currency: &str) -> Result<(), Refusal> {
    if currency == "CNY" {
        return Ok(());
    }
    Err(Refusal::parameter("amount.currency", "must be CNY"))
}
