//! The internal accounts and those of a merchant.

use channels::operation::Channel;
use engine::Record;
use jiff::Timestamp;
use ledger::AccountId;
use money::Currency;
use serde::{Deserialize, Serialize};

/// Accounts the institution keeps for one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelAccounts {
    /// `CHN:x`, asset: what the channel has taken and not yet paid over.
    pub receivable: AccountId,
    /// `COST:x`, expense: what the channel charges.
    pub cost: AccountId,
}

/// The internal accounts of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// Currency of all of them.
    pub currency: Currency,
    /// `RSV`, asset: customer reserve (备付金) at the bank.
    pub reserve: AccountId,
    /// Accounts for WeChat Pay.
    pub wechat: ChannelAccounts,
    /// Accounts for UnionPay.
    pub unionpay: ChannelAccounts,
    /// `FEE`, income: fees of merchants.
    pub fee_income: AccountId,
    /// `OWN`, asset: the institution's own money.
    pub own_money: AccountId,
    /// `DIF`, liability: differences between what was expected and what happened.
    pub differences: AccountId,
    /// `SUS`, liability: facts that have no home yet.
    pub suspense: AccountId,
    /// Set up at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
}

impl Chart {
    /// There is one chart in a shard.
    pub const KEY: &'static str = "chart";

    /// Accounts of a channel.
    pub fn channel(&self, channel: Channel) -> ChannelAccounts {
        match channel {
            Channel::Wechat => self.wechat,
            Channel::Unionpay => self.unionpay,
        }
    }

    /// Every internal account with its name.
    pub fn accounts(&self) -> [(&'static str, AccountId); 9] {
        [
            ("RSV", self.reserve),
            ("CHN:wechat", self.wechat.receivable),
            ("CHN:unionpay", self.unionpay.receivable),
            ("FEE", self.fee_income),
            ("COST:wechat", self.wechat.cost),
            ("COST:unionpay", self.unionpay.cost),
            ("OWN", self.own_money),
            ("DIF", self.differences),
            ("SUS", self.suspense),
        ]
    }
}

impl Record for Chart {
    const KIND: &'static str = "chart";
    fn key(&self) -> &str {
        Chart::KEY
    }
}

/// Accounts of one merchant, all liabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantAccounts {
    /// `MS:m`: owed to the merchant, not yet paid out.
    pub payable: AccountId,
    /// `TRN:m`: payouts whose outcome is not known.
    pub payout_in_transit: AccountId,
    /// `RFD:m`: refunds whose outcome is not known.
    pub refund_in_transit: AccountId,
    /// `ESC:m`: held for orders until release.
    pub escrow: AccountId,
}

impl MerchantAccounts {
    /// All of them.
    pub fn all(&self) -> [AccountId; 4] {
        [
            self.payable,
            self.payout_in_transit,
            self.refund_in_transit,
            self.escrow,
        ]
    }
}
