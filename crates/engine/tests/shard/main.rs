//! The shard by itself: driven by hand, over a store in memory, without threads or clocks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../memory/mod.rs"]
mod memory;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../toy/mod.rs"]
mod toy;

mod approvals;
mod commands;
mod damage;
mod effects;
mod equivalence;
mod hashing;
mod idempotency;
mod ids;
mod outbox_model;
mod parts;
mod recovery;
mod scans;
mod statements;
mod timers;
mod transfers;
mod vault;
mod verification;
