//! The rule packs of the book: stored by content, activated by two people, the same for every server.
//!
//! The text of each pack is a record under its hash, a set of packs is a record under the hash that
//! decisions carry, and [`ActiveRules`] says which set decides from when on. What decides is thus part of
//! the journal, whatever files a server has. A book begins with the packs of whoever sets it up.
//!
//! Cost: a decision reads one record that is always in memory. A set that shares packs with an earlier one
//! stores only those that differ.

mod command;
mod library;
mod record;

pub use command::{ActivateRules, GivenPack, StoreRules};
pub use library::{RuleLibrary, StoredRulesError};
pub use record::{ActiveRules, PackOfSet, RuleActivation, RulePack, RuleSet};

use crate::context::Context;
use crate::rejection::{Code, Refusable, Rejection, broken};
use compliance::Packs;
use engine::{Interrupt, Tx};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Packs of a set: instruments of regulation come singly, by the year.
const PACKS_MAX: usize = 500;
/// Bytes of the texts of a set.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Activations that wait for their time.
const WAITING_MAX: usize = 16;

/// Packs as commands carry them, each with its text.
pub fn given(packs: &Packs) -> Vec<GivenPack> {
    let sources = packs.sources().iter();
    sources
        .map(|source| GivenPack {
            name: source.name.clone(),
            hash: text_hash(&source.text),
            text: Some(source.text.clone()),
        })
        .collect()
}

/// The hash of a pack's text.
pub fn text_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What decides now, and until when it is known that it does.
pub(crate) fn active(tx: &mut Tx<'_>) -> Refusable<Arc<ActiveRules>> {
    match tx.get::<ActiveRules>(ActiveRules::KEY)? {
        Some(active) => Ok(active),
        None => Err(Rejection::new(
            Code::NotSetUp,
            "the book has no active rule packs: it is set up by the server that begins it",
        )
        .into()),
    }
}

/// A stored set, compiled.
pub(crate) fn load(
    tx: &mut Tx<'_>,
    library: &RuleLibrary,
    hash: &str,
) -> Result<Result<Arc<Packs>, StoredRulesError>, Interrupt> {
    if let Some(packs) = library.get(hash) {
        return Ok(Ok(packs));
    }
    let set = tx.expect::<RuleSet>(hash)?;
    let mut texts = Vec::with_capacity(set.packs.len());
    for pack in &set.packs {
        texts.push(tx.expect::<RulePack>(&pack.hash)?);
    }
    Ok(library.stored(&set, &texts))
}

/// Keeps a set; true if it was kept before.
pub(crate) fn store(
    cx: &mut Context<'_, '_>,
    command: &StoreRules,
) -> Refusable<(Arc<RuleSet>, bool)> {
    if command.packs.is_empty() || command.packs.len() > PACKS_MAX {
        let text = format!("a set has 1 to {PACKS_MAX} packs");
        return Err(Rejection::field("packs", text).into());
    }
    let mut packs: Vec<PackOfSet> = Vec::with_capacity(command.packs.len());
    let mut texts: Vec<Arc<str>> = Vec::with_capacity(command.packs.len());
    let mut sorted: Vec<&GivenPack> = command.packs.iter().collect();
    sorted.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    for pack in sorted {
        if packs.last().is_some_and(|last| last.name == pack.name) {
            let text = format!("the pack {:.64} is there twice", pack.name);
            return Err(Rejection::field("packs", text).into());
        }
        texts.push(text_of(cx.tx, pack)?);
        packs.push(PackOfSet {
            name: pack.name.clone(),
            hash: pack.hash.clone(),
        });
    }
    if texts.iter().map(|text| text.len()).sum::<usize>() > TEXT_BYTES_MAX {
        let text = format!("the packs of a set have at most {TEXT_BYTES_MAX} bytes");
        return Err(Rejection::field("packs", text).into());
    }
    let named = packs.iter().zip(&texts);
    let named: Vec<(&str, &str)> = named
        .map(|(pack, text)| (pack.name.as_str(), &**text))
        .collect();
    let hash = compliance::packs_hash(&named);
    if let Some(known) = cx.tx.get::<RuleSet>(&hash)? {
        return Ok((known, true));
    }
    for (pack, text) in packs.iter().zip(texts) {
        if cx.tx.get::<RulePack>(&pack.hash)?.is_none() {
            cx.tx.put(RulePack {
                hash: pack.hash.clone(),
                text,
            })?;
        }
    }
    let (stored_at, stored_by) = (cx.tx.now(), cx.actor.principal.to_string());
    cx.tx.put(RuleSet {
        hash: hash.clone(),
        packs,
        stored_at,
        stored_by,
    })?;
    Ok((cx.tx.expect::<RuleSet>(&hash)?, false))
}

