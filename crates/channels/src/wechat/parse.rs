//! Responses to reports.

use super::wire::{BillLocation, OrderCreated, RefundObject, Transaction};
use super::{WechatConnector, download, errors};
use crate::answer::{Answer, Instrument, OrderState, Payer, RefundState, Refusal, Report};
use crate::connector::operation_name;
use crate::http::Response;
use crate::operation::{ChannelReference, Operation};
use calendar::parse_rfc3339;
use jiff::Timestamp;
use money::{Currency, Money};

impl WechatConnector {
    pub(super) fn parse_response(
        &self,
        operation: &Operation,
        response: &Response,
        at: Timestamp,
    ) -> Report {
        if let Operation::DownloadBill { sha1, .. } = operation {
            return download::parse(response, sha1);
        }
        // Errors too: whoever stands between could decline in the channel's name. What it does not
        // sign (an error before it knows who asks, a rate limit, a 5xx) is asked again.
        if let Err(error) = self.keys.verify(&response.headers, &response.body, at) {
            return unknown(format!("HTTP {}: {error}", response.status));
        }
        if !(200..300).contains(&response.status) {
            return errors::classify(operation, response);
        }
        match self.read_success(operation, response) {
            Ok(answer) => Report::Answered { answer },
            Err(reason) => unknown(format!("HTTP {}: {reason}", response.status)),
        }
    }

    fn read_success(&self, operation: &Operation, response: &Response) -> Result<Answer, String> {
        let expected = match operation {
            Operation::CloseOrder { .. } => 204,
            _ => 200,
        };
        if response.status != expected {
            return Err(format!("{expected} was expected"));
        }
        let body = &response.body;
        match operation {
            Operation::CreateOrder { .. } => {
                let created: OrderCreated = json(body)?;
                if created.code_url.is_empty() {
                    return Err("code_url is empty".to_owned());
                }
                Ok(Answer::OrderCreated {
                    code_url: created.code_url,
                })
            }
            Operation::QueryOrder { order } => {
                let transaction: Transaction = json(body)?;
                equal("out_trade_no", &transaction.out_trade_no, &order.0)?;
                self.check_merchant(&transaction)?;
                order_answer(transaction)
            }
            Operation::CloseOrder { order } => Ok(Answer::Order {
                order: order.clone(),
                state: OrderState::Closed,
            }),
            Operation::Refund {
                order,
                refund,
                amount,
                order_total,
                ..
            } => {
                let object: RefundObject = json(body)?;
                equal("out_refund_no", &object.out_refund_no, &refund.0)?;
                let found = object.out_trade_no.as_deref().unwrap_or_default();
                equal("out_trade_no", found, &order.0)?;
                let sums = object.amount.as_ref();
                equal_amount("amount.refund", sums.and_then(|a| a.refund), *amount)?;
                equal_amount("amount.total", sums.and_then(|a| a.total), *order_total)?;
                refund_answer(object)
            }
            Operation::QueryRefund { refund } => {
                let object: RefundObject = json(body)?;
                equal("out_refund_no", &object.out_refund_no, &refund.0)?;
                refund_answer(object)
            }
            Operation::TradeBill { .. } => bill_location(json(body)?),
            Operation::DownloadBill { .. }
            | Operation::Payout { .. }
            | Operation::QueryPayout { .. } => {
                Err(format!("no answer to {}", operation_name(operation)))
            }
        }
    }

    fn check_merchant(&self, transaction: &Transaction) -> Result<(), String> {
        equal("mchid", &transaction.mchid, &self.config.merchant_id)?;
        equal("appid", &transaction.appid, &self.config.app_id)
    }
}

/// The card behind a `bank_type` like `ICBC_DEBIT`; other words (the balance, `OTHERS`) name none.
fn instrument(bank_type: &str) -> Option<Instrument> {
    match bank_type.rsplit_once('_') {
        Some((_, "CREDIT")) => Some(Instrument::CreditCard),
        Some((_, "DEBIT")) => Some(Instrument::DebitCard),
        _ => None,
    }
}

