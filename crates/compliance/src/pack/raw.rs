//! Packs as written.

use super::rule::{Action, Bearer, Confidence, Effect, Period, Standing, Text};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPack {
    pub instrument: RawInstrument,
    #[serde(default)]
    pub rule: Vec<RawRule>,
    #[serde(default)]
    pub reading: Vec<RawReading>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInstrument {
    pub key: String,
    pub zh: String,
    pub en: String,
    pub issued: String,
    #[serde(default)]
    pub industry: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub id: String,
    pub article: Option<String>,
    #[serde(default)]
    pub article_certain: bool,
    pub from: String,
    pub to: Option<String>,
    pub bearer: Vec<Bearer>,
    #[serde(default)]
    pub actions: Vec<Action>,
    #[serde(default)]
    pub services: Vec<String>,
    pub effect: Effect,
    pub confidence: Confidence,
    pub says: Text,
    #[serde(default)]
    pub remedy: Text,
    #[serde(default)]
    pub figures: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub absence: Vec<String>,
    pub deadline: Option<String>,
    pub loss_bearer: Option<String>,
    #[serde(default)]
    pub raised_by: Vec<String>,
    pub when: Option<String>,
    #[serde(default)]
    pub clause: Vec<RawClause>,
    pub limit: Option<RawLimit>,
    #[serde(default)]
    pub lifts: Vec<String>,
    #[serde(default)]
    pub fires: Vec<toml::Value>,
    #[serde(default)]
    pub quiet: Vec<toml::Value>,
    #[serde(default)]
    pub note: Vec<RawNote>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClause {
    pub raised_by: Vec<String>,
    pub when: String,
    pub verdict: Option<String>,
    #[serde(default)]
    pub asks: Vec<String>,
    pub scale_percent: Option<String>,
    #[serde(default)]
    pub live: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimit {
    pub bucket: String,
    pub period: Period,
    pub figure: String,
    pub used: Vec<String>,
    #[serde(default)]
    pub refund_gives_back: bool,
}

/// A reading that bears on several rules, of this pack or others, or answers a practitioners' case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReading {
    pub case: Option<String>,
    pub rules: Vec<String>,
    pub question: Text,
    pub answer: Text,
    pub standing: Standing,
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNote {
    pub question: Text,
    pub answer: Text,
    pub standing: Standing,
    pub source: String,
}
