//! What the channel did, whatever it said.

use channels::operation::{Channel, ChannelReference};
use domain::BillLine;
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

impl Books {
    /// Everything that was paid, refunded and paid out, as a bill lists it.
    pub fn bill(&self) -> Vec<(Channel, BillLine)> {
        let paid = self.orders.iter().filter_map(|(order, entry)| {
            let OrderStanding::Paid { number, at } = &entry.standing else {
                return None;
            };
            let line = BillLine::Payment {
                order: ChannelReference(order.clone()),
                channel_number: number.clone(),
                amount: entry.amount,
                paid_at: *at,
            };
            Some((Channel::Wechat, line))
        });
        let refunded = self.refunds.iter().filter_map(|(refund, entry)| {
            let RefundStanding::Succeeded(at) = entry.standing else {
                return None;
            };
            let line = BillLine::Refund {
                refund: ChannelReference(refund.clone()),
                channel_number: entry.number.clone(),
                amount: entry.amount,
                refunded_at: at,
            };
            Some((Channel::Wechat, line))
        });
        let paid_out = self.payouts.iter().filter_map(|(payout, entry)| {
            if entry.standing != PayoutStanding::Succeeded {
                return None;
            }
            let line = BillLine::Payout {
                payout: ChannelReference(payout.clone()),
                channel_number: entry.number.clone(),
                amount: entry.amount,
                settle_date: None,
            };
            Some((Channel::Unionpay, line))
        });
        paid.chain(refunded).chain(paid_out).collect()
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEntry {
    /// What is to be paid.
    pub amount: Money,
    /// Who pays it.
    pub payer: String,
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
    /// The channel once answered that there is no such order, though there was.
    pub denied: bool,
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
