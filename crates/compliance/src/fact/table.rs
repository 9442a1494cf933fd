//! Looking up facts.

use super::kind::{FactDef, FactKind, Origin};
use super::vocabulary::FACTS;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Position of a fact in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactId(pub(crate) u16);

/// Other names of facts: the rating stated at the top, and the names of the rules' own language.
const ALIASES: [(&str, &str); 9] = [
    ("rating.grade", "actor.rating.grade"),
    ("rating.real_name_ratio", "actor.rating.real_name_ratio"),
    ("pay.amount", "amount"),
    ("pay.source", "source"),
    ("pay.code", "code"),
    ("pay.scan", "scan"),
    ("pay.code_owner", "code_owner"),
    ("pay.verify_factors", "factors"),
    ("flow.legs", "legs"),
];

pub(super) const fn fact(
    path: &'static str,
    kind: FactKind,
    origin: Origin,
    words: &'static [&'static str],
    en: &'static str,
    zh: &'static str,
) -> FactDef {
    FactDef {
        path,
        kind,
        origin,
        words,
        en,
        zh,
    }
}

/// The whole vocabulary.
pub fn all() -> &'static [FactDef] {
    FACTS
}

/// The definition of a fact.
pub fn definition(id: FactId) -> &'static FactDef {
    // Ids come from `find` only.
    FACTS.get(usize::from(id.0)).unwrap_or(&FACTS[0])
}

/// The fact of a name that is known when this is compiled: a wrong name does not compile.
#[allow(clippy::indexing_slicing, clippy::panic)] // Evaluated by the compiler only.
pub(crate) const fn id(path: &str) -> FactId {
    const fn same(left: &[u8], right: &[u8]) -> bool {
        if left.len() != right.len() {
            return false;
        }
        let mut position = 0;
        while position < left.len() {
            if left[position] != right[position] {
                return false;
            }
            position += 1;
        }
        true
    }
    let mut position = 0;
    while position < FACTS.len() {
        if same(FACTS[position].path.as_bytes(), path.as_bytes()) {
            #[allow(clippy::cast_possible_truncation)] // The vocabulary is far smaller.
            return FactId(position as u16);
        }
        position += 1;
    }
    panic!("no such fact");
}

/// The fact of a dotted name.
pub fn find(path: &str) -> Option<FactId> {
    static BY_PATH: OnceLock<HashMap<&'static str, FactId>> = OnceLock::new();
    let by_path = BY_PATH.get_or_init(|| {
        let mut names: HashMap<&'static str, FactId> = FACTS
            .iter()
            .zip(0..)
            .map(|(definition, position)| (definition.path, FactId(position)))
            .collect();
        for (alias, path) in ALIASES {
            if let Some(id) = names.get(path).copied() {
                names.insert(alias, id);
            }
        }
        names
    });
    by_path.get(path).copied()
}

/// Whether facts stand below a name.
pub(crate) fn has_prefix(prefix: &str) -> bool {
    let below = |path: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    FACTS.iter().any(|definition| below(definition.path))
        || ALIASES.iter().any(|(alias, _)| below(alias))
}
