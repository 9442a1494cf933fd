//! Commands about cases.

use super::CaseKind;
use money::Money;
use serde::{Deserialize, Serialize};

/// Opens a case; the same kind and object find the one that is open already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCase {
    /// What happened.
    pub kind: CaseKind,
    /// Id or number of what it is about.
    pub object: String,
    /// Merchant concerned.
    #[serde(default)]
    pub merchant: Option<String>,
    /// What is known.
    pub reason: String,
    /// Amount in question.
    #[serde(default)]
    pub amount: Option<Money>,
}

/// Gives a case to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignCase {
    /// The case.
    pub case: String,
    /// Principal of the person.
    pub owner: String,
}

/// Writes down why it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainCase {
    /// The case.
    pub case: String,
    /// Why.
    pub explanation: String,
}

/// Closes an explained or adjusted case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseCase {
    /// The case.
    pub case: String,
    /// How it ended.
    pub resolution: String,
}
