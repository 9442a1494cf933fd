//! SQLite on real files: locks, versions, crash images, a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../memory/mod.rs"]
mod memory;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../steps/mod.rs"]
mod steps;
#[path = "../toy/mod.rs"]
mod toy;

mod contract;
mod crash_images;
mod disk_full;
mod dump;
mod files;
mod migrations;
