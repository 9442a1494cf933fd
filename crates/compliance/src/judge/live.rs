//! Decisions of a running system: one action of this institution in its role.

use super::context::Layout;
use super::{Entry, prepare};
use crate::decision::Decision;
use crate::fact::Facts;
use crate::pack::{Action, Bearer, Rule};
use crate::packs::Packs;
use calendar::BusinessDate;
use std::sync::Arc;

/// What to evaluate for an action and role, from one day on.
pub(crate) struct Selection {
    entries: Vec<Entry>,
    layout: Layout,
    /// Rules of the action that bind other roles.
    counterparty: Arc<[String]>,
}

impl Selection {
    pub(crate) fn new(in_force: &[&Arc<Rule>], role: Bearer) -> Selection {
        let (ours, theirs): (Vec<&Arc<Rule>>, Vec<&Arc<Rule>>) = in_force
            .iter()
            .partition(|rule| rule.bearer.contains(&role));
        let entries: Vec<Entry> = ours
            .into_iter()
            .map(|rule| Entry {
                rule: Arc::clone(rule),
                clauses: (0..rule.clauses.len())
                    .filter(|position| {
                        rule.clauses
                            .get(*position)
                            .is_some_and(|clause| clause.live)
                    })
                    .collect(),
                in_force: true,
            })
            .collect();
        Selection {
            layout: layout(&entries),
            entries,
            counterparty: theirs.iter().map(|rule| rule.id.clone()).collect(),
        }
    }
}

/// The facts that entries read.
pub(super) fn layout(entries: &[Entry]) -> Layout {
    let reads = entries.iter().flat_map(|entry| {
        let clause = |position: &usize| entry.rule.clauses.get(*position);
        entry.clauses.iter().filter_map(clause)
    });
    Layout::of(
        reads
            .flat_map(|clause| clause.reads.iter().copied())
            .collect(),
    )
}

impl Packs {
    /// Judges one action of this institution in its role: every rule that binds it there.
    pub fn decide(
        &self,
        facts: &Facts,
        as_of: BusinessDate,
        action: Action,
        role: Bearer,
    ) -> Decision {
        let selection = self.live.get(&(action, role)).and_then(|list| {
            let next = list.partition_point(|(from, _)| *from <= as_of);
            next.checked_sub(1).and_then(|position| list.get(position))
        });
        let Some((_, selection)) = selection else {
            return self.asking("as_of");
        };
        let facts = prepare(facts, as_of);
        let mut decision = self.evaluate(&facts, &selection.entries, &selection.layout);
        decision.counterparty = Arc::clone(&selection.counterparty);
        decision
    }
}
