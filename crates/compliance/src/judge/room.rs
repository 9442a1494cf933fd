//! Limits that count.

use crate::decision::Room;
use crate::fact::{self, FactId, Facts, Value};
use crate::pack::Rule;

const AMOUNT: FactId = fact::id("amount");

/// The room under a percentage of a rule's limit, and whether this payment goes over it; or the facts it lacks.
pub(super) fn room(
    facts: &Facts,
    rule: &Rule,
    percent: i64,
) -> Result<(Room, bool), Vec<&'static str>> {
    let Some(limit) = &rule.limit else {
        return Err(Vec::new());
    };
    let mut missing = Vec::new();
    let mut need = |id: FactId| {
        let value = facts.known(id).and_then(Value::as_number);
        if value.is_none() {
            missing.push(fact::definition(id).path);
        }
        value
    };
    let figure = match limit.figure {
        Ok(fen) => Some(fen),
        Err(id) => need(id),
    };
    let counter = limit
        .used
        .iter()
        .copied()
        .find(|id| facts.known(*id).is_some())
        .or_else(|| limit.used.last().copied());
    // A limit without a counter is one of a single payment.
    let used = counter.map_or(Some(0), &mut need);
    let amount = need(AMOUNT);
    let (Some(figure), Some(used), Some(amount)) = (figure, used, amount) else {
        return Err(missing);
    };
    let figure = figure.saturating_mul(percent) / 100;
    let room = Room {
        rule: rule.id.clone(),
        bucket: limit.bucket.clone(),
        period: limit.period,
        figure,
        used,
        remaining: figure.saturating_sub(used).max(0),
    };
    Ok((room, used.saturating_add(amount) > figure))
}
