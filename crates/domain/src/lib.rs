//! Business capabilities: one folder each, with the same few files.
//!
//! - `command.rs` what may be asked, `mod.rs` the functions that answer it, `record.rs` what is kept,
//!   `posting.rs` every movement of money the capability makes, one function a movement.
//!
//! A *request* may be refused with a [`Rejection`]. A *fact* happened already: its functions return
//! `Result<_, engine::Interrupt>`, so that no path of them can refuse. What cannot be posted where it
//! belongs goes to suspense with a [`case::Case`] that has an owner.
//!
//! Invariants: no I/O, no clock, no randomness; no HTTP, no SQL; every amount is minor units; every
//! change of a merchant's payable balance is also in one of its settlement buckets, or is a payout.
#![deny(unsafe_code, missing_docs, clippy::indexing_slicing)]

mod alone;
mod application;
mod approval;
mod authorise;
mod booking;
pub mod case;
pub mod chart;
pub mod clearing;
pub mod closing;
mod command;
mod context;
mod declare;
mod effect;
pub mod fee;
pub mod launch;
pub mod merchant;
pub mod payment;
pub mod payout;
pub mod refund;
pub mod regulation;
mod rejection;
mod reply;
pub mod reserve;
pub mod risk;
pub mod rule_packs;
pub mod settlement;
pub mod signing_key;
pub mod split;
mod text;
pub mod transfer;
pub mod webhook;

pub use application::QingyuanApp;
pub use command::{BillLine, Command, Due, Fact, Request};
pub use context::Settings;
pub use effect::{Answer, Effect, Subject, reference_of, report_of};
pub use rejection::{Code, Rejection};
pub use reply::Reply;
