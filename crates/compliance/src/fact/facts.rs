//! A set of facts about one event.

use super::conclude::direct_hop;
use super::error::FactError;
use super::kind::{FactDef, FactKind, Origin};
use super::province;
use super::table::{self, FactId};
use super::value::{Value, Word};
use calendar::SettlementCycle;

/// Far beyond any payment, and far from where sums overflow.
const NUMBER_BOUND: i64 = 1_000_000_000_000_000;
const WORD_BOUND: usize = 200;
const LIST_BOUND: usize = 1_000;

/// Facts about one event, each checked against the vocabulary when it is stated.
#[derive(Clone, Default)]
pub struct Facts {
    /// Sorted by fact.
    values: Vec<(FactId, Value)>,
}

impl std::fmt::Debug for Facts {
    /// Names only: values may be personal.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_list()
            .entries(self.stated().map(|(definition, _)| definition.path))
            .finish()
    }
}

impl Facts {
    /// Nothing is known.
    pub fn new() -> Facts {
        Facts::default()
    }

    /// States a fact by its dotted name; stating it again replaces it.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), FactError> {
        let id = table::find(path).ok_or_else(|| unknown_fact(path))?;
        let definition = table::definition(id);
        if definition.origin == Origin::Concluded {
            return Err(FactError::Concluded {
                place: String::new(),
                path: path.to_owned(),
            });
        }
        let value = respelled(definition, value.into());
        check(definition, &value)?;
        self.put(id, value);
        Ok(())
    }

    /// [`Facts::set`] for chains.
    pub fn with(mut self, path: &str, value: impl Into<Value>) -> Result<Facts, FactError> {
        self.set(path, value)?;
        Ok(self)
    }

    /// Takes a fact back; whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        let place = table::find(path).map(|id| self.place(id));
        match place {
            Some(Ok(position)) => {
                self.values.remove(position);
                true
            }
            _ => false,
        }
    }

    /// What is said of a fact, `Unknown` included.
    pub fn get(&self, path: &str) -> Option<&Value> {
        table::find(path).and_then(|id| self.stated_value(id))
    }

    /// Every fact that is stated, in the order of the vocabulary.
    pub fn stated(&self) -> impl Iterator<Item = (&'static FactDef, &Value)> {
        self.values
            .iter()
            .map(|(id, value)| (table::definition(*id), value))
    }

    fn place(&self, id: FactId) -> Result<usize, usize> {
        self.values.binary_search_by_key(&id, |(known, _)| *known)
    }

    pub(crate) fn stated_value(&self, id: FactId) -> Option<&Value> {
        let position = self.place(id).ok()?;
        self.values.get(position).map(|(_, value)| value)
    }

    /// The value, if there is one that is not `Unknown`.
    pub(crate) fn known(&self, id: FactId) -> Option<&Value> {
        self.stated_value(id)
            .filter(|value| **value != Value::Unknown)
    }

    pub(crate) fn put(&mut self, id: FactId, value: Value) {
        match self.place(id) {
            Ok(position) => {
                if let Some((_, known)) = self.values.get_mut(position) {
                    *known = value;
                }
            }
            Err(position) => self.values.insert(position, (id, value)),
        }
    }

    /// Puts a conclusion unless the fact is stated.
    pub(crate) fn conclude(&mut self, id: FactId, value: impl Into<Value>) {
        if let Err(position) = self.place(id) {
            self.values.insert(position, (id, value.into()));
        }
    }

    /// Refuses facts that exclude each other.
    pub fn consistent(&self) -> Result<(), FactError> {
        let word = |path: &str| self.get(path).and_then(Value::as_word);
        let contradiction = |first, second, why| {
            Err(FactError::Contradiction {
                place: String::new(),
                first,
                second,
                why,
            })
        };
        if let (Some(route), Some(direct)) = (
            self.get("route").and_then(Value::as_words),
            self.get("direct").and_then(Value::as_flag),
        ) && route.len() > 1
            && word("bank_role").is_none()
            && direct != direct_hop(route)
        {
            return contradiction(
                "direct",
                "route",
                "a route is direct exactly when two institutions stand beside each other without a clearing body",
            );
        }
        if word("code") == Some("none") && self.get("scan").is_some() {
            return contradiction("code", "scan", "without a code nothing is scanned");
        }
        if word("destination") == Some("original_account")
            && word("destination_owner") == Some("other")
        {
            return contradiction(
                "destination_owner",
                "destination",
                "the original account belongs to the payer",
            );
        }
        if let (Some(province), Some(regions), Some(inside)) = (
            word("merchant.province"),
            self.get("actor.acquiring_regions")
                .and_then(Value::as_words),
            self.get("merchant.in_region").and_then(Value::as_flag),
        ) && inside != regions.iter().any(|region| region == province)
        {
            return contradiction(
                "merchant.in_region",
                "merchant.province",
                "the acquirer's regions say otherwise",
            );
        }
        Ok(())
    }
}

