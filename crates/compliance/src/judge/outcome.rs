//! What one rule adds to a decision.

use super::room::room;
use super::{Judged, Relaxed};
use crate::decision::{Decision, Finding, MissingFact, Outcome, Verdict};
use crate::fact::Facts;
use crate::pack::{Clause, Confidence, Effect, Rule};
use calendar::BusinessDate;
use std::sync::Arc;

/// What a rule of an effect says when its condition holds.
fn default_verdict(effect: Effect) -> Option<Verdict> {
    match effect {
        Effect::Deny | Effect::Require | Effect::Limit => Some(Verdict::Deny),
        Effect::Migrate => Some(Verdict::Migrate),
        Effect::Flag | Effect::Relax | Effect::Define => None,
    }
}

fn verdict_of(rule: &Rule, clause: &Clause) -> Option<Verdict> {
    clause.verdict.or_else(|| default_verdict(rule.effect))
}

/// The fired clause that weighs most, the first of equals.
fn heaviest<'a>(rule: &Rule, fired: &[&'a Clause]) -> Option<&'a Clause> {
    let weight = |clause: &Clause| verdict_of(rule, clause).map_or(0, |verdict| verdict.rank() + 1);
    fired.iter().copied().reduce(|best, next| {
        if weight(next) > weight(best) {
            next
        } else {
            best
        }
    })
}

impl Relaxed<'_> {
    fn lifts(&self, rule: &Rule) -> bool {
        self.lifted.iter().any(|lifted| *lifted == rule.id)
    }

    /// The percentage of its figure that a rule's limit has.
    fn percent(&self, rule: &Rule) -> i64 {
        let of_rule = self.scaled.iter().filter(|(id, _)| *id == rule.id);
        of_rule.map(|(_, percent)| *percent).max().unwrap_or(100)
    }

    /// The facts that could turn a refusal by a rule: a relaxation that is not established would lift it.
    fn could_lift(&self, facts: &Facts, rule: &Rule) -> Vec<&'static str> {
        let helps = |percent: Option<i64>| match percent {
            None => true,
            Some(percent) => matches!(room(facts, rule, percent), Ok((_, false))),
        };
        let open = self.open.iter();
        open.filter(|open| open.lifts == rule.id && helps(open.percent))
            .flat_map(|open| open.facts.iter().copied())
            .collect()
    }
}

/// Counts one rule in.
pub(super) fn count(
    facts: &Facts,
    judged: &Judged<'_>,
    relaxed: &Relaxed<'_>,
    decision: &mut Decision,
) {
    let rule = judged.rule;
    let mut needed: Vec<String> = Vec::new();
    let mut need =
        |facts: &[&'static str]| needed.extend(facts.iter().map(|fact| (*fact).to_owned()));
    let mut verdict = None;
    let outcome = if !judged.in_force {
        Outcome::Announced
    } else if !judged.fired.is_empty() && relaxed.lifts(rule) {
        Outcome::Lifted
    } else if let Some(clause) = heaviest(rule, &judged.fired) {
        verdict = verdict_of(rule, clause);
        if rule.limit.is_some() && clause.verdict.is_none() {
            verdict = None;
            match room(facts, rule, relaxed.percent(rule)) {
                Ok((room, over)) => {
                    verdict = Some(if over { Verdict::Deny } else { Verdict::Limit });
                    decision.limits.push(room);
                }
                Err(missing) => need(&missing),
            }
        }
        if verdict == Some(Verdict::Deny) {
            let open = relaxed.could_lift(facts, rule);
            if !open.is_empty() {
                verdict = Some(Verdict::Ask);
                need(&open);
            }
        }
        if rule.confidence == Confidence::Low && verdict.is_some() {
            verdict = Some(Verdict::Ask);
            needed.push(format!("a person's reading of {}", rule.id));
        } else if clause.verdict == Some(Verdict::Ask) {
            needed.extend(clause.asks.iter().cloned());
        }
        if needed.is_empty() || verdict.is_some() {
            Outcome::Fired
        } else {
            Outcome::Missing
        }
    } else if judged.missing.is_empty() {
        Outcome::Kept
    } else {
        // A relaxation that cannot be established lifts nothing, and asks for nothing by itself.
        if rule.effect != Effect::Relax {
            judged.missing.iter().for_each(|(_, facts)| need(facts));
        }
        Outcome::Missing
    };
    if let Some(found) = verdict {
        if found.rank() > decision.verdict.rank() {
            decision.verdict = found;
        }
        if found == Verdict::Migrate {
            let deadline = rule.deadline.map(BusinessDate::to_yyyymmdd);
            decision.deadline = match (decision.deadline, deadline) {
                (Some(known), Some(new)) => Some(known.min(new)),
                (known, new) => known.or(new),
            };
        }
    }
    if outcome == Outcome::Fired && decision.loss_bearer.is_none() {
        decision.loss_bearer.clone_from(&rule.loss_bearer);
    }
    for fact in needed {
        let needed = MissingFact {
            fact,
            rule: rule.id.clone(),
        };
        if !decision.missing.contains(&needed) {
            decision.missing.push(needed);
        }
    }
    decision.rules.push(Finding {
        rule: Arc::clone(rule),
        outcome,
    });
}
