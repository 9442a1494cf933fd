//! Decisions of a checker: every rule whose question the stated facts raise.

use super::live::layout;
use super::{Entry, prepare};
use crate::decision::{Decision, MissingFact, Outcome, Unexamined, Verdict};
use crate::fact::{self, FactId, Facts, Value};
use crate::pack::{Action, Clause, Effect, Rule, Term};
use crate::packs::Packs;
use calendar::BusinessDate;
use std::sync::Arc;

const AS_OF: FactId = fact::id("as_of");
const SERVICE: FactId = fact::id("service");
const TOPIC: FactId = fact::id("topic");
const MODEL: FactId = fact::id("model");
const ROLE: FactId = fact::id("role");
/// Facts that say what is asked: unstated, they mean that something else is asked.
const FRAME: [FactId; 3] = [TOPIC, MODEL, ROLE];

/// Whether stated facts raise the question of a clause.
enum Raised {
    Yes,
    /// What is stated rules it out.
    No,
    /// These facts would settle it.
    Open(Vec<FactId>),
}

/// What is stated about one term; nothing: unstated.
fn term_holds(facts: &Facts, term: &Term) -> Option<bool> {
    let stated = facts.stated_value(term.fact)?;
    Some(match (&term.word, stated) {
        (None, _) => true,
        (Some(word), Value::Word(stated)) => stated == word,
        (Some(word), Value::Words(stated)) => stated.iter().any(|one| one == word),
        (Some(word), Value::Flag(flag)) => word == if *flag { "true" } else { "false" },
        (Some(_), _) => false,
    })
}

fn raised(facts: &Facts, clause: &Clause) -> Raised {
    let mut open = Vec::new();
    for terms in &clause.raised_by {
        let holds: Vec<Option<bool>> = terms.iter().map(|term| term_holds(facts, term)).collect();
        if holds.iter().all(|one| *one == Some(true)) {
            return Raised::Yes;
        }
        let unstated: Vec<FactId> = terms
            .iter()
            .zip(&holds)
            .filter(|(_, holds)| holds.is_none())
            .map(|(term, _)| term.fact)
            .collect();
        let ruled_out = holds.contains(&Some(false));
        if !ruled_out && !unstated.iter().any(|id| FRAME.contains(id)) {
            open.extend(unstated);
        }
    }
    if open.is_empty() {
        Raised::No
    } else {
        Raised::Open(open)
    }
}

/// Whether a rule is about a service (or about any).
fn of_service(rule: &Rule, service: Option<&str>) -> bool {
    rule.services.is_empty()
        || service.is_some_and(|service| rule.services.iter().any(|known| known == service))
}

/// Whether a rule that no stated fact raises could bind what is asked all the same.
fn could_bind(rule: &Rule, service: Option<&str>) -> bool {
    let Some(service) = service else { return false };
    if matches!(rule.effect, Effect::Define | Effect::Relax) {
        return false;
    }
    if rule.services.is_empty() {
        let actions = Action::of_service(service);
        rule.actions.iter().any(|action| actions.contains(action))
    } else {
        of_service(rule, Some(service))
    }
}

impl Packs {
    /// Judges a set of facts by every rule whose question it raises, as of the day it states.
    pub fn check(&self, facts: &Facts) -> Decision {
        let day = facts
            .known(AS_OF)
            .and_then(Value::as_number)
            .and_then(|day| i32::try_from(day).ok())
            .and_then(|day| BusinessDate::from_yyyymmdd(day).ok());
        match day {
            Some(day) => self.check_as_of(facts, day),
            None => self.asking("as_of"),
        }
    }

