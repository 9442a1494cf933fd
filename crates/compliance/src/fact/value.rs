//! Values of facts.

use std::borrow::Cow;

/// A word of the vocabulary; those known at compile time cost nothing to pass.
pub type Word = Cow<'static, str>;

/// What is said of one fact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A flag.
    Flag(bool),
    /// Count, fen, parts per million, day number or minutes, as the fact's kind says.
    Number(i64),
    /// A word.
    Word(Word),
    /// Words.
    Words(Vec<Word>),
    /// Legs of money.
    Legs(Vec<Leg>),
    /// Receivers of a split.
    Receivers(Vec<Receiver>),
    /// Stated to be unknown: the decision asks for it.
    Unknown,
}

/// Money moving from one holder to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leg {
    /// Where it comes from: `buyer`, `platform.account`, `npi.reserve`.
    pub from: Word,
    /// Where it goes.
    pub to: Word,
    /// What for, when stated.
    pub purpose: Option<Word>,
}

/// One receiver of a split. `None`: not stated or unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// `company`, `natural_person`, `platform`…
    pub kind: Option<Word>,
    /// The institution that checked it and signed with it; `none`.
    pub onboarded_by: Option<Word>,
    /// Why it receives: `employee`, `supplier`… `none`.
    pub relation: Option<Word>,
    /// What it is paid for.
    pub purpose: Option<Word>,
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Flag(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Value {
        Value::Word(Cow::Borrowed(word))
    }
}

impl From<String> for Value {
    fn from(word: String) -> Value {
        Value::Word(Cow::Owned(word))
    }
}

impl<const N: usize> From<[&'static str; N]> for Value {
    fn from(words: [&'static str; N]) -> Value {
        Value::Words(words.into_iter().map(Cow::Borrowed).collect())
    }
}

impl From<Vec<String>> for Value {
    fn from(words: Vec<String>) -> Value {
        Value::Words(words.into_iter().map(Cow::Owned).collect())
    }
}

impl From<Vec<Leg>> for Value {
    fn from(legs: Vec<Leg>) -> Value {
        Value::Legs(legs)
    }
}

impl From<Vec<Receiver>> for Value {
    fn from(receivers: Vec<Receiver>) -> Value {
        Value::Receivers(receivers)
    }
}

impl Value {
    /// The flag, if it is one.
    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<i64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The word, if it is one.
    pub fn as_word(&self) -> Option<&str> {
        match self {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The words, if it is a list of them.
    pub fn as_words(&self) -> Option<&[Word]> {
        match self {
            Value::Words(words) => Some(words),
            _ => None,
        }
    }
}
