//! From a drawing to facts: one question for each thing that a leg, a contract or a party raises,
//! each in the public vocabulary (docs/facts.md), so that every answer can be checked with
//! `qingyuan check --facts`.

mod collecting;
mod contracts;
mod holding;
mod legs;
mod parties;
mod pooling;
mod reserve;

use super::error::FlowError;
use super::model::{Flow, Party, PartyId, Stated};
use super::trace::Trace;
use super::view::View;
use crate::fact::{self, Facts, Origin, Value, Word, conclude};
use crate::pack::Text;

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The model as a whole.
    Whole,
    /// A leg, by position.
    Leg(usize),
    /// A contract, by position.
    Contract(usize),
    /// A party, by position.
    Party(PartyId),
}

/// Facts to be judged together, and why they are asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// What the checker sees.
    pub seen: Text,
    /// The facts.
    pub facts: Facts,
}

/// Every question that a flow raises; contradictory facts are refused.
pub fn questions(flow: &Flow) -> Result<Vec<Question>, FlowError> {
    let trace = Trace::of(flow);
    let mut gathered = Gathered {
        view: View {
            flow,
            trace: &trace,
        },
        questions: Vec::new(),
    };
    legs::ask(&mut gathered)?;
    contracts::ask(&mut gathered)?;
    parties::ask(&mut gathered)?;
    if flow.facts.facts.stated().next().is_some() {
        let seen = text("what is stated about the whole", "关于整体的说明");
        gathered.put(Subject::Whole, Draft::new(seen), &[&flow.facts])?;
    }
    Ok(gathered.questions)
}

struct Gathered<'a> {
    view: View<'a>,
    questions: Vec<Question>,
}

/// Facts that the drawing shows.
struct Draft {
    seen: Text,
    facts: Vec<(&'static str, Value)>,
}

fn text(en: impl Into<String>, zh: impl Into<String>) -> Text {
    Text {
        en: en.into(),
        zh: zh.into(),
    }
}

impl Draft {
    fn new(seen: Text) -> Draft {
        Draft {
            seen,
            facts: Vec::new(),
        }
    }

    fn with(mut self, path: &'static str, value: impl Into<Value>) -> Draft {
        self.facts.push((path, value.into()));
        self
    }

    fn word(self, path: &'static str, word: &Word) -> Draft {
        self.with(path, Value::Word(word.clone()))
    }

    /// The fact if it is known; otherwise the answer asks for it.
    fn needed(self, path: &'static str, value: Option<impl Into<Value>>) -> Draft {
        match value {
            Some(value) => self.with(path, value),
            None => self.with(path, Value::Unknown),
        }
    }

    /// The fact if it is known.
    fn maybe(self, path: &'static str, value: Option<impl Into<Value>>) -> Draft {
        match value {
            Some(value) => self.with(path, value),
            None => self,
        }
    }

    fn actor(self, party: &Party) -> Draft {
        let licences = party.licences.clone().map(Value::Words);
        let regions = party
            .acquiring_regions
            .clone()
            .filter(|_| party.is_institution())
            .map(Value::Words);
        self.word("actor.kind", &party.kind)
            .needed("actor.licences", licences)
            .maybe("actor.acquiring_regions", regions)
    }

    /// Whether the business is there already and what is added, as far as the flow says.
    fn stage(self, flow: &Flow) -> Draft {
        let word = |word: &Option<Word>| word.clone().map(Value::Word);
        // A new business adds itself; the rules ask for the change only of an existing one.
        self.maybe("lifecycle", word(&flow.lifecycle))
            .maybe("change", word(&flow.change))
    }
}

impl Gathered<'_> {
    fn put(&mut self, subject: Subject, draft: Draft, stated: &[&Stated]) -> Result<(), FlowError> {
        let mut facts = Facts::new();
        let inside = |error: crate::FactError| FlowError::fact(0, "flow", error);
        for (path, value) in draft.facts {
            facts.set(path, value).map_err(inside)?;
        }
        let mut shown = facts.clone();
        conclude(&mut shown);
        for extra in stated {
            for (definition, value) in extra.facts.stated() {
                let drawn = shown.get(definition.path);
                let differs = drawn.is_some_and(|known| *known != Value::Unknown && known != value);
                if differs {
                    return Err(FlowError::new(
                        extra.line,
                        format!("{}.{}", extra.path, definition.path),
                        format!(
                            "`{}` contradicts what the drawing shows ({})",
                            definition.path, draft.seen.en
                        ),
                        "the drawing and the facts to agree; leave the fact out",
                    ));
                }
                facts
                    .set(definition.path, value.clone())
                    .map_err(|error| FlowError::fact(extra.line, &extra.path, error))?;
            }
            facts
                .consistent()
                .map_err(|error| FlowError::fact(extra.line, &extra.path, error))?;
        }
        self.questions.push(Question {
            subject,
            seen: draft.seen,
            facts,
        });
        Ok(())
    }

    /// The word for whoever checked a merchant: the acquirer's own kind only for the acquirer itself.
    fn checker(&self, checked_by: Option<Option<PartyId>>, acquirer: PartyId) -> Option<Value> {
        let checker = checked_by?;
        let Some(checker) = checker else {
            return Some(Value::from("none"));
        };
        let kind = self.view.flow.party(checker).kind.clone();
        Some(if checker == acquirer {
            Value::Word(kind)
        } else if kind == self.view.flow.party(acquirer).kind {
            Value::from(format!("other_{kind}"))
        } else {
            Value::Word(kind)
        })
    }
}

/// The value of a fact that the vocabulary does not conclude by itself.
fn is_stated(stated: &Stated, path: &str) -> bool {
    fact::find(path).is_some_and(|id| {
        fact::definition(id).origin != Origin::Concluded && stated.facts.get(path).is_some()
    })
}
