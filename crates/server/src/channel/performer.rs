//! Performs effects: requests to channels and deliveries to merchants.

use super::driver::{Exchange, HttpDriver};
use crate::book::{Book, Tenure};
use crate::metrics::Metrics;
use crate::state::Connectors;
use crate::webhook::{self, Delivery, Message, WebhookSecret, WebhookSender};
use channels::{Channel, Operation, PayeeAccount, Report};
use domain::webhook::WebhookEndpoint;
use domain::{Answer, Effect, QingyuanApp, report_of};
use engine::runtime::{Job, Lane, Performer};
use engine::{EffectReport, Record, ShardCode};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Why nothing is sent any more.
const LOST: &str = "the shard is written by another server now";

/// Longest time between the beginning of an attempt and its request. A process that stood still in between would send
/// what people have decided about meanwhile: they wait only for as long as a request may be on its way.
const SENDING_DELAY_MAX: SignedDuration = SignedDuration::from_secs(15);

/// Deliveries to one endpoint at a time.
const ENDPOINT_PARALLEL: usize = 4;

/// The performer of the outbox.
#[derive(Clone)]
pub struct ChannelPerformer {
    book: Book,
    /// Whose effects are performed; secrets are read there.
    shard: ShardCode,
    tenure: Tenure,
    connectors: Connectors,
    driver: HttpDriver,
    webhooks: WebhookSender,
    metrics: Arc<Metrics>,
}

impl ChannelPerformer {
    pub(crate) fn new(
        book: Book,
        connectors: Connectors,
        driver: HttpDriver,
        webhooks: WebhookSender,
        metrics: Arc<Metrics>,
    ) -> ChannelPerformer {
        ChannelPerformer {
            book,
            shard: ShardCode::FIRST,
            tenure: Tenure::default(),
            connectors,
            driver,
            webhooks,
            metrics,
        }
    }

    /// The same for the effects of a shard, sent only while the shard is this server's. What is under
    /// way when that ends counts as maybe sent for the next holder, who asks first and waits for the
    /// arrival bound, which is far longer than a request may take.
    pub fn for_shard(&self, shard: ShardCode, tenure: Tenure) -> ChannelPerformer {
        ChannelPerformer {
            shard,
            tenure,
            ..self.clone()
        }
    }

    /// Makes one request to a channel, begun now, and reads its answer.
    pub async fn exchange(&self, channel: Channel, operation: &Operation) -> Report {
        let begun_at = self.book.clock().now();
        self.exchange_begun(channel, operation, begun_at).await
    }

    async fn exchange_begun(
        &self,
        channel: Channel,
        operation: &Operation,
        begun_at: Timestamp,
    ) -> Report {
        // The book's clock does not believe jumps, and stands while the machine is suspended.
        let by_wall = Timestamp::now();
        let Some(connector) = self.connectors.get(channel) else {
            return not_sent("no connector is configured for this channel");
        };
        let payee = match payee_of(operation) {
            None => None,
            Some(vault_id) => match self.payee(vault_id).await {
                Ok(payee) => Some(payee),
                Err(reason) => return not_sent(reason),
            },
        };
        let Ok(nonce) = new_nonce() else {
            return not_sent("the system gives no random numbers");
        };
        let sent_at = self.book.clock().now();
        let request = match connector.request(operation, payee.as_ref(), sent_at, &nonce) {
            Ok(request) => request,
            Err(error) => return not_sent(error.to_string()),
        };
        drop(payee);
        // Once more: the vault may have been long in answering.
        if !self.tenure.holds() {
            return not_sent(LOST);
        }
        let delay = self.book.clock().now().duration_since(begun_at);
        if delay.max(Timestamp::now().duration_since(by_wall)) > SENDING_DELAY_MAX {
            return not_sent("the process stood still before it could send");
        }
        match self.driver.exchange(request).await {
            Exchange::Response(response) => {
                connector.parse(operation, &response, self.book.clock().now())
            }
            Exchange::NotSent { reason } => Report::NotSent { reason },
            Exchange::Unknown { reason } => Report::Unknown { reason },
        }
    }

    async fn payee(&self, vault_id: &str) -> Result<PayeeAccount, String> {
        let bytes = self.secret(vault_id).await?;
        serde_json::from_slice(&bytes).map_err(|_| "the payee in the vault cannot be read".into())
    }