/// State of an order out of the transaction object; identity is checked by the caller.
pub(super) fn order_answer(transaction: Transaction) -> Result<Answer, String> {
    if let Some(amount) = &transaction.amount {
        check_currency(amount.currency.as_deref())?;
    }
    let payer = payer(&transaction);
    let state = match transaction.trade_state.as_str() {
        // REFUND: paid, and at least one refund was made since.
        "SUCCESS" | "REFUND" => OrderState::Paid {
            channel_number: required("transaction_id", transaction.transaction_id)?,
            amount: positive("amount.total", transaction.amount.and_then(|a| a.total))?,
            paid_at: instant("success_time", transaction.success_time)?,
            instrument: transaction.bank_type.as_deref().and_then(instrument),
            payer,
        },
        "NOTPAY" | "USERPAYING" => OrderState::AwaitingPayer,
        "CLOSED" | "REVOKED" => OrderState::Closed,
        "PAYERROR" => OrderState::Failed {
            refusal: Refusal {
                code: transaction.trade_state,
                message: transaction.trade_state_desc.unwrap_or_default(),
                later: false,
            },
        },
        other => return Err(format!("trade_state {other:?} is not known")),
    };
    Ok(Answer::Order {
        order: ChannelReference(transaction.out_trade_no),
        state,
    })
}

/// The payer, where the body names one.
fn payer(transaction: &Transaction) -> Option<Payer> {
    let openid = transaction.payer.as_ref()?.openid.as_deref()?;
    if openid.is_empty() {
        return None;
    }
    Some(Payer::of(openid))
}

/// State of a refund out of the refund object; identity is checked by the caller.
pub(super) fn refund_answer(object: RefundObject) -> Result<Answer, String> {
    if let Some(amount) = &object.amount {
        check_currency(amount.currency.as_deref())?;
    }
    let state = match object.status.as_str() {
        "PROCESSING" => RefundState::Processing,
        "SUCCESS" => RefundState::Succeeded {
            channel_number: required("refund_id", object.refund_id)?,
            amount: positive("amount.refund", object.amount.and_then(|a| a.refund))?,
            refunded_at: instant("success_time", object.success_time)?,
        },
        "CLOSED" => RefundState::Closed,
        "ABNORMAL" => RefundState::Abnormal,
        other => return Err(format!("refund status {other:?} is not known")),
    };
    Ok(Answer::Refund {
        refund: ChannelReference(object.out_refund_no),
        state,
    })
}

fn bill_location(location: BillLocation) -> Result<Answer, String> {
    if location.hash_type != "SHA1" {
        return Err(format!("hash_type {:?} is not known", location.hash_type));
    }
    let sha1 = location.hash_value.to_ascii_lowercase();
    if sha1.len() != 40 || !sha1.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("hash_value is no SHA-1".to_owned());
    }
    Ok(Answer::BillLocation {
        url: location.download_url,
        sha1,
    })
}

pub(super) fn unknown(reason: String) -> Report {
    Report::Unknown { reason }
}

/// Reads JSON; the error names the place but never the content.
pub(super) fn json<'de, T: serde::Deserialize<'de>>(body: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        format!(
            "the body is not the documented JSON at line {} column {}",
            error.line(),
            error.column()
        )
    })
}

fn equal(field: &str, found: &str, asked: &str) -> Result<(), String> {
    if found == asked {
        return Ok(());
    }
    Err(format!(
        "{field} is {found:?} where {asked:?} was asked for"
    ))
}

fn equal_amount(field: &str, found: Option<i64>, asked: Money) -> Result<(), String> {
    if found == Some(asked.amount()) {
        return Ok(());
    }
    Err(format!(
        "{field} is {found:?} where {} was asked for",
        asked.amount()
    ))
}

/// Where a body leaves the currency out, the channel documents CNY as the default.
fn check_currency(currency: Option<&str>) -> Result<(), String> {
    match currency {
        None => Ok(()),
        Some(code) if code == Currency::CNY.code() => Ok(()),
        Some(other) => Err(format!("amount.currency is {other:?}, not CNY")),
    }
}

fn required(field: &str, value: Option<String>) -> Result<String, String> {
    value
        .filter(|text| !text.is_empty())
        .ok_or_else(|| format!("{field} is missing"))
}

fn positive(field: &str, fen: Option<i64>) -> Result<Money, String> {
    fen.filter(|fen| *fen > 0)
        .map(Money::cny)
        .ok_or_else(|| format!("{field} is missing or not positive"))
}

fn instant(field: &str, text: Option<String>) -> Result<Timestamp, String> {
    let text = required(field, text)?;
    parse_rfc3339(&text).map_err(|error| format!("{field}: {error}"))
}
