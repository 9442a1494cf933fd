//! Webhooks: merchants are told what happened, with the state as of the event.
//!
//! An event is part of the batch that made it true, so none is lost; it may arrive more than once and
//! out of order, which its id and time let the receiver see.

mod command;
mod record;

pub use command::{ResendWebhook, SetWebhook};
pub use record::{Delivery, DeliveryStatus, EventType, WebhookEndpoint};

use crate::context::Context;
use crate::effect::{Answer, Effect};
use crate::merchant;
use crate::rejection::{Refusable, Rejection, broken};
use crate::text;
use calendar::rfc3339_shanghai;
use engine::{EffectNews, EffectPolicy, EffectRecord, Interrupt, Repeat, Tx};
use serde::Serialize;
use std::sync::Arc;

/// Twelve attempts over about eleven hours.
const POLICY: EffectPolicy = EffectPolicy {
    repeat: Repeat::Always,
    pause_seconds: 10,
    pause_seconds_max: 21_600,
    attempts_max: Some(12),
};

/// Tells the merchant, if it has an endpoint. `object` is written as it is now.
pub(crate) fn notify(
    tx: &mut Tx<'_>,
    merchant: &str,
    event_type: EventType,
    object_id: &str,
    object: &impl Serialize,
) -> Result<(), Interrupt> {
    let endpoint = tx.get::<WebhookEndpoint>(merchant)?;
    if !endpoint.is_some_and(|endpoint| endpoint.enabled) {
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
    let effect = send(tx, merchant, &id, event_type, &payload)?;
    tx.put_new(Delivery {
        id,
        merchant: merchant.to_owned(),
        event_type,
        object: object_id.to_owned(),
        payload,
        effect,
        status: DeliveryStatus::Pending,
        attempts: 0,
        last_problem: None,
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
    tx.emit(&effect, POLICY)
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
        (EffectNews::Answered, Some(Answer::Delivered { status })) => {
            delivery.status = DeliveryStatus::Delivered;
            delivery.http_status = Some(*status);
        }
        (EffectNews::Stranded, _) => delivery.status = DeliveryStatus::Failed,
        _ => {}
    }
    delivery.updated_at = cx.tx.now();
    cx.tx.put(delivery)
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
