//! Answers.

use crate::fact::{self, FactId};
use crate::pack::{Note, Period, Rule, Text};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use std::ops::Deref;
use std::sync::Arc;

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

    /// Of two verdicts the one with the higher rank stands.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Verdict::Allow => 0,
            Verdict::Limit => 1,
            Verdict::Migrate => 2,
            Verdict::Ask => 3,
            Verdict::Deny => 4,
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

/// One rule in a decision. The rule is shared, never copied; what it says can be read through the
/// finding (`finding.citation`, `.says`, `.effect`, `.notes`).
#[derive(Debug, Clone)]
pub struct Finding {
    /// Rule.
    pub rule: Arc<Rule>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Deref for Finding {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        &self.rule
    }
}

impl Finding {
    /// What to do about it, if it fired.
    pub fn remedy(&self) -> Option<&Text> {
        (self.outcome == Outcome::Fired).then_some(&self.rule.remedy)
    }

    /// Readings of it that are not settled: the finding rests on one of several.
    pub fn open_readings(&self) -> impl Iterator<Item = &Note> {
        self.rule
            .notes
            .iter()
            .map(Arc::as_ref)
            .filter(|note| !note.standing.settled())
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rule = &self.rule;
        let mut object = serializer.serialize_struct("Finding", 9)?;
        object.serialize_field("rule", &rule.id)?;
        object.serialize_field("outcome", &self.outcome)?;
        object.serialize_field("effect", &rule.effect)?;
        object.serialize_field("confidence", &rule.confidence)?;
        object.serialize_field("citation", &rule.citation)?;
        object.serialize_field("reason", &rule.says)?;
        if let Some(remedy) = self.remedy() {
            object.serialize_field("remedy", remedy)?;
        }
        if rule.industry {
            object.serialize_field("industry", &true)?;
        }
        if !rule.notes.is_empty() {
            object.serialize_field("notes", &rule.notes)?;
        }
        object.end()
    }
}

/// A rule that could bind what was asked, and was not examined because nothing was said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unexamined {
    /// Rule.
    pub rule: String,
    /// What it is about.
    pub says: Text,
    /// Facts that would raise its question, none of them stated.
    pub facts: Vec<&'static str>,
}

impl Unexamined {
    pub(crate) fn new(rule: &Rule, mut facts: Vec<FactId>) -> Unexamined {
        facts.sort_unstable();
        facts.dedup();
        Unexamined {
            rule: rule.id.clone(),
            says: rule.says.clone(),
            facts: facts
                .into_iter()
                .map(|id| fact::definition(id).path)
                .collect(),
        }
    }
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
    /// Rules that were not examined because these facts were not stated (checks only: a live action
    /// examines every rule that binds it).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexamined: Vec<Unexamined>,
    /// Last day of a migration, yyyymmdd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<i32>,
    /// Who bears losses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_bearer: Option<String>,
    /// Rules of this action that bind somebody else.
    #[serde(skip_serializing_if = "none", serialize_with = "listed")]
    pub counterparty: Arc<[String]>,
    /// Hash of the packs that were asked.
    #[serde(serialize_with = "shared")]
    pub packs: Arc<str>,
}

fn none(list: &Arc<[String]>) -> bool {
    list.is_empty()
}

fn listed<S: Serializer>(list: &Arc<[String]>, serializer: S) -> Result<S::Ok, S::Error> {
    list.as_ref().serialize(serializer)
}

fn shared<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
