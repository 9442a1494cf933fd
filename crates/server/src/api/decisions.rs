//! Decisions of the rules, and the clauses they name.

use domain::regulation::{Clause, Counted, Decision, Ruling};
use serde::Serialize;
use std::sync::Arc;

/// English and 中文.
#[derive(utoipa::ToSchema)]
#[schema(as = Text)]
#[allow(
    dead_code,
    reason = "describes compliance::Text in the API's description"
)]
pub struct TextSchema {
    /// English.
    en: String,
    /// 中文。
    zh: String,
}

/// A clause that bears on a decision.
#[derive(utoipa::ToSchema)]
#[schema(as = Clause)]
#[allow(
    dead_code,
    reason = "describes domain::regulation::Clause in the API's description"
)]
pub struct ClauseSchema {
    /// Stable id of the rule; `qingyuan rules show` has all of it.
    #[schema(example = "PBC-2013-9/settle-account")]
    rule: String,
    /// What the rule does: `deny`, `require`, `limit`, `migrate`, `flag`, `relax`, `define`.
    effect: String,
    /// The instrument.
    instrument: TextSchema,
    /// Article, only where it is certain.
    article: Option<String>,
    /// What the rule says.
    reason: TextSchema,
    /// What to do about it.
    remedy: TextSchema,
    /// How far its content can be trusted: `high`, `medium`, `low`.
    confidence: String,
    /// The least settled of its readings: `consensus`, `majority`, `single`, `unanswered`, `disputed`.
    standing: Option<String>,
    /// Practice of a channel or scheme, not law.
    industry: Option<bool>,
}

/// A fact that a rule needs and nobody stated.
#[derive(utoipa::ToSchema)]
#[schema(as = MissingFact)]
#[allow(
    dead_code,
    reason = "describes domain::regulation::Lacking in the API's description"
)]
pub struct MissingFactSchema {
    /// Its name in the vocabulary of facts.
    #[schema(example = "payee_account_owner")]
    fact: String,
    /// The rule that needs it.
    rule: Option<String>,
}

/// A limit that applied, in minor units.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CountedLimit)]
pub struct CountedView {
    /// The rule.
    pub rule: String,
    /// Bucket, kind of period and subject.
    #[schema(example = "merchant_document/day/owner-7")]
    pub counter: String,
    /// The day, month or year.
    #[schema(example = "2026-11-20")]
    pub period: String,
    /// The figure.
    pub figure: i64,
    /// Used before.
    pub used: i64,
}

impl From<Counted> for CountedView {
    fn from(counted: Counted) -> CountedView {
        CountedView {
            rule: counted.rule,
            counter: counted.counter,
            period: counted.period,
            figure: counted.figure,
            used: counted.used,
        }
    }
}

/// The decision by which a request was allowed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Decision)]
pub struct DecisionView {
    /// `dec_…`; objects that were decided alike share one.
    #[schema(example = "dec_00b94d27b9934d3e08a52e52d7")]
    pub id: String,
    /// `allow`, `limit` (within a figure) or `migrate` (until a deadline).
    #[schema(value_type = String, example = "allow")]
    pub verdict: compliance::Verdict,
    /// First digits of the hash of the rule packs.
    #[schema(example = "3b0c44298fc1c149")]
    pub packs: String,
    /// Limits that applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<CountedView>,
    /// The rules that were asked; shown with a single object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesView>,
}

/// The rules of a decision.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DecisionRules)]
pub struct RulesView {
    /// What was asked.
    #[schema(value_type = String, example = "barcode_payment")]
    pub action: compliance::Action,
    /// Rules whose condition held: limits that were kept, warnings, migrations.
    #[schema(value_type = Vec<ClauseSchema>)]
    pub fired: Vec<Clause>,
    /// Rules that were looked at and are kept.
    pub kept: Vec<String>,
    /// Rules lifted by a relaxation.
    pub lifted: Vec<String>,
    /// Rules of this action that the counterparty answers for.
    pub counterparty: Vec<String>,
    /// Last day of a migration, yyyymmdd.
    pub deadline: Option<i32>,
    /// Who bears losses, where a rule says so.
    pub loss_bearer: Option<String>,
    /// Hash of the rule packs.
    pub packs: String,
}

impl From<Arc<Ruling>> for DecisionView {
    fn from(ruling: Arc<Ruling>) -> DecisionView {
        let ruling = Arc::unwrap_or_clone(ruling);
        DecisionView {
            id: ruling.decision,
            verdict: ruling.verdict,
            packs: ruling.packs,
            limits: ruling.counted.into_iter().map(CountedView::from).collect(),
            rules: None,
        }
    }
}

impl From<Decision> for DecisionView {
    fn from(decision: Decision) -> DecisionView {
        DecisionView {
            id: decision.id,
            verdict: decision.verdict,
            packs: decision.packs.get(..16).unwrap_or_default().to_owned(),
            limits: Vec::new(),
            rules: Some(RulesView {
                action: decision.action,
                fired: decision.fired,
                kept: decision.kept,
                lifted: decision.lifted,
                counterparty: decision.counterparty,
                deadline: decision.deadline,
                loss_bearer: decision.loss_bearer,
                packs: decision.packs,
            }),
        }
    }
}
