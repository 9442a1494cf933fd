//! Rule packs as the book keeps them, and which of them decide.

use engine::{Indexes, Record, index_time};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The text of one pack, under the hash of the text: sets that share a pack share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePack {
    /// SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// It.
    pub text: Arc<str>,
}

impl Record for RulePack {
    const KIND: &'static str = "rule_pack";
    fn key(&self) -> &str {
        &self.hash
    }
}

/// A pack in a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackOfSet {
    /// Name of the file.
    pub name: String,
    /// Key of its [`RulePack`].
    pub hash: String,
}

/// A set of packs, under the hash of names and texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// As decisions carry it.
    pub hash: String,
    /// Its packs, by name.
    pub packs: Vec<PackOfSet>,
    /// Stored at.
    #[serde(with = "calendar::rfc3339")]
    pub stored_at: Timestamp,
    /// Who stored it.
    pub stored_by: String,
}

impl Record for RuleSet {
    const KIND: &'static str = "rule_set";
    fn key(&self) -> &str {
        &self.hash
    }
    /// `all`: by time, which is how sets are listed.
    fn indexes(&self, out: &mut Indexes) {
        out.add("all", index_time(self.stored_at));
    }
}

/// That a set decides from a time on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleActivation {
    /// `act_…`
    pub id: String,
    /// Hash of the set.
    pub packs: String,
    /// From when on.
    #[serde(with = "calendar::rfc3339")]
    pub from: Timestamp,
    /// When it was activated.
    #[serde(with = "calendar::rfc3339")]
    pub activated_at: Timestamp,
    /// Who asked for it.
    pub activated_by: String,
    /// Who approved it; nobody where a book began with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

impl Record for RuleActivation {
    const KIND: &'static str = "rule_activation";
    fn key(&self) -> &str {
        &self.id
    }
    /// `all`: by time of activation, for the history of what decided when.
    fn indexes(&self, out: &mut Indexes) {
        out.add("all", index_time(self.activated_at));
    }
}

/// What decides in a shard now, and what will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveRules {
    key: String,
    /// By the time from which each decides; the first is that of now.
    schedule: Vec<RuleActivation>,
}

impl ActiveRules {
    /// The one key.
    pub const KEY: &'static str = "rules";

    /// Nothing but this.
    pub(super) fn beginning(first: RuleActivation) -> ActiveRules {
        ActiveRules {
            key: ActiveRules::KEY.to_owned(),
            schedule: vec![first],
        }
    }

    /// What decides at a time; the first before any of them.
    pub fn at(&self, time: Timestamp) -> Option<&RuleActivation> {
        let begun = self.schedule.iter().rev();
        let begun = begun.into_iter().find(|entry| entry.from <= time);
        begun.or_else(|| self.schedule.first())
    }

    /// What will decide after a time, in order.
    pub fn after(&self, time: Timestamp) -> impl Iterator<Item = &RuleActivation> {
        self.schedule.iter().filter(move |entry| entry.from > time)
    }

    /// With another one: of two that begin at one time the later counts, and what is over is forgotten
    /// here (its activation stays).
    pub(super) fn with(&self, new: RuleActivation, now: Timestamp) -> ActiveRules {
        let current = self.at(now).filter(|entry| entry.from != new.from);
        let mut schedule: Vec<RuleActivation> = current.cloned().into_iter().collect();
        let later = self.after(now).filter(|entry| entry.from != new.from);
        schedule.extend(later.cloned());
        let place = schedule.partition_point(|entry| entry.from < new.from);
        schedule.insert(place, new);
        ActiveRules {
            key: self.key.clone(),
            schedule,
        }
    }
}

impl Record for ActiveRules {
    const KIND: &'static str = "active_rules";
    fn key(&self) -> &str {
        &self.key
    }
}
