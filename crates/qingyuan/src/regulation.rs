//! `qingyuan check --facts`, and where rule packs are loaded from.

use crate::cli::CheckArguments;
use crate::failure::Failure;
use crate::flow_check;
use crate::output::{self, say};
use compliance::{
    Decision, EMBEDDED, Node, NodeKind, Packs, decision_json, facts_from_node, parse_yaml,
};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The built-in packs, or those of a folder.
pub fn load(folder: Option<&Path>) -> Result<Packs, Failure> {
    let Some(folder) = folder else {
        return Packs::load(EMBEDDED).map_err(Failure::other);
    };
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| Failure::file(folder, error))? {
        let path = entry.map_err(|error| Failure::file(folder, error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text =
                std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            texts.push((name, text));
        }
    }
    if texts.is_empty() {
        return Err(Failure::other(format!(
            "{}: no rule packs (*.toml)",
            folder.display()
        )));
    }
    let borrowed: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Packs::load(&borrowed).map_err(Failure::other)
}

/// Judges a file; true when every expectation in it held.
pub fn check(arguments: &CheckArguments) -> Result<bool, Failure> {
    let packs = load(arguments.rules.as_deref())?;
    match (&arguments.flow, &arguments.facts) {
        (Some(file), _) => flow_check::check(arguments, file, &packs),
        (None, Some(file)) => check_facts(arguments, file, &packs),
        // The arguments require one of them.
        (None, None) => Err(Failure::other("name a flow file, or facts with --facts")),
    }
}

fn check_facts(arguments: &CheckArguments, file: &Path, packs: &Packs) -> Result<bool, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::file(file, error))?;
    let fail =
        |error: compliance::FactError| Failure::other(format!("{}: {error}", file.display()));
    let node = parse_yaml(&text).map_err(fail)?;
    let entries: Vec<&Node> = match &node.kind {
        NodeKind::List(items) => items.iter().collect(),
        _ => vec![&node],
    };
    let mut held = true;
    let mut answers = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let id = entry
            .get("id")
            .and_then(Node::text)
            .map_or_else(|| (position + 1).to_string(), str::to_owned);
        let answer = match entry.get("asserts") {
            Some(asserts) => {
                let mut inner = Vec::new();
                for assert in asserts.items() {
                    inner.push(judge(packs, assert, &mut held).map_err(fail)?);
                }
                json!({"id": id, "asserts": inner})
            }
            None => {
                let mut answer = judge(packs, entry, &mut held).map_err(fail)?;
                answer.insert("id".into(), json!(id));
                Value::Object(answer)
            }
        };
        answers.push(answer);
    }
    if arguments.json {
        output::json(&answers)?;
    } else {
        for answer in &answers {
            print(
                answer,
                answer.get("id").and_then(Value::as_str).unwrap_or_default(),
            );
        }
    }
    Ok(held)
}

fn judge(
    packs: &Packs,
    entry: &Node,
    all_held: &mut bool,
) -> Result<Map<String, Value>, compliance::FactError> {
    let facts = facts_from_node(entry.get("facts").unwrap_or(entry))?;
    let decision = packs.check(&facts);
    let mut answer = decision_json(&decision);
    let held = entry.get("expect").map(|expect| holds(&decision, expect));
    *all_held &= held.unwrap_or(true);
    answer.insert("held".into(), json!(held));
    Ok(answer)
}

fn holds(decision: &Decision, expect: &Node) -> bool {
    let verdict = expect
        .get("verdict")
        .and_then(Node::text)
        .is_none_or(|word| word == decision.verdict.word());
    let expected: Vec<&str> = expect
        .get("rules")
        .map(|rules| rules.items().iter().filter_map(Node::text).collect())
        .unwrap_or_default();
    verdict
        && (expected.is_empty()
            || decision
                .rules
                .iter()
                .any(|finding| expected.contains(&finding.rule.id.as_str())))
}

fn print(answer: &Value, id: &str) {
    if let Some(asserts) = answer.get("asserts").and_then(Value::as_array) {
        for (position, assert) in asserts.iter().enumerate() {
            print(assert, &format!("{id}.{}", position + 1));
        }
        return;
    }
    let text = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let held = match answer.get("held").and_then(Value::as_bool) {
        Some(true) => "  as expected",
        Some(false) => "  NOT AS EXPECTED",
        None => "",
    };
    say!("{id}  {}{held}", text(answer, "verdict"));
    let list = |name: &str| {
        answer
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    for clause in list("clauses") {
        let citation = clause
            .pointer("/citation/en")
            .and_then(Value::as_str)
            .unwrap_or_default();
        say!(
            "  {:<9} {}  {citation}: {}",
            text(&clause, "outcome"),
            text(&clause, "rule"),
            clause
                .pointer("/reason/en")
                .and_then(Value::as_str)
                .unwrap_or_default()
        );
        if let Some(remedy) = clause.pointer("/remedy/en").and_then(Value::as_str) {
            say!("            → {remedy}");
        }
        if text(&clause, "outcome") != "kept" {
            readings(&clause);
        }
    }
    for limit in list("limits") {
        let number = |name: &str| limit.get(name).map(Value::to_string).unwrap_or_default();
        say!(
            "  limit     {} {} of {}, used {}, remaining {}",
            text(&limit, "bucket"),
            text(&limit, "period"),
            number("figure"),
            number("used"),
            number("remaining")
        );
    }
    for missing in list("missing") {
        say!("  missing   {}", missing.as_str().unwrap_or_default());
    }
    let unexamined = list("unexamined");
    if !unexamined.is_empty() {
        say!("  not examined because these facts were not stated:");
    }
    for rule in unexamined {
        let facts = rule.get("facts").and_then(Value::as_array);
        let facts: Vec<&str> = facts
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        say!("    {:<36} {}", text(&rule, "rule"), facts.join(", "));
    }
}

/// Readings that a finding rests on, with their standing.
fn readings(clause: &Value) {
    for note in clause
        .get("notes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |pointer: &str| {
            note.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        say!(
            "            reading ({}): {} {}",
            text("/standing"),
            text("/question/en"),
            text("/answer/en")
        );
    }
}
