//! The rule packs and the institution, and answers that hold for many requests.
//!
//! A question is first judged without what varies (amount, counters, time of day). A rule that reads one
//! of these is then reported as *missing* it: reading an absent fact is always an error in Cedar, and a
//! guard against absence is refused when packs are loaded. If no such rule is left open, none of them
//! looked at what varies, so the answer holds for every amount and hour of that day and is remembered.
//! Rules of several conditions are not presumed upon: they are asked anew each time.

use super::institution::Institution;
use super::question::Question;
use super::record::{Decision, Ruling};
use super::refusal::{Clause, refusal};
use crate::launch::FactValue;
use crate::rejection::Rejection;
use crate::text::channel_name;
use calendar::BusinessDate;
use channels::operation::Channel;
use compliance::{
    Action, Bearer, Effect, FactError, Facts, Gate, LaunchReport, MissingFact, Outcome, PackError,
    Packs, Rule, Value, Verdict, definition,
};
use engine::ShardCode;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;

/// Answers remembered at a time; then all are forgotten.
const REMEMBERED_MAX: usize = 8_192;

/// Facts that are left out of a remembered question.
const VARYING: [&str; 3] = ["amount", "time", "used."];

/// Rules that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RulesError {
    /// A pack.
    #[error("{0}")]
    Pack(#[from] PackError),
    /// The institution's own facts.
    #[error("institution: {0}")]
    Institution(#[from] FactError),
}

type Key = (
    ShardCode,
    Action,
    BusinessDate,
    Option<Channel>,
    Vec<(&'static str, Value)>,
);

/// The rule packs and the institution.
pub(crate) struct Rulebook {
    packs: Arc<Packs>,
    role: Bearer,
    institution: Facts,
    routes: BTreeMap<Channel, Value>,
    /// None: what varies bears on the answer.
    answers: Mutex<HashMap<Key, Option<Arc<Answer>>>>,
}

impl std::fmt::Debug for Rulebook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rulebook")
            .field("packs", &self.packs)
            .finish_non_exhaustive()
    }
}

/// What was answered.
pub(super) enum Answer {
    Allowed(Decision, Arc<Ruling>),
    Refused(Rejection),
}

impl Answer {
    pub fn of(
        packs: &Packs,
        shard: ShardCode,
        day: BusinessDate,
        action: Action,
        judged: &compliance::Decision,
        amount: i64,
    ) -> Answer {
        if matches!(judged.verdict, Verdict::Deny | Verdict::Ask) {
            return Answer::Refused(refusal(packs, day, judged, amount));
        }
        let of = |outcome: Outcome| {
            judged
                .rules
                .iter()
                .filter(move |finding| finding.outcome == outcome)
        };
        let ids = |outcome| of(outcome).map(|finding| finding.rule.id.clone()).collect();
        let mut decision = Decision {
            id: String::new(),
            action,
            verdict: judged.verdict,
            fired: of(Outcome::Fired)
                .map(|finding| Clause::of(packs, &finding.rule))
                .collect(),
            kept: ids(Outcome::Kept),
            lifted: ids(Outcome::Lifted),
            counterparty: judged.counterparty.to_vec(),
            deadline: judged.deadline,
            loss_bearer: judged.loss_bearer.clone(),
            packs: judged.packs.to_string(),
        };
        decision.id = id_of(shard, &decision);
        let ruling = Ruling {
            decision: decision.id.clone(),
            verdict: decision.verdict,
            packs: decision.packs.get(..16).unwrap_or_default().to_owned(),
            counted: Vec::new(),
        };
        Answer::Allowed(decision, Arc::new(ruling))
    }

    /// The decision and the ruling, unless it was refused.
    pub fn allowed(&self) -> Result<(&Decision, &Arc<Ruling>), Rejection> {
        match self {
            Answer::Allowed(decision, ruling) => Ok((decision, ruling)),
            Answer::Refused(rejection) => Err(rejection.clone()),
        }
    }
}

/// Equal decisions of a shard have one id.
fn id_of(shard: ShardCode, decision: &Decision) -> String {
    let text = serde_json::to_vec(decision).unwrap_or_default();
    let hash = hex::encode(Sha256::digest(text));
    format!("dec_{shard}{}", hash.get(..24).unwrap_or_default())
}

impl Rulebook {
    /// # Errors
    /// Facts of the institution that the vocabulary does not know.
    pub fn new(packs: Arc<Packs>, institution: &Institution) -> Result<Rulebook, RulesError> {
        Ok(Rulebook {
            packs,
            role: institution.role,
            institution: institution.facts()?,
            routes: institution.routes(),
            answers: Mutex::new(HashMap::new()),
        })
    }

    pub fn packs(&self) -> &Arc<Packs> {
        &self.packs
    }

    /// Limits that bind the institution at an action on a day.
    pub(super) fn limits(&self, action: Action, day: BusinessDate) -> impl Iterator<Item = &Rule> {
        self.packs
            .asked(action, self.role, day)
            .filter(|rule| rule.limit.is_some())
    }

