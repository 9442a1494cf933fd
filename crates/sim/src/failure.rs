//! How a run ends when a law was broken.

use thiserror::Error;

/// A law that did not hold. `Display` has everything that is needed to see it again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("seed {seed}, step {step}: {law}: {detail}")]
pub struct Failure {
    /// Seed of the run.
    pub seed: u64,
    /// Step within the run.
    pub step: u64,
    /// Name of the law.
    pub law: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

/// A broken law, before it is known when.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{law}: {detail}")]
pub struct Broken {
    /// Name of the law.
    pub law: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

impl Broken {
    /// A broken law.
    pub fn new(law: &'static str, detail: impl Into<String>) -> Broken {
        Broken {
            law,
            detail: detail.into(),
        }
    }

    /// Adds the place in the run.
    pub fn at(self, seed: u64, step: u64) -> Failure {
        Failure {
            seed,
            step,
            law: self.law,
            detail: self.detail,
        }
    }
}

/// Demands that something holds.
pub(crate) fn demand(
    holds: bool,
    law: &'static str,
    detail: impl FnOnce() -> String,
) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken::new(law, detail()))
    }
}

impl From<engine::store::StoreError> for Broken {
    fn from(error: engine::store::StoreError) -> Broken {
        Broken::new("the simulated store can be read", error.to_string())
    }
}
