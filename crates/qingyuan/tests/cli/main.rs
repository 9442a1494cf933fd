//! The program at the command line: what it explains, what it refuses and how it says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod channels_file;
mod check;
mod demo;
mod documents;
mod full_disk;
mod help;
mod refusals;
mod rules;
#[path = "../support/mod.rs"]
mod support;
