//! A book changed behind the program's back: `verify` finds it and names the row, or the table that has a row
//! too many or too few.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod book;
mod changes;
mod files;
mod pages;
mod records;
mod rows;
mod serving;
#[path = "../support/mod.rs"]
mod support;
