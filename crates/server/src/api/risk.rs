//! Signs of risk.

use super::decisions::TextSchema;
use super::enums;
use calendar::BusinessDate;
use compliance::Text;
use compliance::risk::{Measure, Sign};
use domain::risk::{Decided, RiskSignal, SignalDecision, SignalStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A decision on a sign of risk.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"decision": "clear", "reason": "a fair; delivery notes and stall contract seen"}))]
pub struct SignalDecisionBody {
    /// `clear`: there is an innocent explanation, what it holds goes on. `confirm`: the suspicion stands.
    #[schema(schema_with = enums::signal_decision)]
    pub decision: SignalDecision,
    /// Why, 1 to 500 characters.
    pub reason: String,
}

/// A decision that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DecidedSignal)]
pub struct DecidedView {
    /// What was found.
    #[schema(schema_with = enums::signal_decision)]
    pub decision: SignalDecision,
    /// Why.
    pub reason: String,
    /// Who asked for it; the second person, where one was needed, is with the proposal.
    pub by: String,
    /// When.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<Decided> for DecidedView {
    fn from(decided: Decided) -> DecidedView {
        DecidedView {
            decision: decided.decision,
            reason: decided.reason,
            by: decided.by,
            at: decided.at,
        }
    }
}

/// A sign of risk that was seen.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RiskSignal)]
pub struct RiskSignalView {
    /// `rsk_…`
    #[schema(example = "rsk_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub id: String,
    /// The merchant in whose trade it was seen.
    pub merchant: String,
    /// Which.
    #[schema(schema_with = enums::sign)]
    pub sign: Sign,
    /// `flag`: it is shown. `hold`: the merchant's payouts are held.
    #[schema(schema_with = enums::measure)]
    pub measure: Measure,
    /// For `velocity`, a mark that tells the payer from others; not who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// What it means.
    #[schema(value_type = TextSchema)]
    pub says: Text,
    /// What was seen, each with the figure it reached.
    #[schema(example = json!(["refunds 4 of 20 >= 200 per mille"]))]
    pub seen: Vec<String>,
    /// What could not be looked at, because it is not known.
    pub unseen: Vec<String>,
    /// What to do.
    #[schema(value_type = TextSchema)]
    pub remedy: Text,
    /// Payment, refund or payout with which it was seen.
    pub object: String,
    /// The day in Shanghai.
    #[schema(value_type = String, format = Date)]
    pub day: BusinessDate,
    /// Its case.
    pub case: String,
    /// Standing.
    #[schema(schema_with = enums::signal_status)]
    pub status: SignalStatus,
    /// What people decided, the last one last.
    pub decisions: Vec<DecidedView>,
    /// Seen at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Business date on which it was seen.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<RiskSignal> for RiskSignalView {
    fn from(signal: RiskSignal) -> RiskSignalView {
        RiskSignalView {
            id: signal.id,
            merchant: signal.merchant,
            sign: signal.sign,
            measure: signal.measure,
            payer: signal.payer,
            says: signal.says,
            seen: signal.seen,
            unseen: signal.unseen,
            remedy: signal.remedy,
            object: signal.object,
            day: signal.day,
            case: signal.case,
            status: signal.status,
            decisions: signal
                .decisions
                .into_iter()
                .map(DecidedView::from)
                .collect(),
            created_at: signal.created_at,
            updated_at: signal.updated_at,
            business_date: signal.business_date,
        }
    }
}
