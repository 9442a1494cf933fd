//! One condition, asked.

use super::context::Question;
use crate::fact::{self, FactId, Facts};
use crate::pack::{Clause, Condition};
use cedar_policy::{EvalResult, eval_expression};

/// Why a condition could not be judged.
pub(super) struct Report(String);

impl Condition {
    /// Whether the condition holds; an error is what Cedar reports of a policy that it cannot evaluate.
    pub(super) fn holds(&self, question: &Question<'_>) -> Result<bool, Report> {
        match eval_expression(&question.request, question.entities, &self.expression) {
            Ok(EvalResult::Bool(holds)) => Ok(holds),
            Ok(other) => Err(Report(other.to_string())),
            Err(error) => Err(Report(error.to_string())),
        }
    }
}

impl Report {
    /// The absent fact that stopped a condition: the one that the report names, else every one that
    /// is absent, else (the figures themselves cannot be computed with) every one that is read.
    pub(super) fn absent(&self, facts: &Facts, clause: &Clause) -> Vec<&'static str> {
        let path = |id: &FactId| fact::definition(*id).path;
        let absent: Vec<&'static str> = clause
            .reads
            .iter()
            .filter(|id| facts.known(**id).is_none())
            .map(path)
            .collect();
        let named: Vec<&'static str> = absent
            .iter()
            .filter(|path| {
                let last = path.rsplit('.').next().unwrap_or(path);
                self.0.contains(&format!("`{last}`"))
            })
            .copied()
            .collect();
        match (named.is_empty(), absent.is_empty()) {
            (false, _) => named,
            (true, false) => absent,
            (true, true) => clause.reads.iter().map(path).collect(),
        }
    }
}
