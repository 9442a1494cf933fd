//! The answer: every question judged, gathered leg by leg.

use super::error::{Fault, FlowError};
use super::facts::{Question, Subject, questions};
use super::model::{Expectation, Flow};
use super::shapes::{Recognised, recognise};
use crate::decision::{Decision, Finding, MissingFact, Outcome, Room, Unexamined, Verdict};
use crate::pack::{Rule, Text};
use crate::packs::Packs;
use calendar::BusinessDate;
use std::sync::Arc;

/// The answer to a business model.
#[derive(Debug, Clone)]
pub struct FlowAnswer {
    /// The day it was judged at.
    pub as_of: BusinessDate,
    /// The worst of all parts.
    pub verdict: Verdict,
    /// Last day of the earliest migration, where the whole is one.
    pub deadline: Option<BusinessDate>,
    /// Shapes found.
    pub shapes: Vec<Recognised>,
    /// Every part that raised a question: legs in order, then contracts, parties, the whole.
    pub parts: Vec<Part>,
    /// Hash of the packs that were asked.
    pub packs: String,
}

/// What came of one leg, contract or party.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which.
    pub subject: Subject,
    /// The worst of its questions.
    pub verdict: Verdict,
    /// Last day of a migration.
    pub deadline: Option<BusinessDate>,
    /// What the checker saw, in the order asked.
    pub seen: Vec<Text>,
    /// Rules that apply, those that decide first.
    pub fired: Vec<Finding>,
    /// Rules looked at and kept.
    pub kept: Vec<Finding>,
    /// Rules published, not yet in force.
    pub announced: Vec<Finding>,
    /// What must be known.
    pub missing: Vec<MissingFact>,
    /// Room under limits.
    pub limits: Vec<Room>,
    /// Rules that could bind, and were not examined because nothing was said about them.
    pub unexamined: Vec<Unexamined>,
    /// No rule of that day answers.
    pub unanswered: bool,
}

/// The first day on which a rule of law in the packs is in force.
pub fn first_day(packs: &Packs) -> Option<BusinessDate> {
    packs
        .rules()
        .iter()
        .filter(|rule| {
            packs
                .instrument(rule)
                .is_some_and(|instrument| !instrument.industry)
        })
        .map(|rule| rule.from)
        .min()
}

/// Judges a flow as of a day, or of its own.
pub fn judge(
    flow: &Flow,
    packs: &Packs,
    as_of: Option<BusinessDate>,
) -> Result<FlowAnswer, FlowError> {
    let expected = "a day, for instance 2018-05-04, in `as_of` or asked for";
    let day = as_of.or(flow.as_of).ok_or_else(|| {
        FlowError::new(1, "as_of", "no day is named", expected).with_fault(Fault::Missing)
    })?;
    if let Some(first) = first_day(packs)
        && day < first
    {
        let line = if as_of.is_none() { flow.as_of_line } else { 0 };
        return Err(FlowError::new(
            line,
            "as_of",
            format!("{day} is before any rule"),
            format!("a day from {first} on"),
        ));
    }
    let mut parts: Vec<Part> = Vec::new();
    for question in questions(flow)? {
        let decision = packs.check_as_of(&question.facts, day);
        let position = match parts
            .iter()
            .position(|part| part.subject == question.subject)
        {
            Some(position) => position,
            None => {
                parts.push(Part::new(question.subject));
                parts.len() - 1
            }
        };
        if let Some(part) = parts.get_mut(position) {
            part.add(question, decision);
        }
    }
    parts.sort_by_key(|part| order(part.subject));
    for part in &mut parts {
        part.tidy();
    }
    let verdict = parts
        .iter()
        .map(|part| part.verdict)
        .max_by_key(|verdict| verdict.rank())
        .unwrap_or(Verdict::Ask);
    Ok(FlowAnswer {
        as_of: day,
        verdict,
        // What is refused or open does not end on a day.
        deadline: parts
            .iter()
            .filter_map(|part| part.deadline)
            .min()
            .filter(|_| verdict == Verdict::Migrate),
        shapes: recognise(flow),
        parts,
        packs: packs.hash().to_owned(),
    })
}

impl FlowAnswer {
    /// Rules that no part was examined by, though they could bind one.
    pub fn unexamined(&self) -> Vec<&Unexamined> {
        let examined = |rule: &str| {
            self.parts.iter().any(|part| {
                let findings = part.fired.iter().chain(&part.kept);
                findings
                    .map(|finding| &finding.rule.id)
                    .any(|id| id == rule)
                    || part.missing.iter().any(|missing| missing.rule == rule)
            })
        };
        let mut found: Vec<&Unexamined> = Vec::new();
        for one in self.parts.iter().flat_map(|part| &part.unexamined) {
            if !examined(&one.rule) && !found.iter().any(|known| known.rule == one.rule) {
                found.push(one);
            }
        }
        found
    }

