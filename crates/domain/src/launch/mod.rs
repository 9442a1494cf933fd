//! The gate before a new product: reported long enough before, with evidence, and approved.
//!
//! A product is new here once somebody declares it so. From then on it is refused, with the clauses that
//! forbid its beginning on the day, until the rules let it begin, a second person has approved, and the day has
//! come. A product that nobody declared is not new. Refunds go on whatever is declared: they are the payer's.
//!
//! A book of several shards has the same declaration in each.

mod command;
mod record;

pub use command::{ApproveLaunch, FactValue, ProposeLaunch};
pub use record::{Launch, Product};

use crate::context::Context;
use crate::regulation::Rulebook;
use crate::rejection::{Code, Refusable, Rejection};
use crate::text;
use calendar::{BusinessDate, shanghai_date};
use compliance::{Gate, LaunchReport, Verdict};
use std::sync::Arc;

/// Documents of one report.
const EVIDENCE_MAX: usize = 20;

/// Further facts of one report.
const FACTS_MAX: usize = 100;

/// Declares a product as new, or states anew what was reported of it.
pub(crate) fn propose(
    cx: &mut Context<'_, '_>,
    command: &ProposeLaunch,
) -> Refusable<(Arc<Launch>, bool)> {
    let now = cx.tx.now();
    let today = shanghai_date(now);
    check(command, today)?;
    let known = cx.tx.get::<Launch>(command.product.name())?;
    if let Some(known) = &known {
        if known.report == *command {
            return Ok((Arc::clone(known), true));
        }
        if known.has_begun(today) {
            return Err(
                Rejection::state("the product has begun: nothing is left to report")
                    .at("product")
                    .into(),
            );
        }
    }
    let rules = cx.rules.active(cx.tx)?;
    let gate = gate(&rules, command, command.launch_on)?;
    let refusal = refuses(&gate)
        .then(|| rules.launch_refusal(&gate, command.launch_on).rules)
        .flatten();
    let business_date = cx.tx.business_date();
    cx.tx.put(Launch {
        product: command.product,
        refusal,
        first_day: gate
            .first_day
            .and_then(|day| BusinessDate::from_yyyymmdd(day).ok()),
        report: command.clone(),
        proposed_by: cx.actor.principal.to_string(),
        approved_by: None,
        created_at: known.map_or(now, |known| known.created_at),
        updated_at: now,
        business_date,
    })?;
    Ok((cx.tx.expect(command.product.name())?, false))
}

fn check(command: &ProposeLaunch, today: BusinessDate) -> Result<(), Rejection> {
    if command.reported_on.is_some_and(|on| on > today) {
        return Err(Rejection::field(
            "reported_on",
            "the report must have been made already; leave the field out until it is",
        ));
    }
    if command.evidence.len() > EVIDENCE_MAX {
        let message = format!("at most {EVIDENCE_MAX} documents");
        return Err(Rejection::field("evidence", message));
    }
    for document in &command.evidence {
        text::plain("evidence", &document.name, 200)?;
        if !document.is_usable() {
            return Err(Rejection::field(
                "evidence",
                "each document has a name and the SHA-256 of its file in 64 hex digits",
            ));
        }
    }
    if command.facts.len() > FACTS_MAX {
        let message = format!("at most {FACTS_MAX} facts");
        return Err(Rejection::field("facts", message));
    }
    Ok(())
}

/// A second person lets a product begin on its day, if the rules do.
pub(crate) fn approve(cx: &mut Context<'_, '_>, command: &ApproveLaunch) -> Refusable<Arc<Launch>> {
    let known = cx.tx.get::<Launch>(command.product.name())?;
    let known = known.ok_or_else(|| Rejection::not_found("launch", command.product.name()))?;
    if known.approved_by.is_some() {
        return Ok(known);
    }
    if known.proposed_by == *cx.actor.principal {
        return Err(Rejection::new(
            Code::Forbidden,
            "a second person approves, not the one who proposed",
        )
        .at("product")
        .into());
    }
    let day = known.report.launch_on;
    let rules = cx.rules.active(cx.tx)?;
    let gate = gate(&rules, &known.report, day)?;
    if refuses(&gate) {
        return Err(rules.launch_refusal(&gate, day).into());
    }
    if !gate.open {
        return Err(Rejection::state(
            "no evidence of the report is attached: propose again with it",
        )
        .at("evidence")
        .into());
    }
    let updated_at = cx.tx.now();
    cx.tx.put(Launch {
        approved_by: Some(cx.actor.principal.to_string()),
        refusal: None,
        updated_at,
        ..(*known).clone()
    })?;
    Ok(cx.tx.expect(command.product.name())?)
}

/// Refuses what uses a product that is new and has not begun.
pub(crate) fn require(cx: &mut Context<'_, '_>, product: Option<Product>) -> Refusable<()> {
    let Some(product) = product else {
        return Ok(());
    };
    let Some(launch) = cx.tx.get::<Launch>(product.name())? else {
        return Ok(());
    };
    let today = shanghai_date(cx.tx.now());
    if launch.has_begun(today) {
        return Ok(());
    }
    let rules = cx.rules.active(cx.tx)?;
    let gate = gate(&rules, &launch.report, today)?;
    if refuses(&gate) {
        return Err(rules.launch_refusal(&gate, today).into());
    }
    let waits = match &launch.approved_by {
        None => "a second person has not approved it".to_owned(),
        Some(_) => format!("it begins on {}", launch.report.launch_on),
    };
    Err(Rejection::state(format!(
        "{} was declared as a new product and has not begun: {waits}",
        product.name()
    ))
    .at("product")
    .into())
}

/// What the rules say of a beginning on a day.
fn gate(rules: &Rulebook, report: &ProposeLaunch, day: BusinessDate) -> Result<Gate, Rejection> {
    let report_to = LaunchReport {
        product: report.product.name().to_owned(),
        innovation: report.innovation,
        cross_border: report.cross_border,
        reported_on: report.reported_on,
        launch_on: day,
        evidence: report.evidence.clone(),
    };
    rules.launch_gate(&report_to, &report.facts)
}

/// Whether the rules themselves forbid it or cannot be judged; evidence is another matter.
fn refuses(gate: &Gate) -> bool {
    !matches!(gate.decision.verdict, Verdict::Allow | Verdict::Limit)
}
