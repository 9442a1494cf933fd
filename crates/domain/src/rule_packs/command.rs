//! Commands of the rule packs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A pack by name and hash of its text; the text itself where the shard may not have it yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenPack {
    /// Name of the file.
    pub name: String,
    /// SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// The text; left out of what the shard keeps already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Arc<str>>,
}

/// Keeps a set of packs, so that it can be activated. Harmless when it is kept already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRules {
    /// All packs of the set.
    pub packs: Vec<GivenPack>,
}

/// Decides by a stored set of packs, from a time on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateRules {
    /// Hash of the set.
    pub packs: String,
    /// From when on; a time that is over by then means at once.
    #[serde(
        default,
        with = "calendar::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub from: Option<Timestamp>,
}
