//! Flow files as nested values with their lines.

use super::error::FlowError;
use crate::fact::{Node, NodeKind};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const DEPTH_BOUND: usize = 16;

/// Reads one TOML document; numbers and dates stay as they are written.
pub fn parse_toml(text: &str) -> Result<Node, FlowError> {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(offset, _)| offset + 1))
        .collect();
    let line_of = |offset: usize| starts.partition_point(|start| *start <= offset).max(1);
    let document = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        FlowError::new(line, "file", error.message(), "a TOML document")
    })?;
    table(
        document.get_ref(),
        line_of(document.span().start),
        &line_of,
        0,
    )
}

fn table(
    entries: &DeTable<'_>,
    line: usize,
    line_of: &impl Fn(usize) -> usize,
    depth: usize,
) -> Result<Node, FlowError> {
    let mut ordered: Vec<(usize, &str, &Spanned<DeValue<'_>>)> = entries
        .iter()
        .map(|(name, value)| (name.span().start, name.get_ref().as_ref(), value))
        .collect();
    // As written, not as sorted by name.
    ordered.sort_by_key(|(start, _, _)| *start);
    let mut named = Vec::with_capacity(ordered.len());
    for (start, name, value) in ordered {
        let mut node = value_node(value, line_of, depth + 1)?;
        // A header stands at its name; the table's own span may begin elsewhere.
        if matches!(node.kind, NodeKind::Map(_) | NodeKind::List(_)) {
            node.line = line_of(start);
        }
        named.push((name.to_owned(), node));
    }
    Ok(Node {
        line,
        kind: NodeKind::Map(named),
    })
}

fn value_node(
    value: &Spanned<DeValue<'_>>,
    line_of: &impl Fn(usize) -> usize,
    depth: usize,
) -> Result<Node, FlowError> {
    let line = line_of(value.span().start);
    if depth > DEPTH_BOUND {
        return Err(FlowError::new(
            line,
            "file",
            "nested too deeply",
            format!("at most {DEPTH_BOUND} levels"),
        ));
    }
    let kind = match value.get_ref() {
        DeValue::String(text) => NodeKind::Scalar(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            NodeKind::Scalar(number.as_str().to_owned())
        }
        DeValue::Integer(_) => {
            return Err(FlowError::new(
                line,
                "file",
                "a number is written in another base",
                "decimal digits",
            ));
        }
        DeValue::Float(number) => NodeKind::Scalar(number.as_str().to_owned()),
        DeValue::Boolean(flag) => NodeKind::Scalar(flag.to_string()),
        DeValue::Datetime(moment) => NodeKind::Scalar(moment.to_string()),
        DeValue::Array(items) => NodeKind::List(
            items
                .iter()
                .map(|item| value_node(item, line_of, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(entries) => return table(entries, line, line_of, depth),
    };
    Ok(Node { line, kind })
}

/// JSON in the same form; it has no lines.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

fn scalar(text: impl ToString) -> Node {
    Node {
        line: 0,
        kind: NodeKind::Scalar(text.to_string()),
    }
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a text, number, flag, list or object")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(scalar(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(scalar(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(scalar(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        // The shortest text that reads back the same: 250.5, never 250.49999.
        Ok(scalar(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(scalar(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node {
            line: 0,
            kind: NodeKind::List(list),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut named: Vec<(String, Node)> = Vec::new();
        while let Some((name, node)) = entries.next_entry::<String, Node>()? {
            if named.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            named.push((name, node));
        }
        Ok(Node {
            line: 0,
            kind: NodeKind::Map(named),
        })
    }
}
