//! Taking a comparison into the books: evidence as facts, contradictions as cases, and the clearing.

use super::{ReconcileError, Reconciled};
use crate::state::Engine;
use channels::operation::{Channel, ChannelReference};
use channels::wechat::bill::{BillKind, BillRow};
use domain::case::{CaseKind, OpenCase};
use domain::clearing::ConfirmClearing;
use domain::{BillLine, Code, Command, Fact, Reply, Request};
use engine::{Actor, Envelope, Verdict};
use money::Money;
use recon::{Difference, Finding};
use serde::Serialize;

/// What was done with the differences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Lines that the books now follow (or hold in suspense).
    pub facts: u64,
    /// Cases that are open for them, by id.
    pub cases: Vec<String>,
    /// The clearing is booked: what the bill says the channel owes is in the reserve.
    pub cleared: bool,
}

fn actor() -> Actor {
    Actor::new("reconciliation", "system")
}

pub(super) async fn take(
    engine: &Engine,
    channel: Channel,
    reconciled: &Reconciled,
    lines: &[BillRow],
) -> Result<Taken, ReconcileError> {
    let mut taken = Taken::default();
    for difference in &reconciled.reconciliation.differences {
        if matches!(difference.finding, Finding::TheirsOnly { .. })
            && let Some(line) = lines
                .iter()
                .find(|line| difference.line == usize::try_from(line.line).ok())
            && let Some(fact) = evidence(line)
        {
            submit(
                engine,
                Command::Fact(Fact::BillLine {
                    channel,
                    line: fact,
                }),
            )
            .await?;
            taken.facts += 1;
        }
        let opened = submit(
            engine,
            Command::Request(Request::OpenCase(case(difference))),
        )
        .await?;
        if let Reply::Case(case) = opened {
            taken.cases.push(case.id.clone());
        }
    }
    match clear(engine, channel, reconciled).await {
        Ok(cleared) => taken.cleared = cleared,
        // What the bill proves is taken all the same; which bill is right, a person finds out.
        Err(ReconcileError::ClearedBefore(reason)) => {
            let command = Request::OpenCase(OpenCase {
                kind: CaseKind::Reconciliation,
                object: format!(
                    "{}/{}/clearing",
                    reconciled.reconciliation.statement_date.to_yyyymmdd(),
                    super::ours::channel_name(channel)
                ),
                merchant: None,
                reason,
                amount: None,
            });
            if let Reply::Case(case) = submit(engine, Command::Request(command)).await? {
                taken.cases.push(case.id.clone());
            }
        }
        Err(error) => return Err(error),
    }
    Ok(taken)
}

/// A bill line as a statement of the channel.
fn evidence(line: &BillRow) -> Option<BillLine> {
    match (&line.kind, &line.refund) {
        (BillKind::Payment, _) => Some(BillLine::Payment {
            order: ChannelReference(line.our_reference.clone()),
            channel_number: line.channel_number.clone(),
            amount: line.amount,
            paid_at: line.traded_at,
        }),
        (BillKind::Refund, Some(refund)) => Some(BillLine::Refund {
            refund: ChannelReference(refund.our_reference.clone()),
            channel_number: refund.channel_number.clone(),
            amount: refund.amount,
            refunded_at: line.traded_at,
        }),
        (BillKind::Refund, None) => None,
    }
}

fn case(difference: &Difference) -> OpenCase {
    let reason = match difference.finding {
        Finding::AmountDiffers { ours, theirs } => {
            format!("the books say {ours}, the bill says {theirs}")
        }
        Finding::FeeDiffers { ours, theirs } => {
            format!("expected fee {ours}, the bill says {theirs}")
        }
        Finding::OursOnly { amount } => format!("{amount} in the books is not on the bill"),
        Finding::TheirsOnly { amount, .. } => format!("{amount} on the bill was not in the books"),
        Finding::Duplicate {
            amount, first_line, ..
        } => {
            format!("{amount} stands again; the first is line {first_line}")
        }
        Finding::DateShift {
            amount,
            ours,
            theirs,
        } => {
            format!("{amount} is of {ours} in the books and of {theirs} on the bill")
        }
    };
    let place = difference
        .line
        .map(|line| format!("line {line}: "))
        .unwrap_or_default();
    OpenCase {
        kind: CaseKind::Reconciliation,
        object: difference.id.to_string(),
        merchant: None,
        reason: format!("{place}{reason}"),
        amount: difference
            .effect()
            .ok()
            .and_then(|effect| effect.checked_abs().ok()),
    }
}

/// Books what the bill says the channel pays over. A date that was booked before stays as it is.
async fn clear(
    engine: &Engine,
    channel: Channel,
    reconciled: &Reconciled,
) -> Result<bool, ReconcileError> {
    let theirs = &reconciled.reconciliation.theirs;
    if theirs.payments.count + theirs.refunds.count == 0 {
        return Ok(false);
    }
    let zero = Money::zero(reconciled.reconciliation.currency);
    let command = ConfirmClearing {
        channel,
        clearing_date: reconciled.reconciliation.statement_date,
        gross: theirs.payments.amount,
        refunds: theirs.refunds.amount,
        channel_fee: theirs.fees.checked_add(zero).unwrap_or(zero),
        bill_hash: reconciled.bill_hash.clone(),
    };
    submit(engine, Command::Request(Request::ConfirmClearing(command))).await?;
    Ok(true)
}

async fn submit(engine: &Engine, command: Command) -> Result<Reply, ReconcileError> {
    let outcome = engine.submit(Envelope::new(actor(), command)).await?;
    match outcome.result {
        Verdict::Done(reply) => Ok(reply),
        Verdict::Refused(rejection) if rejection.code == Code::AlreadyExists => {
            Err(ReconcileError::ClearedBefore(rejection.to_string()))
        }
        Verdict::Refused(rejection) => Err(ReconcileError::Refused(rejection.to_string())),
        other => Err(ReconcileError::Refused(format!("{other:?}"))),
    }
}
