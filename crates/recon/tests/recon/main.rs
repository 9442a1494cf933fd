//! Matching of bills against the books.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod matching;
mod planted;
mod statuses;
mod support;
