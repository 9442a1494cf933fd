//! Drawings of business models: read, judged, and asked what came of them.

use super::{packs, toml_texts};
use compliance::flow::{Flow, FlowAnswer, FlowError, flow_from_node, judge, parse_toml};

/// Money for the sellers' goods into the reserve of `pay`.
pub const PAID_IN: &str = r#"
[[leg]]
from = "buyers"
to = "pay"
account = "reserve"
amount = 100
goods_of = "sellers"
route = ["pay", "nucc", "bank"]
"#;

/// A leg with further lines.
pub fn leg(from: &str, to: &str, amount: u32, more: &str) -> String {
    format!("[[leg]]\nfrom = \"{from}\"\nto = \"{to}\"\namount = {amount}\n{more}\n")
}

/// Name and text of every example.
pub fn examples() -> Vec<(String, String)> {
    toml_texts("examples/flows")
}

/// The text of one example.
pub fn example(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/flows");
    std::fs::read_to_string(format!("{folder}/{name}.toml")).unwrap()
}

pub fn read(text: &str) -> Result<Flow, FlowError> {
    parse_toml(text).and_then(|node| flow_from_node(&node))
}

/// The answer to a drawing at the day that it names.
#[track_caller]
pub fn judged(text: &str) -> FlowAnswer {
    read(text)
        .and_then(|flow| judge(&flow, packs(), None))
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Words of the shapes found.
pub fn shapes(answer: &FlowAnswer) -> Vec<String> {
    let words = answer.shapes.iter();
    words
        .map(|found| serde_json::to_value(found.shape).unwrap())
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// Rules that fired, of all parts.
pub fn fired(answer: &FlowAnswer) -> Vec<&str> {
    let findings = answer.parts.iter().flat_map(|part| &part.fired);
    findings.map(|finding| finding.rule.id.as_str()).collect()
}

/// Facts asked for, of all parts.
pub fn missing(answer: &FlowAnswer) -> Vec<&str> {
    let asked = answer.parts.iter().flat_map(|part| &part.missing);
    asked.map(|missing| missing.fact.as_str()).collect()
}
