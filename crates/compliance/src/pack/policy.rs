//! Conditions as Cedar policies over one schema of facts.

use super::bounds;
use super::rule::Condition;
use crate::fact::{self, FactId, FactKind};
use cedar_policy::{Expression, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;

/// Compiles conditions and validates them against the vocabulary.
pub(crate) struct Compiler {
    validator: Validator,
}

impl Compiler {
    pub(crate) fn new() -> Result<Compiler, String> {
        let (schema, _) =
            Schema::from_cedarschema_str(&schema_text()).map_err(|error| error.to_string())?;
        Ok(Compiler {
            validator: Validator::new(schema),
        })
    }

    /// The condition, as a policy (which is what can be validated) and alone, and the facts it reads.
    pub(crate) fn policy(
        &self,
        number: usize,
        rule: &str,
        condition: &str,
        absence: &[String],
    ) -> Result<(Policy, Condition, Vec<FactId>), String> {
        bounds::check(condition).map_err(|reason| format!("condition of `{rule}` {reason}"))?;
        let text = format!(
            "@rule({rule:?})\nforbid(principal, action, resource) when {{\n{condition}\n}};"
        );
        let policy = Policy::parse(Some(PolicyId::new(number.to_string())), text)
            .map_err(|error| format!("condition of `{rule}`: {error}"))?;
        let json = policy.to_json().map_err(|error| error.to_string())?;
        let mut paths = Vec::new();
        reads(&json, absence, &mut paths)?;
        let mut ids = Vec::new();
        for path in paths {
            let id = fact::find(&path)
                .ok_or_else(|| format!("condition of `{rule}`: unknown fact `{path}`"))?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let expression = Expression::from_str(condition)
            .map_err(|error| format!("condition of `{rule}`: {error}"))?;
        Ok((policy, Condition { expression }, ids))
    }

    pub(crate) fn validate(&self, policies: &PolicySet) -> Result<(), (String, String)> {
        let result = self.validator.validate(policies, ValidationMode::Strict);
        match result.validation_errors().next() {
            Some(error) => Err((error.policy_id().to_string(), error.to_string())),
            None => Ok(()),
        }
    }
}

/// Puts a rule's figures where its condition names them.
pub(crate) fn with_figures(
    condition: &str,
    figures: &BTreeMap<String, toml::Value>,
) -> Result<String, String> {
    let mut text = String::with_capacity(condition.len());
    let mut rest = condition;
    while let Some(position) = rest.find("figure.") {
        let (before, after) = rest.split_at(position);
        text.push_str(before);
        let after = after.get("figure.".len()..).unwrap_or_default();
        let end = after
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        text.push_str(&figure(name, figures)?.to_string());
        rest = tail;
    }
    text.push_str(rest);
    Ok(text)
}

/// A figure in the unit of conditions: fen for `_yuan`, parts per million for `_share`, yyyymmdd for days.
pub(crate) fn figure(name: &str, figures: &BTreeMap<String, toml::Value>) -> Result<i64, String> {
    let value = figures
        .get(name)
        .ok_or_else(|| format!("figure `{name}` is not among the rule's figures"))?;
    let text = match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let number = if name.ends_with("_yuan") {
        fact::decimal(&text, 2)
    } else if name.ends_with("_share") {
        fact::decimal(&text, 6)
    } else if name.ends_with("_day") && text.contains('-') {
        fact::day(&text)
    } else {
        text.parse().ok()
    };
    number.ok_or_else(|| {
        format!(
            "figure `{name}` is not a number of its kind (`_yuan`, `_share`, `_day` or a count)"
        )
    })
}

/// Collects `context.a.b` reads; refuses guards that turn a missing fact into "no".
fn reads(json: &Json, absence: &[String], paths: &mut Vec<String>) -> Result<(), String> {
    if let Some(path) = path_of(json) {
        paths.push(path);
        return Ok(());
    }
    match json {
        Json::Object(map) => {
            if let Some(guard) = map.get("has") {
                let base = guard.get("left").and_then(path_of).unwrap_or_default();
                let name = guard.get("attr").and_then(Json::as_str).unwrap_or_default();
                let path = if base.is_empty() {
                    name.to_owned()
                } else {
                    format!("{base}.{name}")
                };
                if !absence.contains(&path) {
                    return Err(format!(
                        "`has {path}` would turn a missing fact into an answer; list it under `absence` if absence is the condition"
                    ));
                }
                paths.push(path);
                return Ok(());
            }
            map.values()
                .try_for_each(|value| reads(value, absence, paths))
        }
        Json::Array(items) => items
            .iter()
            .try_for_each(|item| reads(item, absence, paths)),
        _ => Ok(()),
    }
}

fn path_of(json: &Json) -> Option<String> {
    if json.get("Var").and_then(Json::as_str) == Some("context") {
        return Some(String::new());
    }
    let access = json.get(".")?;
    let base = path_of(access.get("left")?)?;
    let name = access.get("attr")?.as_str()?;
    Some(if base.is_empty() {
        name.to_owned()
    } else {
        format!("{base}.{name}")
    })
}

/// The schema: every fact is required, so that a policy may read it without a guard.
pub(crate) fn schema_text() -> String {
    #[derive(Default)]
    struct Record {
        leaves: Vec<(&'static str, &'static str)>,
        records: BTreeMap<&'static str, Record>,
    }
    fn print(record: &Record, text: &mut String) {
        text.push('{');
        for (name, kind) in &record.leaves {
            let _ = write!(text, "{name}: {kind}, ");
        }
        for (name, inner) in &record.records {
            let _ = write!(text, "{name}: ");
            print(inner, text);
            text.push_str(", ");
        }
        text.push('}');
    }
    let mut root = Record::default();
    for definition in fact::all() {
        let Some(kind) = FactKind::cedar(definition.kind) else {
            continue;
        };
        let mut record = &mut root;
        let mut segments = definition.path.split('.').peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_some() {
                record = record.records.entry(segment).or_default();
            } else {
                record.leaves.push((segment, kind));
            }
        }
    }
    let mut text = String::from(
        "entity Party;\naction decide appliesTo { principal: [Party], resource: [Party], context: ",
    );
    print(&root, &mut text);
    text.push_str(" };\n");
    text
}
