//! Responses to reports.

use super::codes::{Meaning, meaning, meaning_of_outcome, refusal};
use super::message::{BIZ_PAYOUT, CURRENCY, SUB_TYPE, TXN_PAYOUT, TXN_QUERY};
use super::verification::verify;
use super::{Fields, UnionpayConnector};
use crate::answer::{Answer, PayoutState, Report};
use crate::connector::operation_name;
use crate::http::Response;
use crate::operation::{ChannelReference, Operation};
use calendar::compact;
use jiff::Timestamp;
use money::Money;

impl UnionpayConnector {
    pub(super) fn parse_response(
        &self,
        operation: &Operation,
        response: &Response,
        at: Timestamp,
    ) -> Report {
        let report = match operation {
            Operation::Payout {
                payout,
                submitted_at,
                amount,
                ..
            } => self
                .verified(response, at, TXN_PAYOUT, payout, *submitted_at)
                .and_then(|fields| read_payout(&fields, payout, *amount)),
            Operation::QueryPayout {
                payout,
                submitted_at,
            } => self
                .verified(response, at, TXN_QUERY, payout, *submitted_at)
                .and_then(|fields| read_query(&fields, payout)),
            _ => Err(format!("no answer to {}", operation_name(operation))),
        };
        report.unwrap_or_else(|reason| Report::Unknown { reason })
    }

    /// Fields of a response that is UnionPay's and speaks of the very payout asked about.
    fn verified(
        &self,
        response: &Response,
        at: Timestamp,
        txn_type: &str,
        payout: &ChannelReference,
        submitted_at: Timestamp,
    ) -> Result<Fields, String> {
        if response.status != 200 {
            return Err(format!("HTTP {}", response.status));
        }
        let fields = Fields::from_raw(&response.body).map_err(|error| error.to_string())?;
        verify(&self.config, &fields, at).map_err(|error| error.to_string())?;
        // A response carries neither time nor nonce: these fields tie it to our request.
        let expected = [
            ("merId", self.config.merchant_id.as_str()),
            ("orderId", payout.0.as_str()),
            ("txnTime", &compact(submitted_at)),
            ("txnType", txn_type),
            ("txnSubType", SUB_TYPE),
            ("bizType", BIZ_PAYOUT),
        ];
        for (name, value) in expected {
            let found = fields.get(name).unwrap_or_default();
            if found != value {
                return Err(format!("{name} is {found:?} where {value:?} was sent"));
            }
        }
        check_currency(&fields)?;
        Ok(fields)
    }
}

/// A success code only says "accepted" here: the outcome is asked for.
fn read_payout(
    fields: &Fields,
    payout: &ChannelReference,
    amount: Money,
) -> Result<Report, String> {
    if let Some(text) = fields.get("txnAmt")
        && read_amount(text) != Some(amount)
    {
        return Err(format!("txnAmt is not the {} sent", amount.amount()));
    }
    let code = fields.get("respCode").ok_or("respCode is missing")?;
    match meaning(code) {
        Meaning::Success if fields.get("txnAmt").is_none() => {
            Err("accepted, but txnAmt is missing".to_owned())
        }
        Meaning::Success => Ok(answered(payout, PayoutState::Processing)),
        Meaning::Declined(later) => Ok(Report::Refused {
            refusal: refusal(code, fields, "respMsg", later),
        }),
        Meaning::Unclear => Err(format!("respCode {code:.16}")),
    }
}

fn read_query(fields: &Fields, payout: &ChannelReference) -> Result<Report, String> {
    match fields.get("respCode") {
        Some("00") => {}
        Some("34") => return Ok(Report::NotFound),
        Some(code) => return Err(format!("respCode {code:.16} to the query")),
        None => return Err("respCode is missing".to_owned()),
    }
    let code = fields
        .get("origRespCode")
        .ok_or("origRespCode is missing")?;
    match meaning_of_outcome(code) {
        Meaning::Success => Ok(answered(payout, succeeded(fields)?)),
        Meaning::Declined(_) => Ok(answered(
            payout,
            PayoutState::Failed {
                refusal: refusal(code, fields, "origRespMsg", false),
            },
        )),
        Meaning::Unclear if IN_PROGRESS.contains(&code) => {
            Ok(answered(payout, PayoutState::Processing))
        }
        Meaning::Unclear => Err(format!("origRespCode {code:.16}")),
    }
}

/// `origRespCode`s of a payout that is still being worked on: keep on querying.
const IN_PROGRESS: [&str; 7] = ["03", "04", "05", "01", "12", "34", "60"];

/// Success as stated by a query answer or a notification.
pub(super) fn succeeded(fields: &Fields) -> Result<PayoutState, String> {
    let number = fields.get("queryId").ok_or("queryId is missing")?;
    let amount = fields
        .get("txnAmt")
        .and_then(read_amount)
        .ok_or("txnAmt is missing or no amount")?;
    let settle_date = match fields.get("settleDate") {
        None => None,
        Some(date) if date.len() == 4 && date.bytes().all(|b| b.is_ascii_digit()) => {
            Some(date.to_owned())
        }
        Some(_) => return Err("settleDate is not MMDD".to_owned()),
    };
    Ok(PayoutState::Succeeded {
        channel_number: number.to_owned(),
        amount,
        settle_date,
    })
}

/// Every amount of this connector is renminbi.
pub(super) fn check_currency(fields: &Fields) -> Result<(), String> {
    match fields.get("currencyCode") {
        None | Some(CURRENCY) => Ok(()),
        Some(other) => Err(format!("currencyCode is {other:?}, not {CURRENCY}")),
    }
}

/// Fen: 1 to 12 digits without a leading zero.
fn read_amount(text: &str) -> Option<Money> {
    let well_formed = (1..=12).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0');
    well_formed
        .then(|| text.parse().ok())
        .flatten()
        .map(Money::cny)
}

fn answered(payout: &ChannelReference, state: PayoutState) -> Report {
    Report::Answered {
        answer: Answer::Payout {
            payout: payout.clone(),
            state,
        },
    }
}
