//! Helpers that several crates' tests share. Nothing outside of tests depends on this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod line;
pub mod postgres;
pub mod receiver;
pub mod scratch;
