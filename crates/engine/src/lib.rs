//! The engine: commands, batches, outbox, timers, shards and stores.
//!
//! Every change of state is a command. A [`Shard`] runs commands as pure functions over its memory
//! and seals them into batches; a batch is one database transaction; replies go out after it.
//!
//! Invariants: the engine knows no payment; a command touches nothing outside; no reply, refusals
//! included, is seen before the batch it rests on is durable.
#![deny(unsafe_code, missing_docs, clippy::indexing_slicing)]

pub mod actor;
pub mod application;
pub mod batch;
pub mod contents;
pub mod effect;
mod idempotency;
pub mod ids;
pub mod leaf;
pub mod merkle;
pub mod record;
mod run;
pub mod runtime;
pub mod shard;
mod state;
pub mod statement;
pub mod store;
pub mod task;
pub mod timer;
pub mod tx;
pub mod vault;
pub mod verify;

pub use actor::{Actor, ApprovalRule, Proposal, ProposalStatus};
pub use application::{
    Application, Denial, Envelope, Idempotency, Interrupt, Keys, Need, Outcome, PostStop, Stop,
    SubmitError, VaultEntry, Verdict, Work,
};
pub use effect::{
    AttemptMode, EffectNews, EffectPolicy, EffectRecord, EffectReport, EffectState, Repeat,
};
pub use ids::{IdSource, ShardCode};
pub use record::{Indexes, Record, RecordKey, index_time};
pub use shard::{Shard, ShardOptions};
pub use state::CacheLimits;
pub use task::{Admission, SetAside, Task};
pub use timer::TimerRecord;
pub use tx::{HOLD_KIND, NameTaken, Posted, Tx};
pub use vault::{Fingerprint, Vault, VaultError};
