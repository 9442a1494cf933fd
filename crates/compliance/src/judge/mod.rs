//! From facts to a decision.
//!
//! A decision borrows nothing and copies no text: its findings share the rules. The cost of one is the
//! Cedar context (built once, from the facts that the selected conditions read) and one evaluation a
//! condition; what to select is settled when the packs are loaded (`live`) or by what is stated (`check`).

mod check;
mod condition;
mod context;
mod live;
mod outcome;
mod room;

pub(crate) use context::Questions;
pub(crate) use live::Selection;

use crate::decision::{Decision, MissingFact, Outcome, Verdict};
use crate::fact::{self, FactId, Facts, Value, conclude};
use crate::pack::{Clause, Effect, Rule};
use crate::packs::Packs;
use calendar::BusinessDate;
use context::Layout;
use std::sync::Arc;

const AS_OF: FactId = fact::id("as_of");

/// A rule to look at.
pub(crate) struct Entry {
    rule: Arc<Rule>,
    /// Positions of the clauses to evaluate.
    clauses: Vec<usize>,
    /// In force, else announced.
    in_force: bool,
}

/// A rule that was looked at.
struct Judged<'a> {
    rule: &'a Arc<Rule>,
    in_force: bool,
    fired: Vec<&'a Clause>,
    missing: Vec<&'static str>,
    lifted: bool,
}

/// Stated facts with the day of the question and everything that follows from them.
fn prepare(facts: &Facts, as_of: BusinessDate) -> Facts {
    let mut facts = facts.clone();
    facts.put(AS_OF, Value::Number(i64::from(as_of.to_yyyymmdd())));
    conclude(&mut facts);
    facts
}

impl Packs {
    /// A decision that cannot be taken without one fact.
    fn asking(&self, path: &str) -> Decision {
        let mut decision = self.open();
        decision.verdict = Verdict::Ask;
        decision.missing.push(MissingFact {
            fact: path.to_owned(),
            rule: String::new(),
        });
        decision
    }

    /// A decision about nothing yet.
    fn open(&self) -> Decision {
        Decision {
            verdict: Verdict::Allow,
            rules: Vec::new(),
            limits: Vec::new(),
            missing: Vec::new(),
            unexamined: Vec::new(),
            deadline: None,
            loss_bearer: None,
            counterparty: Arc::clone(&self.nobody),
            packs: Arc::clone(&self.hash),
        }
    }

    fn evaluate(&self, facts: &Facts, entries: &[Entry], layout: &Layout) -> Decision {
        let Some(question) = self.questions.ask(facts, layout) else {
            // A context that cannot be built answers nothing.
            return self.asking("service");
        };
        let judged = entries.iter().map(|entry| {
            let mut judged = Judged {
                rule: &entry.rule,
                in_force: entry.in_force,
                fired: Vec::new(),
                missing: Vec::new(),
                lifted: false,
            };
            for clause in entry
                .clauses
                .iter()
                .filter_map(|position| entry.rule.clauses.get(*position))
            {
                match clause.condition.holds(&question) {
                    Ok(true) => judged.fired.push(clause),
                    Ok(false) => {}
                    Err(report) => judged.missing.extend(report.absent(facts, clause)),
                }
            }
            judged
        });
        self.assemble(facts, judged.collect())
    }

    fn assemble(&self, facts: &Facts, mut judged: Vec<Judged<'_>>) -> Decision {
        let mut lifted: Vec<&str> = Vec::new();
        let mut scales: Vec<(&str, i64)> = Vec::new();
        for entry in judged
            .iter()
            .filter(|entry| entry.in_force && entry.rule.effect == Effect::Relax)
        {
            for clause in &entry.fired {
                for rule in &entry.rule.lifts {
                    match clause.scale_percent {
                        Some(percent) => scales.push((rule, percent)),
                        None => lifted.push(rule),
                    }
                }
            }
        }
        if !lifted.is_empty() {
            for entry in &mut judged {
                entry.lifted = lifted.contains(&entry.rule.id.as_str());
            }
        }
        let mut decision = self.open();
        decision.rules.reserve(judged.len());
        for entry in judged {
            outcome::count(facts, entry, &scales, &mut decision);
        }
        if !decision.missing.is_empty() && decision.verdict != Verdict::Deny {
            decision.verdict = Verdict::Ask;
        }
        decision.rules.sort_by_key(|finding| match finding.outcome {
            Outcome::Fired => 0,
            Outcome::Missing => 1,
            Outcome::Lifted => 2,
            Outcome::Kept => 3,
            Outcome::Announced => 4,
        });
        decision
    }
}
