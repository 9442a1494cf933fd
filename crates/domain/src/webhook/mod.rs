//! Webhooks: merchants are told what happened, with the state as of the event.
//!
//! An event is part of the batch that made it true, so none is lost; it may arrive more than once and
//! out of order, which its id and time let the receiver see.

mod command;
mod record;

pub use command::{ResendWebhook, SetWebhook};
pub use record::{Delivery, DeliveryStatus, EventType, WebhookEndpoint};

use crate::case::{self, CaseKind, Finding};
use crate::context::Context;
use crate::effect::{Answer, Effect};
use crate::merchant;
use crate::rejection::{Refusable, Rejection, broken};
use crate::text;
use calendar::rfc3339_shanghai;
use engine::{EffectNews, EffectPolicy, EffectRecord, Interrupt, Repeat, Tx};
use jiff::SignedDuration;
use serde::Serialize;
use std::sync::Arc;

/// Pauses are up to so much shorter, so that the events of an outage do not come back all at once.
const JITTER_PERCENT: u8 = 25;

/// Days without one delivery after which an endpoint is switched off.
const FAILING_DAYS_MAX: i64 = 5;

/// Hours after which the next failure is another outage: nothing says how the endpoint was in between.
const SAME_OUTAGE_HOURS: i64 = 24;

/// Fifteen attempts over about a day: what was wrong on a night is seen to in the morning.
const POLICY: EffectPolicy = EffectPolicy {
    repeat: Repeat::Always,
    pause_seconds: 10,
    pause_seconds_max: 21_600,
    attempts_max: Some(15),
};

/// Tells the merchant, if it has an endpoint. `object` is written as it is now.
pub(crate) fn notify(
    tx: &mut Tx<'_>,
    merchant: &str,
    event_type: EventType,
    object_id: &str,
    object: &impl Serialize,
) -> Result<(), Interrupt> {
    let Some(endpoint) = tx.get::<WebhookEndpoint>(merchant)? else {
        return Ok(());
    };
    // Who switched it off wants nothing; whose endpoint we switched off can have the events later.
    if !endpoint.enabled && endpoint.disabled_at.is_none() {
        return Ok(());
    }
    let id = tx.new_id("evt");
    let now = tx.now();
    let payload = serde_json::to_string(&Payload {
        id: &id,
        event_type: event_type.name(),
        created_at: rfc3339_shanghai(now),
        data: object,
    })
    .map_err(broken)?;
    let (effect, status, problem) = if endpoint.enabled {
        let effect = send(tx, merchant, &id, event_type, &payload)?;
        (effect, DeliveryStatus::Pending, None)
    } else {
        let problem = "not sent: the endpoint was switched off after failing for too long";
        (
            String::new(),
            DeliveryStatus::Failed,
            Some(problem.to_owned()),
        )
    };
    tx.put_new(Delivery {
        id,
        merchant: merchant.to_owned(),
        event_type,
        object: object_id.to_owned(),
        payload,
        effect,
        status,
        attempts: 0,
        last_problem: problem,
        http_status: None,
        created_at: now,
        updated_at: now,
        business_date: tx.business_date(),
    })
}

#[derive(Serialize)]
struct Payload<'a, T> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    created_at: String,
    data: &'a T,
}

fn send(
    tx: &mut Tx<'_>,
    merchant: &str,
    event: &str,
    event_type: EventType,
    payload: &str,
) -> Result<String, Interrupt> {
    let effect = Effect::Webhook {
        endpoint: merchant.to_owned(),
        event: event.to_owned(),
        event_type,
        payload: payload.to_owned(),
    };
    tx.emit_jittered(&effect, POLICY, JITTER_PERCENT)
}

/// Takes the news of a delivery into its log.
pub(crate) fn effect_news(
    cx: &mut Context<'_, '_>,
    record: &EffectRecord,
    event: &str,
    news: EffectNews,
    answer: Option<&Answer>,
) -> Result<(), Interrupt> {
    let Some(delivery) = cx.tx.get::<Delivery>(event)? else {
        return Ok(());
    };
    if delivery.effect != record.id || delivery.status == DeliveryStatus::Delivered {
        return Ok(());
    }
    let mut delivery = (*delivery).clone();
    delivery.attempts = record.attempts;
    delivery.last_problem = record.last_problem.clone();
    match (news, answer) {
        (EffectNews::Answered | EffectNews::Late, Some(Answer::Delivered { status })) => {
            delivery.status = DeliveryStatus::Delivered;
            delivery.http_status = Some(*status);
        }
        (EffectNews::Stranded, _) => delivery.status = DeliveryStatus::Failed,
        _ => {}
    }
    delivery.updated_at = cx.tx.now();
    let merchant = delivery.merchant.clone();
    cx.tx.put(delivery)?;
    // A verdict of the endpoint, or none: it was asked. What was not sent says nothing of it.
    let asked = record.sent_at == Some(cx.tx.now());
    match news {
        EffectNews::Answered | EffectNews::Late => recovered(cx.tx, &merchant),
        EffectNews::Unknown | EffectNews::Stranded if asked => failing(cx.tx, &merchant),
        _ => Ok(()),
    }
}

