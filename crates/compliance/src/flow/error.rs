//! Flows that cannot be judged.

use crate::fact::FactError;
use thiserror::Error;

/// How a field is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It must be there and is not.
    Missing,
    /// It is not known here.
    Unknown,
    /// Its content cannot be.
    Invalid,
}

/// What is wrong with a flow, where, and what was expected. Values are repeated only where they
/// are names of the flow or of the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {reason}; expected {expected}")]
pub struct FlowError {
    /// Line in the file, from 1; 0: not from a file.
    pub line: usize,
    /// The field: `leg[1].to`.
    pub path: String,
    /// How it is wrong.
    pub fault: Fault,
    /// What is wrong.
    pub reason: String,
    /// What was expected.
    pub expected: String,
}

impl FlowError {
    /// An error at a field.
    pub(super) fn new(
        line: usize,
        path: impl Into<String>,
        reason: impl Into<String>,
        expected: impl Into<String>,
    ) -> FlowError {
        FlowError {
            line,
            path: path.into(),
            fault: Fault::Invalid,
            reason: reason.into(),
            expected: expected.into(),
        }
    }

    /// The same error as another fault.
    pub(super) fn with_fault(mut self, fault: Fault) -> FlowError {
        self.fault = fault;
        self
    }

    /// A stated fact that cannot be used.
    pub(super) fn fact(line: usize, path: &str, error: FactError) -> FlowError {
        let (own_line, error) = error.split_line();
        let line = own_line.unwrap_or(line);
        let path = match error.path() {
            Some(fact) => format!("{path}.{fact}"),
            None => path.to_owned(),
        };
        let fault = match &error {
            FactError::UnknownFact { .. } => Fault::Unknown,
            _ => Fault::Invalid,
        };
        let expected = match &error {
            FactError::UnknownFact { .. } => "a fact of docs/facts.md".to_owned(),
            FactError::UnknownWord { words, .. } => format!("one of {}", words.join(", ")),
            FactError::WrongKind { expected, .. } => expected.clone(),
            _ => "facts that can all be true".to_owned(),
        };
        let reason = match error {
            FactError::UnknownWord {
                path,
                word,
                suggestion,
                ..
            } => {
                let nearest =
                    suggestion.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                format!("`{path}` cannot be `{word}`{nearest}")
            }
            FactError::WrongKind { path, .. } => format!("`{path}` has another form"),
            other => other.to_string(),
        };
        FlowError::new(line, path, reason, expected).with_fault(fault)
    }
}
