//! Answers.

use crate::pack::{Confidence, Effect, Note, Period, Text};
use serde::{Deserialize, Serialize};

/// The answer in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing stands against it.
    Allow,
    /// Within the listed limits.
    Limit,
    /// Until the deadline, as existing business only.
    Migrate,
    /// A needed fact is missing.
    Ask,
    /// Forbidden.
    Deny,
}

impl Verdict {
    /// The verdict a word names.
    pub fn from_word(word: &str) -> Option<Verdict> {
        match word {
            "allow" => Some(Verdict::Allow),
            "limit" => Some(Verdict::Limit),
            "migrate" => Some(Verdict::Migrate),
            "ask" => Some(Verdict::Ask),
            "deny" => Some(Verdict::Deny),
            _ => None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Limit => "limit",
            Verdict::Migrate => "migrate",
            Verdict::Ask => "ask",
            Verdict::Deny => "deny",
        }
    }
}

/// What came of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its condition holds.
    Fired,
    /// It was looked at and is kept.
    Kept,
    /// A fact it needs is missing.
    Missing,
    /// Lifted by a relaxation.
    Lifted,
    /// Published, not yet in force.
    Announced,
}

/// One rule in a decision.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Rule.
    pub rule: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What the rule does.
    pub effect: Effect,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Instrument and, where certain, article.
    pub citation: Text,
    /// What the rule says.
    pub reason: String,
    /// What to do about it, if it fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Text>,
    /// Practice of a channel or scheme, not law.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub industry: bool,
    /// Readings of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

/// Room under one limit, in fen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Rule.
    pub rule: String,
    /// Kind of key the counter hangs on.
    pub bucket: String,
    /// Over which period.
    pub period: Period,
    /// The figure.
    pub figure: i64,
    /// Used before this payment.
    pub used: i64,
    /// Left before this payment.
    pub remaining: i64,
}

/// A fact that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingFact {
    /// Dotted name.
    pub fact: String,
    /// The rule that needs it; empty: the question itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rule: String,
}

/// The whole answer.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// In a word.
    pub verdict: Verdict,
    /// Rules looked at, those that fired first.
    pub rules: Vec<Finding>,
    /// Room under each limit that applies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Room>,
    /// What must be known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingFact>,
    /// Last day of a migration, yyyymmdd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<i32>,
    /// Who bears losses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_bearer: Option<String>,
    /// Rules of this action that bind somebody else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub counterparty: Vec<String>,
    /// Hash of the packs that were asked.
    pub packs: String,
}
