//! Taking a comparison into the books: evidence as facts, contradictions as cases, and the clearing.

use super::compare::Lines;
use super::text::{fitting_object, fitting_reason};
use super::totals::Part;
use super::{ReconcileError, Reconciled};
use crate::book::{Book, route};
use calendar::{BusinessDate, instant_at, shanghai_date};
use channels::operation::{Channel, ChannelReference};
use channels::wechat::bill::{BillKind, BillRefundStatus, BillRow};
use domain::case::{Case, CaseKind, CaseStatus, OpenCase};
use domain::clearing::{Clearing, ConfirmClearing};
use domain::{BillLine, Code, Command, Fact, Rejection, Reply, Request};
use engine::store::StoreError;
use engine::{Actor, Envelope, Record, ShardCode, Verdict};
use jiff::Timestamp;
use money::Money;
use recon::{Difference, EntryKind, EntryStatus, Finding};
use serde::Serialize;
use std::collections::BTreeMap;

/// What was done with the differences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Lines that the books now follow (or hold in suspense).
    pub facts: u64,
    /// Cases that are open for them, by id. What people have closed is not opened again.
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
    let now = book.clock().now();
    let date = reconciled.reconciliation.statement_date;
    for difference in &reconciled.reconciliation.differences {
        let line = difference.line.and_then(|line| lines.unmatched.get(&line));
        let fact = line
            .filter(|_| is_news(difference))
            .and_then(|line| evidence(line, date, now));
        let followed = fact.is_some();
        if let Some(line) = fact {
            let command = Command::Fact(Fact::BillLine { channel, line });
            let shard = book.shard_for(&route(&command));
            submit(book, shard, command).await?;
            taken.facts += 1;
        }
        // Beside the object it is about, so that its owner finds both.
        let reference = difference.id.as_str().rsplit_once("/our:");
        let shard = reference.map_or(ShardCode::FIRST, |(_, reference)| {
            book.shard_of_reference(reference)
        });
        let command = Command::Request(Request::OpenCase(case(difference, line, followed)));
        taken.cases.extend(opened(book, shard, command).await?);
    }
    let parts = lines.totals.parts(reconciled.reconciliation.currency)?;
    let confirmations: BTreeMap<_, _> = parts
        .into_iter()
        .map(|(shard, part)| (shard, clearing(channel, reconciled, part)))
        .collect();
    let place = place_of_clearing(channel, reconciled);
    // Before any part is booked: parts beside a clearing of the whole would book its money twice.
    if let Some(reason) = cleared_otherwise(book, channel, reconciled, &confirmations).await? {
        let opened = open_case(book, ShardCode::FIRST, place, reason).await?;
        taken.cases.extend(opened);
        return Ok(taken);
    }
    let several = confirmations.len() > 1;
    for (shard, confirmation) in confirmations {
        match confirm(book, shard, confirmation).await? {
            Confirmed::Booked { case } => {
                taken.cleared = true;
                if let Some(case) = case
                    && is_open(book, shard, &case).await?
                {
                    taken.cases.push(case);
                }
            }
            // What the bill proves is taken all the same; which bill is right, a person finds out.
            Confirmed::Otherwise(reason) => {
                let place = match several {
                    true => format!("{place}/{shard}"),
                    false => place.clone(),
                };
                taken
                    .cases
                    .extend(open_case(book, shard, place, reason).await?);
            }
        }
    }
    Ok(taken)
}

/// What became of a shard's part of the clearing.
enum Confirmed {
    /// It is booked, now or before; with the case about what the channel does not settle.
    Booked { case: Option<String> },
    /// The date was cleared by a bill of other content.
    Otherwise(String),
}

