//! Facts from nested values.

use super::error::FactError;
use super::facts::{Facts, unknown_fact, wrong_kind};
use super::kind::{FactDef, FactKind};
use super::node::{Node, NodeKind};
use super::table;
use super::value::{Leg, Receiver, Value, Word};

/// Facts stated as nested names, each checked against the vocabulary.
pub fn facts_from_node(node: &Node) -> Result<Facts, FactError> {
    let mut facts = Facts::new();
    read_into(&mut facts, node, "")?;
    facts
        .consistent()
        .map_err(|error| error.at_line(node.line))?;
    Ok(facts)
}

fn read_into(facts: &mut Facts, node: &Node, prefix: &str) -> Result<(), FactError> {
    let NodeKind::Map(entries) = &node.kind else {
        return Err(if prefix.is_empty() {
            FactError::Form {
                place: format!("line {}: ", node.line),
                reason: "facts are expected as names with values".to_owned(),
            }
        } else {
            unknown_fact(prefix).at_line(node.line)
        });
    };
    for (name, value) in entries {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match table::find(&path) {
            Some(id) => {
                let definition = table::definition(id);
                let read = parse(definition, value)
                    .ok_or_else(|| wrong_kind(definition).at_line(value.line))?;
                if facts.stated_value(id).is_some() {
                    return Err(FactError::Repeated {
                        place: String::new(),
                        path,
                    }
                    .at_line(value.line));
                }
                facts
                    .set(&path, read)
                    .map_err(|error| error.at_line(value.line))?;
            }
            None if matches!(value.kind, NodeKind::Map(_)) && table::has_prefix(&path) => {
                read_into(facts, value, &path)?;
            }
            None => return Err(unknown_fact(&path).at_line(value.line)),
        }
    }
    Ok(())
}

fn parse(definition: &FactDef, node: &Node) -> Option<Value> {
    if node.text() == Some("unknown") {
        return Some(Value::Unknown);
    }
    match definition.kind {
        FactKind::Flag => match node.text()? {
            "true" => Some(Value::Flag(true)),
            "false" => Some(Value::Flag(false)),
            _ => None,
        },
        FactKind::Count => node.text()?.parse().ok().map(Value::Number),
        FactKind::Money => decimal(node.text()?, 2).map(Value::Number),
        FactKind::Ratio => decimal(node.text()?, 6).map(Value::Number),
        FactKind::Day => day(node.text()?).map(Value::Number),
        FactKind::Clock => clock(node.text()?).map(Value::Number),
        FactKind::Word | FactKind::Cycle => node
            .text()
            .map(|word| Value::Word(Word::Owned(word.to_owned()))),
        FactKind::Words => match &node.kind {
            NodeKind::Scalar(word) if word == "none" => Some(Value::Words(Vec::new())),
            NodeKind::List(items) => items
                .iter()
                .map(|item| item.text().map(|word| Word::Owned(word.to_owned())))
                .collect::<Option<Vec<_>>>()
                .map(Value::Words),
            _ => None,
        },
        FactKind::Legs => node_list(node)?
            .iter()
            .map(leg)
            .collect::<Option<Vec<_>>>()
            .map(Value::Legs),
        FactKind::Receivers => node_list(node)?
            .iter()
            .map(receiver)
            .collect::<Option<Vec<_>>>()
            .map(Value::Receivers),
    }
}

fn node_list(node: &Node) -> Option<&[Node]> {
    matches!(node.kind, NodeKind::List(_)).then(|| node.items())
}

fn field(node: &Node, name: &str) -> Option<Word> {
    node.get(name)
        .and_then(Node::text)
        .filter(|word| *word != "unknown")
        .map(|word| Word::Owned(word.to_owned()))
}

fn only(node: &Node, names: &[&str]) -> Option<()> {
    match &node.kind {
        NodeKind::Map(entries)
            if entries
                .iter()
                .all(|(name, value)| names.contains(&name.as_str()) && value.text().is_some()) =>
        {
            Some(())
        }
        _ => None,
    }
}

fn leg(node: &Node) -> Option<Leg> {
    only(node, &["from", "to", "purpose"])?;
    Some(Leg {
        from: field(node, "from")?,
        to: field(node, "to")?,
        purpose: field(node, "purpose"),
    })
}

fn receiver(node: &Node) -> Option<Receiver> {
    only(node, &["kind", "onboarded_by", "relation", "purpose"])?;
    Some(Receiver {
        kind: field(node, "kind"),
        onboarded_by: field(node, "onboarded_by"),
        relation: field(node, "relation"),
        purpose: field(node, "purpose"),
    })
}

/// A decimal number in units of its last allowed place: `250.5` with two places is 25050.
pub(crate) fn decimal(text: &str, places: usize) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 13
        || fraction.len() > places
        || !plain(whole)
        || !plain(fraction)
    {
        return None;
    }
    let number: i64 = format!("{whole}{fraction:0<places$}").parse().ok()?;
    Some(if negative { -number } else { number })
}

/// `2018-04-01` as 20180401, if there is such a day.
pub(crate) fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || month.len() != 2 || day.len() != 2 || parts.next().is_some() {
        return None;
    }
    let number: i32 = format!("{year}{month}{day}").parse().ok()?;
    calendar::BusinessDate::from_yyyymmdd(number).ok()?;
    Some(i64::from(number))
}

/// `18:30` as minutes since midnight.
pub(crate) fn clock(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then(|| i64::from(hour) * 60 + i64::from(minute))
}
