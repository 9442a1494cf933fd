//! The whole system in one process, on one thread, over a faulty store, faulty channels and a
//! simulated clock. One seed replays one run exactly.
//!
//! [`run`] lives through a random business day and checks after every batch that the books are what a
//! slow model and the channel's own books say; then everything is healed and both must agree to the fen.
#![deny(unsafe_code, missing_docs, clippy::indexing_slicing)]

mod agenda;
pub mod channel;
mod failure;
pub mod laws;
mod model;
pub mod node;
mod options;
mod rng;
mod store;
mod world;

pub use failure::{Broken, Failure};
pub use options::{Options, RunSummary};
pub use rng::Rng;
pub use store::{Fault, Planned, SimStore};
pub use world::run;
