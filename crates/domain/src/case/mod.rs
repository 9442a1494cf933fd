//! Cases: what people have to look at. Open → explained → adjusted → closed, always with an owner.

mod command;
mod record;

pub use command::{AssignCase, CloseCase, ExplainCase, OpenCase};
pub use record::{Case, CaseKey, CaseKind, CaseStatus, FurtherFinding};

use crate::authorise::is_system;
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

/// Findings kept in a case beside the first; of more than these the latest.
const FURTHER_MAX: usize = 50;

/// Characters of the name of what a case is about, where somebody asks for the case.
pub const OBJECT_MAX: usize = 200;

/// Characters kept of a reason, and taken where somebody asks for the case.
pub const REASON_MAX: usize = 500;

/// Opens a case, or adds to the one that is open already about the same; returns its id.
pub(crate) fn open(tx: &mut Tx<'_>, finding: Finding<'_>) -> Result<String, Interrupt> {
    let key = key_of(finding.kind, finding.object)?;
    if let Some(known) = tx.get::<CaseKey>(&key)? {
        let case = tx.expect::<Case>(&known.case)?;
        if case.status != CaseStatus::Closed {
            add(tx, &case, &finding)?;
            return Ok(known.case.clone());
        }
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
        reason: shortened(&finding.reason),
        amount: finding.amount,
        further: Vec::new(),
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

/// The same for a statement that names its amount and books nothing: in the same words it says nothing new, whatever
/// became of the case. A bill that is taken again says it again, also where people have decided on it: opened anew with
/// its whole amount, that could be adjusted a second time.
pub(crate) fn open_once(tx: &mut Tx<'_>, finding: Finding<'_>) -> Result<String, Interrupt> {
    let key = key_of(finding.kind, finding.object)?;
    if tx.get::<CaseKey>(&key)?.is_some() {
        let cases = about(tx, finding.object, finding.kind)?;
        if let Some(case) = cases.iter().find(|case| says(case, &finding.reason)) {
            return Ok(case.id.clone());
        }
    }
    open(tx, finding)
}

/// Whether one of a case's findings has these words.
fn says(case: &Case, reason: &str) -> bool {
    let reason = shortened(reason);
    let mut words = case.further.iter().map(|further| &further.reason);
    case.reason == reason || words.any(|word| *word == reason)
}

fn key_of(kind: CaseKind, object: &str) -> Result<String, Interrupt> {
    let kind = serde_json::to_value(kind).map_err(broken)?;
    Ok(format!("{}/{object}", kind.as_str().unwrap_or_default()))
}

fn shortened(reason: &str) -> String {
    reason.chars().take(REASON_MAX).collect()
}

/// Adds what was found to an open case, unless it says what the case says already.
fn add(tx: &mut Tx<'_>, case: &Case, finding: &Finding<'_>) -> Result<(), Interrupt> {
    let reason = shortened(&finding.reason);
    let (last_reason, last_amount) = case.further.last().map_or_else(
        || (&case.reason, case.amount),
        |last| (&last.reason, last.amount),
    );
    if *last_reason == reason && last_amount == finding.amount {
        return Ok(());
    }
    let mut case = case.clone();
    case.amount = in_question(case.kind, case.amount, finding.amount)?;
    case.further.push(FurtherFinding {
        reason,
        amount: finding.amount,
        found_at: tx.now(),
    });
    if case.further.len() > FURTHER_MAX {
        case.further.remove(0);
    }
    save(tx, case).map(|_| ())
}

/// What a case is about once more was found.
fn in_question(
    kind: CaseKind,
    before: Option<Money>,
    found: Option<Money>,
) -> Result<Option<Money>, Interrupt> {
    let (Some(before), Some(found)) = (before, found) else {
        return Ok(found.or(before));
    };
    if before.currency() != found.currency() {
        return Ok(Some(before));
    }
    Ok(Some(match kind {
        // Each finding is of other money.
        CaseKind::DoublePayment | CaseKind::AccountClosed => crate::booking::plus(before, found)?,
        // Each finding says how it stands now.
        CaseKind::PayoutRefused | CaseKind::NoSettlementAccount => found,
        _ if found.amount().unsigned_abs() > before.amount().unsigned_abs() => found,
        _ => before,
    }))
}

/// The role that owns a case until a person takes it.
fn owner_of(kind: CaseKind) -> &'static str {
    match kind {
        CaseKind::SplitFailed
        | CaseKind::NoSettlementAccount
        | CaseKind::WebhookFailing
        | CaseKind::PayoutRefused
        | CaseKind::MerchantForbidden
        | CaseKind::SourceContradicted
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
    text::plain("object", &command.object, OBJECT_MAX)?;
    text::plain("reason", &command.reason, REASON_MAX)?;
    let mut amount = command.amount;
    if is_system(cx.actor) && command.kind == CaseKind::Reconciliation {
        match left_of(cx.tx, command)? {
            Left::Nothing(case) => return Ok(case),
            Left::Amount(left) => amount = left,
        }
    }
    let id = open(
        cx.tx,
        Finding {
            kind: command.kind,
            object: &command.object,
            merchant: command.merchant.as_deref(),
            reason: command.reason.clone(),
            amount,
        },
    )?;
    Ok(cx.tx.expect(&id)?)
}

/// What is left of a finding of the reconciliation where its cases are closed.
enum Left {
    /// Nothing: people have decided on it.
    Nothing(Arc<Case>),
    /// As much as their cases were not about.
    Amount(Option<Money>),
}

/// Compares with the closed cases about the same. The reconciliation names what it finds for ever, so that what it
/// finds again is what people have decided on: opened anew with its whole amount, that could be adjusted a second
/// time. Where no amount is in question (a date that another bill has cleared) only the same words are the same
/// finding.
fn left_of(tx: &mut Tx<'_>, command: &OpenCase) -> Result<Left, Interrupt> {
    let whole = Left::Amount(command.amount);
    let key = key_of(command.kind, &command.object)?;
    let Some(known) = tx.get::<CaseKey>(&key)? else {
        return Ok(whole);
    };
    let case = tx.expect::<Case>(&known.case)?;
    let is_closed = case.status == CaseStatus::Closed;
    let Some(found) = command.amount else {
        if !is_closed {
            return Ok(whole);
        }
        return Ok(if says(&case, &command.reason) {
            Left::Nothing(case)
        } else {
            whole
        });
    };
    let mut left = found;
    for before in about(tx, &command.object, command.kind)? {
        if let Some(amount) = before.amount
            && before.status == CaseStatus::Closed
            && amount.currency() == left.currency()
        {
            left = crate::booking::minus(left, amount)?;
        }
    }
    Ok(if left.is_positive() {
        Left::Amount(Some(left))
    } else if is_closed {
        Left::Nothing(case)
    } else {
        Left::Amount(Some(Money::zero(found.currency())))
    })
}

/// A case that a request names.
pub(crate) fn named(tx: &mut Tx<'_>, id: &str) -> Refusable<Arc<Case>> {
    tx.get::<Case>(id)?
        .ok_or_else(|| Rejection::not_found("case", id).into())
}

/// Cases of a kind about an object, the oldest first.
pub(crate) fn about(
    tx: &mut Tx<'_>,
    object: &str,
    kind: CaseKind,
) -> Result<Vec<Arc<Case>>, Interrupt> {
    let (from, to) = (format!("{object}/"), format!("{object}0"));
    let mut cases = tx.scan::<Case>("object", &from, &to, 1_000)?;
    cases.retain(|case| case.kind == kind && case.object == object);
    Ok(cases)
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
