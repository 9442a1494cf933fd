//! Commands about signs of risk.

use serde::{Deserialize, Serialize};

/// A person decides on a sign. Clearing one that holds payouts frees money and needs a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideSignal {
    /// The signal.
    pub signal: String,
    /// What was found.
    pub decision: SignalDecision,
    /// Why.
    pub reason: String,
}

/// What a person found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalDecision {
    /// There is an innocent explanation; what it held goes on.
    Clear,
    /// The suspicion stands; what it holds stays held.
    Confirm,
}
