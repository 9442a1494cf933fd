//! Rule packs of the book.

use domain::rule_packs::{RuleActivation, RuleSet};
use engine::ShardCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Rule packs to be kept, so that they can be activated.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "base": "3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550",
    "packs": [{"name": "own-rules.toml", "text": "[instrument]\nkey = \"OWN\"\nzh = \"本机构规定\"\nen = \"Rules of this institution\"\nissued = \"2026-11-20\"\n"}]
}))]
pub struct PackUpload {
    /// Hash of a stored set that these packs are added to; packs of the same name replace its own. Without it
    /// the set is these packs alone.
    pub base: Option<String>,
    /// The packs.
    pub packs: Vec<UploadedPack>,
}

/// A pack.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadedPack {
    /// Name of its file: lower-case letters, digits and hyphens, then `.toml`.
    #[schema(example = "pbc-2017-296.toml")]
    pub name: String,
    /// Its text, TOML.
    pub text: String,
}

/// A set of rule packs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RulePacks)]
pub struct RuleSetView {
    /// Hash of the names and texts: what decisions carry.
    #[schema(example = "3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550")]
    pub hash: String,
    /// Its packs.
    pub packs: Vec<PackView>,
    /// Stored at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub stored_at: Timestamp,
    /// Who stored it.
    pub stored_by: String,
    /// Where it decides, or will: one entry a shard and time.
    pub active: Vec<ActivationView>,
}

/// A pack of a set.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RulePack)]
pub struct PackView {
    /// Name of its file.
    pub name: String,
    /// Hash of its text.
    pub hash: String,
}

/// That a set decides in a shard.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleActivation)]
pub struct ActivationView {
    /// `act_…`
    pub id: String,
    /// The shard.
    #[schema(example = "00")]
    pub shard: String,
    /// From when on.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Whether that time has come.
    pub now: bool,
    /// Who asked for it; `system` where the book began with it.
    pub activated_by: String,
    /// The second person.
    pub approved_by: Option<String>,
}

/// A set that is to decide.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"packs": "3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550",
    "from": "2026-12-01T00:00:00+08:00"}))]
pub struct NewActivation {
    /// Hash of a stored set.
    pub packs: String,
    /// From when on; at once when it is left out, or over by the time of the approval.
    #[serde(default, with = "calendar::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
}

/// How far an activation came.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RuleActivations)]
pub struct ActivationAnswer {
    /// The set.
    pub packs: String,
    /// Rules that decide now and would not any more; none once the set decides.
    pub removed: Vec<String>,
    /// Proposals that wait for a second person, one a shard.
    pub proposals: Vec<String>,
    /// Shards in which it is activated.
    pub active: Vec<ActivationView>,
}

impl ActivationView {
    /// Of a shard, as of a time.
    pub fn of(activation: RuleActivation, shard: ShardCode, time: Timestamp) -> ActivationView {
        ActivationView {
            id: activation.id,
            shard: shard.to_string(),
            now: activation.from <= time,
            since: activation.from,
            activated_by: activation.activated_by,
            approved_by: activation.approved_by,
        }
    }
}

impl RuleSetView {
    /// With where it is active.
    pub fn of(set: RuleSet, active: Vec<ActivationView>) -> RuleSetView {
        let packs = set.packs.into_iter();
        RuleSetView {
            hash: set.hash,
            packs: packs
                .map(|pack| PackView {
                    name: pack.name,
                    hash: pack.hash,
                })
                .collect(),
            stored_at: set.stored_at,
            stored_by: set.stored_by,
            active,
        }
    }
}
