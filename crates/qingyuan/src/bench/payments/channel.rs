//! A channel that answers at once, in the process and without cryptography, so that the benchmark
//! measures the books and not RSA.

use channels::answer::{OrderState, Payer};
use channels::http::{Request, Response};
use channels::operation::{Operation, PayeeAccount};
use channels::{
    Channel, ChannelReference, Connector, ConnectorError, Notification, NotificationError, Report,
};
use domain::{Answer, Effect, QingyuanApp};
use engine::EffectReport;
use engine::runtime::{Job, Performer};
use jiff::Timestamp;
use money::{Currency, Money};
use serde::{Deserialize, Serialize};

/// What the channel says when somebody paid. Nothing signs it: only for measuring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidNotice<'a> {
    /// The order.
    pub order: &'a str,
    /// The channel's number of the trade.
    pub number: &'a str,
    /// What was paid, in fen.
    pub amount: i64,
}

/// Reads notices; requests never get as far as a connector.
pub struct PlainConnector;

impl Connector for PlainConnector {
    fn channel(&self) -> Channel {
        Channel::Wechat
    }

    fn merchant_id(&self) -> &str {
        "benchmark"
    }

    fn request(
        &self,
        _operation: &Operation,
        _payee: Option<&PayeeAccount>,
        _at: Timestamp,
        _nonce: &str,
    ) -> Result<Request, ConnectorError> {
        Err(ConnectorError::Unsupported {
            channel: Channel::Wechat,
            operation: "anything over HTTP",
        })
    }

    fn parse(&self, _operation: &Operation, _response: &Response, _at: Timestamp) -> Report {
        Report::Unknown {
            reason: "the benchmark's channel is asked nothing".to_owned(),
        }
    }

    fn notification(
        &self,
        _headers: &[(String, String)],
        body: &[u8],
        at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        let notice: PaidNotice<'_> =
            serde_json::from_slice(body).map_err(|error| NotificationError::Malformed {
                reason: error.to_string(),
            })?;
        Ok(Notification {
            id: notice.number.to_owned(),
            answer: channels::Answer::Order {
                order: ChannelReference(notice.order.to_owned()),
                state: OrderState::Paid {
                    channel_number: notice.number.to_owned(),
                    amount: Money::new(notice.amount, Currency::CNY),
                    paid_at: at,
                    instrument: None,
                    payer: Some(Payer::of(notice.order)),
                },
            },
        })
    }
}

/// Performs effects by saying that they are done.
pub struct InstantChannel;

impl Performer<QingyuanApp> for InstantChannel {
    async fn perform(&self, job: Job<Effect>) -> EffectReport<Answer> {
        match &job.effect {
            Effect::Channel {
                operation: Operation::CreateOrder { order, .. },
                ..
            } => EffectReport::Answered {
                answer: Answer::Channel(channels::Answer::OrderCreated {
                    code_url: format!("weixin://wxpay/bizpayurl?pr={}", order.0),
                }),
            },
            other => EffectReport::NotSent {
                reason: format!("the benchmark has no use for {other:?}"),
            },
        }
    }
}
