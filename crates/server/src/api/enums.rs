//! Schemas of enumerations: the values are written by the same code that writes them in answers.

use channels::{Channel, Instrument};
use compliance::risk::{Measure, Sign};
use domain::case::{CaseKind, CaseStatus};
use domain::launch::Product;
use domain::merchant::{
    AccountOwner, CheckedBy, CodeKind, LateSuccess, MerchantKind, MerchantStatus, Premises,
};
use domain::payment::{CloseReason, FundSource, PaymentStatus, Source};
use domain::payout::{PayoutStatus, ResolvedPayout};
use domain::refund::{RefundStatus, ResolvedRefund};
use domain::risk::{SignalDecision, SignalStatus};
use domain::signing_key::KeyAlgorithm;
use domain::split::ReceiverKind;
use domain::webhook::{DeliveryStatus, EventType};
use ledger::{AccountKind, Side};
use serde::Serialize;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

fn values<T: Serialize>(values: &[T]) -> Object {
    let names: Vec<serde_json::Value> = values
        .iter()
        .filter_map(|value| serde_json::to_value(value).ok())
        .collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .build()
}

/// Channels.
pub fn channel() -> Object {
    values(&[Channel::Wechat, Channel::Unionpay])
}

/// Standing of a merchant.
pub fn merchant_status() -> Object {
    use MerchantStatus::{Active, Closed, Suspended};
    values(&[Active, Suspended, Closed])
}

/// Kinds of merchants.
pub fn merchant_kind() -> Object {
    use MerchantKind::{Company, Micro, NaturalPerson, SoleTrader};
    values(&[Company, SoleTrader, Micro, NaturalPerson])
}

/// Where a merchant sells.
pub fn premises() -> Object {
    values(&[Premises::Shop, Premises::Online])
}

/// Who checked a merchant.
pub fn checked_by() -> Object {
    use CheckedBy::{Bank, Institution, Isv, Npi, Platform};
    values(&[Institution, Bank, Npi, Platform, Isv])
}

/// Codes that a merchant shows.
pub fn code_kind() -> Object {
    values(&[CodeKind::None, CodeKind::Static, CodeKind::Dynamic])
}

/// Whose a bank account is.
pub fn account_owner() -> Object {
    use AccountOwner::{Designated, Merchant, Platform};
    values(&[Merchant, Platform, Designated])
}

/// What a payer pays from.
pub fn fund_source() -> Object {
    use FundSource::{BankAccount, CreditCard, PaymentAccountBalance, Prepaid};
    values(&[BankAccount, CreditCard, PaymentAccountBalance, Prepaid])
}

/// What a payer paid from, as far as channels tell it.
pub fn instrument() -> Object {
    values(&[Instrument::CreditCard, Instrument::DebitCard])
}

/// Policy for late successes.
pub fn late_success() -> Object {
    values(&[LateSuccess::Refund, LateSuccess::Book])
}

/// Standing of a payment.
pub fn payment_status() -> Object {
    use PaymentStatus::{AwaitingPayer, Closed, Created, Failed, Succeeded, UnderReview, Unknown};
    values(&[
        Created,
        Unknown,
        AwaitingPayer,
        Succeeded,
        Closed,
        Failed,
        UnderReview,
    ])
}

/// Why an order was closed.
pub fn close_reason() -> Object {
    use CloseReason::{Channel, Expired, Requested};
    values(&[Requested, Expired, Channel])
}

/// Where we learned of a payment.
pub fn source() -> Object {
    values(&[Source::Answer, Source::Notification, Source::Bill])
}

/// Standing of a payout.
pub fn payout_status() -> Object {
    use PayoutStatus::{
        Cancelling, Created, Declined, Failed, Held, Processing, Returned, Stranded, Succeeded,
        Unknown, WaitingForReserve,
    };
    values(&[
        Held,
        WaitingForReserve,
        Created,
        Processing,
        Unknown,
        Declined,
        Cancelling,
        Stranded,
        Succeeded,
        Failed,
        Returned,
    ])
}

/// What a person states about a payout.
pub fn resolved_payout() -> Object {
    values(&[ResolvedPayout::Paid, ResolvedPayout::NotPaid])
}

/// What a receiver of a split is.
pub fn receiver_kind() -> Object {
    use ReceiverKind::{Agent, Commission, Platform, Seller};
    values(&[Seller, Commission, Platform, Agent])
}

/// Kinds of accounts.
pub fn account_kind() -> Object {
    use AccountKind::{Asset, Expense, Income, Liability, Memo};
    values(&[Asset, Liability, Income, Expense, Memo])
}

/// Sides.
pub fn side() -> Object {
    values(&[Side::Debit, Side::Credit])
}

/// Products that can be declared as new.
pub fn product() -> Object {
    values(&Product::ALL)
}

