//! The rules of each set that decides in some shard of this process.

use super::institution::Institution;
use super::rulebook::{Rulebook, RulesError};
use crate::rejection::{Refusable, broken};
use crate::rule_packs::{self, RuleLibrary};
use compliance::Packs;
use engine::Tx;
use std::sync::{Arc, PoisonError, RwLock};

/// Rulebooks remembered: shards may change their rules one after another.
const REMEMBERED_MAX: usize = 4;

/// Rulebooks by the hash of their packs.
#[derive(Debug)]
pub(crate) struct Rulebooks {
    library: Arc<RuleLibrary>,
    institution: Institution,
    books: RwLock<Vec<Arc<Rulebook>>>,
}

impl Rulebooks {
    /// # Errors
    /// Facts of the institution that the vocabulary does not know.
    pub fn new(own: Arc<Packs>, institution: &Institution) -> Result<Rulebooks, RulesError> {
        let own_book = Arc::new(Rulebook::new(own.clone(), institution)?);
        Ok(Rulebooks {
            library: Arc::new(RuleLibrary::new(own)),
            institution: institution.clone(),
            books: RwLock::new(vec![own_book]),
        })
    }

    pub fn library(&self) -> &Arc<RuleLibrary> {
        &self.library
    }

    /// The rules that decide in the shard now.
    pub fn active(&self, tx: &mut Tx<'_>) -> Refusable<Arc<Rulebook>> {
        let now = tx.now();
        let active = rule_packs::active(tx)?;
        let hash = active
            .at(now)
            .map(|entry| entry.packs.as_str())
            .ok_or_else(|| broken("the schedule of rule packs is empty"))?;
        let of_hash = |book: &&Arc<Rulebook>| book.packs().hash() == hash;
        let books = self.books.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(book) = books.iter().find(of_hash) {
            return Ok(book.clone());
        }
        drop(books);
        let packs = rule_packs::load(tx, &self.library, hash)?
            .map_err(|error| rule_packs::unusable(&error))?;
        let book = Rulebook::new(packs, &self.institution).map_err(broken)?;
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(book) = books.iter().find(of_hash) {
            return Ok(book.clone());
        }
        let book = Arc::new(book);
        if books.len() >= REMEMBERED_MAX {
            books.remove(0);
        }
        books.push(book.clone());
        Ok(book)
    }
}
