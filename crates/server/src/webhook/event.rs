//! What a merchant is told: an event with the object as the API shows it in its lists.
//!
//! The book keeps the object's record as of the event; it becomes the API's view only here, so that
//! what is told and what is answered cannot differ in form.

use crate::api::payments::PaymentView;
use crate::api::payouts::PayoutView;
use crate::api::refunds::RefundView;
use crate::api::settlements::SettlementView;
use domain::payment::Payment;
use domain::payout::Payout;
use domain::refund::Refund;
use domain::settlement::Settlement;
use domain::webhook::EventType;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

/// An event as the book keeps it.
#[derive(Deserialize)]
struct Recorded<'a> {
    id: String,
    #[serde(rename = "type")]
    event_type: EventType,
    created_at: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// An event as it is told: the form of Standard Webhooks, and the id.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: EventType,
    timestamp: &'a str,
    data: Box<RawValue>,
}

/// The body of a delivery, made of what the book keeps of the event.
///
/// # Errors
/// When the record is not one of its event's type.
pub fn body(recorded: &str) -> Result<Box<RawValue>, serde_json::Error> {
    let event: Recorded = serde_json::from_str(recorded)?;
    to_raw_value(&Told {
        id: &event.id,
        event_type: event.event_type,
        timestamp: &event.created_at,
        data: show(event.event_type, event.data)?,
    })
}

fn show(event_type: EventType, record: &RawValue) -> Result<Box<RawValue>, serde_json::Error> {
    use EventType as E;
    match event_type {
        E::PaymentSucceeded | E::PaymentClosed | E::PaymentFailed => {
            view::<Payment, PaymentView>(record)
        }
        E::RefundSucceeded | E::RefundFailed => view::<Refund, RefundView>(record),
        E::PayoutSucceeded | E::PayoutFailed | E::PayoutHeld => view::<Payout, PayoutView>(record),
        E::SettlementCompleted => view::<Settlement, SettlementView>(record),
    }
}

fn view<R: DeserializeOwned, V: From<R> + Serialize>(
    record: &RawValue,
) -> Result<Box<RawValue>, serde_json::Error> {
    let record: R = serde_json::from_str(record.get())?;
    to_raw_value(&V::from(record))
}

/// Name of the schema of an event's `data`, and the event in words.
pub(crate) fn described(event_type: EventType) -> (String, &'static str) {
    use EventType as E;
    match event_type {
        E::PaymentSucceeded => (
            PaymentView::name().into_owned(),
            "The payer has paid. Final; with `late`, after the payment had been reported closed or failed.",
        ),
        E::PaymentClosed => (
            PaymentView::name().into_owned(),
            "The order was closed unpaid.",
        ),
        E::PaymentFailed => (
            PaymentView::name().into_owned(),
            "The channel declined the order or reported it failed; `refusal` says why.",
        ),
        E::RefundSucceeded => (RefundView::name().into_owned(), "The payer has the refund."),
        E::RefundFailed => (
            RefundView::name().into_owned(),
            "The refund came to nothing; the money is the merchant's again.",
        ),
        E::PayoutSucceeded => (PayoutView::name().into_owned(), "The payee has the payout."),
        E::PayoutFailed => (
            PayoutView::name().into_owned(),
            "The payout failed, or the payee's bank sent it back; the money is the merchant's again.",
        ),
        E::PayoutHeld => (
            PayoutView::name().into_owned(),
            "The payout waits until people of the institution have looked at the merchant's trade.",
        ),
        E::SettlementCompleted => (
            SettlementView::name().into_owned(),
            "What was due to the merchant was settled.",
        ),
    }
}
