//! Business models: a drawing of parties, contracts and legs of money goes in; shapes, a verdict leg
//! by leg, and a picture come out.
//!
//! `read` makes a [`Flow`] of nested values, [`questions`] states in the vocabulary of facts what each
//! part raises, the rules judge every question, [`recognise`] names the shapes. A part that no
//! rule answers is asked about, never allowed.

mod compare;
mod cursor;
mod error;
mod facts;
mod json;
mod mermaid;
mod model;
mod read;
mod shapes;
mod source;
mod svg;
mod text;
mod trace;
mod verdict;
mod view;

pub use compare::{Change, Comparison, RuleChange, Why, compare};
pub use error::{Fault, FlowError};
pub use facts::{Question, Subject, questions};
pub use json::{answer_json, comparison_json};
pub use mermaid::mermaid;
pub use model::{
    Account, Code, Contract, ContractKind, Expectation, Flow, GoodsOf, Hop, MoneyLeg, Party,
    PartyId, Stated,
};
pub use read::flow_from_node;
pub use shapes::{Recognised, Shape, recognise};
pub use source::parse_toml;
pub use svg::svg;
pub use text::{Lang, Style, comparison, report, shape_name, verdict_word};
pub use verdict::{FlowAnswer, Part, first_day, judge};
