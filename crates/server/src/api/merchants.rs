//! Merchants.

use super::bank_account::{BankAccountBody, BankAccountView};
use super::decisions::DecisionView;
use super::enums;
use super::profile::ProfileBody;
use calendar::{BusinessDate, SettlementCycle};
use domain::merchant::{LateSuccess, Merchant, MerchantStatus};
use jiff::Timestamp;
use money::{FeeSchedule, Rate};
use serde::{Deserialize, Serialize};

/// Price list of a payment; amounts in minor units.
#[derive(utoipa::ToSchema)]
#[schema(as = FeeSchedule, example = json!({"rate": 6000, "min": 10}))]
#[allow(
    dead_code,
    reason = "describes money::FeeSchedule in the API's description"
)]
pub struct FeeScheduleSchema {
    /// Parts per million of the amount, 6000 is 0.6 %.
    #[schema(default = 0, minimum = 0, maximum = 1_000_000)]
    rate: Option<u32>,
    /// Added whatever the amount.
    #[schema(default = 0, minimum = 0)]
    flat: Option<i64>,
    /// Floor.
    #[schema(minimum = 0)]
    min: Option<i64>,
    /// Cap.
    #[schema(minimum = 0)]
    max: Option<i64>,
}

/// A new merchant.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_number": "shop-1",
    "name": "清源书店",
    "fee_schedule": {"rate": 6000},
    "settlement_cycle": "T+1",
    "settlement_account": {"account_number": "6216261000000002485", "holder": "宗晓", "owner": "merchant"},
    "profile": {
        "kind": "company", "premises": "online", "province": "shanghai", "checked_by": "institution",
        "identified": true, "due_diligence": true, "listed": false, "unlawful": false,
        "serves_unlicensed": false, "agreement_written": true, "agreement_bans_sensitive_data": true,
        "agreement_notice_days": 30, "outsourced": [], "code": "dynamic"
    }
}))]
pub struct NewMerchant {
    /// Your own number for it, unique for ever: 1 to 64 letters, digits or `-_.:`.
    pub external_number: String,
    /// Name, 1 to 128 characters.
    pub name: String,
    /// The platform or group it belongs to: 1 to 64 letters, digits or `-_.:`. Merchants split with
    /// members of their own group; one without a group stands for itself.
    #[serde(default)]
    pub group: Option<String>,
    /// Fee of a payment.
    #[schema(value_type = FeeScheduleSchema)]
    pub fee_schedule: FeeSchedule,
    /// Whether a refund gives its share of the fee back.
    #[serde(default)]
    pub refund_returns_fee: bool,
    /// When takings are settled: `T+1`, `D+0`, `weekly:friday`, `monthly:15`.
    #[schema(value_type = String, example = "T+1")]
    pub settlement_cycle: SettlementCycle,
    /// Whether settlement pays out by itself; true if absent.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub automatic_payout: bool,
    /// Where settlements go.
    #[serde(default)]
    pub settlement_account: Option<BankAccountBody>,
    /// What happens to a payment that succeeds after it was reported closed.
    #[serde(default = "refund")]
    #[schema(schema_with = enums::late_success)]
    pub late_success: LateSuccess,
    /// Largest part of a payment that may be split off, in parts per million.
    #[serde(default)]
    #[schema(value_type = u32, default = 0, maximum = 1_000_000)]
    pub split_share_max: Rate,
    /// Days after a payment within which it may be split.
    #[serde(default = "thirty")]
    #[schema(default = 30)]
    pub split_days_max: u16,
    /// What is known of it, for the rules of regulation. Whether it may be served is judged from this.
    #[serde(default)]
    pub profile: ProfileBody,
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

/// Changes of a merchant; what is absent stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"fee_schedule": {"rate": 5500}, "automatic_payout": false}))]
pub struct MerchantChanges {
    /// New name.
    #[serde(default)]
    pub name: Option<String>,
    /// New fee.
    #[serde(default)]
    #[schema(value_type = Option<FeeScheduleSchema>)]
    pub fee_schedule: Option<FeeSchedule>,
    /// New rule for fees of refunds.
    #[serde(default)]
    pub refund_returns_fee: Option<bool>,
    /// New cycle, for takings from now on.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub settlement_cycle: Option<SettlementCycle>,
    /// New payout mode.
    #[serde(default)]
    pub automatic_payout: Option<bool>,
    /// New settlement account.
    #[serde(default)]
    pub settlement_account: Option<BankAccountBody>,
    /// New policy for late successes.
    #[serde(default)]
    #[schema(schema_with = enums::late_success)]
    pub late_success: Option<LateSuccess>,
    /// New limit of splits, in parts per million.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    pub split_share_max: Option<Rate>,
    /// New time limit of splits.
    #[serde(default)]
    pub split_days_max: Option<u16>,
    /// What is known of it now; what it leaves out stays. Whether it may be served is judged anew.
    #[serde(default)]
    pub profile: Option<ProfileBody>,
}

/// New standing of a merchant.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "suspended", "reason": "chargebacks under inquiry"}))]
pub struct MerchantStanding {
    /// Standing; `closed` is for ever and demands empty accounts.
    #[schema(schema_with = enums::merchant_status)]
    pub status: MerchantStatus,
    /// Why, 1 to 200 characters.
    pub reason: String,
}

/// Numbers of a merchant's accounts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MerchantAccountsView {
    /// Owed to the merchant, not yet paid out.
    #[schema(example = 12)]
    pub payable: u64,
    /// Payouts whose outcome is not known.
    #[schema(example = 13)]
    pub payout_in_transit: u64,
    /// Refunds whose outcome is not known.
    #[schema(example = 14)]
    pub refund_in_transit: u64,
    /// Held for orders until release.
    #[schema(example = 15)]
    pub escrow: u64,
}