/// Signs of risk.
pub fn sign() -> Object {
    use Sign::{CashOut, NightWindow, RefundAbuse, StaticCodeConcentration, Velocity};
    values(&[
        Velocity,
        RefundAbuse,
        NightWindow,
        CashOut,
        StaticCodeConcentration,
    ])
}

/// What a sign of risk does.
pub fn measure() -> Object {
    values(&[Measure::Flag, Measure::Hold])
}

/// Standing of a sign of risk.
pub fn signal_status() -> Object {
    use SignalStatus::{Cleared, Confirmed, Open};
    values(&[Open, Confirmed, Cleared])
}

/// What people decide on a sign of risk.
pub fn signal_decision() -> Object {
    values(&[SignalDecision::Clear, SignalDecision::Confirm])
}

/// Kinds of cases.
pub fn case_kind() -> Object {
    use CaseKind as K;
    values(&[
        K::UnknownPayment,
        K::DoublePayment,
        K::Overpaid,
        K::Underpaid,
        K::AccountClosed,
        K::Unbookable,
        K::Contradiction,
        K::SplitFailed,
        K::RefundAbnormal,
        K::RefundStranded,
        K::UnknownRefund,
        K::PayoutStranded,
        K::PayoutOverdue,
        K::PayoutDeclined,
        K::UnknownPayout,
        K::NoSettlementAccount,
        K::WebhookFailing,
        K::PayoutRefused,
        K::MerchantForbidden,
        K::SourceContradicted,
        K::RiskSignal,
        K::Reconciliation,
        K::Other,
    ])
}

/// Standing of a case.
pub fn case_status() -> Object {
    use CaseStatus::{Adjusted, Closed, Explained, Open};
    values(&[Open, Explained, Adjusted, Closed])
}

/// Standing of a refund.
pub fn refund_status() -> Object {
    use RefundStatus as S;
    values(&[
        S::Created,
        S::Processing,
        S::Unknown,
        S::Declined,
        S::Abnormal,
        S::Stranded,
        S::Succeeded,
        S::Closed,
    ])
}

/// What a person states about a refund.
pub fn resolved_refund() -> Object {
    values(&[ResolvedRefund::PaidOtherwise, ResolvedRefund::NotPaid])
}

/// Events.
pub fn event_type() -> Object {
    values(&EventType::ALL)
}

/// How a key signs.
pub fn key_algorithm() -> Object {
    values(&KeyAlgorithm::ALL)
}

/// Standing of a delivery.
pub fn delivery_status() -> Object {
    use DeliveryStatus::{Delivered, Failed, Pending};
    values(&[Pending, Delivered, Failed])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeSet;

    /// The values that serde knows, out of its complaint about one that it does not.
    fn known<T: for<'de> Deserialize<'de>>() -> BTreeSet<String> {
        let complaint = serde_json::from_str::<T>("\"no such value\"")
            .err()
            .expect("a complaint")
            .to_string();
        let (_, list) = complaint.split_once("expected ").expect("a list");
        list.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    fn described(schema: Object) -> BTreeSet<String> {
        let schema = serde_json::to_value(schema).unwrap();
        let values = schema.get("enum").and_then(|values| values.as_array());
        let values = values.expect("values");
        values
            .iter()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn every_value_is_described() {
        let all = [
            (described(channel()), known::<Channel>()),
            (described(merchant_status()), known::<MerchantStatus>()),
            (described(late_success()), known::<LateSuccess>()),
            (described(merchant_kind()), known::<MerchantKind>()),
            (described(premises()), known::<Premises>()),
            (described(checked_by()), known::<CheckedBy>()),
            (described(code_kind()), known::<CodeKind>()),
            (described(account_owner()), known::<AccountOwner>()),
            (described(fund_source()), known::<FundSource>()),
            (described(instrument()), known::<Instrument>()),
            (described(payment_status()), known::<PaymentStatus>()),
            (described(close_reason()), known::<CloseReason>()),
            (described(source()), known::<Source>()),
            (described(payout_status()), known::<PayoutStatus>()),
            (described(resolved_payout()), known::<ResolvedPayout>()),
            (described(receiver_kind()), known::<ReceiverKind>()),
            (described(account_kind()), known::<AccountKind>()),
            (described(side()), known::<Side>()),
            (described(product()), known::<Product>()),
            (described(sign()), known::<Sign>()),
            (described(measure()), known::<Measure>()),
            (described(signal_status()), known::<SignalStatus>()),
            (described(signal_decision()), known::<SignalDecision>()),
            (described(case_kind()), known::<CaseKind>()),
            (described(case_status()), known::<CaseStatus>()),
            (described(refund_status()), known::<RefundStatus>()),
            (described(resolved_refund()), known::<ResolvedRefund>()),
            (described(event_type()), known::<EventType>()),
            (described(delivery_status()), known::<DeliveryStatus>()),
            (described(key_algorithm()), known::<KeyAlgorithm>()),
        ];
        for (described, known) in all {
            assert_eq!(described, known);
        }
    }
}
