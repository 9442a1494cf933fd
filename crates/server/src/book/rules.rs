//! The rule packs of the book at a server: the set that decides is the book's, whatever packs the server
//! was started with.

use compliance::Packs;
use domain::QingyuanApp;
use domain::chart::{Chart, SetUp};
use domain::rule_packs::{
    ActiveRules, RuleActivation, RuleLibrary, RulePack, RuleSet, StoredRulesError, given,
};
use engine::Record;
use engine::store::{Queries, StoreError};
use jiff::Timestamp;
use std::sync::Arc;
use thiserror::Error;

/// How a server begins and opens shards.
#[derive(Debug, Clone)]
pub struct BookRules {
    /// The sets it knows, its own first.
    pub library: Arc<RuleLibrary>,
    /// Whether it activates its own set in a shard that has a chart of accounts and no active packs: one of a
    /// release that kept packs in files.
    pub adopt: bool,
}

impl BookRules {
    /// Those of an application, for books that have active packs or are begun.
    pub fn of(app: &QingyuanApp) -> BookRules {
        BookRules {
            library: app.library().clone(),
            adopt: false,
        }
    }
}

/// Why it is not known what decides.
#[derive(Debug, Error)]
pub enum ActiveRulesError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The set.
    #[error(transparent)]
    Stored(#[from] StoredRulesError),
    /// There is none.
    #[error(
        "the shard was begun by a release that kept rule packs in files: start a server once with --activate-rules, which stores and activates the packs that it was started with"
    )]
    None,
}

/// A record as a reader sees it.
pub(crate) fn record<R: Record>(queries: &dyn Queries, key: &str) -> Result<Option<R>, StoreError> {
    let body = queries.record(R::KIND, key)?;
    body.map(|body| {
        serde_json::from_slice(&body).map_err(|error| StoreError::Damaged {
            place: format!("record {} {key}", R::KIND),
            problem: error.to_string(),
        })
    })
    .transpose()
}

/// What decides in a shard at a time, as a reader sees it.
pub(crate) fn active(
    queries: &dyn Queries,
    now: Timestamp,
) -> Result<Option<RuleActivation>, StoreError> {
    let active = record::<ActiveRules>(queries, ActiveRules::KEY)?;
    Ok(active.and_then(|active| active.at(now).cloned()))
}

/// A stored set, compiled; from the library, or else from the book.
pub(crate) fn stored(
    queries: &dyn Queries,
    library: &RuleLibrary,
    hash: &str,
) -> Result<Arc<Packs>, ActiveRulesError> {
    if let Some(known) = library.get(hash) {
        return Ok(known);
    }
    let (set, texts) = texts_of(queries, hash)?;
    Ok(library.stored(&set, &texts)?)
}

/// A stored set and the texts of its packs.
pub(crate) fn texts_of(
    queries: &dyn Queries,
    hash: &str,
) -> Result<(RuleSet, Vec<Arc<RulePack>>), StoreError> {
    let gone = |kind: &str, key: &str| StoreError::Damaged {
        place: format!("record {kind} {key}"),
        problem: "it is gone".to_owned(),
    };
    let set: RuleSet = record(queries, hash)?.ok_or_else(|| gone(RuleSet::KIND, hash))?;
    let mut texts = Vec::with_capacity(set.packs.len());
    for pack in &set.packs {
        let text: RulePack =
            record(queries, &pack.hash)?.ok_or_else(|| gone(RulePack::KIND, &pack.hash))?;
        texts.push(Arc::new(text));
    }
    Ok((set, texts))
}

/// The command that sets up a shard. A new shard begins with what decides in the book's first, or else
/// with the server's own packs; one that has active packs must be such that this server can read them.
///
/// # Errors
/// The shard has no active packs, or such as this server cannot use.
pub fn set_up_command(
    shard: &dyn Queries,
    first: &dyn Queries,
    rules: &BookRules,
    now: Timestamp,
) -> Result<SetUp, ActiveRulesError> {
    let library = &rules.library;
    if let Some(active) = active(shard, now)? {
        stored(shard, library, &active.packs)?;
        return Ok(SetUp::default());
    }
    let begun = record::<Chart>(shard, Chart::KEY)?.is_some();
    if begun && !rules.adopt {
        return Err(ActiveRulesError::None);
    }
    let packs = match active(first, now)? {
        Some(active) => stored(first, library, &active.packs)?,
        None => library.own().clone(),
    };
    Ok(SetUp {
        packs: given(&packs),
        ..SetUp::default()
    })
}
