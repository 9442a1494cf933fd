//! Commands about new products.

use super::Product;
use calendar::BusinessDate;
use compliance::{Evidence, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Declares a product as new, with what was reported of it. From then on it waits for its approval and day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposeLaunch {
    /// The product.
    pub product: Product,
    /// New in kind.
    pub innovation: bool,
    /// Together with somebody abroad, or for payers there.
    pub cross_border: bool,
    /// Day of the report to the authority; none: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_on: Option<BusinessDate>,
    /// Day on which it is to begin.
    pub launch_on: BusinessDate,
    /// What was sent and what came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What else the rules ask of a new product, in the vocabulary of facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, FactValue>,
}

/// Value of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A word.
    Word(String),
    /// Words.
    Words(Vec<String>),
}

impl From<FactValue> for Value {
    fn from(value: FactValue) -> Value {
        match value {
            FactValue::Flag(flag) => flag.into(),
            FactValue::Number(number) => number.into(),
            FactValue::Word(word) => word.into(),
            FactValue::Words(words) => words.into(),
        }
    }
}

/// A second person lets a product begin on its day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproveLaunch {
    /// The product.
    pub product: Product,
}