    /// The facts of the institution and of the question, without what varies.
    pub(super) fn facts(&self, question: &Question<'_>) -> Facts {
        let mut facts = self.institution.clone();
        if let Some(channel) = question.over {
            self.state(&mut facts, "channel", channel_name(channel).into());
            if let Some(route) = self.routes.get(&channel) {
                self.state(&mut facts, "route", route.clone());
            }
        }
        for (path, value) in &question.stated {
            self.state(&mut facts, path, value.clone());
        }
        facts
    }

    /// A value that the vocabulary does not take is not known: the rule that needs it asks.
    pub(super) fn state(&self, facts: &mut Facts, path: &str, value: Value) {
        if facts.set(path, value).is_err() {
            facts.remove(path);
        }
    }

    /// Whether some rule is about an action, of whatever day and whomever it binds.
    fn has_rule_of(&self, action: Action) -> bool {
        let mut rules = self.packs.rules().iter();
        rules.any(|rule| rule.actions.contains(&action))
    }

    pub(super) fn judge(
        &self,
        facts: &Facts,
        day: BusinessDate,
        action: Action,
    ) -> compliance::Decision {
        if !self.has_rule_of(action) {
            // What was held was judged when it was held; its release is no question of its own then.
            let held = action == Action::Release && self.has_rule_of(Action::Hold);
            // Of anything else, a set without a rule about it has not allowed it: nobody has looked.
            let (verdict, missing) = match held {
                true => (Verdict::Allow, Vec::new()),
                false => (Verdict::Ask, vec![rule_about(action)]),
            };
            return compliance::Decision {
                verdict,
                rules: Vec::new(),
                limits: Vec::new(),
                missing,
                unexamined: Vec::new(),
                deadline: None,
                loss_bearer: None,
                counterparty: Arc::from([]),
                packs: self.packs.hash().into(),
            };
        }
        self.packs.decide(facts, day, action, self.role)
    }

    /// Whether a product may begin on its day, as far as the rules ask. The facts of the institution hold
    /// for it too and are not stated anew.
    pub(crate) fn launch_gate(
        &self,
        report: &LaunchReport,
        stated: &BTreeMap<String, FactValue>,
    ) -> Result<Gate, Rejection> {
        let mut facts = self.institution.clone();
        for (path, value) in stated {
            let field = format!("facts.{path:.64}");
            if self.institution.get(path).is_some() {
                let message = "this is a fact of the institution, which its settings state";
                return Err(Rejection::field(&field, message));
            }
            facts
                .set(path, value.clone())
                .map_err(|error| Rejection::field(&field, error.to_string()))?;
        }
        self.packs
            .launch_gate(report, &facts, self.role)
            .map_err(|error| Rejection::field("facts", error.to_string()))
    }

    /// The refusal of a beginning on a day.
    pub(crate) fn launch_refusal(&self, gate: &Gate, day: BusinessDate) -> Rejection {
        refusal(&self.packs, day, &gate.decision, 0)
    }

    /// The answer, if nothing that varies bears on it.
    pub(super) fn remembered(
        &self,
        shard: ShardCode,
        day: BusinessDate,
        question: &Question<'_>,
    ) -> Option<Arc<Answer>> {
        let stated = question.stated.clone();
        let key = (shard, question.action, day, question.over, stated);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(&key) {
            return answer.clone();
        }
        let judged = self.judge(&self.facts(question), day, question.action);
        let answer = self.holds_always(&judged).then(|| {
            let packs = &self.packs;
            Arc::new(Answer::of(packs, shard, day, question.action, &judged, 0))
        });
        if answers.len() >= REMEMBERED_MAX {
            answers.clear();
        }
        answers.insert(key, answer.clone());
        answer
    }

    /// Whether a decision made without what varies is the decision whatever that is.
    fn holds_always(&self, judged: &compliance::Decision) -> bool {
        judged.rules.iter().all(|finding| {
            let rule = &finding.rule;
            if !reads_varying(rule) {
                return true;
            }
            let one = rule.clauses.iter().filter(|clause| clause.live).count() <= 1;
            let decided = match finding.outcome {
                Outcome::Kept => true,
                Outcome::Fired => rule.limit.is_none(),
                Outcome::Missing | Outcome::Lifted | Outcome::Announced => false,
            };
            one && decided && rule.effect != Effect::Relax
        })
    }
}

/// What is asked for where no rule is about an action.
fn rule_about(action: Action) -> MissingFact {
    let word = serde_json::to_value(action).unwrap_or_default();
    MissingFact {
        fact: format!("a rule about {}", word.as_str().unwrap_or("this action")),
        rule: String::new(),
    }
}

/// Whether a condition or the limit of a rule looks at what varies.
fn reads_varying(rule: &Rule) -> bool {
    let varies = |path: &str| {
        VARYING
            .iter()
            .any(|name| path == *name || name.ends_with('.') && path.starts_with(name))
    };
    rule.limit.is_some()
        || rule
            .clauses
            .iter()
            .filter(|clause| clause.live)
            .flat_map(|clause| &clause.reads)
            .any(|id| varies(definition(*id).path))
}