async fn confirm(
    book: &Book,
    shard: ShardCode,
    confirmation: ConfirmClearing,
) -> Result<Confirmed, ReconcileError> {
    let bill_hash = confirmation.bill_hash.clone();
    let command = Command::Request(Request::ConfirmClearing(confirmation));
    match verdict(book, shard, command).await? {
        Verdict::Refused(rejection) if rejection.code == Code::AlreadyExists => Ok(
            Confirmed::Otherwise(format!("bill {bill_hash}: {rejection}")),
        ),
        other => Ok(Confirmed::Booked {
            case: match done(other)? {
                Reply::Clearing { clearing, .. } => clearing.case.clone(),
                _ => None,
            },
        }),
    }
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
    let command = Command::Request(Request::OpenCase(OpenCase {
        kind: CaseKind::Reconciliation,
        object,
        merchant: None,
        reason: fitting_reason(&reason),
        amount: None,
    }));
    opened(book, shard, command).await
}

/// Asks for a case; none where it was closed before.
async fn opened(
    book: &Book,
    shard: ShardCode,
    command: Command,
) -> Result<Option<String>, ReconcileError> {
    Ok(match submit(book, shard, command).await? {
        Reply::Case(case) if case.status != CaseStatus::Closed => Some(case.id.clone()),
        _ => None,
    })
}

