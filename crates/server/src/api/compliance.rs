//! Questions to the rules.

use super::flow::FlowSchema;
use compliance::Node;
use serde::{Deserialize, Serialize};

/// A business model, or bare facts, to be judged.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "flow": {
        "as_of": "2018-01-02",
        "lifecycle": "new",
        "party": {
            "buyers": {"kind": "natural_person"},
            "pay": {"kind": "npi", "licences": ["internet_payment"]},
            "bank": {"kind": "bank"},
            "platform": {"kind": "platform", "licences": []},
            "sellers": {"kind": "merchant", "online": true}
        },
        "contract": [{"kind": "acquiring", "between": ["pay", "platform"], "checked_by": "pay"}],
        "leg": [
            {"from": "buyers", "to": "pay", "account": "reserve", "amount": 100, "goods_of": "sellers", "route": ["pay", "nucc", "bank"]},
            {"from": "pay", "to": "platform", "amount": 100},
            {"from": "platform", "to": "sellers", "amount": 95}
        ]
    },
    "picture": "mermaid"
}))]
pub struct ComplianceCheck {
    /// Parties (`party`), contracts (`contract`) and legs of money (`leg`), as in a flow file; amounts in yuan.
    #[schema(value_type = Option<FlowSchema>)]
    pub flow: Option<Node>,
    /// Facts of the vocabulary instead, `as_of` among them; amounts in yuan.
    #[schema(schema_with = super::flow::facts, required = false)]
    pub facts: Option<Node>,
    /// Judge the flow as of this day instead of its own.
    #[schema(example = "2024-06-01")]
    pub as_of: Option<String>,
    /// Judge the flow as of this day too, and answer what changed and why.
    #[schema(example = "2024-06-01")]
    pub compare: Option<String>,
    /// Draw the flow as well.
    pub picture: Option<Picture>,
    /// Language of the picture.
    pub lang: Option<Language>,
}

/// Forms of pictures.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Picture {
    /// A chart in Mermaid's language.
    Mermaid,
    /// SVG.
    Svg,
}

/// Languages of pictures.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// 中文。
    Zh,
}

/// The answer: of a flow with `shapes`, `legs`, `contracts` and `parties`, of facts with `rules` and
/// `clauses`, of a comparison with `from`, `to` and `changes`. It is no legal advice.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"verdict": "deny", "as_of": "2018-01-02", "legs": [{"at": "leg[1]", "verdict": "deny"}]}))]
pub struct ComplianceAnswer {
    /// Verdict, rules with clause and remedy, what must still be known.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub answer: serde_json::Map<String, serde_json::Value>,
    /// The picture asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}
