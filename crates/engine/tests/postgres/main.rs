//! PostgreSQL: a server of its own for these tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../memory/mod.rs"]
mod memory;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../steps/mod.rs"]
mod steps;
#[path = "../toy/mod.rs"]
mod toy;

mod books;
mod contract;
mod failover;
mod fencing;
mod keys;
mod leases;
mod outages;
mod paused;
mod reading;
mod renewals;
mod schema;
mod standby;
mod tls;