fn recovered(tx: &mut Tx<'_>, merchant: &str) -> Result<(), Interrupt> {
    match tx.get::<WebhookEndpoint>(merchant)? {
        Some(endpoint) if endpoint.failing_since.is_some() => tx.put(WebhookEndpoint {
            failing_since: None,
            failed_at: None,
            ..(*endpoint).clone()
        }),
        _ => Ok(()),
    }
}

/// Notes that an endpoint fails, and switches it off when it has for too long.
fn failing(tx: &mut Tx<'_>, merchant: &str) -> Result<(), Interrupt> {
    let Some(endpoint) = tx.get::<WebhookEndpoint>(merchant)? else {
        return Ok(());
    };
    if !endpoint.enabled {
        return Ok(());
    }
    let now = tx.now();
    let goes_on = endpoint
        .failed_at
        .is_some_and(|last| now < last + SignedDuration::from_hours(SAME_OUTAGE_HOURS));
    let since = endpoint.failing_since.filter(|_| goes_on).unwrap_or(now);
    let for_too_long = now >= since + SignedDuration::from_hours(24 * FAILING_DAYS_MAX);
    tx.put(WebhookEndpoint {
        failing_since: Some(since),
        failed_at: Some(now),
        enabled: !for_too_long,
        disabled_at: for_too_long.then_some(now),
        ..(*endpoint).clone()
    })?;
    if !for_too_long {
        return Ok(());
    }
    let reason = format!(
        "no webhook has arrived since {}: the endpoint was switched off. Tell the merchant; when it \
         sets the endpoint anew, deliver its failed events again",
        rfc3339_shanghai(since)
    );
    case::open(
        tx,
        Finding {
            kind: CaseKind::WebhookFailing,
            object: merchant,
            merchant: Some(merchant),
            reason,
            amount: None,
        },
    )?;
    Ok(())
}

/// Sets the endpoint of a merchant.
pub(crate) fn set(
    cx: &mut Context<'_, '_>,
    command: &SetWebhook,
) -> Refusable<Arc<WebhookEndpoint>> {
    let merchant = merchant::named(cx.tx, &command.merchant)?;
    text::plain("url", &command.url, 500)?;
    text::number("secret_vault_id", &command.secret_vault_id)?;
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| command.url.strip_prefix(scheme));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/') || host.contains('@')) {
        return Err(Rejection::field(
            "url",
            "the URL must be absolute, with http or https and no user name",
        )
        .into());
    }
    let updated_at = cx.tx.now();
    cx.tx.put(WebhookEndpoint {
        merchant: merchant.id.clone(),
        url: command.url.clone(),
        secret_vault_id: command.secret_vault_id.clone(),
        enabled: command.enabled,
        failing_since: None,
        failed_at: None,
        disabled_at: None,
        updated_at,
    })?;
    Ok(cx.tx.expect(&merchant.id)?)
}

/// Delivers an event again, under the same id and with the same body.
pub(crate) fn resend(
    cx: &mut Context<'_, '_>,
    command: &ResendWebhook,
) -> Refusable<Arc<Delivery>> {
    let delivery = cx
        .tx
        .get::<Delivery>(&command.event)?
        .filter(|delivery| delivery.merchant == command.merchant);
    let delivery = delivery.ok_or_else(|| Rejection::not_found("event", &command.event))?;
    let mut delivery = (*delivery).clone();
    cx.tx.settle_effect(&delivery.effect)?;
    delivery.effect = send(
        cx.tx,
        &delivery.merchant,
        &delivery.id,
        delivery.event_type,
        &delivery.payload,
    )?;
    delivery.status = DeliveryStatus::Pending;
    delivery.updated_at = cx.tx.now();
    cx.tx.put(delivery)?;
    Ok(cx.tx.expect(&command.event)?)
}