    /// Judges a set of facts by every rule whose question it raises, as of a day.
    pub fn check_as_of(&self, facts: &Facts, as_of: BusinessDate) -> Decision {
        let facts = prepare(facts, as_of);
        let service = facts.known(SERVICE).and_then(Value::as_word);
        let framed = FRAME.iter().any(|id| facts.stated_value(*id).is_some());
        let mut entries = Vec::new();
        let mut without_service = Vec::new();
        let mut unexamined = Vec::new();
        let mut relaxations = Vec::new();
        for rule in &self.rules {
            let in_force = rule.in_force(as_of);
            if !in_force && !self.announced(rule, as_of) {
                continue;
            }
            let mut clauses = Vec::new();
            let mut open_clauses = Vec::new();
            let mut open = Vec::new();
            for (position, clause) in rule.clauses.iter().enumerate() {
                match raised(&facts, clause) {
                    Raised::Yes => clauses.push(position),
                    Raised::No => {}
                    Raised::Open(facts) => {
                        open_clauses.push(position);
                        open.extend(facts);
                    }
                }
            }
            if clauses.is_empty() && in_force && rule.effect == Effect::Relax {
                relaxations.push(Entry {
                    rule: Arc::clone(rule),
                    clauses: open_clauses,
                    in_force,
                });
                continue;
            }
            if clauses.is_empty() {
                if in_force && !open.is_empty() && could_bind(rule, service) {
                    unexamined.push(Unexamined::new(rule, open));
                }
                continue;
            }
            match service {
                Some(_) if !of_service(rule, service) => {}
                None if !rule.services.is_empty() => {
                    if !framed && in_force {
                        without_service.push(rule);
                    }
                }
                _ => entries.push(Entry {
                    rule: Arc::clone(rule),
                    clauses,
                    in_force,
                }),
            }
        }
        // Nobody has to state what would lift a rule; but whether it lifts is then open.
        let concerned = |relaxation: &Entry| {
            let named = |entry: &Entry| relaxation.rule.lifts.contains(&entry.rule.id);
            of_service(&relaxation.rule, service) && entries.iter().any(named)
        };
        relaxations.retain(concerned);
        let unraised: Vec<String> = relaxations.iter().map(|one| one.rule.id.clone()).collect();
        entries.extend(relaxations);
        let mut decision = self.evaluate(&facts, &entries, &layout(&entries));
        decision.rules.retain(|finding| {
            finding.outcome == Outcome::Fired || !unraised.contains(&finding.rule.id)
        });
        decision.unexamined = unexamined;
        for rule in without_service {
            decision.missing.push(MissingFact {
                fact: "service".to_owned(),
                rule: rule.id.clone(),
            });
        }
        ask_for_unknown(&facts, &mut decision);
        let answered = decision.rules.iter().any(|finding| {
            // A definition answers nothing unless the topic asks for it.
            let answers =
                finding.rule.effect != Effect::Define || facts.stated_value(TOPIC).is_some();
            answers
                && matches!(
                    finding.outcome,
                    Outcome::Fired | Outcome::Kept | Outcome::Lifted
                )
        });
        if !answered && decision.missing.is_empty() {
            decision.missing.push(MissingFact {
                fact: "service".to_owned(),
                rule: String::new(),
            });
        }
        if !decision.missing.is_empty() && decision.verdict != Verdict::Deny {
            decision.verdict = Verdict::Ask;
        }
        decision
    }

    /// Published, but not yet in force.
    fn announced(&self, rule: &Rule, as_of: BusinessDate) -> bool {
        as_of < rule.from
            && self
                .instrument(rule)
                .is_some_and(|instrument| instrument.issued <= as_of)
    }
}

/// What is stated to be unknown is asked for, whether or not a rule came to it.
fn ask_for_unknown(facts: &Facts, decision: &mut Decision) {
    for (definition, value) in facts.stated() {
        let listed = |missing: &MissingFact| missing.fact == definition.path;
        if *value == Value::Unknown && !decision.missing.iter().any(listed) {
            decision.missing.push(MissingFact {
                fact: definition.path.to_owned(),
                rule: String::new(),
            });
        }
    }
}
