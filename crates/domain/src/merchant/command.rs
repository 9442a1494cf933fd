//! Commands about merchants.

use super::{BankAccount, LateSuccess, MerchantStatus, Profile};
use calendar::SettlementCycle;
use money::{FeeSchedule, Rate};
use serde::{Deserialize, Serialize};

/// Opens a merchant. The same external number with the same content answers the same merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateMerchant {
    /// The institution's own number for it.
    pub external_number: String,
    /// Name.
    pub name: String,
    /// The platform or group it belongs to; members of a group are kept in one shard, so that splits
    /// among them are possible.
    #[serde(default)]
    pub group: Option<String>,
    /// Fee of a payment.
    pub fee_schedule: FeeSchedule,
    /// Whether a refund gives its share of the fee back.
    #[serde(default)]
    pub refund_returns_fee: bool,
    /// When takings are settled.
    pub settlement_cycle: SettlementCycle,
    /// Whether settlement pays out by itself.
    #[serde(default = "yes")]
    pub automatic_payout: bool,
    /// Where settlements go.
    #[serde(default)]
    pub settlement_account: Option<BankAccount>,
    /// Policy for late successes.
    #[serde(default = "refund")]
    pub late_success: LateSuccess,
    /// Largest part of a payment that may be split off, in parts per million.
    #[serde(default)]
    pub split_share_max: Rate,
    /// Days after a payment within which it may be split.
    #[serde(default = "thirty")]
    pub split_days_max: u16,
    /// What is known of it, for the rules of regulation.
    #[serde(default)]
    pub profile: Profile,
}

fn yes() -> bool {
    true
}

fn refund() -> LateSuccess {
    LateSuccess::Refund
}

fn thirty() -> u16 {
    30
}

/// Changes what was agreed; what is absent stays. Payments under way are charged by the new terms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateMerchant {
    /// The merchant.
    pub merchant: String,
    /// New name.
    pub name: Option<String>,
    /// New fee.
    pub fee_schedule: Option<FeeSchedule>,
    /// New rule for fees of refunds.
    pub refund_returns_fee: Option<bool>,
    /// New cycle, for takings from now on.
    pub settlement_cycle: Option<SettlementCycle>,
    /// New payout mode.
    pub automatic_payout: Option<bool>,
    /// New settlement account.
    pub settlement_account: Option<BankAccount>,
    /// New policy for late successes.
    pub late_success: Option<LateSuccess>,
    /// New limit of splits.
    pub split_share_max: Option<Rate>,
    /// New time limit of splits.
    pub split_days_max: Option<u16>,
    /// What is known of it now; what it leaves out stays.
    pub profile: Option<Profile>,
}

/// Suspends, reactivates or closes a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetMerchantStatus {
    /// The merchant.
    pub merchant: String,
    /// Its new standing.
    pub status: MerchantStatus,
    /// Why.
    pub reason: String,
}
