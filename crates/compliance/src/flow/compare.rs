//! One flow at two days: what changed, and why.

use super::error::FlowError;
use super::facts::Subject;
use super::model::Flow;
use super::verdict::{FlowAnswer, Part, judge};
use crate::decision::{Finding, Verdict};
use crate::packs::Packs;
use calendar::BusinessDate;

/// Two answers and what lies between them.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The answer at the first day.
    pub from: FlowAnswer,
    /// The answer at the second.
    pub to: FlowAnswer,
    /// Parts that changed.
    pub changes: Vec<Change>,
}

/// What changed for one part.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which part.
    pub subject: Subject,
    /// Its verdict before.
    pub from: Option<Verdict>,
    /// Its verdict after.
    pub to: Option<Verdict>,
    /// Rules that apply no more.
    pub gone: Vec<RuleChange>,
    /// Rules that apply now.
    pub new: Vec<RuleChange>,
    /// Facts that need not be known any more.
    pub asked_no_more: Vec<String>,
    /// Facts that must be known now.
    pub asked_now: Vec<String>,
}

/// A rule that began or ceased to apply.
#[derive(Debug, Clone)]
pub struct RuleChange {
    /// The rule.
    pub finding: Finding,
    /// Why.
    pub why: Why,
}

/// Why a rule began or ceased to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It came into force.
    InForceFrom(BusinessDate),
    /// This was its last day.
    EndedOn(BusinessDate),
    /// It is in force on both days: a date or figure inside it decides.
    Condition,
}

/// Judges a flow at two days, the earlier first or not.
pub fn compare(
    flow: &Flow,
    packs: &Packs,
    from: BusinessDate,
    to: BusinessDate,
) -> Result<Comparison, FlowError> {
    let (from, to) = (
        judge(flow, packs, Some(from))?,
        judge(flow, packs, Some(to))?,
    );
    // Both answers have the same parts: questions do not depend on the day.
    let changes = from
        .parts
        .iter()
        .zip(&to.parts)
        .filter_map(|(before, after)| {
            let change = Change {
                subject: before.subject,
                from: Some(before.verdict),
                to: Some(after.verdict),
                gone: only_in(before, after, to.as_of),
                new: only_in(after, before, from.as_of),
                asked_no_more: asked_only_in(before, after),
                asked_now: asked_only_in(after, before),
            };
            let same = change.from == change.to
                && change.gone.is_empty()
                && change.new.is_empty()
                && change.asked_now.is_empty()
                && change.asked_no_more.is_empty();
            (!same).then_some(change)
        })
        .collect();
    Ok(Comparison { from, to, changes })
}

/// Rules that apply in one part and not in the other, which was judged at `other_day`.
fn only_in(part: &Part, other: &Part, other_day: BusinessDate) -> Vec<RuleChange> {
    part.fired
        .iter()
        .filter(|finding| {
            !other
                .fired
                .iter()
                .any(|known| known.rule.id == finding.rule.id)
        })
        .map(|finding| {
            let rule = &finding.rule;
            let why = if other_day < rule.from {
                Why::InForceFrom(rule.from)
            } else {
                match rule.to {
                    Some(last) if last < other_day => Why::EndedOn(last),
                    _ => Why::Condition,
                }
            };
            RuleChange {
                finding: finding.clone(),
                why,
            }
        })
        .collect()
}

fn asked_only_in(part: &Part, other: &Part) -> Vec<String> {
    let mut facts: Vec<String> = part
        .missing
        .iter()
        .map(|missing| missing.fact.clone())
        .filter(|fact| !other.missing.iter().any(|known| known.fact == *fact))
        .collect();
    facts.dedup();
    facts
}
