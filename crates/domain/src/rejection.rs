//! Why a request is refused: a stable code, the field, and what to do.

use crate::regulation::RuleRefusal;
use engine::{Interrupt, Stop};
use ledger::{LedgerError, PostError};
use money::{Money, MoneyError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// Stable codes of refusals; part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A field's content is not acceptable.
    InvalidField,
    /// The object does not exist, or not for this actor.
    NotFound,
    /// The number is in use for something else.
    AlreadyExists,
    /// The object's state does not allow it.
    StateConflict,
    /// The actor's role does not allow it.
    Forbidden,
    /// An account has less than is needed.
    InsufficientFunds,
    /// More than may be refunded, split or paid out.
    LimitExceeded,
    /// A ledger rule forbids the posting.
    PostingRefused,
    /// The book has no chart of accounts yet.
    NotSetUp,
    /// A rule of regulation forbids it.
    RefusedByRule,
    /// A rule of regulation needs a fact that nobody stated.
    FactsMissing,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("{message}")]
pub struct Rejection {
    /// Stable code.
    pub code: Code,
    /// Field of the request, where one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// For people: what was wrong and what to do.
    pub message: String,
    /// Further values by name; never personal data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// What the rules of regulation have against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Box<RuleRefusal>>,
}

/// Result of a request's function.
pub type Refusable<T> = Result<T, Stop<Rejection>>;

impl Rejection {
    /// A refusal without a field.
    pub fn new(code: Code, message: impl Into<String>) -> Rejection {
        Rejection {
            code,
            field: None,
            message: message.into(),
            details: BTreeMap::new(),
            rules: None,
        }
    }

    /// A field's content is not acceptable.
    pub fn field(field: &str, message: impl Into<String>) -> Rejection {
        Rejection::new(Code::InvalidField, message).at(field)
    }

    /// There is no such object (or it belongs to somebody else, which is not told).
    pub fn not_found(what: &str, id: &str) -> Rejection {
        Rejection::new(Code::NotFound, format!("there is no {what} {id:.64}")).at(what)
    }

    /// The number was used before with another content.
    pub fn already_exists(what: &str, field: &str) -> Rejection {
        Rejection::new(
            Code::AlreadyExists,
            format!("this {what} exists already with a different {field}: use another number, or send the same content"),
        )
        .at(field)
    }

    /// The object's state does not allow it.
    pub fn state(message: impl Into<String>) -> Rejection {
        Rejection::new(Code::StateConflict, message)
    }

    /// Names the field.
    pub fn at(mut self, field: &str) -> Rejection {
        self.field = Some(field.to_owned());
        self
    }

    /// Adds a detail.
    pub fn with(mut self, name: &str, value: impl ToString) -> Rejection {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }

    /// An account has less than the amount needed.
    pub fn insufficient(field: &str, needed: Money, available: Money) -> Rejection {
        Rejection::new(
            Code::InsufficientFunds,
            format!("{needed} is needed but only {available} is available"),
        )
        .at(field)
        .with("needed", needed.amount())
        .with("available", available.amount())
    }
}

impl From<PostError> for Rejection {
    fn from(error: PostError) -> Rejection {
        let code = match &error.error {
            LedgerError::InsufficientFunds { .. } => Code::InsufficientFunds,
            LedgerError::IdReused { .. } => Code::AlreadyExists,
            LedgerError::UnknownAccount(_) => Code::NotFound,
            _ => Code::PostingRefused,
        };
        let mut rejection = Rejection::new(code, error.to_string()).with("index", error.index);
        if let LedgerError::InsufficientFunds { short_by } = error.error {
            rejection = rejection.with("short_by", short_by);
        }
        rejection
    }
}

impl From<MoneyError> for Rejection {
    fn from(error: MoneyError) -> Rejection {
        Rejection::field("amount", error.to_string())
    }
}

impl From<Rejection> for Stop<Rejection> {
    fn from(rejection: Rejection) -> Self {
        Stop::Refused(rejection)
    }
}

/// A state of the books that no command can bring about; undone and reported to operators.
pub(crate) fn broken(problem: impl std::fmt::Display) -> Interrupt {
    Interrupt::Broken(problem.to_string())
}
