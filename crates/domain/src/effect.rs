//! What has to happen outside, and what came of it.

use crate::webhook::EventType;
use channels::answer::{Answer as Statement, PayoutState, RefundState, Refusal, Report};
use channels::operation::{Channel, ChannelReference, Operation};
use engine::{AttemptMode, EffectReport};
use serde::{Deserialize, Serialize};

/// The object an operation is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum Subject {
    /// A payment.
    Payment {
        /// `pay_…`
        payment: String,
    },
    /// A refund.
    Refund {
        /// `ref_…`
        refund: String,
    },
    /// A payout.
    Payout {
        /// `pot_…`
        payout: String,
    },
}

/// Something to be done outside after the batch is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// An operation of a channel.
    Channel {
        /// The channel.
        channel: Channel,
        /// The operation, complete.
        operation: Operation,
        /// What it is about.
        subject: Subject,
    },
    /// A delivery to a merchant's server.
    Webhook {
        /// Key of the `webhook_endpoint` record (the merchant's id).
        endpoint: String,
        /// `evt_…`, sent as the message id.
        event: String,
        /// What happened.
        event_type: EventType,
        /// The exact body.
        payload: String,
    },
}

/// A verified final statement about an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The channel says how the object stands.
    Channel(Statement),
    /// A query's answer: the channel verifiably has no such object.
    Absent,
    /// The channel verifiably declined the request and did nothing. Says nothing about earlier
    /// attempts of it.
    Refused(Refusal),
    /// The merchant's server accepted the delivery.
    Delivered {
        /// HTTP status, 200 to 299.
        status: u16,
    },
}

/// Number of an object at the channel: its id without the prefix, shard code first.
pub fn reference_of(id: &str) -> ChannelReference {
    ChannelReference(id.split_once('_').map_or(id, |(_, body)| body).to_owned())
}

impl Effect {
    /// The operation a dispatcher performs in a mode: the effect itself, or the question after it.
    /// `None` for deliveries.
    pub fn operation(&self, mode: AttemptMode) -> Option<Operation> {
        let Effect::Channel { operation, .. } = self else {
            return None;
        };
        if mode == AttemptMode::Send {
            return Some(operation.clone());
        }
        Some(match operation {
            Operation::CreateOrder { order, .. } | Operation::CloseOrder { order } => {
                Operation::QueryOrder {
                    order: order.clone(),
                }
            }
            Operation::Refund { refund, .. } => Operation::QueryRefund {
                refund: refund.clone(),
            },
            Operation::Payout {
                payout,
                submitted_at,
                ..
            } => Operation::QueryPayout {
                payout: payout.clone(),
                submitted_at: *submitted_at,
            },
            other => other.clone(),
        })
    }
}

/// What a channel's report on the operation that was sent means for the effect it was sent for.
///
/// Here an uncertain outcome could become a certain one, so: only a statement about the effect's own
/// object is an answer; "not found" ends a question but never a request; a declined question says
/// nothing about the request it asked after.
pub fn report_of(effect: &Operation, sent: &Operation, report: Report) -> EffectReport<Answer> {
    let asked_after = effect != sent;
    match report {
        Report::Answered { answer } => answered(effect, answer),
        Report::NotFound if is_question(effect) => EffectReport::Answered {
            answer: Answer::Absent,
        },
        Report::NotFound => EffectReport::NotFound,
        Report::Refused { refusal } if refusal.later || asked_after || is_query(effect) => {
            EffectReport::NotSent {
                reason: format!("declined: {:.32} {:.120}", refusal.code, refusal.message),
            }
        }
        Report::Refused { refusal } => EffectReport::Answered {
            answer: Answer::Refused(refusal),
        },
        Report::NotSent { reason } => EffectReport::NotSent { reason },
        Report::Unknown { reason } => EffectReport::Unknown { reason },
    }
}

fn answered(effect: &Operation, answer: Statement) -> EffectReport<Answer> {
    if !is_about(effect, &answer) {
        return EffectReport::Unknown {
            reason: "the answer is about another object".to_owned(),
        };
    }
    let under_way = matches!(
        answer,
        Statement::Refund {
            state: RefundState::Processing,
            ..
        } | Statement::Payout {
            state: PayoutState::Processing,
            ..
        }
    );
    if under_way {
        return EffectReport::Pending;
    }
    EffectReport::Answered {
        answer: Answer::Channel(answer),
    }
}

fn is_query(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::QueryOrder { .. }
            | Operation::QueryRefund { .. }
            | Operation::QueryPayout { .. }
    )
}

/// Ended by "there is no such object".
fn is_question(operation: &Operation) -> bool {
    is_query(operation) || matches!(operation, Operation::CloseOrder { .. })
}

fn is_about(operation: &Operation, answer: &Statement) -> bool {
    match (operation, answer) {
        (Operation::CreateOrder { .. }, Statement::OrderCreated { .. }) => true,
        (
            Operation::CreateOrder { order, .. }
            | Operation::QueryOrder { order }
            | Operation::CloseOrder { order },
            Statement::Order { order: found, .. },
        ) => order == found,
        (
            Operation::Refund { refund, .. } | Operation::QueryRefund { refund },
            Statement::Refund { refund: found, .. },
        ) => refund == found,
        (
            Operation::Payout { payout, .. } | Operation::QueryPayout { payout, .. },
            Statement::Payout { payout: found, .. },
        ) => payout == found,
        _ => false,
    }
}