async fn is_open(book: &Book, shard: ShardCode, case: &str) -> Result<bool, ReconcileError> {
    let Some(queries) = book.queries(shard).cloned() else {
        return Ok(false);
    };
    let id = case.to_owned();
    let look = move || {
        let Some(body) = queries.record(Case::KIND, &id)? else {
            return Ok(false);
        };
        let case: Case = serde_json::from_slice(&body).map_err(|error| StoreError::Damaged {
            place: format!("case {id}"),
            problem: error.to_string(),
        })?;
        Ok(case.status != CaseStatus::Closed)
    };
    tokio::task::spawn_blocking(look).await.map_err(|error| {
        ReconcileError::Fetch(format!("the look at a case did not end: {error}"))
    })?
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
    let bill_hash = reconciled.bill_hash.clone();
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
                    && one.unsettled.as_ref().map(|rest| rest.amount) == known.unsettled
                    && one.bill_hash == known.bill_hash
            };
            if !confirmations.get(&shard).is_some_and(part) {
                return Ok(Some(format!(
                    "bill {bill_hash}: shard {shard} has a clearing of the date that is not this bill's part there (gross {}, bill {}): no part was booked",
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

/// The line tells of money that the books may lack: it is taken as a fact. An order's second trade is one
/// as well, however it was told of before: the books know each trade once.
fn is_news(difference: &Difference) -> bool {
    match difference.finding {
        Finding::TheirsOnly { .. } => true,
        Finding::Duplicate { other_number, .. } => {
            other_number && difference.kind == EntryKind::Payment
        }
        _ => false,
    }
}

/// A bill line as a statement of the channel; none where the line is no success.
fn evidence(line: &BillRow, date: BusinessDate, now: Timestamp) -> Option<BillLine> {
    match (&line.kind, &line.refund) {
        (BillKind::Payment, _) => Some(BillLine::Payment {
            order: ChannelReference(line.our_reference.clone()),
            channel_number: line.channel_number.clone(),
            amount: line.amount,
            paid_at: line.traded_at,
        }),
        (BillKind::Refund, Some(refund)) if refund.status == BillRefundStatus::Succeeded => {
            Some(BillLine::Refund {
                refund: ChannelReference(refund.our_reference.clone()),
                channel_number: refund.channel_number.clone(),
                amount: refund.amount,
                refunded_at: on_the_date(line.traded_at, date, now),
            })
        }
        (BillKind::Refund, _) => None,
    }
}

/// A refund's line may carry the time of the payment that it gives back. Its own is on the bill's date,
/// or the next comparison would miss the refund there and find it elsewhere.
fn on_the_date(traded_at: Timestamp, date: BusinessDate, now: Timestamp) -> Timestamp {
    if shanghai_date(traded_at) == date {
        traded_at
    } else if shanghai_date(now) == date {
        now
    } else {
        instant_at(date, 23, 59, 59)
    }
}

/// The case of a difference. What a taken line brought into the books stands where the fact put it,
/// with a case of its own where that is nobody's: this one is about nothing more, or the same money
/// could be adjusted twice.
fn case(difference: &Difference, line: Option<&BillRow>, followed: bool) -> OpenCase {
    let amount = match difference.finding {
        Finding::TheirsOnly { amount, .. } | Finding::Duplicate { amount, .. } if followed => {
            Some(Money::zero(amount.currency()))
        }
        _ => difference
            .effect()
            .ok()
            .and_then(|effect| effect.checked_abs().ok())
            .map(|effect| effect_with_deduction(effect, difference, line)),
    };
    let place = difference
        .line
        .map(|line| format!("line {line}: "))
        .unwrap_or_default();
    OpenCase {
        kind: CaseKind::Reconciliation,
        object: fitting_object(difference.id.as_str()),
        merchant: None,
        reason: fitting_reason(&format!("{place}{}", reason(difference, line, followed))),
        amount,
    }
}

/// The bill may deduct a refund that it does not call a success, and the clearing books what it deducts.
fn effect_with_deduction(effect: Money, difference: &Difference, line: Option<&BillRow>) -> Money {
    let deducted = line
        .filter(|_| matches!(difference.finding, Finding::StatusDiffers { .. }))
        .and_then(|line| line.refund.as_ref())
        .map(|refund| refund.settlement_amount)
        .filter(|deducted| deducted.currency() == effect.currency());
    match deducted {
        Some(deducted) if deducted.amount() > effect.amount() => deducted,
        _ => effect,
    }
}

fn reason(difference: &Difference, line: Option<&BillRow>, followed: bool) -> String {
    match difference.finding {
        Finding::AmountDiffers { ours, theirs } => {
            format!("the books say {ours}, the bill says {theirs}")
        }
        Finding::NumberDiffers { amount } => {
            let number = difference.channel_number.as_deref().unwrap_or_default();
            format!("{amount} stands under the channel's number {number}, not the one in the books")
        }
        Finding::OursOnly { amount } => format!("{amount} in the books is not on the bill"),
        Finding::TheirsOnly { amount, .. } if followed => format!(
            "{amount} on the bill was not in the books and is now; where nobody is known to own it, another case is about it"
        ),
        Finding::TheirsOnly { amount, .. } => format!("{amount} on the bill was not in the books"),
        Finding::StatusDiffers { amount, ours, .. } => {
            let status = line.and_then(|line| line.refund.as_ref());
            let word = status.map_or("", |refund| refund.status.as_str());
            let ours = match ours {
                None => "is not in the books",
                Some(EntryStatus::Succeeded) => "succeeded in the books",
                Some(EntryStatus::Pending | EntryStatus::Abnormal) => "is under way in the books",
                Some(EntryStatus::Failed) => "came to nothing in the books",
            };
            format!("{amount} {ours}, the bill says {word:.32}")
        }
        Finding::Duplicate {
            amount, first_line, ..
        } if followed => {
            let number = difference.channel_number.as_deref().unwrap_or_default();
            format!(
                "the order of line {first_line} was paid again: {amount} under the channel's number {number}, which the books have now; another case is about it"
            )
        }
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
    }
}

/// Books what the bill says the channel pays over for a shard's entries. A date that was booked before
/// stays as it is.
fn clearing(channel: Channel, reconciled: &Reconciled, part: Part) -> ConfirmClearing {
    ConfirmClearing {
        channel,
        clearing_date: reconciled.reconciliation.statement_date,
        gross: part.gross,
        refunds: part.refunds,
        channel_fee: part.channel_fee,
        unsettled: part.unsettled,
        bill_hash: reconciled.bill_hash.clone(),
    }
}

async fn submit(book: &Book, shard: ShardCode, command: Command) -> Result<Reply, ReconcileError> {
    done(verdict(book, shard, command).await?)
}

async fn verdict(
    book: &Book,
    shard: ShardCode,
    command: Command,
) -> Result<Verdict<Reply, Rejection>, ReconcileError> {
    let outcome = book.submit(shard, Envelope::new(actor(), command)).await?;
    Ok(outcome.result)
}

fn done(verdict: Verdict<Reply, Rejection>) -> Result<Reply, ReconcileError> {
    match verdict {
        Verdict::Done(reply) => Ok(reply),
        Verdict::Refused(rejection) => Err(ReconcileError::Refused(rejection.to_string())),
        other => Err(ReconcileError::Refused(format!("{other:?}"))),
    }
}
