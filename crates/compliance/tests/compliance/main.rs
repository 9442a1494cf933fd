//! The rules through the crate's public interface.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod boundaries;
mod cases;
mod flow_endings;
mod flow_evasion;
mod flow_examples;
mod flow_refusals;
mod flow_shapes;
mod launch;
mod omissions;
mod risk;
mod rules;
mod support;
