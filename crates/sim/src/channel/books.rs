//! What the channel did, whatever it said.

use jiff::Timestamp;
use money::Money;
use std::collections::BTreeMap;

/// Books of the simulated channels; keys are our references.
#[derive(Debug, Default)]
pub struct Books {
    /// Orders registered.
    pub orders: BTreeMap<String, OrderEntry>,
    /// Refunds accepted.
    pub refunds: BTreeMap<String, RefundEntry>,
    /// Payouts accepted.
    pub payouts: BTreeMap<String, PayoutEntry>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEntry {
    /// What is to be paid.
    pub amount: Money,
    /// Registered at.
    pub created_at: Timestamp,
    /// Not payable from here on.
    pub expires_at: Timestamp,
    /// Standing.
    pub standing: OrderStanding,
    /// The payer has the code.
    pub shown: bool,
    /// The payer confirmed in the very moment of the close.
    pub confirming: bool,
}

/// Standing of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderStanding {
    /// Payable.
    Awaiting,
    /// Paid.
    Paid {
        /// The channel's number.
        number: String,
        /// When.
        at: Timestamp,
    },
    /// Closed unpaid.
    Closed,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundEntry {
    /// Of which order.
    pub order: String,
    /// How much.
    pub amount: Money,
    /// Accepted at.
    pub created_at: Timestamp,
    /// The channel's number.
    pub number: String,
    /// Standing.
    pub standing: RefundStanding,
}

/// Standing of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStanding {
    /// Not final.
    Processing,
    /// The payer has the money.
    Succeeded(Timestamp),
    /// Without effect.
    Closed,
    /// The payer's account refuses.
    Abnormal,
}

/// A payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutEntry {
    /// How much, each time.
    pub amount: Money,
    /// How often a request for it was accepted; the channel does not remove duplicates.
    pub accepted: u32,
    /// First accepted at.
    pub created_at: Timestamp,
    /// The channel's number.
    pub number: String,
    /// Standing.
    pub standing: PayoutStanding,
}

/// Standing of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutStanding {
    /// Not final.
    Processing,
    /// Paid.
    Succeeded,
    /// Nothing was paid.
    Failed,
}
