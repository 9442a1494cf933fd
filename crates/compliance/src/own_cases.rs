//! The cases that rules bring along, run.

use crate::decision::Outcome;
use crate::packs::Packs;

/// A case of a rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenCase {
    /// The rule.
    pub rule: String,
    /// Its number among the rule's `fires`, or among its `quiet` cases, from 1.
    pub number: usize,
    /// Whether the rule was to fire.
    pub fires: bool,
    /// Facts that were asked for instead.
    pub missing: Vec<String>,
}

impl std::fmt::Display for BrokenCase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (list, expected) = if self.fires {
            ("fires", "fire")
        } else {
            ("quiet", "stay quiet")
        };
        let (rule, number) = (&self.rule, self.number);
        write!(
            formatter,
            "`{rule}` does not {expected} in its case {number} of `{list}`"
        )?;
        if !self.missing.is_empty() {
            write!(formatter, "; it asks for {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}

impl Packs {
    /// The rules' own cases that do not hold, in the order of the rules.
    pub fn broken_cases(&self) -> Vec<BrokenCase> {
        let mut broken = Vec::new();
        for rule in self.rules() {
            let (mut firing, mut quiet) = (0, 0);
            for case in &rule.cases {
                let number = if case.fires { &mut firing } else { &mut quiet };
                *number += 1;
                let decision = self.check(&case.facts);
                let fired = decision.rules.iter().any(|finding| {
                    finding.rule.id == rule.id
                        && matches!(finding.outcome, Outcome::Fired | Outcome::Lifted)
                });
                if fired != case.fires {
                    let missing = decision.missing.into_iter();
                    broken.push(BrokenCase {
                        rule: rule.id.clone(),
                        number: *number,
                        fires: case.fires,
                        missing: missing.map(|missing| missing.fact).collect(),
                    });
                }
            }
        }
        broken
    }
}
