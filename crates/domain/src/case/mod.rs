//! Cases: what people have to look at. Open → explained → adjusted → closed, always with an owner.

mod command;
mod record;

pub use command::{AssignCase, CloseCase, ExplainCase, OpenCase};
pub use record::{Case, CaseKey, CaseKind, CaseStatus};

use crate::closing::{self, Figure};
use crate::context::Context;
use crate::rejection::{Refusable, Rejection, broken};
use crate::risk::RiskSignal;
use crate::text;
use engine::{Interrupt, Tx};
use money::Money;
use std::sync::Arc;

/// What a new case says.
pub(crate) struct Finding<'a> {
    pub kind: CaseKind,
    pub object: &'a str,
    pub merchant: Option<&'a str>,
    pub reason: String,
    pub amount: Option<Money>,
}

/// Opens a case, unless the same is open already; returns its id.
pub(crate) fn open(tx: &mut Tx<'_>, finding: Finding<'_>) -> Result<String, Interrupt> {
    let kind = serde_json::to_value(finding.kind).map_err(broken)?;
    let key = format!("{}/{}", kind.as_str().unwrap_or_default(), finding.object);
    if let Some(known) = tx.get::<CaseKey>(&key)?
        && tx.expect::<Case>(&known.case)?.status != CaseStatus::Closed
    {
        return Ok(known.case.clone());
    }
    let id = tx.new_id("cas");
    tx.put(CaseKey {
        key,
        case: id.clone(),
    })?;
    let now = tx.now();
    closing::count(tx, &[(Figure::CasesOpened, finding.amount)])?;
    tx.put_new(Case {
        id: id.clone(),
        kind: finding.kind,
        object: finding.object.to_owned(),
        merchant: finding.merchant.map(str::to_owned),
        reason: finding.reason.chars().take(500).collect(),
        amount: finding.amount,
        owner: owner_of(finding.kind).to_owned(),
        status: CaseStatus::Open,
        explanation: None,
        resolution: None,
        adjusted: None,
        created_at: now,
        updated_at: now,
        business_date: tx.business_date(),
    })?;
    Ok(id)
}

/// The role that owns a case until a person takes it.
fn owner_of(kind: CaseKind) -> &'static str {
    match kind {
        CaseKind::SplitFailed
        | CaseKind::NoSettlementAccount
        | CaseKind::WebhookFailing
        | CaseKind::PayoutRefused
        | CaseKind::MerchantForbidden
        | CaseKind::RiskSignal
        | CaseKind::Other => "operator",
        _ => "finance",
    }
}

/// A person or the reconciliation opens a case.
pub(crate) fn open_by_request(
    cx: &mut Context<'_, '_>,
    command: &OpenCase,
) -> Refusable<Arc<Case>> {
    text::plain("object", &command.object, 200)?;
    text::plain("reason", &command.reason, 500)?;
    let id = open(
        cx.tx,
        Finding {
            kind: command.kind,
            object: &command.object,
            merchant: command.merchant.as_deref(),
            reason: command.reason.clone(),
            amount: command.amount,
        },
    )?;
    Ok(cx.tx.expect(&id)?)
}

/// A case that a request names.
pub(crate) fn named(tx: &mut Tx<'_>, id: &str) -> Refusable<Arc<Case>> {
    tx.get::<Case>(id)?
        .ok_or_else(|| Rejection::not_found("case", id).into())
}

fn unfinished(tx: &mut Tx<'_>, id: &str) -> Refusable<Case> {
    let case = named(tx, id)?;
    if case.status == CaseStatus::Closed {
        return Err(Rejection::state("the case is closed").at("case").into());
    }
    Ok((*case).clone())
}

pub(crate) fn save(tx: &mut Tx<'_>, mut case: Case) -> Result<Arc<Case>, Interrupt> {
    let id = case.id.clone();
    case.updated_at = tx.now();
    tx.put(case)?;
    tx.expect(&id)
}

/// Gives a case to a person.
pub(crate) fn assign(cx: &mut Context<'_, '_>, command: &AssignCase) -> Refusable<Arc<Case>> {
    text::plain("owner", &command.owner, 100)?;
    let mut case = unfinished(cx.tx, &command.case)?;
    case.owner = command.owner.clone();
    Ok(save(cx.tx, case)?)
}

/// Writes down why it happened.
pub(crate) fn explain(cx: &mut Context<'_, '_>, command: &ExplainCase) -> Refusable<Arc<Case>> {
    text::plain("explanation", &command.explanation, 500)?;
    let mut case = unfinished(cx.tx, &command.case)?;
    case.explanation = Some(command.explanation.clone());
    if case.status == CaseStatus::Open {
        case.status = CaseStatus::Explained;
    }
    Ok(save(cx.tx, case)?)
}

/// Closes a case whose reason is known.
pub(crate) fn close(cx: &mut Context<'_, '_>, command: &CloseCase) -> Refusable<Arc<Case>> {
    text::plain("resolution", &command.resolution, 500)?;
    let mut case = unfinished(cx.tx, &command.case)?;
    if case.kind == CaseKind::RiskSignal && cx.tx.get::<RiskSignal>(&case.object)?.is_some() {
        return Err(
            Rejection::state("the case ends with its sign of risk: decide that")
                .at("case")
                .with("signal", &case.object)
                .into(),
        );
    }
    if case.status == CaseStatus::Open {
        return Err(Rejection::state("explain the case before you close it")
            .at("case")
            .into());
    }
    case.resolution = Some(command.resolution.clone());
    case.status = CaseStatus::Closed;
    Ok(save(cx.tx, case)?)
}
