//! Several servers over one book of several shards: any server takes any request.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod days;
mod groups;
mod lease_table;
mod moving;
mod peers;
mod rig;
mod rules;
mod sharing;