/// A merchant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Merchant)]
pub struct MerchantView {
    /// `mch_…`
    #[schema(example = "mch_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub id: String,
    /// The institution's own number for it.
    pub external_number: String,
    /// Name.
    pub name: String,
    /// Standing.
    #[schema(schema_with = enums::merchant_status)]
    pub status: MerchantStatus,
    /// Fee of a payment.
    #[schema(value_type = FeeScheduleSchema)]
    pub fee_schedule: FeeSchedule,
    /// Whether a refund gives its share of the fee back.
    pub refund_returns_fee: bool,
    /// When takings are settled.
    #[schema(value_type = String, example = "T+1")]
    pub settlement_cycle: SettlementCycle,
    /// Whether settlement pays out by itself.
    pub automatic_payout: bool,
    /// Where settlements go.
    pub settlement_account: Option<BankAccountView>,
    /// Policy for late successes.
    #[schema(schema_with = enums::late_success)]
    pub late_success: LateSuccess,
    /// Largest part of a payment that may be split off, in parts per million.
    #[schema(value_type = u32)]
    pub split_share_max: Rate,
    /// Days after a payment within which it may be split.
    pub split_days_max: u16,
    /// What is known of it; not shown to the merchant itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileBody>,
    /// The decision by which it is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    /// The decision by which it is settled on these terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement_decision: Option<DecisionView>,
    /// Signs of risk hold its payouts until people clear them. Told when one merchant is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payouts_held: Option<bool>,
    /// Signs of risk that nobody has cleared; not shown to the merchant itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_signals: Option<Vec<String>>,
    /// Numbers of its accounts.
    pub accounts: MerchantAccountsView,
    /// Created at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Business date of its creation.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Merchant> for MerchantView {
    fn from(merchant: Merchant) -> MerchantView {
        MerchantView {
            id: merchant.id,
            external_number: merchant.external_number,
            name: merchant.name,
            status: merchant.status,
            fee_schedule: merchant.fee_schedule,
            refund_returns_fee: merchant.refund_returns_fee,
            settlement_cycle: merchant.settlement_cycle,
            automatic_payout: merchant.automatic_payout,
            settlement_account: merchant.settlement_account.map(BankAccountView::from),
            late_success: merchant.late_success,
            split_share_max: merchant.split_share_max,
            split_days_max: merchant.split_days_max,
            profile: Some(merchant.profile.into()),
            decision: merchant.decision.map(DecisionView::from),
            settlement_decision: merchant.settlement_decision.map(DecisionView::from),
            payouts_held: None,
            risk_signals: None,
            accounts: MerchantAccountsView {
                payable: merchant.accounts.payable.0,
                payout_in_transit: merchant.accounts.payout_in_transit.0,
                refund_in_transit: merchant.accounts.refund_in_transit.0,
                escrow: merchant.accounts.escrow.0,
            },
            created_at: merchant.created_at,
            updated_at: merchant.updated_at,
            business_date: merchant.business_date,
        }
    }
}
