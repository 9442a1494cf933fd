//! What a fact can hold.

/// A kind of value, with its form in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count,
    /// Yuan in files (`250`, `250.50`), fen in code.
    Money,
    /// A share in files (`0.42`), parts per million in code.
    Ratio,
    /// A day: `2018-04-01`; in conditions the number 20180401.
    Day,
    /// A Shanghai wall-clock time `18:30`; in code minutes since midnight.
    Clock,
    /// One of the listed words, or any word where none are listed.
    Word,
    /// A list of such words; `none` is the empty list.
    Words,
    /// A settlement cycle: `T+1`, `D+0`, `weekly:friday`, `monthly:15`.
    Cycle,
    /// Legs of money: `{from, to, purpose}`.
    Legs,
    /// Receivers of a split: `{kind, onboarded_by, relation, purpose}`.
    Receivers,
}

/// Where a fact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Stated by whoever asks.
    Stated,
    /// Stated, or concluded from others when it is not.
    Either,
    /// Concluded from others; cannot be stated.
    Concluded,
}

/// One entry of the vocabulary.
#[derive(Debug)]
pub struct FactDef {
    /// Dotted name: `merchant.physical`.
    pub path: &'static str,
    /// What it holds.
    pub kind: FactKind,
    /// Where it comes from.
    pub origin: Origin,
    /// The words it may be; empty: any word.
    pub words: &'static [&'static str],
    /// Meaning.
    pub en: &'static str,
    /// 含义。
    pub zh: &'static str,
}

impl FactKind {
    /// How a file writes it.
    pub fn form(self) -> &'static str {
        match self {
            FactKind::Flag => "true or false",
            FactKind::Count => "a whole number from 0",
            FactKind::Money => "an amount in yuan with at most two decimals, for instance 250.50",
            FactKind::Ratio => "a share from 0 to 1, for instance 0.42",
            FactKind::Day => "a day, for instance 2018-04-01",
            FactKind::Clock => "a time of day in quotes, for instance \"18:30\"",
            FactKind::Word => "a word",
            FactKind::Words => "a list of words",
            FactKind::Cycle => {
                "a settlement cycle, for instance T+1, D+0, weekly:friday or monthly:15"
            }
            FactKind::Legs => "a list of legs {from, to, purpose}",
            FactKind::Receivers => "a list of receivers {kind, onboarded_by, relation, purpose}",
        }
    }

    /// Its type in the schema that policies are validated against; none: not visible to policies.
    pub(crate) fn cedar(self) -> Option<&'static str> {
        match self {
            FactKind::Flag => Some("Bool"),
            FactKind::Count
            | FactKind::Money
            | FactKind::Ratio
            | FactKind::Day
            | FactKind::Clock => Some("Long"),
            FactKind::Word | FactKind::Cycle => Some("String"),
            FactKind::Words => Some("Set<String>"),
            FactKind::Legs | FactKind::Receivers => None,
        }
    }
}
