//! Compiled sets of packs, one of each hash in the process.
//!
//! A hash names its texts for ever, so what is remembered under it never changes: this is memory of a
//! pure function. Compiling all packs takes about 0.1 s, once for each set and process; whoever uploads a
//! set has it compiled outside the shard's thread.

use super::record::{RulePack, RuleSet};
use compliance::{EMBEDDED, PackError, Packs};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use thiserror::Error;

/// Sets remembered beside the program's own; the least recently used is forgotten and compiled again when
/// it is asked for.
const REMEMBERED_MAX: usize = 4;

/// A stored set that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoredRulesError {
    /// Its rows are not what was stored.
    #[error("rule packs {hash:.16} of the book: {problem}; verify the book")]
    Damaged {
        /// The set.
        hash: String,
        /// What is wrong.
        problem: String,
    },
    /// This program cannot read it.
    #[error(
        "rule packs {hash:.16} of the book cannot be used by this program: {error}; run the release that they were activated with, or a later one"
    )]
    Unusable {
        /// The set.
        hash: String,
        /// Why.
        error: PackError,
    },
}

/// Compiled sets by hash.
#[derive(Debug)]
pub struct RuleLibrary {
    own: Arc<Packs>,
    /// The most recently used last.
    others: Mutex<Vec<Arc<Packs>>>,
}

impl RuleLibrary {
    /// With the packs that this process was started with.
    pub fn new(own: Arc<Packs>) -> RuleLibrary {
        RuleLibrary {
            own,
            others: Mutex::default(),
        }
    }

    /// The packs that come with the program; compiled once.
    ///
    /// # Errors
    /// A pack that cannot be used.
    pub fn embedded() -> Result<Arc<Packs>, PackError> {
        static PACKS: OnceLock<Result<Arc<Packs>, PackError>> = OnceLock::new();
        PACKS
            .get_or_init(|| Packs::load(EMBEDDED).map(Arc::new))
            .clone()
    }

    /// The packs that this process was started with.
    pub fn own(&self) -> &Arc<Packs> {
        &self.own
    }

    /// A set that is compiled already.
    pub fn get(&self, hash: &str) -> Option<Arc<Packs>> {
        if self.own.hash() == hash {
            return Some(self.own.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let place = others.iter().position(|packs| packs.hash() == hash)?;
        let found = others.remove(place);
        others.push(found.clone());
        Some(found)
    }

    /// Compiles a set, unless it is compiled already.
    ///
    /// # Errors
    /// The first pack that is broken.
    pub fn compile(&self, texts: &[(&str, &str)]) -> Result<Arc<Packs>, PackError> {
        if let Some(known) = self.get(&compliance::packs_hash(texts)) {
            return Ok(known);
        }
        let packs = Arc::new(Packs::load(texts)?);
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.iter().find(|known| known.hash() == packs.hash()) {
            return Ok(known.clone());
        }
        if others.len() >= REMEMBERED_MAX {
            others.remove(0);
        }
        others.push(packs.clone());
        Ok(packs)
    }

    /// A set as the book keeps it; `texts` are its packs in their order.
    ///
    /// # Errors
    /// [`StoredRulesError`].
    pub fn stored(
        &self,
        set: &RuleSet,
        texts: &[Arc<RulePack>],
    ) -> Result<Arc<Packs>, StoredRulesError> {
        let named: Vec<(&str, &str)> = set
            .packs
            .iter()
            .zip(texts)
            .map(|(pack, stored)| (pack.name.as_str(), &*stored.text))
            .collect();
        let hash = set.hash.clone();
        if texts.len() != set.packs.len() || compliance::packs_hash(&named) != hash {
            let problem = "its packs are not those that the hash names".to_owned();
            return Err(StoredRulesError::Damaged { hash, problem });
        }
        self.compile(&named)
            .map_err(|error| StoredRulesError::Unusable { hash, error })
    }
}
