//! What is kept of a decision.

use super::counter::Counted;
use super::refusal::Clause;
use compliance::{Action, Verdict};
use engine::Record;
use serde::{Deserialize, Serialize};

/// A decision, kept once for all requests that were decided by the same rules in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// `dec_`, shard and hash of what follows.
    pub id: String,
    /// What was asked.
    pub action: Action,
    /// In a word.
    pub verdict: Verdict,
    /// Rules whose condition held: limits that were kept, warnings, migrations.
    pub fired: Vec<Clause>,
    /// Rules that were looked at and are kept.
    pub kept: Vec<String>,
    /// Rules lifted by a relaxation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifted: Vec<String>,
    /// Rules of this action that bind the counterparty, which answers for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counterparty: Vec<String>,
    /// Last day of a migration, yyyymmdd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<i32>,
    /// Who bears losses, where a rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_bearer: Option<String>,
    /// Hash of the rule packs.
    pub packs: String,
}

impl Record for Decision {
    const KIND: &'static str = "decision";
    fn key(&self) -> &str {
        &self.id
    }
}

/// What an object keeps of its decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The decision.
    pub decision: String,
    /// In a word.
    pub verdict: Verdict,
    /// First digits of the hash of the rule packs.
    pub packs: String,
    /// The limits that applied, and where they are counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<Counted>,
}
