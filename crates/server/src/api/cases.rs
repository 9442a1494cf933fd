//! Cases.

use super::enums;
use super::money::MoneySchema;
use calendar::BusinessDate;
use domain::case::{Case, CaseKind, CaseStatus, FurtherFinding};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// A new owner of a case.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"owner": "li.na"}))]
pub struct CaseAssignment {
    /// Principal of the person.
    pub owner: String,
}

/// Why it happened.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"explanation": "the payer pressed twice; both trades are real"}))]
pub struct CaseExplanation {
    /// 1 to 500 characters.
    pub explanation: String,
}

/// How a case ended.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"resolution": "second trade refunded"}))]
pub struct CaseResolution {
    /// 1 to 500 characters.
    pub resolution: String,
}

/// The same kind of finding about the same object, while the case was open.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FurtherFinding)]
pub struct FurtherFindingView {
    /// What became known.
    pub reason: String,
    /// Amount of that.
    #[schema(value_type = Option<MoneySchema>)]
    pub amount: Option<Money>,
    /// When.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub found_at: Timestamp,
}

impl From<FurtherFinding> for FurtherFindingView {
    fn from(finding: FurtherFinding) -> FurtherFindingView {
        FurtherFindingView {
            reason: finding.reason,
            amount: finding.amount,
            found_at: finding.found_at,
        }
    }
}

/// What a person has to look at.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Case)]
pub struct CaseView {
    /// `cas_…`
    pub id: String,
    /// What happened.
    #[schema(schema_with = enums::case_kind)]
    pub kind: CaseKind,
    /// Id or number of what it is about.
    pub object: String,
    /// Whose, where a merchant is concerned.
    pub merchant: Option<String>,
    /// What is known.
    pub reason: String,
    /// Amount in question, further findings included.
    #[schema(value_type = Option<MoneySchema>)]
    pub amount: Option<Money>,
    /// What was found about it later, the latest at the end.
    pub further: Vec<FurtherFindingView>,
    /// Role, and later person, that owns it.
    pub owner: String,
    /// Where it stands.
    #[schema(schema_with = enums::case_status)]
    pub status: CaseStatus,
    /// Why it happened, once known.
    pub explanation: Option<String>,
    /// How it was closed.
    pub resolution: Option<String>,
    /// How much was adjusted so far.
    #[schema(value_type = Option<MoneySchema>)]
    pub adjusted: Option<Money>,
    /// Opened at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Business date on which it was opened.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Case> for CaseView {
    fn from(case: Case) -> CaseView {
        CaseView {
            id: case.id,
            kind: case.kind,
            object: case.object,
            merchant: case.merchant,
            reason: case.reason,
            amount: case.amount,
            further: case.further.into_iter().map(Into::into).collect(),
            owner: case.owner,
            status: case.status,
            explanation: case.explanation,
            resolution: case.resolution,
            adjusted: case.adjusted,
            created_at: case.created_at,
            updated_at: case.updated_at,
            business_date: case.business_date,
        }
    }
}
