//! Rule packs: how they are written, and what they become.

mod bounds;
mod compile;
mod error;
mod policy;
mod raw;
mod rule;

pub(crate) use compile::{Compiled, CompiledPack, CompiledReading, compile, line_at};
pub use error::PackError;
pub(crate) use policy::Compiler;
pub use rule::{
    Action, Bearer, Case, Clause, Condition, Confidence, Effect, Instrument, Limit, Note, Period,
    Rule, Standing, Term, Text,
};
