//! Walking through nested values with the name of the field at hand.

use super::error::{Fault, FlowError};
use super::model::Stated;
use crate::fact::{self, Facts, Node, NodeKind, Word, nearest};
use crate::pack::Text;
use calendar::BusinessDate;

const TEXT_BOUND: usize = 200;
const LIST_BOUND: usize = 100;

/// A value and the field it stands at.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    pub node: &'a Node,
    pub path: String,
}

impl<'a> Cursor<'a> {
    pub fn error(&self, reason: impl Into<String>, expected: impl Into<String>) -> FlowError {
        FlowError::new(self.node.line, self.path.clone(), reason, expected)
    }

    /// The names of a table, all of them known.
    pub fn only(&self, known: &[&str]) -> Result<(), FlowError> {
        let NodeKind::Map(entries) = &self.node.kind else {
            return Err(self.error("this is no table", "a table of named values"));
        };
        for (name, value) in entries {
            if !known.contains(&name.as_str()) {
                let near = nearest(name, known.iter().copied())
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(FlowError::new(
                    value.line,
                    self.below(name),
                    format!("unknown field `{name}`{near}"),
                    format!("one of {}", known.join(", ")),
                )
                .with_fault(Fault::Unknown));
            }
        }
        Ok(())
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub fn get(&self, name: &str) -> Option<Cursor<'a>> {
        self.node.get(name).map(|node| Cursor {
            node,
            path: self.below(name),
        })
    }

    pub fn need(&self, name: &str, expected: &str) -> Result<Cursor<'a>, FlowError> {
        self.get(name).ok_or_else(|| {
            FlowError::new(
                self.node.line,
                self.below(name),
                format!("`{name}` is missing"),
                expected,
            )
            .with_fault(Fault::Missing)
        })
    }

    /// Entries of a table.
    pub fn entries(&self) -> Result<Vec<(&'a str, Cursor<'a>)>, FlowError> {
        let NodeKind::Map(entries) = &self.node.kind else {
            return Err(self.error("this is no table", "a table of named values"));
        };
        if entries.len() > LIST_BOUND {
            return Err(self.error("too many entries", format!("at most {LIST_BOUND}")));
        }
        Ok(entries
            .iter()
            .map(|(name, node)| {
                let path = self.below(name);
                (name.as_str(), Cursor { node, path })
            })
            .collect())
    }

    /// Elements of a list.
    pub fn items(&self) -> Result<Vec<Cursor<'a>>, FlowError> {
        let NodeKind::List(items) = &self.node.kind else {
            return Err(self.error("this is no list", "a list"));
        };
        if items.len() > LIST_BOUND {
            return Err(self.error("too many elements", format!("at most {LIST_BOUND}")));
        }
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, node)| Cursor {
                node,
                path: format!("{}[{index}]", self.path),
            })
            .collect())
    }

    pub fn text(&self) -> Result<&'a str, FlowError> {
        match self.node.text() {
            Some(text) if text.len() > TEXT_BOUND => Err(self.error(
                "the text is too long",
                format!("at most {TEXT_BOUND} bytes"),
            )),
            Some(text) if text.chars().any(char::is_control) => {
                Err(self.error("there is a control character in it", "plain text"))
            }
            Some(text) => Ok(text),
            None => Err(self.error("this is no text", "a text")),
        }
    }

    /// One of the words; `words` empty: any.
    pub fn word(&self, words: &[&str]) -> Result<Word, FlowError> {
        let text = self.text()?;
        if words.is_empty() || words.contains(&text) {
            return Ok(Word::Owned(text.to_owned()));
        }
        let near = nearest(text, words.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Err(self.error(
            format!("`{text}` is not known here{near}"),
            format!("one of {}", words.join(", ")),
        ))
    }

    pub fn words(&self, words: &[&str]) -> Result<Vec<Word>, FlowError> {
        self.items()?.iter().map(|item| item.word(words)).collect()
    }

    pub fn flag(&self) -> Result<bool, FlowError> {
        match self.text()? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.error("this is no flag", "true or false")),
        }
    }

    pub fn yuan(&self) -> Result<i64, FlowError> {
        let expected = "an amount in yuan from 0 up with at most two decimals, for instance 250.50";
        match fact::decimal(self.text()?, 2) {
            Some(fen) if fen < 0 => Err(self.error("the amount is below zero", expected)),
            Some(fen) => Ok(fen),
            None => Err(self.error("this is no amount", expected)),
        }
    }

    pub fn days(&self) -> Result<i64, FlowError> {
        let expected = "a whole number of days from 0 to 36500";
        match self.text()?.parse::<i64>() {
            Ok(days) if (0..=36_500).contains(&days) => Ok(days),
            _ => Err(self.error("this is no number of days", expected)),
        }
    }

    pub fn day(&self) -> Result<BusinessDate, FlowError> {
        fact::day(self.text()?)
            .and_then(|day| i32::try_from(day).ok())
            .and_then(|day| BusinessDate::from_yyyymmdd(day).ok())
            .ok_or_else(|| self.error("there is no such day", "a day, for instance 2018-04-01"))
    }

    /// `"text"` for both languages, or `{ en, zh }`.
    pub fn both(&self) -> Result<Text, FlowError> {
        if self.node.text().is_some() {
            let text = self.text()?.to_owned();
            return Ok(Text {
                en: text.clone(),
                zh: text,
            });
        }
        self.only(&["en", "zh"])?;
        let one = |name: &str| -> Result<Option<String>, FlowError> {
            self.get(name)
                .map(|cursor| cursor.text().map(str::to_owned))
                .transpose()
        };
        match (one("en")?, one("zh")?) {
            (Some(en), Some(zh)) => Ok(Text { en, zh }),
            (Some(one), None) | (None, Some(one)) => Ok(Text {
                en: one.clone(),
                zh: one,
            }),
            (None, None) => Err(self.error("there is no text", "a text, or { en, zh }")),
        }
    }

    /// The field `facts`: anything of the vocabulary.
    pub fn stated(&self) -> Result<Stated, FlowError> {
        let Some(cursor) = self.get("facts") else {
            return Ok(Stated {
                facts: Facts::new(),
                line: self.node.line,
                path: self.below("facts"),
            });
        };
        let facts = fact::facts_from_node(cursor.node)
            .map_err(|error| FlowError::fact(cursor.node.line, &cursor.path, error))?;
        Ok(Stated {
            facts,
            line: cursor.node.line,
            path: cursor.path,
        })
    }
}
