//! The HTTP API: requests in, commands to the shard, answers out; channels' notifications in,
//! webhooks out; metrics and the API's own description.
//!
//! Every way in ends in [`engine::runtime::Engine::submit`]; every answer about money waits for its
//! batch. Handlers hold no state and take no decision about money.
//!
//! Invariants: this crate knows no SQL and no channel's protocol; personal data go from a request
//! into the vault and nowhere else; nothing a client sends ends in a 5xx.
#![deny(unsafe_code, missing_docs, clippy::indexing_slicing)]

pub mod api;
mod ask;
pub mod auth;
pub mod book;
pub mod channel;
pub mod config;
mod connections;
mod edge;
pub mod extract;
pub mod metrics;
mod openapi;
pub mod pagination;
pub mod problem;
pub mod reconciliation;
mod routes;
mod server;
pub mod signature;
mod state;
pub mod webhook;
mod workers;

pub use channel::ChannelPerformer;
pub use config::{
    ApiKeyConfig, ChannelHttpConfig, ConfigError, Limits, Role, ServerConfig, WebhookConfig,
};
pub use server::{RunningServer, Server};
pub use state::{AppState, Connectors, Engine};
pub use workers::Workers;
