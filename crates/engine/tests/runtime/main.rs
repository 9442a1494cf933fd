//! The engine on its threads: concurrent callers, failing stores, effects and timers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../memory/mod.rs"]
mod memory;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../toy/mod.rs"]
mod toy;

mod batches;
mod callers;
mod endings;
mod failures;
mod gate;
mod outbox;
mod overtaken;
mod timers;
mod workers;
mod world;
