//! What the dispatcher learned about a payout's effect.

use super::ending::{give_back, open_case, state};
use super::{Payout, PayoutStatus, save};
use crate::case::CaseKind;
use crate::context::Context;
use crate::effect::{Answer, Effect, Subject, reference_of};
use channels::answer::{Answer as Statement, Refusal};
use channels::operation::{Channel, Operation};
use engine::{EffectNews, EffectPolicy, EffectRecord, Interrupt, Repeat};
use jiff::SignedDuration;

/// Takes the news of an effect about a payout.
pub(crate) fn effect_news(
    cx: &mut Context<'_, '_>,
    record: &EffectRecord,
    channel: Channel,
    id: &str,
    news: EffectNews,
    answer: Option<&Answer>,
) -> Result<(), Interrupt> {
    let payout = cx.tx.expect::<Payout>(id)?;
    if let Some(Answer::Channel(Statement::Payout {
        payout: reference,
        state: found,
    })) = answer
    {
        return state(cx, channel, reference, found);
    }
    let mut payout = (*payout).clone();
    if (news, answer) == (EffectNews::Late, None) && is_called_unpaid(&payout) {
        return under_way_after_all(cx, &payout);
    }
    if !payout.status.is_open() {
        return Ok(());
    }
    let own_effect = payout.effect.as_deref() == Some(record.id.as_str());
    match (news, answer) {
        (EffectNews::Answered, Some(Answer::Refused(refusal))) if own_effect => {
            declined(cx, payout, refusal)
        }
        // It said "in progress" and "not known" in turn, and nothing is left that asks it.
        (EffectNews::Answered, Some(Answer::Absent))
            if payout.status == PayoutStatus::Processing =>
        {
            stranded(cx, payout)
        }
        (EffectNews::Answered, Some(Answer::Absent)) => still_declined(cx, payout),
        (EffectNews::Pending, _) => {
            payout.status = PayoutStatus::Processing;
            save(cx.tx, payout)
        }
        (EffectNews::Unknown, _) if own_effect && is_under_way(payout.status) => {
            payout.status = PayoutStatus::Unknown;
            save(cx.tx, payout)
        }
        (EffectNews::Absent, _) if own_effect && payout.status == PayoutStatus::Cancelling => {
            give_back(cx, payout, None)
        }
        (EffectNews::Absent, _) if own_effect => stranded(cx, payout),
        (EffectNews::Stranded, _) => stranded(cx, payout),
        _ => Ok(()),
    }
}

/// Nobody has decided or stopped anything: the channel's silence is the news.
fn is_under_way(status: PayoutStatus) -> bool {
    matches!(
        status,
        PayoutStatus::Created | PayoutStatus::Processing | PayoutStatus::Unknown
    )
}

/// People said so, not the channel.
fn is_called_unpaid(payout: &Payout) -> bool {
    payout.status == PayoutStatus::Failed && payout.resolution.is_some() && payout.refusal.is_none()
}

/// The merchant has its money again, and the payee may get it too.
fn under_way_after_all(cx: &mut Context<'_, '_>, payout: &Payout) -> Result<(), Interrupt> {
    let reason =
        "the channel says under way, after the payout had been returned to the merchant".to_owned();
    open_case(cx, payout, CaseKind::Contradiction, reason, payout.amount)?;
    ask(cx, payout, 0)
}

/// The request was declined. That is no proof about an earlier attempt of it, so the channel is
/// asked; its answer about the payout itself decides.
fn declined(
    cx: &mut Context<'_, '_>,
    mut payout: Payout,
    refusal: &Refusal,
) -> Result<(), Interrupt> {
    payout.status = PayoutStatus::Declined;
    payout.refusal = Some(refusal.clone());
    ask(cx, &payout, 0)?;
    save(cx.tx, payout)
}

/// Declined, and the channel knows nothing of it. Asked once more after the longest time the
/// request may be under way; then a person decides.
fn still_declined(cx: &mut Context<'_, '_>, mut payout: Payout) -> Result<(), Interrupt> {
    if payout.status != PayoutStatus::Declined {
        return Ok(());
    }
    payout.refusal_queries += 1;
    if payout.refusal_queries > 1 && payout.cancel_reason.is_some() {
        // Two people stopped it before; nothing of it can be on its way any more.
        return give_back(cx, payout, None);
    }
    if payout.refusal_queries > 1 {
        let reason =
            "declined by the channel, which does not know it either: decide whether it was paid"
                .to_owned();
        payout.status = PayoutStatus::Stranded;
        let amount = payout.amount;
        open_case(cx, &payout, CaseKind::PayoutDeclined, reason, amount)?;
    } else {
        let bound = cx.settings.payout_arrival_bound_seconds;
        ask(cx, &payout, bound)?;
    }
    save(cx.tx, payout)
}

/// Has the channel asked how it stands, until it says so or many questions were in vain.
pub(super) fn ask(
    cx: &mut Context<'_, '_>,
    payout: &Payout,
    after_seconds: u32,
) -> Result<(), Interrupt> {
    let effect = Effect::Channel {
        channel: payout.channel,
        operation: Operation::QueryPayout {
            payout: reference_of(&payout.id),
            submitted_at: payout.submitted_at,
        },
        subject: Subject::Payout {
            payout: payout.id.clone(),
        },
    };
    let policy = EffectPolicy {
        repeat: Repeat::Always,
        pause_seconds: 10,
        pause_seconds_max: 1_800,
        attempts_max: Some(60),
    };
    let at = cx.tx.now() + SignedDuration::from_secs(i64::from(after_seconds));
    cx.tx.emit_at(&effect, policy, at).map(|_| ())
}

fn stranded(cx: &mut Context<'_, '_>, mut payout: Payout) -> Result<(), Interrupt> {
    payout.status = PayoutStatus::Stranded;
    let reason =
        "no automatic step is left: the money stays in transit until a bill or two people decide"
            .to_owned();
    let amount = payout.amount;
    open_case(cx, &payout, CaseKind::PayoutStranded, reason, amount)?;
    save(cx.tx, payout)
}