    /// What of an expectation does not hold; nothing: it holds.
    pub fn faults(&self, expected: &Expectation) -> Vec<String> {
        let mut faults = Vec::new();
        if self.verdict != expected.verdict {
            faults.push(format!(
                "verdict {} instead of {}",
                self.verdict.word(),
                expected.verdict.word()
            ));
        }
        let looked_at = |rule: &str| {
            self.parts.iter().any(|part| {
                let mut findings = part.fired.iter().chain(&part.kept);
                findings.any(|finding| finding.rule.id == rule)
            })
        };
        if !expected.rules.is_empty() && !expected.rules.iter().any(|rule| looked_at(rule)) {
            faults.push(format!("none of {:?} was looked at", expected.rules));
        }
        let legs: Vec<Verdict> = self
            .parts
            .iter()
            .filter(|part| matches!(part.subject, Subject::Leg(_)))
            .map(|part| part.verdict)
            .collect();
        if !expected.legs.is_empty() && expected.legs != legs {
            let words: Vec<&str> = legs.iter().map(|verdict| verdict.word()).collect();
            faults.push(format!("the legs are {words:?}"));
        }
        for shape in &expected.shapes {
            let known = self
                .shapes
                .iter()
                .any(|found| serde_json::json!(found.shape) == serde_json::json!(shape));
            if !known {
                faults.push(format!("shape {shape} is not recognised"));
            }
        }
        for fact in &expected.missing {
            let asked = self
                .parts
                .iter()
                .any(|part| part.missing.iter().any(|missing| missing.fact == *fact));
            if !asked {
                faults.push(format!("{fact} is not asked for"));
            }
        }
        if expected.deadline.is_some() && expected.deadline != self.deadline {
            faults.push(format!("the deadline is {:?}", self.deadline));
        }
        faults
    }

    /// Whether the flow's own expectations of that day hold; `None`: it has none.
    pub fn held(&self, flow: &Flow) -> Option<bool> {
        let mut of_day = flow
            .expect
            .iter()
            .filter(|expected| expected.as_of == self.as_of)
            .peekable();
        of_day.peek()?;
        Some(of_day.all(|expected| self.faults(expected).is_empty()))
    }
}

fn order(subject: Subject) -> (u8, usize) {
    match subject {
        Subject::Leg(position) => (0, position),
        Subject::Contract(position) => (1, position),
        Subject::Party(position) => (2, position),
        Subject::Whole => (3, 0),
    }
}

impl Part {
    fn new(subject: Subject) -> Part {
        Part {
            subject,
            verdict: Verdict::Allow,
            deadline: None,
            seen: Vec::new(),
            fired: Vec::new(),
            kept: Vec::new(),
            announced: Vec::new(),
            missing: Vec::new(),
            limits: Vec::new(),
            unexamined: Vec::new(),
            unanswered: false,
        }
    }

    fn add(&mut self, question: Question, decision: Decision) {
        if decision.verdict.rank() > self.verdict.rank() {
            self.verdict = decision.verdict;
        }
        if !self.seen.contains(&question.seen) {
            self.seen.push(question.seen);
        }
        let deadline = decision
            .deadline
            .and_then(|day| BusinessDate::from_yyyymmdd(day).ok());
        self.deadline = match (self.deadline, deadline) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
        for finding in decision.rules {
            match finding.outcome {
                Outcome::Fired => put(&mut self.fired, finding),
                Outcome::Announced => put(&mut self.announced, finding),
                Outcome::Kept | Outcome::Lifted => put(&mut self.kept, finding),
                // What it needs is listed with the missing facts.
                Outcome::Missing => {}
            }
        }
        for rule in decision.unexamined {
            if !self.unexamined.contains(&rule) {
                self.unexamined.push(rule);
            }
        }
        // The evaluator asks for the service when no rule of the day answers at all; the question
        // here always names it.
        for missing in decision.missing {
            if missing.rule.is_empty() && missing.fact == "service" {
                self.unanswered = true;
            } else if !self.missing.contains(&missing) {
                self.missing.push(missing);
            }
        }
        for room in decision.limits {
            if !self.limits.contains(&room) {
                self.limits.push(room);
            }
        }
    }

    /// Each rule and fact once, the weightiest first.
    fn tidy(&mut self) {
        if self.verdict != Verdict::Migrate {
            self.deadline = None;
        }
        let fired: Vec<Arc<Rule>> = self.fired.iter().map(|one| Arc::clone(&one.rule)).collect();
        self.kept
            .retain(|finding| !fired.iter().any(|rule| rule.id == finding.rule.id));
        self.fired
            .sort_by_key(|finding| (effect_order(finding), finding.rule.industry));
        // A fact that a rule needs is not listed a second time as a mere gap of the question.
        let needed: Vec<String> = self
            .missing
            .iter()
            .filter(|missing| !missing.rule.is_empty())
            .map(|missing| missing.fact.clone())
            .collect();
        self.missing
            .retain(|missing| !missing.rule.is_empty() || !needed.contains(&missing.fact));
    }

    /// Rules that forbid or end, as against those that merely define.
    pub fn decisive(&self) -> impl Iterator<Item = &Finding> {
        self.fired
            .iter()
            .filter(|finding| effect_order(finding) < 4)
    }
}

fn effect_order(finding: &Finding) -> u8 {
    use crate::pack::Effect;
    match finding.rule.effect {
        Effect::Deny => 0,
        Effect::Require => 1,
        Effect::Migrate => 2,
        Effect::Limit => 3,
        Effect::Flag => 4,
        Effect::Relax => 5,
        Effect::Define => 6,
    }
}

fn put(list: &mut Vec<Finding>, finding: Finding) {
    if !list.iter().any(|known| known.rule.id == finding.rule.id) {
        list.push(finding);
    }
}
