//! Answers in English or 中文.

mod compare;
mod report;
mod words;
mod wrap;

pub use compare::comparison;
pub use report::report;
pub use words::{Lang, shape_name, verdict_word};
pub(super) use words::{
    account_word, contract_word, hop_name, kind_word, party_name, pick, subject_label, yuan,
};
pub(super) use wrap::width;

/// How a text is to look.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Language.
    pub lang: Lang,
    /// With colours for a terminal.
    pub colour: bool,
    /// Columns of a line.
    pub columns: usize,
}
