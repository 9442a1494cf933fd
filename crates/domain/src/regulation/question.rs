//! What is asked of the rules.

use channels::operation::Channel;
use compliance::{Action, Value};
use money::Money;

/// An action with its facts, in the public vocabulary (`docs/facts.md`). What is not known is left out:
/// a rule that needs it makes the decision ask.
pub(crate) struct Question<'a> {
    pub action: Action,
    /// The channel whose route the money takes.
    pub over: Option<Channel>,
    /// Facts that many requests have in common.
    pub stated: Vec<(&'static str, Value)>,
    /// Facts that differ from request to request: amounts and times of day.
    pub varying: Vec<(&'static str, Value)>,
    /// What a limit counts.
    pub amount: Option<Money>,
    /// Whose counter a kind of bucket means here; none if it cannot be told.
    pub subject: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Question<'a> {
    pub fn new(action: Action) -> Question<'a> {
        Question {
            action,
            over: None,
            stated: Vec::with_capacity(16),
            varying: Vec::new(),
            amount: None,
            subject: &|_| None,
        }
    }

    /// States the channel; the institution knows the route over it.
    pub fn over(mut self, channel: Channel) -> Question<'a> {
        self.over = Some(channel);
        self
    }

    /// States a fact.
    pub fn with(mut self, path: &'static str, value: impl Into<Value>) -> Question<'a> {
        self.stated.push((path, value.into()));
        self
    }

    /// States a fact that may not be known.
    pub fn maybe<V: Into<Value>>(self, path: &'static str, value: Option<V>) -> Question<'a> {
        match value {
            Some(value) => self.with(path, value),
            None => self,
        }
    }

    /// States the amount, which limits count in the buckets of `subject`.
    pub fn counting(
        mut self,
        amount: Money,
        subject: &'a dyn Fn(&str) -> Option<String>,
    ) -> Question<'a> {
        self.varying
            .push(("amount", Value::Number(amount.amount())));
        self.amount = Some(amount);
        self.subject = subject;
        self
    }

    /// States a fact that differs from request to request.
    pub fn varying(mut self, path: &'static str, value: impl Into<Value>) -> Question<'a> {
        self.varying.push((path, value.into()));
        self
    }
}
