//! Talking to channels: one HTTP driver for all connectors, the performer of effects, and the door
//! for the channels' own notifications.

mod driver;
mod notify;
mod performer;

pub(crate) use driver::describe;
pub use driver::{Exchange, HttpDriver};
pub(crate) use notify::PATHS as NOTIFY_PATHS;
pub use notify::router as notify_router;
pub use performer::ChannelPerformer;
