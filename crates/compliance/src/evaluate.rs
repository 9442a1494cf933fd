//! From facts to a decision.

use crate::decision::{Decision, Finding, MissingFact, Outcome, Room, Verdict};
use crate::fact::{self, FactId, Facts, Value, conclude};
use crate::pack::{Action, Bearer, Clause, Confidence, Effect, Rule, Term, Text};
use crate::packs::Packs;
use calendar::BusinessDate;
use cedar_policy::{
    AuthorizationError, Authorizer, Context, PolicySet, Request, RestrictedExpression,
};
use std::collections::BTreeMap;

/// Policies to evaluate together.
pub(crate) struct Selection {
    /// Rule, its clauses and whether the rule is in force (else announced).
    entries: Vec<(usize, Vec<usize>, bool)>,
    policies: PolicySet,
    reads: Vec<FactId>,
    /// Rules of the action that bind other roles.
    counterparty: Vec<usize>,
}

impl Selection {
    pub(crate) fn live(
        rules: &[Rule],
        in_force: &[usize],
        role: Bearer,
    ) -> Result<Selection, String> {
        let (ours, theirs): (Vec<usize>, Vec<usize>) = in_force.iter().partition(|index| {
            rules
                .get(**index)
                .is_some_and(|rule| rule.bearer.contains(&role))
        });
        let entries = ours
            .into_iter()
            .map(|index| {
                let clauses = rules.get(index).map_or(&[][..], |rule| &rule.clauses);
                let live = (0..clauses.len())
                    .filter(|position| clauses.get(*position).is_some_and(|clause| clause.live));
                (index, live.collect(), true)
            })
            .collect();
        let mut selection = Selection::of(rules, entries)?;
        selection.counterparty = theirs;
        Ok(selection)
    }

    fn of(rules: &[Rule], entries: Vec<(usize, Vec<usize>, bool)>) -> Result<Selection, String> {
        let mut policies = PolicySet::new();
        let mut reads = Vec::new();
        for (index, clauses, _) in &entries {
            let Some(rule) = rules.get(*index) else {
                continue;
            };
            for clause in clauses
                .iter()
                .filter_map(|clause| rule.clauses.get(*clause))
            {
                policies
                    .add(clause.policy.clone())
                    .map_err(|error| error.to_string())?;
                reads.extend(clause.reads.iter().copied());
            }
        }
        reads.sort_unstable();
        reads.dedup();
        Ok(Selection {
            entries,
            policies,
            reads,
            counterparty: Vec::new(),
        })
    }
}

fn clause_id(clause: &Clause) -> &cedar_policy::PolicyId {
    clause.policy.id()
}

/// Facts as Cedar sees them: only those that are read, records always there.
fn context(facts: &Facts, reads: &[FactId]) -> Result<Context, String> {
    let mut plain: Vec<(String, RestrictedExpression)> = Vec::with_capacity(reads.len());
    let mut records: BTreeMap<&str, Vec<(String, RestrictedExpression)>> = BTreeMap::new();
    let mut nested: BTreeMap<(&str, &str), Vec<(String, RestrictedExpression)>> = BTreeMap::new();
    for id in reads {
        let mut segments = fact::definition(*id).path.splitn(3, '.');
        let first = segments.next().unwrap_or_default();
        let second = segments.next();
        let third = segments.next();
        let expression = facts.known(*id).and_then(expression);
        match (second, third) {
            (None, _) => plain.extend(expression.map(|value| (first.to_owned(), value))),
            (Some(second), None) => records
                .entry(first)
                .or_default()
                .extend(expression.map(|value| (second.to_owned(), value))),
            (Some(second), Some(third)) => nested
                .entry((first, second))
                .or_default()
                .extend(expression.map(|value| (third.to_owned(), value))),
        }
    }
    for ((first, second), pairs) in nested {
        let record = RestrictedExpression::new_record(pairs).map_err(|error| error.to_string())?;
        records
            .entry(first)
            .or_default()
            .push((second.to_owned(), record));
    }
    for (name, pairs) in records {
        let record = RestrictedExpression::new_record(pairs).map_err(|error| error.to_string())?;
        plain.push((name.to_owned(), record));
    }
    Context::from_pairs(plain).map_err(|error| error.to_string())
}

