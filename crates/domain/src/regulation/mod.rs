//! Regulation in the flow: every request that a rule may forbid is judged inside its command.
//!
//! A capability makes a [`Question`] of its objects and calls [`decide`]. The answer is a [`Ruling`] that
//! it keeps with the object, or a refusal that names the clauses (`refused_by_rule`) or the facts that
//! were not stated (`facts_missing`). What decides is the set of packs that is active in the shard
//! ([`crate::rule_packs`]). The day that counts is that of the command's own time in Shanghai.
//! Facts (what happened already) are never asked about: they cannot be refused.
//!
//! Cost: the answer to a question that no amount, counter or time of day bears on is remembered, so that a
//! plain payment costs a look-up. Otherwise the rules are evaluated, with the counters of the limits that
//! bind this institution; see [`rulebook`].

mod counter;
mod institution;
mod question;
mod record;
mod refusal;
mod rulebook;
mod rulebooks;

pub use counter::{Counted, Counter};
pub(crate) use counter::{Room, count_paid, give_back, give_back_refund};
pub use institution::{Institution, InstitutionKind};
pub(crate) use question::Question;
pub use record::{Decision, Ruling};
pub use refusal::{Clause, Lacking, RuleRefusal};
pub(crate) use rulebook::Rulebook;
pub use rulebook::RulesError;
pub(crate) use rulebooks::Rulebooks;

use crate::context::Context;
use crate::rejection::Refusable;
use calendar::{BusinessDate, shanghai_date};
use compliance::{Facts, Value};
use engine::{Interrupt, Stop};
use money::Money;
use rulebook::Answer;
use std::sync::Arc;

/// Judges a request: a ruling to keep with the object, or a refusal. Limits that apply are counted.
pub(crate) fn decide(cx: &mut Context<'_, '_>, question: Question<'_>) -> Refusable<Arc<Ruling>> {
    let day = shanghai_date(cx.tx.now());
    let shard = cx.tx.shard();
    let rules = cx.rules.active(cx.tx)?;
    match rules.remembered(shard, day, &question) {
        Some(answer) => {
            let (decision, ruling) = answer.allowed()?;
            keep(cx, decision)?;
            Ok(ruling.clone())
        }
        None => decide_counted(cx, &rules, &question),
    }
}

/// The same with everything that varies from one request to the next.
fn decide_counted(
    cx: &mut Context<'_, '_>,
    rules: &Rulebook,
    question: &Question<'_>,
) -> Refusable<Arc<Ruling>> {
    let day = shanghai_date(cx.tx.now());
    let (judged, counted) = judge(cx, rules, question, day)?;
    let shard = cx.tx.shard();
    let amount = question.amount.map_or(0, |amount| amount.amount());
    let answer = Answer::of(rules.packs(), shard, day, question.action, &judged, amount);
    let (decision, ruling) = answer.allowed()?;
    keep(cx, decision)?;
    if counted.is_empty() {
        return Ok(ruling.clone());
    }
    counter::add(cx.tx, &counted, amount)?;
    Ok(Arc::new(Ruling {
        counted,
        ..(**ruling).clone()
    }))
}

/// The judgement with everything that varies, and the limits that apply.
fn judge(
    cx: &mut Context<'_, '_>,
    rules: &Rulebook,
    question: &Question<'_>,
    day: BusinessDate,
) -> Result<(compliance::Decision, Vec<Counted>), Interrupt> {
    let limits = counter::of_limits(cx.tx, rules, day, question)?;
    let mut facts: Facts = rules.facts(question);
    for (path, value) in &question.varying {
        rules.state(&mut facts, path, value.clone());
    }
    for limit in &limits {
        rules.state(&mut facts, limit.fact, Value::Number(limit.used));
    }
    let judged = rules.judge(&facts, day, question.action);
    let counted = counter::applied(rules.packs(), &limits, &judged.limits);
    Ok((judged, counted))
}

/// Counts what happened otherwise than it was asked for, by the limits that bind it as it happened. It is a
/// fact and not refused; the ruling by which it was asked for names these limits from now on.
pub(crate) fn count_fact(
    cx: &mut Context<'_, '_>,
    question: &Question<'_>,
    ruling: &Arc<Ruling>,
    (amount, happened_on): (Money, BusinessDate),
) -> Result<Arc<Ruling>, Interrupt> {
    let rules = match cx.rules.active(cx.tx) {
        Ok(rules) => rules,
        // Rules that cannot be used keep nobody from taking a fact.
        Err(Stop::Refused(_)) => return Ok(ruling.clone()),
        Err(Stop::Interrupted(interrupt)) => return Err(interrupt),
    };
    let (_, counted) = judge(cx, &rules, question, happened_on)?;
    let ruling = Arc::new(Ruling {
        counted,
        ..(**ruling).clone()
    });
    count_paid(cx.tx, &ruling, amount, (happened_on, Room::GivenBack))
}

/// The whole decision is a record of its own; most objects share one.
fn keep(cx: &mut Context<'_, '_>, decision: &Decision) -> Result<(), Interrupt> {
    if cx.tx.get::<Decision>(&decision.id)?.is_none() {
        cx.tx.put(decision.clone())?;
    }
    Ok(())
}