/// The text of a pack: the one given, or the one kept.
fn text_of(tx: &mut Tx<'_>, pack: &GivenPack) -> Refusable<Arc<str>> {
    if let Some(text) = &pack.text {
        if text_hash(text) != pack.hash {
            let text = format!("the hash of {:.64} is not that of its text", pack.name);
            return Err(Rejection::field("packs", text).into());
        }
        return Ok(text.clone());
    }
    let kept = tx.get::<RulePack>(&pack.hash)?;
    kept.map(|kept| kept.text.clone()).ok_or_else(|| {
        let text = format!("the text of {:.64} is not kept: give it", pack.name);
        Rejection::field("packs", text).into()
    })
}

/// Whether an activation changes anything, so that a second person is needed.
pub(crate) fn changes(command: &ActivateRules, tx: &mut Tx<'_>) -> Result<bool, Interrupt> {
    let now = tx.now();
    let known = tx.get::<RuleSet>(&command.packs)?.is_some();
    let active = tx.get::<ActiveRules>(ActiveRules::KEY)?;
    let same = active.is_some_and(|active| repeats(&active, command, now).is_some());
    // What is not stored is refused without asking anybody.
    Ok(known && !same)
}

/// The activation that a command repeats.
fn repeats<'a>(
    active: &'a ActiveRules,
    command: &ActivateRules,
    now: jiff::Timestamp,
) -> Option<&'a RuleActivation> {
    match command.from.filter(|from| *from > now) {
        None => active.at(now),
        Some(from) => active.after(now).find(|entry| entry.from == from),
    }
    .filter(|entry| entry.packs == command.packs)
}

/// Decides by a stored set from a time on; true if it is so already.
pub(crate) fn activate(
    cx: &mut Context<'_, '_>,
    command: &ActivateRules,
) -> Refusable<(Arc<RuleActivation>, bool)> {
    if cx.tx.get::<RuleSet>(&command.packs)?.is_none() {
        return Err(Rejection::not_found("packs", &command.packs).into());
    }
    let now = cx.tx.now();
    let active = active(cx.tx)?;
    if let Some(known) = repeats(&active, command, now) {
        return Ok((Arc::new(known.clone()), true));
    }
    if active.after(now).count() >= WAITING_MAX {
        return Err(Rejection::new(
            Code::LimitExceeded,
            format!("{WAITING_MAX} activations wait for their time already"),
        )
        .into());
    }
    let activation = activation(cx, &command.packs, command.from)?;
    cx.tx.put(active.with(activation.clone(), now))?;
    Ok((Arc::new(activation), false))
}

/// Keeps and activates the first set of a book, by whoever sets it up.
pub(crate) fn begin(cx: &mut Context<'_, '_>, packs: &[GivenPack]) -> Refusable<()> {
    if packs.is_empty() || cx.tx.get::<ActiveRules>(ActiveRules::KEY)?.is_some() {
        return Ok(());
    }
    let packs = packs.to_vec();
    let (set, _) = store(cx, &StoreRules { packs })?;
    let activation = activation(cx, &set.hash, None)?;
    cx.tx.put(ActiveRules::beginning(activation))?;
    Ok(())
}

fn activation(
    cx: &mut Context<'_, '_>,
    packs: &str,
    from: Option<jiff::Timestamp>,
) -> Refusable<RuleActivation> {
    // Nothing is activated that cannot decide.
    load(cx.tx, cx.rules.library(), packs)?
        .map_err(|error| Rejection::field("packs", error.to_string()))?;
    let now = cx.tx.now();
    let activation = RuleActivation {
        id: cx.tx.new_id("act"),
        packs: packs.to_owned(),
        from: from.map_or(now, |from| from.max(now)),
        activated_at: now,
        activated_by: cx.actor.principal.to_string(),
        approved_by: cx.tx.approver().map(|person| person.principal.to_string()),
    };
    cx.tx.put_new(activation.clone())?;
    Ok(activation)
}

/// The set that decides in a shard now cannot be used.
pub(crate) fn unusable(error: &StoredRulesError) -> Interrupt {
    broken(error)
}
