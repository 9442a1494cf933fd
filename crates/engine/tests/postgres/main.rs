//! PostgreSQL: a server of its own for these tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod contract;
mod leases;
