//! Products that were declared as new.

use super::decisions::{ClauseSchema, MissingFactSchema};
use super::enums;
use calendar::BusinessDate;
use compliance::Evidence;
use domain::launch::{FactValue, Launch, Product, ProposeLaunch};
use domain::regulation::{Clause, Lacking};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A document that stands behind a report.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Evidence)]
pub struct EvidenceBody {
    /// What it is, 1 to 200 characters: the report as sent, its receipt.
    pub name: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

/// A product that is declared as new, with what was reported of it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"product": "splits", "innovation": true, "reported_on": "2026-03-02",
    "launch_on": "2026-04-01", "facts": {"activity": ["payment"], "service": "split"},
    "evidence": [{"name": "report as sent",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}]}))]
pub struct NewLaunch {
    /// The product.
    #[schema(schema_with = enums::product)]
    pub product: Product,
    /// New in kind.
    pub innovation: bool,
    /// Together with somebody abroad, or for payers there.
    #[serde(default)]
    pub cross_border: bool,
    /// Day of the report to the authority; absent: not yet.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub reported_on: Option<BusinessDate>,
    /// Day on which it is to begin.
    #[schema(value_type = String, format = Date)]
    pub launch_on: BusinessDate,
    /// What was sent and what came back.
    #[serde(default)]
    pub evidence: Vec<EvidenceBody>,
    /// What else the rules ask of a new product, in the vocabulary of facts.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub facts: BTreeMap<String, FactValue>,
}

impl From<NewLaunch> for ProposeLaunch {
    fn from(new: NewLaunch) -> ProposeLaunch {
        let evidence = new.evidence.into_iter().map(|document| Evidence {
            name: document.name,
            sha256: document.sha256,
        });
        ProposeLaunch {
            product: new.product,
            innovation: new.innovation,
            cross_border: new.cross_border,
            reported_on: new.reported_on,
            launch_on: new.launch_on,
            evidence: evidence.collect(),
            facts: new.facts,
        }
    }
}

/// A product that was declared as new. It begins when it is approved and its day has come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Launch)]
pub struct LaunchView {
    /// The product.
    #[schema(schema_with = enums::product)]
    pub product: Product,
    /// New in kind.
    pub innovation: bool,
    /// Together with somebody abroad, or for payers there.
    pub cross_border: bool,
    /// Day of the report to the authority.
    #[schema(value_type = Option<String>, format = Date)]
    pub reported_on: Option<BusinessDate>,
    /// Day on which it is to begin.
    #[schema(value_type = String, format = Date)]
    pub launch_on: BusinessDate,
    /// What was sent and what came back.
    pub evidence: Vec<EvidenceBody>,
    /// What else was stated.
    #[schema(value_type = Object)]
    pub facts: BTreeMap<String, FactValue>,
    /// What forbids its day, as it was reported.
    #[schema(value_type = Vec<ClauseSchema>)]
    pub clauses: Vec<Clause>,
    /// What the rules need and nobody stated.
    #[schema(value_type = Vec<MissingFactSchema>)]
    pub missing_facts: Vec<Lacking>,
    /// The first day on which the rules let it begin, if there is one within a year of the report.
    #[schema(value_type = Option<String>, format = Date)]
    pub first_day: Option<BusinessDate>,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Declared at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Business date of the last proposal.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<Launch> for LaunchView {
    fn from(launch: Launch) -> LaunchView {
        let report = launch.report;
        let evidence = report.evidence.into_iter().map(|document| EvidenceBody {
            name: document.name,
            sha256: document.sha256,
        });
        let (clauses, missing_facts) = launch.refusal.map_or_else(Default::default, |refusal| {
            (refusal.clauses, refusal.missing)
        });
        LaunchView {
            product: launch.product,
            innovation: report.innovation,
            cross_border: report.cross_border,
            reported_on: report.reported_on,
            launch_on: report.launch_on,
            evidence: evidence.collect(),
            facts: report.facts,
            clauses,
            missing_facts,
            first_day: launch.first_day,
            proposed_by: launch.proposed_by,
            approved_by: launch.approved_by,
            created_at: launch.created_at,
            updated_at: launch.updated_at,
            business_date: launch.business_date,
        }
    }
}

/// Every product that was declared as new.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LaunchList {
    /// They.
    pub items: Vec<LaunchView>,
}
