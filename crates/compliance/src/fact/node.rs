//! Nested values with their lines, from YAML or TOML.

use super::error::FactError;
use saphyr_parser::{Event, Parser, ScalarStyle};

const DEPTH_BOUND: usize = 16;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// Line in the file, from 1; 0: not from a file.
    pub line: usize,
    /// What it is.
    pub kind: NodeKind,
}

/// Forms of values.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// As written.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// Names with values, in the order written.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.kind {
            NodeKind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => &[],
        }
    }

    /// A TOML value, all of it at one line.
    pub(crate) fn from_toml(value: &toml::Value, line: usize) -> Node {
        let kind = match value {
            toml::Value::String(text) => NodeKind::Scalar(text.clone()),
            toml::Value::Array(items) => NodeKind::List(
                items
                    .iter()
                    .map(|item| Node::from_toml(item, line))
                    .collect(),
            ),
            toml::Value::Table(table) => NodeKind::Map(
                table
                    .iter()
                    .map(|(name, value)| (name.clone(), Node::from_toml(value, line)))
                    .collect(),
            ),
            other => NodeKind::Scalar(other.to_string()),
        };
        Node { line, kind }
    }
}

fn form(line: usize, reason: impl Into<String>) -> FactError {
    FactError::Form {
        place: format!("line {line}: "),
        reason: reason.into(),
    }
}

/// Reads one YAML document; anchors and aliases are refused.
pub fn parse_yaml(text: &str) -> Result<Node, FactError> {
    let mut open: Vec<(Node, Option<String>)> = Vec::new();
    let mut root = None;
    for item in Parser::new_from_str(text) {
        let (event, span) = item.map_err(|error| form(error.marker().line(), error.info()))?;
        let line = span.start.line();
        let finished = match event {
            Event::Scalar(value, style, _, _) => {
                // An empty plain value is a name without a value.
                if style == ScalarStyle::Plain && (value.is_empty() || value == "~") {
                    return Err(form(line, "a value is missing"));
                }
                Node {
                    line,
                    kind: NodeKind::Scalar(value.into_owned()),
                }
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= DEPTH_BOUND {
                    return Err(form(line, "nested too deeply"));
                }
                let kind = if matches!(event, Event::SequenceStart(..)) {
                    NodeKind::List(Vec::new())
                } else {
                    NodeKind::Map(Vec::new())
                };
                open.push((Node { line, kind }, None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some((node, _)) => node,
                None => continue,
            },
            Event::Alias(_) => return Err(form(line, "aliases are not allowed")),
            Event::DocumentStart(_) if root.is_some() => {
                return Err(form(line, "only one document is expected"));
            }
            _ => continue,
        };
        let Some((parent, name)) = open.last_mut() else {
            root = Some(finished);
            continue;
        };
        match &mut parent.kind {
            NodeKind::List(items) => items.push(finished),
            NodeKind::Map(entries) => match name.take() {
                Some(key) => entries.push((key, finished)),
                None => {
                    let Some(key) = finished.text() else {
                        return Err(form(line, "a name is expected"));
                    };
                    if entries.iter().any(|(known, _)| known == key) {
                        return Err(FactError::Repeated {
                            place: format!("line {line}: "),
                            path: key.to_owned(),
                        });
                    }
                    *name = Some(key.to_owned());
                }
            },
            NodeKind::Scalar(_) => {}
        }
    }
    root.ok_or_else(|| form(1, "facts are expected; the file is empty"))
}