    async fn secret(&self, vault_id: &str) -> Result<zeroize::Zeroizing<Vec<u8>>, String> {
        let (book, shard, id) = (self.book.clone(), self.shard, vault_id.to_owned());
        match tokio::task::spawn_blocking(move || book.open_secret(shard, &id)).await {
            Ok(Ok(Some(bytes))) => Ok(bytes),
            Ok(Ok(None)) => Err("the vault entry is gone".into()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(format!("the vault could not be read: {error}")),
        }
    }

    async fn endpoint(&self, merchant: &str) -> Result<WebhookEndpoint, String> {
        let queries = self.book.queries(self.shard).cloned();
        let queries = queries.ok_or("the shard is not one of this book")?;
        let key = merchant.to_owned();
        let read = move || queries.record(WebhookEndpoint::KIND, &key);
        let found = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| format!("the endpoint could not be read: {error}"))?
            .map_err(|error| error.to_string())?
            .ok_or("the endpoint is gone")?;
        let endpoint: WebhookEndpoint =
            serde_json::from_slice(&found).map_err(|_| "the endpoint cannot be read")?;
        if endpoint.enabled {
            Ok(endpoint)
        } else {
            Err("the endpoint is switched off".into())
        }
    }

    /// The endpoint and secret are read at each attempt, so that a corrected URL serves what waits.
    async fn deliver(&self, merchant: &str, event: &str, payload: &str) -> EffectReport<Answer> {
        let endpoint = match self.endpoint(merchant).await {
            Ok(endpoint) => endpoint,
            Err(reason) => return EffectReport::NotSent { reason },
        };
        let secret = match self.secret(&endpoint.secret_vault_id).await {
            Ok(bytes) => WebhookSecret::from_vault(&bytes).map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        let secret = match secret {
            Ok(secret) => secret,
            Err(reason) => return EffectReport::NotSent { reason },
        };
        let body = match webhook::body(payload) {
            Ok(body) => body,
            Err(error) => {
                let reason = format!("the event cannot be shown: {error}");
                return EffectReport::NotSent { reason };
            }
        };
        let message = Message {
            id: event,
            url: &endpoint.url,
            body: body.get().as_bytes(),
        };
        if !self.tenure.holds() {
            return EffectReport::NotSent {
                reason: LOST.to_owned(),
            };
        }
        // Receivers compare the signature's time with their own clock, which is real.
        let at = jiff::Timestamp::now();
        match self.webhooks.deliver(message, &secret, at).await {
            Delivery::Delivered { status } => EffectReport::Answered {
                answer: Answer::Delivered { status },
            },
            Delivery::Declined { status } => EffectReport::Unknown {
                reason: format!("the endpoint answered {status}"),
            },
            Delivery::Failed { reason } => EffectReport::Unknown { reason },
        }
    }
}

impl Performer<QingyuanApp> for ChannelPerformer {
    fn lane(&self, effect: &Effect) -> Lane {
        match effect {
            Effect::Channel { channel, .. } => Lane::named(target(*channel)),
            Effect::Webhook { endpoint, .. } => {
                Lane::named(format!("webhook {endpoint}")).at_most(ENDPOINT_PARALLEL)
            }
        }
    }

    async fn perform(&self, job: Job<Effect>) -> EffectReport<Answer> {
        if !self.tenure.holds() {
            return EffectReport::NotSent {
                reason: LOST.to_owned(),
            };
        }
        let sent = job.effect.operation(job.mode);
        let (target, report) = match (&job.effect, sent) {
            (
                Effect::Channel {
                    channel, operation, ..
                },
                Some(sent),
            ) => {
                let report = self.exchange_begun(*channel, &sent, job.begun_at).await;
                (target(*channel), report_of(operation, &sent, report))
            }
            (
                Effect::Webhook {
                    endpoint,
                    event,
                    payload,
                    ..
                },
                _,
            ) => ("webhook", self.deliver(endpoint, event, payload).await),
            (Effect::Channel { channel, .. }, None) => {
                let reason = "the effect has no operation".to_owned();
                (target(*channel), EffectReport::Unknown { reason })
            }
        };
        self.metrics.attempt(target, outcome(&report));
        report
    }
}

fn payee_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Payout { payee, .. } => Some(payee),
        _ => None,
    }
}

fn not_sent(reason: impl Into<String>) -> Report {
    Report::NotSent {
        reason: reason.into(),
    }
}

/// 32 hexadecimal digits from the system's random numbers.
fn new_nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

fn target(channel: Channel) -> &'static str {
    match channel {
        Channel::Wechat => "wechat",
        Channel::Unionpay => "unionpay",
    }
}

fn outcome(report: &EffectReport<Answer>) -> &'static str {
    match report {
        EffectReport::Answered { .. } => "answered",
        EffectReport::Pending => "pending",
        EffectReport::NotFound => "not_found",
        EffectReport::NotSent { .. } => "not_sent",
        EffectReport::Unknown { .. } => "unknown",
    }
}
