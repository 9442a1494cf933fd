//! Commands about payments.

use crate::split::SplitPlan;
use channels::operation::Channel;
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Takes an order and registers it at a channel. The same order number with the same content
/// answers the same payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePayment {
    /// Who is paid.
    pub merchant: String,
    /// The merchant's own number, unique for ever.
    pub order_number: String,
    /// What the payer pays.
    pub amount: Money,
    /// Through which channel.
    pub channel: Channel,
    /// Shown to the payer.
    pub description: String,
    /// What the payer pays from, where the order admits one source only or it is known otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<FundSource>,
    /// When an unpaid order is closed; a default of the institution if absent.
    #[serde(
        default,
        with = "calendar::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Timestamp>,
    /// How the payment is split when it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_plan: Option<SplitPlan>,
    /// The merchant's own pairs; no personal data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// Where a payer's money comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundSource {
    /// A bank account or debit card.
    BankAccount,
    /// A credit card.
    CreditCard,
    /// The balance of a payment account.
    PaymentAccountBalance,
    /// A prepaid card.
    Prepaid,
}

impl FundSource {
    /// Its word in the vocabulary of facts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            FundSource::BankAccount => "bank_account",
            FundSource::CreditCard => "credit_card",
            FundSource::PaymentAccountBalance => "payment_account_balance",
            FundSource::Prepaid => "prepaid",
        }
    }
}

/// Asks the channel to close an unpaid order. Whether it is closed, the channel says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosePayment {
    /// Whose.
    pub merchant: String,
    /// The payment.
    pub payment: String,
}

/// Asks the channel how an open payment stands, now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryPayment {
    /// Whose.
    pub merchant: String,
    /// The payment.
    pub payment: String,
}

/// A person accepts a payment of less than the order asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptUnderpayment {
    /// The payment, under review.
    pub payment: String,
    /// On what this rests.
    pub reason: String,
}
