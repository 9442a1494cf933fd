//! How long and how hard a run is.

/// Options of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Steps before everything is healed.
    pub steps: u64,
    /// Steps that healing may take until nothing moves any more.
    pub healing_steps_max: u64,
    /// Whether stores, processes and channels fail at all.
    pub faults: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            steps: 1_200,
            healing_steps_max: 100_000,
            faults: true,
        }
    }
}

/// What a run that held all laws went through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Seed.
    pub seed: u64,
    /// Steps until nothing moved any more.
    pub steps: u64,
    /// Batches that became durable.
    pub batches: u64,
    /// Commands in the journal.
    pub commands: u64,
    /// Ledger rows.
    pub rows: u64,
    /// Crashes of the process.
    pub crashes: u64,
    /// Faults of the store other than crashes.
    pub store_faults: u64,
    /// Repeats of requests that had got no answer.
    pub retries: u64,
    /// Answers that came from an earlier request under the same key.
    pub replays: u64,
    /// Orders at the channel, and how many of them were paid.
    pub orders: (u64, u64),
    /// Refunds at the channel.
    pub refunds: u64,
    /// Payouts at the channel.
    pub payouts: u64,
    /// Holds placed.
    pub holds: u64,
    /// Signs of risk raised.
    pub signals: u64,
    /// Head of the hash chain: equal for equal runs.
    pub head_hash: [u8; 32],
}
