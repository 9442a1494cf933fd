//! Decisions on bare facts as JSON; the form is part of the API and of `check --json`.

use crate::decision::Decision;
use serde_json::{Map, Value, json};

/// The answer to one set of facts.
pub fn decision_json(decision: &Decision) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("verdict".into(), json!(decision.verdict));
    let ids: Vec<&str> = decision
        .rules
        .iter()
        .map(|finding| finding.rule.id.as_str())
        .collect();
    answer.insert("rules".into(), json!(ids));
    let limits: Vec<Value> = decision
        .limits
        .iter()
        .map(|room| {
            json!({"rule": room.rule, "bucket": room.bucket, "period": room.period,
                "figure": yuan(room.figure), "used": yuan(room.used), "remaining": yuan(room.remaining)})
        })
        .collect();
    answer.insert("limits".into(), json!(limits));
    let mut missing: Vec<&str> = decision
        .missing
        .iter()
        .map(|missing| missing.fact.as_str())
        .collect();
    missing.dedup();
    answer.insert("missing".into(), json!(missing));
    answer.insert("unexamined".into(), json!(decision.unexamined));
    answer.insert("clauses".into(), json!(decision.rules));
    answer.insert("deadline".into(), json!(decision.deadline.map(dashed)));
    answer.insert("packs".into(), json!(decision.packs.as_ref()));
    answer
}

/// Fen as a number of yuan.
fn yuan(fen: i64) -> Value {
    if fen % 100 == 0 {
        json!(fen / 100)
    } else {
        serde_json::from_str(&format!("{}.{:02}", fen / 100, fen % 100)).unwrap_or(Value::Null)
    }
}

fn dashed(day: i32) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        day / 10_000,
        day / 100 % 100,
        day % 100
    )
}