fn expression(value: &Value) -> Option<RestrictedExpression> {
    match value {
        Value::Flag(flag) => Some(RestrictedExpression::new_bool(*flag)),
        Value::Number(number) => Some(RestrictedExpression::new_long(*number)),
        Value::Word(word) => Some(RestrictedExpression::new_string(word.to_string())),
        Value::Words(words) => {
            Some(RestrictedExpression::new_set(words.iter().map(|word| {
                RestrictedExpression::new_string(word.to_string())
            })))
        }
        Value::Legs(_) | Value::Receivers(_) | Value::Unknown => None,
    }
}

impl Packs {
    /// Judges a set of facts by every rule whose question it raises, as of the day it states.
    pub fn check(&self, facts: &Facts) -> Decision {
        let day = facts
            .get("as_of")
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
        let facts = self.prepare(facts, as_of);
        let mut entries = Vec::new();
        let mut without_service = Vec::new();
        let service = facts.get("service").and_then(Value::as_word);
        let framed = ["topic", "model", "role"]
            .iter()
            .any(|path| facts.get(path).is_some());
        for (index, rule) in self.rules.iter().enumerate() {
            let in_force = rule.in_force(as_of);
            let announced = !in_force
                && as_of < rule.from
                && self
                    .instrument(rule)
                    .is_some_and(|instrument| instrument.issued <= as_of);
            if !in_force && !announced {
                continue;
            }
            let clauses: Vec<usize> = (0..rule.clauses.len())
                .filter(|position| {
                    rule.clauses.get(*position).is_some_and(|clause| {
                        clause.raised_by.iter().any(|terms| raised(&facts, terms))
                    })
                })
                .collect();
            if clauses.is_empty() {
                continue;
            }
            match service {
                Some(word)
                    if !rule.services.is_empty()
                        && !rule.services.iter().any(|known| known == word) => {}
                None if !rule.services.is_empty() => {
                    if !framed && in_force {
                        without_service.push(index);
                    }
                }
                _ => entries.push((index, clauses, in_force)),
            }
        }
        let mut decision = match Selection::of(&self.rules, entries) {
            Ok(selection) => self.evaluate(&facts, &selection),
            Err(_) => self.asking("service"),
        };
        for index in without_service {
            if let Some(rule) = self.rule(index) {
                decision.missing.push(MissingFact {
                    fact: "service".to_owned(),
                    rule: rule.id.clone(),
                });
            }
        }
        for (definition, value) in facts.stated() {
            if *value == Value::Unknown
                && !decision
                    .missing
                    .iter()
                    .any(|missing| missing.fact == definition.path)
            {
                decision.missing.push(MissingFact {
                    fact: definition.path.to_owned(),
                    rule: String::new(),
                });
            }
        }
        let answered = decision.rules.iter().any(|finding| {
            // A definition answers nothing unless the topic asks for it.
            let answers = finding.effect != Effect::Define || facts.get("topic").is_some();
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

    /// Judges one action of this institution in its role: every rule that binds it there.
    pub fn decide(
        &self,
        facts: &Facts,
        as_of: BusinessDate,
        action: Action,
        role: Bearer,
    ) -> Decision {
        let selections = self.live.get(&(action, role as u8));
        let selection = selections.and_then(|list| {
            let next = list.partition_point(|(from, _)| *from <= as_of);
            next.checked_sub(1).and_then(|position| list.get(position))
        });
        let Some((_, selection)) = selection else {
            return self.asking("as_of");
        };
        let facts = self.prepare(facts, as_of);
        self.evaluate(&facts, selection)
    }

    fn prepare(&self, facts: &Facts, as_of: BusinessDate) -> Facts {
        let mut facts = facts.clone();
        if let Some(id) = fact::find("as_of") {
            facts.put(id, Value::Number(i64::from(as_of.to_yyyymmdd())));
        }
        conclude(&mut facts);
        facts
    }

    fn asking(&self, path: &str) -> Decision {
        Decision {
            verdict: Verdict::Ask,
            rules: Vec::new(),
            limits: Vec::new(),
            missing: vec![MissingFact {
                fact: path.to_owned(),
                rule: String::new(),
            }],
            deadline: None,
            loss_bearer: None,
            counterparty: Vec::new(),
            packs: self.hash.clone(),
        }
    }

    fn evaluate(&self, facts: &Facts, selection: &Selection) -> Decision {
        let request = context(facts, &selection.reads).and_then(|context| {
            Request::new(
                self.party.clone(),
                self.action.clone(),
                self.party.clone(),
                context,
                None,
            )
            .map_err(|error| error.to_string())
        });
        let Ok(request) = request else {
            // A context that cannot be built answers nothing.
            return self.asking("service");
        };
        let response =
            Authorizer::new().is_authorized(&request, &selection.policies, &self.entities);
        let fired: Vec<&cedar_policy::PolicyId> = response.diagnostics().reason().collect();
        let errors: Vec<(&cedar_policy::PolicyId, String)> = response
            .diagnostics()
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| {
                (error.policy_id(), error.to_string())
            })
            .collect();

        let mut judged: Vec<Judged<'_>> = Vec::with_capacity(selection.entries.len());
        for (index, positions, in_force) in &selection.entries {
            let Some(rule) = self.rule(*index) else {
                continue;
            };
            let mut entry = Judged {
                rule,
                in_force: *in_force,
                fired: Vec::new(),
                missing: Vec::new(),
                lifted: false,
            };
            for clause in positions
                .iter()
                .filter_map(|position| rule.clauses.get(*position))
            {
                let id = clause_id(clause);
                if fired.contains(&id) {
                    entry.fired.push(clause);
                } else if let Some((_, message)) = errors.iter().find(|(policy, _)| *policy == id) {
                    entry.missing.extend(absent(facts, clause, message));
                }
            }
            if !entry.fired.is_empty() {
                entry.missing.clear();
            }
            judged.push(entry);
        }
        self.assemble(facts, selection, judged)
    }

    fn assemble(
        &self,
        facts: &Facts,
        selection: &Selection,
        mut judged: Vec<Judged<'_>>,
    ) -> Decision {
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
        for entry in &mut judged {
            entry.lifted = lifted.contains(&entry.rule.id.as_str());
        }
        let mut decision = self.asking("");
        decision.verdict = Verdict::Allow;
        decision.missing.clear();
        for entry in &judged {
            self.count(facts, entry, &scales, &mut decision);
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
        decision.counterparty = selection
            .counterparty
            .iter()
            .filter_map(|index| self.rule(*index))
            .map(|rule| rule.id.clone())
            .collect();
        decision
    }

    fn count(
        &self,
        facts: &Facts,
        entry: &Judged<'_>,
        scales: &[(&str, i64)],
        decision: &mut Decision,
    ) {
        let rule = entry.rule;
        let mut missing = entry.missing.clone();
        let mut verdict = None;
        let outcome = if !entry.in_force {
            missing.clear();
            Outcome::Announced
        } else if entry.lifted && !entry.fired.is_empty() {
            missing.clear();
            Outcome::Lifted
        } else if let Some(clause) = entry.fired.first() {
            verdict = clause.verdict.or_else(|| default_verdict(rule.effect));
            if rule.limit.is_some() && clause.verdict.is_none() {
                match room(facts, rule, scales) {
                    Ok((room, over)) => {
                        verdict = Some(if over { Verdict::Deny } else { Verdict::Limit });
                        decision.limits.push(room);
                    }
                    Err(needed) => {
                        verdict = None;
                        missing.extend(needed);
                    }
                }
            }
            if rule.confidence == Confidence::Low && verdict.is_some() {
                verdict = Some(Verdict::Ask);
                missing.push(format!("a person's reading of {}", rule.id));
            } else if verdict == Some(Verdict::Ask) {
                missing.extend(clause.asks.iter().cloned());
            }
            if missing.is_empty() || verdict.is_some() {
                Outcome::Fired
            } else {
                Outcome::Missing
            }
        } else if missing.is_empty() {
            Outcome::Kept
        } else {
            Outcome::Missing
        };
        // A relaxation that cannot be established lifts nothing, and asks for nothing.
        if matches!(rule.effect, Effect::Relax | Effect::Define)
            && entry.fired.is_empty()
            && rule.effect == Effect::Relax
        {
            missing.clear();
        }
        if let Some(found) = verdict {
            if rank(found) > rank(decision.verdict) {
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
        for fact in missing {
            let needed = MissingFact {
                fact,
                rule: rule.id.clone(),
            };
            if !decision.missing.contains(&needed) {
                decision.missing.push(needed);
            }
        }
        decision.rules.push(self.finding(rule, outcome));
    }

    fn finding(&self, rule: &Rule, outcome: Outcome) -> Finding {
        let fired = outcome == Outcome::Fired;
        let instrument = self.instrument(rule);
        let mut citation = instrument.map_or_else(Text::default, |instrument| Text {
            en: instrument.en.clone(),
            zh: instrument.zh.clone(),
        });
        if let Some(article) = &rule.article {
            citation.en.push_str(&format!(", art. {article}"));
            citation.zh.push_str(&format!("第{article}条"));
        }
        Finding {
            rule: rule.id.clone(),
            outcome,
            effect: rule.effect,
            confidence: rule.confidence,
            citation,
            reason: rule.says.clone(),
            remedy: fired.then(|| rule.remedy.clone()),
            industry: instrument.is_some_and(|instrument| instrument.industry),
            notes: if fired {
                rule.notes.clone()
            } else {
                Vec::new()
            },
        }
    }
}

struct Judged<'a> {
    rule: &'a Rule,
    in_force: bool,
    fired: Vec<&'a Clause>,
    missing: Vec<String>,
    lifted: bool,
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Limit => 1,
        Verdict::Migrate => 2,
        Verdict::Ask => 3,
        Verdict::Deny => 4,
    }
}

fn default_verdict(effect: Effect) -> Option<Verdict> {
    match effect {
        Effect::Deny | Effect::Require | Effect::Limit => Some(Verdict::Deny),
        Effect::Migrate => Some(Verdict::Migrate),
        Effect::Flag | Effect::Relax | Effect::Define => None,
    }
}

fn raised(facts: &Facts, terms: &[Term]) -> bool {
    terms
        .iter()
        .all(|term| match (&term.word, facts.stated_value(term.fact)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(word), Some(Value::Word(stated))) => stated == word,
            (Some(word), Some(Value::Words(stated))) => stated.iter().any(|one| one == word),
            (Some(word), Some(Value::Flag(flag))) => word == if *flag { "true" } else { "false" },
            (Some(_), Some(_)) => false,
        })
}

/// The absent fact that stopped a policy: the one its report names, among those the clause reads.
fn absent(facts: &Facts, clause: &Clause, message: &str) -> Vec<String> {
    let candidates: Vec<&'static str> = clause
        .reads
        .iter()
        .filter(|id| facts.known(**id).is_none())
        .map(|id| fact::definition(*id).path)
        .collect();
    let named: Vec<String> = candidates
        .iter()
        .filter(|path| {
            let last = path.rsplit('.').next().unwrap_or(path);
            message.contains(&format!("`{last}`"))
        })
        .map(|path| (*path).to_owned())
        .collect();
    if named.is_empty() {
        candidates.into_iter().map(str::to_owned).collect()
    } else {
        named
    }
}

/// The room under a rule's limit, and whether this payment goes over it.
fn room(facts: &Facts, rule: &Rule, scales: &[(&str, i64)]) -> Result<(Room, bool), Vec<String>> {
    let Some(limit) = &rule.limit else {
        return Err(Vec::new());
    };
    let mut missing = Vec::new();
    let mut need = |id: Option<FactId>| {
        let value = id.and_then(|id| facts.known(id)).and_then(Value::as_number);
        if value.is_none() {
            missing.extend(id.map(|id| fact::definition(id).path.to_owned()));
        }
        value
    };
    let figure = match limit.figure {
        Ok(fen) => Some(fen),
        Err(id) => need(Some(id)),
    };
    let counter = limit
        .used
        .iter()
        .copied()
        .find(|id| facts.known(*id).is_some())
        .or_else(|| limit.used.last().copied());
    let used = if limit.used.is_empty() {
        Some(0)
    } else {
        need(counter)
    };
    let amount = need(fact::find("amount"));
    let (Some(figure), Some(used), Some(amount)) = (figure, used, amount) else {
        return Err(missing);
    };
    let percent = scales
        .iter()
        .filter(|(lifted, _)| *lifted == rule.id)
        .map(|(_, percent)| *percent)
        .max()
        .unwrap_or(100);
    let figure = figure.saturating_mul(percent) / 100;
    let remaining = figure.saturating_sub(used).max(0);
    let over = used.saturating_add(amount) > figure;
    Ok((
        Room {
            rule: rule.id.clone(),
            bucket: limit.bucket.clone(),
            period: limit.period,
            figure,
            used,
            remaining,
        },
        over,
    ))
}
