//! Requests of clients, and what clients know from the replies they got.

use domain::Request;
use engine::{Actor, Idempotency};
use jiff::SignedDuration;
use money::Money;

/// Number of a request in its run.
pub(super) type RequestId = u64;

/// What is asked.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    /// A command.
    Command(Box<Request>),
    /// A decision on a proposal.
    Decide { proposal: String, approve: bool },
}

/// A request that its client repeats until it has an answer.
#[derive(Debug, Clone)]
pub(super) struct ClientRequest {
    pub actor: Actor,
    pub asked: Asked,
    pub idempotency: Idempotency,
    /// Clear text of a bank account that the command refers to.
    pub has_vault: bool,
    pub tries: u32,
    /// The client has seen an answer.
    pub answered: bool,
    /// Its body was changed under a used key: to be denied.
    pub changed: bool,
}

impl ClientRequest {
    /// How long an impatient client waits before it asks again.
    pub fn patience(&self) -> SignedDuration {
        SignedDuration::from_secs(1 << self.tries.min(6))
    }
}

/// A merchant as the platform knows it.
#[derive(Debug, Clone)]
pub(super) struct KnownMerchant {
    pub id: String,
    pub splits: bool,
}

/// Something a client made.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub id: String,
    pub merchant: String,
    pub amount: Money,
}

/// A hold a client placed.
#[derive(Debug, Clone)]
pub(super) struct KnownHold {
    pub id: String,
    pub account: u64,
    pub remaining: i64,
}

/// Everything clients know.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    pub is_set_up: bool,
    pub merchants: Vec<KnownMerchant>,
    pub payments: Vec<Known>,
    pub refunds: Vec<Known>,
    pub payouts: Vec<Known>,
    pub accounts: Vec<u64>,
    pub holds: Vec<KnownHold>,
    pub transfers: Vec<domain::transfer::CompactTransfer>,
}
