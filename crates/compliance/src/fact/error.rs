//! Facts that cannot be used.

use thiserror::Error;

/// What is wrong with stated facts, and where. Values are not repeated: they may be personal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FactError {
    /// The vocabulary has no such fact.
    #[error("{place}unknown fact `{path}`{}", nearest(.suggestion))]
    UnknownFact {
        /// Line, if it came from a file.
        place: String,
        /// As written.
        path: String,
        /// The nearest known name.
        suggestion: Option<String>,
    },
    /// The fact cannot be that word.
    #[error("{place}`{path}` cannot be `{word}`{}; it is one of: {}", nearest(.suggestion), .words.join(", "))]
    UnknownWord {
        /// Line, if it came from a file.
        place: String,
        /// The fact.
        path: String,
        /// As written.
        word: String,
        /// The nearest known word.
        suggestion: Option<String>,
        /// What it may be.
        words: Vec<&'static str>,
    },
    /// The value has another form.
    #[error("{place}`{path}` must be {expected}")]
    WrongKind {
        /// Line, if it came from a file.
        place: String,
        /// The fact.
        path: String,
        /// What is expected.
        expected: String,
    },
    /// The fact follows from others.
    #[error("{place}`{path}` is concluded from other facts and cannot be stated")]
    Concluded {
        /// Line, if it came from a file.
        place: String,
        /// The fact.
        path: String,
    },
    /// Two facts exclude each other.
    #[error("{place}`{first}` contradicts `{second}`: {why}")]
    Contradiction {
        /// Line, if it came from a file.
        place: String,
        /// One fact.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Why both cannot hold.
        why: &'static str,
    },
    /// The same fact stated twice.
    #[error("{place}`{path}` is stated twice")]
    Repeated {
        /// Line, if it came from a file.
        place: String,
        /// The fact.
        path: String,
    },
    /// The text is not YAML, or not in the form of facts.
    #[error("{place}{reason}")]
    Form {
        /// Line.
        place: String,
        /// What was expected.
        reason: String,
    },
}

fn nearest(suggestion: &Option<String>) -> String {
    suggestion
        .as_ref()
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

impl FactError {
    /// The same error at a line of a file.
    pub fn at_line(mut self, line: usize) -> FactError {
        let (FactError::UnknownFact { place, .. }
        | FactError::UnknownWord { place, .. }
        | FactError::WrongKind { place, .. }
        | FactError::Concluded { place, .. }
        | FactError::Contradiction { place, .. }
        | FactError::Repeated { place, .. }
        | FactError::Form { place, .. }) = &mut self;
        if place.is_empty() {
            *place = format!("line {line}: ");
        }
        self
    }

    /// The fact it is about, where it is about one.
    pub fn path(&self) -> Option<&str> {
        match self {
            FactError::UnknownFact { path, .. }
            | FactError::UnknownWord { path, .. }
            | FactError::WrongKind { path, .. }
            | FactError::Concluded { path, .. }
            | FactError::Repeated { path, .. } => Some(path),
            FactError::Contradiction { first, .. } => Some(first),
            FactError::Form { .. } => None,
        }
    }

    /// The line apart from the error.
    pub(crate) fn split_line(mut self) -> (Option<usize>, FactError) {
        let (FactError::UnknownFact { place, .. }
        | FactError::UnknownWord { place, .. }
        | FactError::WrongKind { place, .. }
        | FactError::Concluded { place, .. }
        | FactError::Contradiction { place, .. }
        | FactError::Repeated { place, .. }
        | FactError::Form { place, .. }) = &mut self;
        let line = place
            .strip_prefix("line ")
            .and_then(|rest| rest.strip_suffix(": "))
            .and_then(|line| line.parse().ok());
        place.clear();
        (line, self)
    }
}
