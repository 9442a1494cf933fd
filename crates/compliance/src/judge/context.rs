//! Facts as Cedar sees them.

use crate::fact::{self, FactId, Facts, Value};
use cedar_policy::{
    Context, Entities, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};
use std::collections::BTreeMap;
use std::str::FromStr;

/// Which facts go into a context, and under which names. A record is there even if nothing in it is
/// known, so that Cedar's report names the fact that is absent and not the record around it.
#[derive(Default)]
pub(crate) struct Layout {
    leaves: Vec<(&'static str, FactId)>,
    records: BTreeMap<&'static str, Layout>,
}

impl Layout {
    /// The layout of facts, each named once however often it is read.
    pub(crate) fn of(mut reads: Vec<FactId>) -> Layout {
        reads.sort_unstable();
        reads.dedup();
        let mut root = Layout::default();
        for id in reads {
            let mut record = &mut root;
            let mut segments = fact::definition(id).path.split('.').peekable();
            while let Some(segment) = segments.next() {
                if segments.peek().is_some() {
                    record = record.records.entry(segment).or_default();
                } else {
                    record.leaves.push((segment, id));
                }
            }
        }
        root
    }

    fn pairs(&self, facts: &Facts) -> Option<Vec<(String, RestrictedExpression)>> {
        let mut pairs = Vec::with_capacity(self.leaves.len() + self.records.len());
        for (name, id) in &self.leaves {
            if let Some(expression) = facts.known(*id).and_then(expression) {
                pairs.push(((*name).to_owned(), expression));
            }
        }
        for (name, record) in &self.records {
            let record = RestrictedExpression::new_record(record.pairs(facts)?).ok()?;
            pairs.push(((*name).to_owned(), record));
        }
        Some(pairs)
    }
}

fn expression(value: &Value) -> Option<RestrictedExpression> {
    match value {
        Value::Flag(flag) => Some(RestrictedExpression::new_bool(*flag)),
        Value::Number(number) => Some(RestrictedExpression::new_long(*number)),
        Value::Word(word) => Some(RestrictedExpression::new_string(word.to_string())),
        Value::Words(words) => {
            Some(RestrictedExpression::new_set(words.iter().map(|word| {
                RestrictedExpression::new_string(word.to_string())
            })))
        }
        Value::Legs(_) | Value::Receivers(_) | Value::Unknown => None,
    }
}

/// What every question to Cedar has in common. Nobody is identified in it: who asks is a fact.
pub(crate) struct Questions {
    party: EntityUid,
    action: EntityUid,
    entities: Entities,
}

/// One set of facts, asked.
pub(crate) struct Question<'a> {
    pub(super) request: Request,
    pub(super) entities: &'a Entities,
}

impl Questions {
    pub(crate) fn new() -> Result<Questions, String> {
        let entity = |kind: &str, id: &str| {
            EntityTypeName::from_str(kind)
                .map(|kind| EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
                .map_err(|error| error.to_string())
        };
        Ok(Questions {
            party: entity("Party", "asked")?,
            action: entity("Action", "decide")?,
            entities: Entities::empty(),
        })
    }

    /// The facts of a layout as a question.
    pub(super) fn ask(&self, facts: &Facts, layout: &Layout) -> Option<Question<'_>> {
        let context = Context::from_pairs(layout.pairs(facts)?).ok()?;
        let request = Request::new(
            self.party.clone(),
            self.action.clone(),
            self.party.clone(),
            context,
            None,
        )
        .ok()?;
        Some(Question {
            request,
            entities: &self.entities,
        })
    }
}
