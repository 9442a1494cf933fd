//! Taking a comparison into the books: evidence as facts, contradictions as cases, and the clearing.

use super::{Lines, ReconcileError, Reconciled, ShardTotals};
use crate::book::{Book, route};
use channels::operation::{Channel, ChannelReference};
use channels::wechat::bill::{BillKind, BillRow};
use domain::case::{CaseKind, OpenCase};
use domain::clearing::{Clearing, ConfirmClearing};
use domain::{BillLine, Code, Command, Fact, Reply, Request};
use engine::store::StoreError;
use engine::{Actor, Envelope, Record, ShardCode, Verdict};
use money::Money;
use recon::{Difference, Finding};
use serde::Serialize;
use std::collections::BTreeMap;

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
    book: &Book,
    channel: Channel,
    reconciled: &Reconciled,
    lines: &Lines,
) -> Result<Taken, ReconcileError> {
    let mut taken = Taken::default();
    for difference in &reconciled.reconciliation.differences {
        if matches!(difference.finding, Finding::TheirsOnly { .. })
            && let Some(line) = lines
                .unmatched
                .iter()
                .find(|line| difference.line == usize::try_from(line.line).ok())
            && let Some(fact) = evidence(line)
        {
            let command = Command::Fact(Fact::BillLine {
                channel,
                line: fact,
            });
            let shard = book.shard_for(&route(&command));
            submit(book, shard, command).await?;
            taken.facts += 1;
        }
        // Beside the object it is about, so that its owner finds both.
        let reference = difference.id.as_str().rsplit_once("/our:");
        let shard = reference.map_or(ShardCode::FIRST, |(_, reference)| {
            book.shard_of_reference(reference)
        });
        let command = Command::Request(Request::OpenCase(case(difference)));
        let opened = submit(book, shard, command).await?;
        if let Reply::Case(case) = opened {
            taken.cases.push(case.id.clone());
        }
    }
    let mut confirmations = BTreeMap::new();
    for (shard, totals) in &lines.by_shard {
        confirmations.insert(*shard, clearing(channel, reconciled, totals)?);
    }
    let place = place_of_clearing(channel, reconciled);
    // Before any part is booked: parts beside a clearing of the whole would book its money twice.
    if let Some(reason) = cleared_otherwise(book, channel, reconciled, &confirmations).await? {
        let opened = open_case(book, ShardCode::FIRST, place, reason).await?;
        taken.cases.extend(opened);
        return Ok(taken);
    }
    let several = confirmations.len() > 1;
    for (shard, confirmation) in confirmations {
        let command = Command::Request(Request::ConfirmClearing(confirmation));
        match submit(book, shard, command).await {
            Ok(_) => taken.cleared = true,
            // What the bill proves is taken all the same; which bill is right, a person finds out.
            Err(ReconcileError::ClearedBefore(reason)) => {
                let place = match several {
                    true => format!("{place}/{shard}"),
                    false => place.clone(),
                };
                taken
                    .cases
                    .extend(open_case(book, shard, place, reason).await?);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

fn place_of_clearing(channel: Channel, reconciled: &Reconciled) -> String {
    let date = reconciled.reconciliation.statement_date.to_yyyymmdd();
    format!("{date}/{}/clearing", super::ours::channel_name(channel))
}

async fn open_case(
    book: &Book,
    shard: ShardCode,
    object: String,
    reason: String,
) -> Result<Option<String>, ReconcileError> {
    let command = Request::OpenCase(OpenCase {
        kind: CaseKind::Reconciliation,
        object,
        merchant: None,
        reason,
        amount: None,
    });
    match submit(book, shard, Command::Request(command)).await? {
        Reply::Case(case) => Ok(Some(case.id.clone())),
        _ => Ok(None),
    }
}

/// What a shard has booked for the date that is not this bill's part there: another bill, or one by
/// hand. In a book of one shard the command itself finds that out.
async fn cleared_otherwise(
    book: &Book,
    channel: Channel,
    reconciled: &Reconciled,
    confirmations: &BTreeMap<ShardCode, ConfirmClearing>,
) -> Result<Option<String>, ReconcileError> {
    if book.shard_count() == 1 {
        return Ok(None);
    }
    let key = Clearing::key_of(channel, reconciled.reconciliation.statement_date);
    let shards: Vec<_> = book.shards().zip(book.all_queries()).collect();
    let confirmations = confirmations.clone();
    let look = move || {
        for (shard, queries) in shards {
            let Some(body) = queries.record(Clearing::KIND, &key)? else {
                continue;
            };
            let known: Clearing =
                serde_json::from_slice(&body).map_err(|error| StoreError::Damaged {
                    place: format!("clearing {key} of shard {shard}"),
                    problem: error.to_string(),
                })?;
            let part = |one: &ConfirmClearing| {
                (one.gross, one.refunds, one.channel_fee)
                    == (known.gross, known.refunds, known.channel_fee)
                    && one.bill_hash == known.bill_hash
            };
            if !confirmations.get(&shard).is_some_and(part) {
                return Ok(Some(format!(
                    "shard {shard} has a clearing of the date that is not this bill's part there (gross {}, bill {}): no part was booked",
                    known.gross, known.bill_hash
                )));
            }
        }
        Ok(None)
    };
    tokio::task::spawn_blocking(look).await.map_err(|error| {
        ReconcileError::Fetch(format!("the look at clearings did not end: {error}"))
    })?
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
        Finding::NumberDiffers { amount } => {
            let number = difference.channel_number.as_deref().unwrap_or_default();
            format!("{amount} stands under the channel's number {number}, not the one in the books")
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

/// Books what the bill says the channel pays over for a shard's entries. A date that was booked before
/// stays as it is.
fn clearing(
    channel: Channel,
    reconciled: &Reconciled,
    totals: &ShardTotals,
) -> Result<ConfirmClearing, ReconcileError> {
    let currency = reconciled.reconciliation.currency;
    let money = |amount: i128| {
        i64::try_from(amount)
            .map(|amount| Money::new(amount, currency))
            .map_err(|_| ReconcileError::Refused("the bill's sums are too large".into()))
    };
    Ok(ConfirmClearing {
        channel,
        clearing_date: reconciled.reconciliation.statement_date,
        gross: money(totals.gross)?,
        refunds: money(totals.refunds)?,
        channel_fee: money(totals.fees)?,
        bill_hash: reconciled.bill_hash.clone(),
    })
}

async fn submit(book: &Book, shard: ShardCode, command: Command) -> Result<Reply, ReconcileError> {
    let outcome = book.submit(shard, Envelope::new(actor(), command)).await?;
    match outcome.result {
        Verdict::Done(reply) => Ok(reply),
        Verdict::Refused(rejection) if rejection.code == Code::AlreadyExists => {
            Err(ReconcileError::ClearedBefore(rejection.to_string()))
        }
        Verdict::Refused(rejection) => Err(ReconcileError::Refused(rejection.to_string())),
        other => Err(ReconcileError::Refused(format!("{other:?}"))),
    }
}
