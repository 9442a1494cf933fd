//! Error answers, their signature checked before. They say at most that a request was not accepted
//! or an object does not exist; everything else is left to a query.

use super::parse::{json, unknown};
use super::wire::ErrorBody;
use crate::answer::{Answer, Refusal, Report};
use crate::http::Response;
use crate::operation::Operation;

/// Codes by which the channel says that it did nothing and will not on repetition either.
const DECLINED: &[&str] = &[
    "PARAM_ERROR",
    "INVALID_REQUEST",
    "APPID_MCHID_NOT_MATCH",
    "MCH_NOT_EXISTS",
    "ORDER_CLOSED",
    "NO_AUTH",
    "RULE_LIMIT",
    "RULELIMIT",
    "TRADE_ERROR",
    "ACCOUNT_ERROR",
    "USER_ACCOUNT_ABNORMAL",
    "REQUEST_BLOCKED",
];

/// Codes by which the channel says that it did nothing, but may when asked again: money is
/// missing, the rate limit is reached, our key or clock is wrong, the bill is being made.
const DECLINED_FOR_NOW: &[&str] = &[
    "NOT_ENOUGH",
    "NOTENOUGH",
    "SIGN_ERROR",
    "FREQUENCY_LIMITED",
    "RATELIMIT_EXCEEDED",
    "STATEMENT_CREATING",
];

const NO_SUCH_OBJECT: &[&str] = &["ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"];

/// Reads a response that is not 2xx, and verifiably the channel's.
pub(super) fn classify(operation: &Operation, response: &Response) -> Report {
    let status = response.status;
    if !(400..500).contains(&status) {
        return unknown(format!("HTTP {status}"));
    }
    let Ok(error) = json::<ErrorBody>(&response.body) else {
        return unknown(format!("HTTP {status} without the documented error body"));
    };
    let code = error.code.as_str();
    let ambiguous = || unknown(format!("HTTP {status} {code:.64}"));
    let refused = |later| Report::Refused {
        refusal: Refusal {
            code: code.chars().take(64).collect(),
            message: error.message.chars().take(256).collect(),
            later,
        },
    };
    let missing = status == 404 && NO_SUCH_OBJECT.contains(&code);
    match operation {
        // A declined question says nothing about the object it asked for.
        Operation::QueryOrder { .. } | Operation::QueryRefund { .. } => {
            if missing {
                Report::NotFound
            } else {
                ambiguous()
            }
        }
        Operation::TradeBill { .. } if code == "NO_STATEMENT_EXIST" => Report::Answered {
            answer: Answer::NoBill,
        },
        // The order a refund needs is not there: nothing was done.
        Operation::Refund { .. } if missing => refused(false),
        // The order is closed already, or paid: a query tells which.
        Operation::CloseOrder { .. } if code == "ORDER_CLOSED" => ambiguous(),
        _ if status == 429 || DECLINED_FOR_NOW.contains(&code) => refused(true),
        _ if DECLINED.contains(&code) => refused(false),
        // ORDERPAID, OUT_TRADE_NO_USED, an order unknown when closing, unlisted codes: a query
        // tells what is the case.
        _ => ambiguous(),
    }
}
