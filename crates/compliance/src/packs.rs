//! All rules together.

use crate::judge::{Questions, Selection};
use crate::pack::{
    Action, Bearer, Compiled, CompiledPack, CompiledReading, Compiler, Instrument, PackError, Rule,
    compile,
};
use calendar::BusinessDate;
use cedar_policy::PolicySet;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// Stack on which packs are compiled: many times what the bounds of a condition let it take.
const COMPILER_STACK: usize = 32 << 20;

/// A pack as it was read: what the rules were compiled from, kept so that it can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSource {
    /// Name of the file.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}

/// Loaded and validated rule packs.
pub struct Packs {
    sources: Vec<PackSource>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) hash: Arc<str>,
    /// Rules of an action and role, with the first day from which each selection holds.
    pub(crate) live: HashMap<(Action, Bearer), Vec<(BusinessDate, Selection)>>,
    pub(crate) questions: Questions,
    /// An empty list to share.
    pub(crate) nobody: Arc<[String]>,
}

impl std::fmt::Debug for Packs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Packs({} rules, {})",
            self.rules.len(),
            self.hash
        )
    }
}

impl Packs {
    /// Compiles named pack texts; the first that is broken is refused with file, line and reason.
    ///
    /// On a stack of its own, so that there is as much whoever calls: what could be compiled when it was uploaded can
    /// be compiled wherever it is used first.
    pub fn load(texts: &[(&str, &str)]) -> Result<Packs, PackError> {
        stacker::grow(COMPILER_STACK, || Packs::compile(texts))
    }

    fn compile(texts: &[(&str, &str)]) -> Result<Packs, PackError> {
        let inside = |reason: String| PackError {
            file: "schema".to_owned(),
            line: 1,
            reason,
        };
        let compiler = Compiler::new().map_err(inside)?;
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        let hash = packs_hash(&texts);
        let mut sources = Vec::with_capacity(texts.len());
        let mut instruments = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        let mut readings: Vec<(&str, CompiledReading)> = Vec::new();
        let mut places: Vec<(String, usize)> = Vec::new();
        let mut by_number: Vec<usize> = Vec::new();
        let mut all = PolicySet::new();
        let mut number = 0;
        for (name, text) in texts {
            sources.push(PackSource {
                name: name.to_owned(),
                text: text.into(),
            });
            let pack = compile(name, text, instruments.len(), &mut number, &compiler)?;
            let CompiledPack {
                instrument,
                rules: compiled,
                readings: read,
            } = pack;
            instruments.push(instrument);
            readings.extend(read.into_iter().map(|reading| (name, reading)));
            for Compiled {
                line,
                rule,
                policies,
            } in compiled
            {
                let fail = |reason: String| PackError {
                    file: name.to_owned(),
                    line,
                    reason,
                };
                if rules.iter().any(|known| known.id == rule.id) {
                    return Err(fail(format!("rule `{}` stands twice", rule.id)));
                }
                for policy in policies {
                    by_number.push(rules.len());
                    all.add(policy).map_err(|error| fail(error.to_string()))?;
                }
                places.push((name.to_owned(), line));
                rules.push(rule);
            }
        }
        let place = |index: usize, reason: String| {
            let (file, line) = places.get(index).cloned().unwrap_or_default();
            PackError { file, line, reason }
        };
        compiler.validate(&all).map_err(|(policy, reason)| {
            let index = policy
                .parse()
                .ok()
                .and_then(|number: usize| by_number.get(number).copied());
            place(index.unwrap_or_default(), reason)
        })?;
        for (index, rule) in rules.iter().enumerate() {
            for lifted in &rule.lifts {
                if !rules.iter().any(|known| known.id == *lifted) {
                    return Err(place(
                        index,
                        format!("`{}` lifts unknown rule `{lifted}`", rule.id),
                    ));
                }
            }
        }
        attach(&mut rules, readings)?;
        let rules: Vec<Arc<Rule>> = rules.into_iter().map(Arc::new).collect();
        Ok(Packs {
            instruments,
            live: select_live(&rules),
            rules,
            hash: hash.into(),
            sources,
            questions: Questions::new().map_err(inside)?,
            nobody: Arc::from([]),
        })
    }

    /// A rule by its id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        let mut rules = self.rules.iter().map(Arc::as_ref);
        rules.find(|rule: &&Rule| rule.id == id)
    }

    /// Rules that a live decision of a role asks at an action on a day.
    pub fn asked(
        &self,
        action: Action,
        role: Bearer,
        as_of: BusinessDate,
    ) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(Arc::as_ref).filter(move |rule| {
            rule.actions.contains(&action) && rule.bearer.contains(&role) && rule.in_force(as_of)
        })
    }

    /// All rules, repealed ones included.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The instrument a rule stands in.
    pub fn instrument(&self, rule: &Rule) -> Option<&Instrument> {
        self.instruments.get(rule.instrument)
    }

    /// The packs as they were read, by name.
    pub fn sources(&self) -> &[PackSource] {
        &self.sources
    }

    /// Hash of names and contents of all packs.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// Gives each reading to the rules that it bears on, in whatever pack they stand.
fn attach(rules: &mut [Rule], readings: Vec<(&str, CompiledReading)>) -> Result<(), PackError> {
    for (file, reading) in readings {
        for id in &reading.rules {
            let rule = rules.iter_mut().find(|rule| rule.id == *id);
            let rule = rule.ok_or_else(|| PackError {
                file: file.to_owned(),
                line: reading.line,
                reason: format!("a reading bears on unknown rule `{id}`"),
            })?;
            rule.notes.push(reading.note.clone());
        }
    }
    Ok(())
}

/// Hash of the names and contents of packs, in whatever order they are given: what names a set of packs
/// for ever.
pub fn packs_hash(texts: &[(&str, &str)]) -> String {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    let mut digest = Sha256::new();
    for part in texts.iter().flat_map(|(name, text)| [name, text]) {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex::encode(digest.finalize())
}

/// The rules of each action and role, newly selected on each day on which one begins or ends.
fn select_live(rules: &[Arc<Rule>]) -> HashMap<(Action, Bearer), Vec<(BusinessDate, Selection)>> {
    let mut live = HashMap::new();
    for action in Action::ALL {
        let of_action: Vec<&Arc<Rule>> = rules
            .iter()
            .filter(|rule| rule.actions.contains(&action))
            .collect();
        let mut days: Vec<BusinessDate> = Vec::new();
        for rule in &of_action {
            days.push(rule.from);
            days.extend(rule.to.map(BusinessDate::next));
        }
        days.sort_unstable();
        days.dedup();
        for role in Bearer::ALL {
            let selections = days.iter().map(|day| {
                let in_force = of_action.iter().copied().filter(|rule| rule.in_force(*day));
                (*day, Selection::new(&in_force.collect::<Vec<_>>(), role))
            });
            live.insert((action, role), selections.collect());
        }
    }
    live
}
