//! Regulation as dated policies: facts in, verdict and clauses out.
//!
//! Rule packs (`regulations/*.toml`, one an instrument) hold Cedar conditions over one vocabulary of
//! facts, with figures, dates, remedies, readings and cases. This crate reads no file and no clock.
//!
//! - A checker calls [`Packs::check`]: all rules whose question the stated facts raise.
//! - A live command calls [`Packs::decide`] with its [`Action`] and this institution's [`Bearer`] role:
//!   all rules that bind that role at that action; every fact they reach must be stated. It keeps
//!   the [`Decision`] with the object. Limits name bucket and period; state the counter as `used.*`.
//! - A business model is read by [`flow`], which makes a set of facts for each question that a leg, contract or
//!   party raises and calls [`Packs::check_as_of`] for each.
//!
//! A missing fact is never an allow: Cedar reports a policy that reads an absent attribute, and each
//! such report counts as *missing* for its rule.

mod decision;
mod embedded;
mod fact;
pub mod flow;
mod json;
mod judge;
mod launch;
mod own_cases;
mod pack;
mod packs;
pub mod risk;

pub use decision::{Decision, Finding, MissingFact, Outcome, Room, Unexamined, Verdict};
pub use embedded::EMBEDDED;
pub use fact::{
    FactDef, FactError, FactId, FactKind, Facts, Leg, Node, NodeKind, Origin, Receiver, Value,
    Word, all as vocabulary, definition, facts_from_node, find as find_fact, parse_yaml, spelled,
    vocabulary_table,
};
pub use json::decision_json;
pub use launch::{Evidence, Gate, LaunchReport};
pub use own_cases::BrokenCase;
pub use pack::{
    Action, Bearer, Case, Clause, Condition, Confidence, Effect, Instrument, Limit, Note,
    PackError, Period, Rule, Standing, Term, Text,
};
pub use packs::{PackSource, Packs, packs_hash};
