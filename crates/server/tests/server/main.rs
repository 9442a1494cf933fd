//! The HTTP server as its clients see it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod access;
mod bad_inputs;
mod bad_requests;
mod booked_amounts;
mod channels;
mod compliance;
mod connections;
mod description;
mod failures;
mod idempotency;
mod late_sending;
mod pages;
mod postgres;
mod reconciliations;
mod regulation;
mod repeated_lines;
mod risk;
mod robustness;
mod rule_packs;
mod signatures;
mod support;
mod sweep;
