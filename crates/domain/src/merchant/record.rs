//! A merchant and what was agreed with it.

use super::{CreateMerchant, Profile};
use crate::chart::MerchantAccounts;
use crate::regulation::Ruling;
use calendar::{BusinessDate, SettlementCycle};
use engine::{Fingerprint, Indexes, Record, index_time};
use jiff::Timestamp;
use money::{FeeSchedule, Rate};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Standing of a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStatus {
    /// May do everything.
    Active,
    /// Takes no new payments and is not paid out; refunds and facts go on.
    Suspended,
    /// Closed for ever, its accounts are empty and closed.
    Closed,
}

/// What happens to a payment that succeeds after it was reported closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateSuccess {
    /// The payer gets the money back at once.
    Refund,
    /// The payment counts as succeeded.
    Book,
}

/// A bank account, by reference: the clear number is only in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccount {
    /// Id of the vault entry (`channels::operation::PayeeAccount` as JSON).
    pub vault_id: String,
    /// First six and last four digits.
    pub masked: String,
    /// Of what is in the vault; the engine takes it where it seals. Older entries have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Whose account it is, in relation to the merchant that is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountOwner>,
    /// For a designated account: the lawful relation that makes it one is documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documented: Option<bool>,
    /// For a payee that is not the merchant: whether it stands on a list of persons with whom nobody may
    /// deal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<bool>,
}

/// Whose a bank account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountOwner {
    /// The merchant's own.
    Merchant,
    /// A platform's.
    Platform,
    /// Somebody's whom the merchant designated.
    Designated,
}

impl BankAccount {
    /// Whether both are the same account. A repeated request seals its account anew under another id,
    /// so the fingerprints are compared; where one is missing, the masks.
    pub fn is_same(&self, other: &BankAccount) -> bool {
        match (&self.fingerprint, &other.fingerprint) {
            (Some(this), Some(that)) => this == that,
            _ => self.masked == other.masked,
        }
    }

    /// Whether it is somebody's with whom nobody may deal. For the merchant's own account the merchant's
    /// profile says so.
    pub(crate) fn is_of_listed(&self) -> bool {
        self.owner != Some(AccountOwner::Merchant) && self.listed == Some(true)
    }

    /// Whether it verifiably is the one on file. Masks are no proof: many accounts have the same.
    pub(crate) fn is_on_file(&self, on_file: Option<&BankAccount>) -> bool {
        self.fingerprint.is_some()
            && on_file.is_some_and(|known| known.fingerprint == self.fingerprint)
    }

    /// The account with what is on file about it, if it verifiably is the one on file.
    pub(crate) fn with_facts_of(&self, on_file: Option<&BankAccount>) -> BankAccount {
        let mut account = self.clone();
        if let Some(known) = on_file.filter(|_| self.is_on_file(on_file)) {
            account.owner = account.owner.or(known.owner);
            account.documented = account.documented.or(known.documented);
            account.listed = account.listed.or(known.listed);
        }
        account
    }
}

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    /// `mch_…`
    pub id: String,
    /// The institution's own number for it, unique in the shard.
    pub external_number: String,
    /// Name.
    pub name: String,
    /// The platform or group it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Standing.
    pub status: MerchantStatus,
    /// Fee of a payment.
    pub fee_schedule: FeeSchedule,
    /// Whether a refund gives its share of the fee back.
    pub refund_returns_fee: bool,
    /// When takings are settled.
    pub settlement_cycle: SettlementCycle,
    /// Whether settlement pays out by itself; otherwise settled money waits for a payout request.
    pub automatic_payout: bool,
    /// Where settlements go.
    pub settlement_account: Option<BankAccount>,
    /// Policy for late successes.
    pub late_success: LateSuccess,
    /// Largest part of a payment that may go to receivers of a split; nothing means no permission.
    pub split_share_max: Rate,
    /// Days after a payment within which it may be split.
    pub split_days_max: u16,
    /// What is known of it.
    #[serde(default)]
    pub profile: Profile,
    /// The decision by which it is served. Merchants of earlier releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<Ruling>>,
    /// The decision by which it is settled on these terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement_decision: Option<Arc<Ruling>>,
    /// Its accounts.
    pub accounts: MerchantAccounts,
    /// Created at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date of its creation.
    pub business_date: BusinessDate,
}

impl Record for Merchant {
    const KIND: &'static str = "merchant";
    fn key(&self) -> &str {
        &self.id
    }
    /// `time`: all merchants in the order of their creation.
    fn indexes(&self, out: &mut Indexes) {
        out.add("time", index_time(self.created_at));
    }
}

/// The external number of a merchant, so that it is given once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalNumber {
    /// The number.
    pub number: String,
    /// Whose.
    pub merchant: String,
    /// The terms under which the merchant was created, by which a repeat of the creation is known. Numbers of
    /// earlier releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<CreateMerchant>,
}

impl Record for ExternalNumber {
    const KIND: &'static str = "merchant_number";
    fn key(&self) -> &str {
        &self.number
    }
}
