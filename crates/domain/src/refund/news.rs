//! What the dispatcher learned about a refund's effect.

use super::ending::{closed, is_ended_by_people, open_case, state};
use super::{Refund, RefundStatus, save};
use crate::case::CaseKind;
use crate::context::Context;
use crate::effect::{Answer, Effect, Subject, reference_of};
use channels::answer::{Answer as Statement, Refusal};
use channels::operation::{Channel, Operation};
use engine::{EffectNews, EffectPolicy, EffectRecord, Interrupt, Repeat};
use jiff::SignedDuration;

/// Takes the news of an effect about a refund.
pub(crate) fn effect_news(
    cx: &mut Context<'_, '_>,
    record: &EffectRecord,
    channel: Channel,
    id: &str,
    news: EffectNews,
    answer: Option<&Answer>,
) -> Result<(), Interrupt> {
    if let Some(Answer::Channel(Statement::Refund {
        refund,
        state: found,
    })) = answer
    {
        return state(cx, channel, refund, found);
    }
    let refund = cx.tx.expect::<Refund>(id)?;
    if (news, answer) == (EffectNews::Late, None) && is_ended_by_people(&refund) {
        return under_way_after_all(cx, &refund);
    }
    if !refund.status.is_open()
        || matches!(
            refund.status,
            RefundStatus::Abnormal | RefundStatus::Stranded
        )
    {
        return Ok(());
    }
    let mut refund = (*refund).clone();
    let own_effect = record.id == refund.effect;
    match (news, answer) {
        (EffectNews::Answered, Some(Answer::Refused(refusal))) if own_effect => {
            // Refused after it had been "under way": a repetition was, the refund may still be.
            let has_arrived = record.arrived || refund.status == RefundStatus::Processing;
            declined(cx, refund, refusal, has_arrived)
        }
        (EffectNews::Answered, Some(Answer::Absent)) if refund.status == RefundStatus::Declined => {
            still_declined(cx, refund)
        }
        (EffectNews::Pending, _) => {
            refund.status = RefundStatus::Processing;
            save(cx.tx, refund)
        }
        (EffectNews::Unknown, _) if own_effect => {
            refund.status = RefundStatus::Unknown;
            save(cx.tx, refund)
        }
        // It said "in progress" and "not known" in turn, and nothing is left that asks it.
        (EffectNews::Answered, Some(Answer::Absent))
            if refund.status == RefundStatus::Processing =>
        {
            stranded(cx, refund)
        }
        (EffectNews::Stranded | EffectNews::Absent, _) => stranded(cx, refund),
        _ => Ok(()),
    }
}

fn stranded(cx: &mut Context<'_, '_>, mut refund: Refund) -> Result<(), Interrupt> {
    refund.status = RefundStatus::Stranded;
    let amount = refund.amount;
    let reason =
        "no automatic step is left: the money stays in transit until a person decides".to_owned();
    open_case(cx, &refund, CaseKind::RefundStranded, reason, amount)?;
    save(cx.tx, refund)
}

/// The payer was paid in another way, or the merchant has its money again, and the channel may pay too.
fn under_way_after_all(cx: &mut Context<'_, '_>, refund: &Refund) -> Result<(), Interrupt> {
    let reason = "the channel says under way, after two people had ended the refund".to_owned();
    open_case(cx, refund, CaseKind::Contradiction, reason, refund.amount)?;
    ask(cx, refund, 0)
}

/// The request was declined, which says nothing of an earlier attempt of it: the channel is asked.
fn declined(
    cx: &mut Context<'_, '_>,
    mut refund: Refund,
    refusal: &Refusal,
    has_arrived: bool,
) -> Result<(), Interrupt> {
    refund.status = if has_arrived {
        RefundStatus::Processing
    } else {
        RefundStatus::Declined
    };
    refund.refusal = Some(refusal.clone());
    ask(cx, &refund, 0)?;
    save(cx.tx, refund)
}

/// Declined, and the channel knows nothing of it. An earlier attempt may still be under way, so it is
/// asked once more after the longest time that may take; not known then, it came to nothing.
fn still_declined(cx: &mut Context<'_, '_>, mut refund: Refund) -> Result<(), Interrupt> {
    refund.refusal_queries += 1;
    if refund.refusal_queries > 1 {
        return closed(cx, refund);
    }
    let bound = cx.settings.refund_arrival_bound_seconds;
    ask(cx, &refund, bound)?;
    save(cx.tx, refund)
}

/// Has the channel asked how it stands, until it says so or many questions were in vain.
pub(super) fn ask(
    cx: &mut Context<'_, '_>,
    refund: &Refund,
    after_seconds: u32,
) -> Result<(), Interrupt> {
    let effect = Effect::Channel {
        channel: refund.channel,
        operation: Operation::QueryRefund {
            refund: reference_of(&refund.id),
        },
        subject: Subject::Refund {
            refund: refund.id.clone(),
        },
    };
    let policy = EffectPolicy {
        repeat: Repeat::Always,
        pause_seconds: 5,
        pause_seconds_max: 3_600,
        attempts_max: Some(60),
    };
    let at = cx.tx.now() + SignedDuration::from_secs(i64::from(after_seconds));
    cx.tx.emit_at(&effect, policy, at).map(|_| ())
}
