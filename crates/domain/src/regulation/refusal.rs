//! From a decision to a refusal that names its clauses.

use crate::rejection::{Code, Rejection};
use calendar::BusinessDate;
use compliance::{
    Confidence, Effect, Finding, Note, Outcome, Packs, Rule, Standing, Text, Verdict,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A clause that bears on a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// Stable id of the rule.
    pub rule: String,
    /// What the rule does.
    pub effect: Effect,
    /// The instrument.
    pub instrument: Text,
    /// Article, only where it is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// What it says.
    pub reason: Text,
    /// What to do about it.
    pub remedy: Text,
    /// How far its content can be trusted.
    pub confidence: Confidence,
    /// The least settled of its readings, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Practice of a channel or scheme, not law.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub industry: bool,
}

impl Clause {
    pub(super) fn of(packs: &Packs, rule: &Rule) -> Clause {
        let instrument = packs.instrument(rule);
        Clause {
            rule: rule.id.clone(),
            effect: rule.effect,
            instrument: instrument.map_or_else(Text::default, |instrument| Text {
                en: instrument.en.clone(),
                zh: instrument.zh.clone(),
            }),
            article: rule.article.clone(),
            reason: rule.says.clone(),
            remedy: rule.remedy.clone(),
            confidence: rule.confidence,
            standing: least_settled(&rule.notes),
            industry: rule.industry,
        }
    }
}

fn least_settled(notes: &[Arc<Note>]) -> Option<Standing> {
    let rank = |standing: &Standing| match standing {
        Standing::Consensus => 0,
        Standing::Majority => 1,
        Standing::Single => 2,
        Standing::Unanswered => 3,
        Standing::Disputed => 4,
    };
    notes.iter().map(|note| note.standing).max_by_key(rank)
}

/// A fact that a rule needs and nobody stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// Its name in `docs/facts.md`.
    pub fact: String,
    /// The rule that needs it; empty: the question itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
}

/// What the rules have against a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRefusal {
    /// The clauses that forbid it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<Clause>,
    /// The facts that must be stated first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Lacking>,
    /// The day by whose rules it was judged.
    pub as_of: BusinessDate,
    /// Hash of the rule packs.
    pub packs: String,
}

/// Whether a rule alone would refuse.
fn refuses(finding: &Finding, decision: &compliance::Decision, amount: i64) -> bool {
    if finding.outcome != Outcome::Fired {
        return false;
    }
    match finding.rule.effect {
        Effect::Deny | Effect::Require => true,
        // A limit within its figure is no reason.
        Effect::Limit => decision
            .limits
            .iter()
            .find(|room| room.rule == finding.rule.id)
            .is_none_or(|room| amount > room.remaining),
        Effect::Migrate | Effect::Flag | Effect::Relax | Effect::Define => false,
    }
}

/// The refusal of what a decision does not allow.
pub(super) fn refusal(
    packs: &Packs,
    day: BusinessDate,
    decision: &compliance::Decision,
    amount: i64,
) -> Rejection {
    let mut refusal = RuleRefusal {
        clauses: Vec::new(),
        missing: Vec::new(),
        as_of: day,
        packs: decision.packs.to_string(),
    };
    let mut rejection = if decision.verdict == Verdict::Deny {
        refusal.clauses = decision
            .rules
            .iter()
            .filter(|finding| refuses(finding, decision, amount))
            .map(|finding| Clause::of(packs, &finding.rule))
            .collect();
        let reasons: Vec<String> = refusal
            .clauses
            .iter()
            .map(|clause| format!("{}: {}", clause.rule, clause.reason.en))
            .collect();
        Rejection::new(
            Code::RefusedByRule,
            format!("forbidden by the rules of {day}: {}", reasons.join(" ")),
        )
    } else {
        refusal.missing = decision
            .missing
            .iter()
            .map(|missing| Lacking {
                fact: missing.fact.clone(),
                rule: missing.rule.clone(),
            })
            .collect();
        let mut names: Vec<&str> = refusal
            .missing
            .iter()
            .map(|missing| missing.fact.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        Rejection::new(
            Code::FactsMissing,
            format!(
                "the rules of {day} cannot be judged without: {}. State them with the merchant or the request",
                names.join(", ")
            ),
        )
    };
    rejection.rules = Some(Box::new(refusal));
    rejection
}
