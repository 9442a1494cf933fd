//! A payout that does not come to its end: after a bounded time somebody is told.

use super::ending::open_case;
use super::{Payout, PayoutStatus};
use crate::case::CaseKind;
use crate::command::{Command, Due, Fact};
use crate::context::Context;
use engine::Interrupt;
use jiff::{SignedDuration, Timestamp};

fn key(id: &str) -> String {
    format!("payout/{id}")
}

fn timer(cx: &Context<'_, '_>, id: &str) -> (Timestamp, Command) {
    let seconds = i64::from(cx.settings.payout_overdue_after_seconds);
    let due = Due::Payout {
        payout: id.to_owned(),
    };
    let at = cx.tx.now() + SignedDuration::from_secs(seconds);
    (at, Command::Fact(Fact::Due(due)))
}

/// Watches a payout whose id this command issued.
pub(super) fn watch_new(cx: &mut Context<'_, '_>, id: &str) -> Result<(), Interrupt> {
    let (at, command) = timer(cx, id);
    cx.tx.schedule_new(at, &key(id), &command)
}

/// Watches a payout from now on.
pub(super) fn watch(cx: &mut Context<'_, '_>, id: &str) -> Result<(), Interrupt> {
    let (at, command) = timer(cx, id);
    cx.tx.schedule(at, &key(id), &command)
}

pub(super) fn unwatch(cx: &mut Context<'_, '_>, id: &str) -> Result<(), Interrupt> {
    cx.tx.cancel(&key(id))
}

/// Its time is over: a case, and everything else goes on as before.
pub(crate) fn due(cx: &mut Context<'_, '_>, id: &str) -> Result<(), Interrupt> {
    let payout = cx.tx.expect::<Payout>(id)?;
    let reason = match payout.status {
        PayoutStatus::Succeeded | PayoutStatus::Failed | PayoutStatus::Returned => return Ok(()),
        // Has its case, or that of the sign that holds it, which says more.
        PayoutStatus::Stranded | PayoutStatus::Held => return Ok(()),
        PayoutStatus::WaitingForReserve => {
            "the reserve does not cover it, or an earlier one that waits: top the reserve up, wait for \
             clearing, or cancel it"
        }
        PayoutStatus::Processing => "the channel still has it under way: ask the channel",
        PayoutStatus::Created
        | PayoutStatus::Unknown
        | PayoutStatus::Declined
        | PayoutStatus::Cancelling => {
            "no word of the channel on what became of it: it is asked after on and on; ask the channel, \
             or cancel it"
        }
    };
    let amount = payout.amount;
    open_case(
        cx,
        &payout,
        CaseKind::PayoutOverdue,
        reason.to_owned(),
        amount,
    )
}
