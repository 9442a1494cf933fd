//! Typed extractors: what is wrong with a request is found before a handler runs.

mod body;
mod control;
mod idempotency;
mod params;
mod prefer;

pub(crate) use body::collect;
#[cfg(test)]
pub(crate) use body::parse;
pub use body::{Body, LargeBody, TextBody};
pub use idempotency::{IdempotencyKey, OptionalIdempotencyKey};
pub use params::{Ids, Params};
pub use prefer::PreferWait;
