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
    /// Clauses that could not be judged, each with the facts it lacks.
    missing: Vec<(&'a Clause, Vec<&'static str>)>,
}

/// What relaxations do to the rules they name.
#[derive(Default)]
struct Relaxed<'a> {
    lifted: Vec<&'a str>,
    /// Percentage to which a rule's figure is widened.
    scaled: Vec<(&'a str, i64)>,
    /// What might be widened (or, without a percentage, lifted) if these facts were known.
    open: Vec<Open<'a>>,
}

/// A relaxation that nobody can say applies or not.
struct Open<'a> {
    lifts: &'a str,
    percent: Option<i64>,
    facts: &'a [&'static str],
}

impl<'a> Relaxed<'a> {
    fn by(judged: &'a [Judged<'_>]) -> Relaxed<'a> {
        let mut relaxed = Relaxed::default();
        let relaxations = judged
            .iter()
            .filter(|entry| entry.in_force && entry.rule.effect == Effect::Relax);
        for entry in relaxations {
            for lifts in &entry.rule.lifts {
                for clause in &entry.fired {
                    match clause.scale_percent {
                        Some(percent) => relaxed.scaled.push((lifts, percent)),
                        None => relaxed.lifted.push(lifts),
                    }
                }
                for (clause, facts) in &entry.missing {
                    relaxed.open.push(Open {
                        lifts,
                        percent: clause.scale_percent,
                        facts,
                    });
                }
            }
        }
        relaxed
    }
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
            };
            for clause in entry
                .clauses
                .iter()
                .filter_map(|position| entry.rule.clauses.get(*position))
            {
                match clause.condition.holds(&question) {
                    Ok(true) => judged.fired.push(clause),
                    Ok(false) => {}
                    Err(report) => {
                        judged.missing.push((clause, report.absent(facts, clause)));
                    }
                }
            }
            judged
        });
        self.assemble(facts, judged.collect())
    }

    fn assemble(&self, facts: &Facts, judged: Vec<Judged<'_>>) -> Decision {
        let relaxed = Relaxed::by(&judged);
        let mut decision = self.open();
        decision.rules.reserve(judged.len());
        for entry in &judged {
            outcome::count(facts, entry, &relaxed, &mut decision);
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
