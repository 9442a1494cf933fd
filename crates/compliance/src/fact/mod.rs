//! The vocabulary: what can be said about a payment, a merchant or a plan.

mod conclude;
mod document;
mod error;
mod facts;
mod kind;
mod node;
mod pooling;
mod province;
mod read;
mod table;
mod value;
mod vocabulary;

pub(crate) use conclude::{conclude, direct_hop};
pub use document::vocabulary_table;
pub use error::FactError;
pub use facts::{Facts, spelled};
pub(crate) use facts::{nearest, unknown_fact};
pub use kind::{FactDef, FactKind, Origin};
pub use node::{Node, NodeKind, parse_yaml};
pub use read::facts_from_node;
pub(crate) use read::{clock, day, decimal};
pub(crate) use table::id;
pub use table::{FactId, all, definition, find};
pub use value::{Leg, Receiver, Value, Word};
