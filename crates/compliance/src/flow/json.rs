//! The answer as JSON; its form is part of the API.

use super::compare::{Change, Comparison, RuleChange, Why};
use super::facts::Subject;
use super::model::Flow;
use super::text::shape_name;
use super::verdict::{FlowAnswer, Part};
use crate::pack::Text;
use serde_json::{Map, Value, json};

/// What an answer is about, as a field of the flow: `leg[0]`, `party.shop`, `flow`.
fn at(flow: &Flow, subject: Subject) -> String {
    match subject {
        Subject::Whole => "flow".to_owned(),
        Subject::Leg(position) => format!("leg[{position}]"),
        Subject::Contract(position) => format!("contract[{position}]"),
        Subject::Party(id) => format!("party.{}", flow.party(id).id),
    }
}

/// The answer to a flow.
pub fn answer_json(flow: &Flow, answer: &FlowAnswer) -> Value {
    let of = |name: &str| -> Vec<Value> {
        answer
            .parts
            .iter()
            .filter(|part| list_of(part.subject) == name)
            .map(|part| part_json(flow, part))
            .collect()
    };
    let shapes: Vec<Value> = answer
        .shapes
        .iter()
        .map(|found| {
            let at: Vec<String> = found
                .subjects
                .iter()
                .map(|subject| at(flow, *subject))
                .collect();
            let parties: Vec<&str> = found
                .parties
                .iter()
                .map(|id| flow.party(*id).id.as_str())
                .collect();
            json!({"shape": found.shape, "name": shape_name(found.shape), "at": at, "parties": parties})
        })
        .collect();
    json!({
        "title": flow.title,
        "as_of": answer.as_of.to_string(),
        "verdict": answer.verdict,
        "deadline": answer.deadline.map(|day| day.to_string()),
        "shapes": shapes,
        "legs": of("legs"),
        "contracts": of("contracts"),
        "parties": of("parties"),
        "whole": of("whole").into_iter().next(),
        "unexamined": answer.unexamined(),
        "packs": answer.packs,
        "held": answer.held(flow),
    })
}

fn list_of(subject: Subject) -> &'static str {
    match subject {
        Subject::Leg(_) => "legs",
        Subject::Contract(_) => "contracts",
        Subject::Party(_) => "parties",
        Subject::Whole => "whole",
    }
}

fn part_json(flow: &Flow, part: &Part) -> Value {
    let mut object = Map::new();
    object.insert("at".into(), json!(at(flow, part.subject)));
    if let Subject::Leg(position) = part.subject
        && let Some(leg) = flow.legs.get(position)
    {
        let id = |party: usize| json!(flow.party(party).id);
        object.insert("from".into(), id(leg.from));
        object.insert("to".into(), id(leg.to));
        object.insert("holder".into(), id(leg.holder));
    }
    let seen: Vec<&Text> = part.seen.iter().collect();
    let limits: Vec<Value> = part.limits.iter().map(|room| json!(room)).collect();
    let kept: Vec<Value> = part
        .kept
        .iter()
        .map(|finding| {
            let readings: Vec<_> = finding.open_readings().collect();
            json!({"rule": finding.rule.id, "citation": finding.rule.citation, "notes": readings})
        })
        .collect();
    let announced: Vec<Value> = part
        .announced
        .iter()
        .map(|finding| {
            let rule = &finding.rule;
            json!({"rule": rule.id, "citation": rule.citation, "from": rule.from.to_string()})
        })
        .collect();
    object.insert("verdict".into(), json!(part.verdict));
    object.insert(
        "deadline".into(),
        json!(part.deadline.map(|day| day.to_string())),
    );
    object.insert("seen".into(), json!(seen));
    object.insert("fired".into(), json!(part.fired));
    object.insert("kept".into(), json!(kept));
    object.insert("announced".into(), json!(announced));
    object.insert("missing".into(), json!(part.missing));
    object.insert("limits".into(), json!(limits));
    object.insert("unanswered".into(), json!(part.unanswered));
    Value::Object(object)
}

/// The same flow at two days.
pub fn comparison_json(flow: &Flow, comparison: &Comparison) -> Value {
    let changes: Vec<Value> = comparison
        .changes
        .iter()
        .map(|change| change_json(flow, change))
        .collect();
    json!({
        "from": answer_json(flow, &comparison.from),
        "to": answer_json(flow, &comparison.to),
        "changes": changes,
    })
}

fn change_json(flow: &Flow, change: &Change) -> Value {
    let rules = |list: &[RuleChange]| -> Vec<Value> {
        list.iter()
            .map(|change| {
                let (why, day) = match change.why {
                    Why::InForceFrom(day) => ("in_force_from", Some(day)),
                    Why::EndedOn(day) => ("ended_on", Some(day)),
                    Why::Condition => ("condition", None),
                };
                json!({
                    "rule": change.finding.rule.id,
                    "effect": change.finding.rule.effect,
                    "citation": change.finding.rule.citation,
                    "reason": change.finding.rule.says,
                    "why": why,
                    "day": day.map(|day| day.to_string()),
                })
            })
            .collect()
    };
    json!({
        "at": at(flow, change.subject),
        "from": change.from,
        "to": change.to,
        "gone": rules(&change.gone),
        "new": rules(&change.new),
        "asked_no_more": change.asked_no_more,
        "asked_now": change.asked_now,
    })
}