pub(crate) fn unknown_fact(path: &str) -> FactError {
    FactError::UnknownFact {
        place: String::new(),
        path: path.to_owned(),
        suggestion: nearest(
            path,
            table::all()
                .iter()
                .filter(|definition| definition.origin != Origin::Concluded)
                .map(|definition| definition.path),
        ),
    }
}

/// The most similar name, if one is similar at all.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    names
        .map(|name| {
            let whole = strsim::damerau_levenshtein(word, name);
            // `physical` for `merchant.physical`.
            let last = name.rsplit('.').next().unwrap_or(name);
            (whole.min(strsim::damerau_levenshtein(word, last) + 1), name)
        })
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| name.to_owned())
}

/// Names of persons and companies: two that differ in case only may be two.
const NAMES: [&str; 4] = [
    "source_owner",
    "target_owner",
    "counterparty_shown",
    "real_counterparty",
];

/// One spelling of each word, so that equal things are equal to the rules, whose words are in lower case
/// unless the vocabulary lists them otherwise.
fn respelled(definition: &FactDef, mut value: Value) -> Value {
    let respell = |word: &mut Word| {
        // Letter codes are provinces only where provinces are listed.
        if definition.words == province::PROVINCES {
            if let Some(name) = province::name_of(word) {
                *word = Word::Borrowed(name);
            }
        } else if let Some(listed) = definition
            .words
            .iter()
            .find(|listed| listed.eq_ignore_ascii_case(word))
        {
            *word = Word::Borrowed(listed);
        } else if definition.words.is_empty() && word.bytes().any(|byte| byte.is_ascii_uppercase())
        {
            word.to_mut().make_ascii_lowercase();
        }
    };
    let word_of_rules = matches!(definition.kind, FactKind::Word | FactKind::Words);
    if word_of_rules && !NAMES.contains(&definition.path) {
        match &mut value {
            Value::Word(word) => respell(word),
            Value::Words(words) => words.iter_mut().for_each(respell),
            _ => {}
        }
    }
    value
}

/// A word of a fact (of a list, one of its words) as the vocabulary spells it, or why it is none.
pub fn spelled(path: &str, word: &str) -> Result<Word, FactError> {
    let definition = table::find(path)
        .map(table::definition)
        .ok_or_else(|| unknown_fact(path))?;
    let value = respelled(definition, Value::Word(Word::Owned(word.to_owned())));
    match value {
        Value::Word(word) => check_word(definition, &word).map(|()| word),
        _ => Err(wrong_kind(definition)),
    }
}

fn check(definition: &FactDef, value: &Value) -> Result<(), FactError> {
    let fits = match (definition.kind, value) {
        (_, Value::Unknown) => true,
        (FactKind::Flag, Value::Flag(_)) => true,
        (FactKind::Count, Value::Number(number)) => (0..=NUMBER_BOUND).contains(number),
        (FactKind::Money, Value::Number(fen)) => {
            fen.abs() <= NUMBER_BOUND && (*fen >= 0 || definition.path == "acct.balance_after")
        }
        (FactKind::Ratio, Value::Number(ppm)) => (0..=1_000_000).contains(ppm),
        (FactKind::Day, Value::Number(day)) => {
            i32::try_from(*day).is_ok_and(|day| calendar::BusinessDate::from_yyyymmdd(day).is_ok())
        }
        (FactKind::Clock, Value::Number(minute)) => (0..24 * 60).contains(minute),
        (FactKind::Cycle, Value::Word(word)) => word.parse::<SettlementCycle>().is_ok(),
        (FactKind::Word, Value::Word(word)) => return check_word(definition, word),
        (FactKind::Words, Value::Words(words)) if words.len() <= LIST_BOUND => {
            return words
                .iter()
                .try_for_each(|word| check_word(definition, word));
        }
        (FactKind::Legs, Value::Legs(legs)) => legs.len() <= LIST_BOUND,
        (FactKind::Receivers, Value::Receivers(receivers)) => receivers.len() <= LIST_BOUND,
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(wrong_kind(definition))
    }
}

pub(crate) fn wrong_kind(definition: &FactDef) -> FactError {
    FactError::WrongKind {
        place: String::new(),
        path: definition.path.to_owned(),
        expected: definition.kind.form().to_owned(),
    }
}

fn check_word(definition: &FactDef, word: &str) -> Result<(), FactError> {
    if word.len() > WORD_BOUND {
        return Err(wrong_kind(definition));
    }
    if definition.words.is_empty() || definition.words.contains(&word) {
        return Ok(());
    }
    Err(FactError::UnknownWord {
        place: String::new(),
        path: definition.path.to_owned(),
        word: word.to_owned(),
        suggestion: nearest(word, definition.words.iter().copied()),
        words: definition.words.to_vec(),
    })
}
