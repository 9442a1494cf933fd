//! The whole system in one process, on one thread, over a faulty store, faulty channels and a
//! simulated clock. One seed replays one run exactly.
#![deny(unsafe_code, missing_docs, clippy::indexing_slicing)]

mod failure;
pub mod laws;
pub mod node;
mod rng;
mod store;

pub use failure::{Broken, Failure};
pub use rng::Rng;
pub use store::{Fault, Planned, SimStore};
