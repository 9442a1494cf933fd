//! A collecting channel and a payout channel in one, with books of their own, and their lies.
//!
//! Works on the level of [`Operation`] and [`Report`]: no bytes, no signatures. Requests travel: they
//! are lost, arrive late (up to the arrival bound), are carried out while their answer is lost. What the
//! channel did is in its [`books`](SimChannel::books) and nowhere else; those are the judge at the end.

mod books;
mod manners;
mod orders;
mod payouts;
mod refunds;

pub use books::{
    Books, OrderEntry, OrderStanding, PayoutEntry, PayoutStanding, RefundEntry, RefundStanding,
};
pub use manners::Manners;

use crate::agenda::Agenda;
use crate::rng::Rng;
use channels::answer::{Answer, Notification, Refusal, Report};
use channels::operation::{Channel, Operation};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Our side gives up waiting for an answer.
pub const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// Number of one request on its way.
pub type ExchangeId = u64;

/// Something that happens at the channel at a time.
#[derive(Debug, Clone)]
enum Event {
    Arrive {
        exchange: ExchangeId,
        operation: Operation,
        fate: Fate,
    },
    PayerPays {
        order: String,
    },
    OrderExpires {
        order: String,
    },
    LateSuccess {
        order: String,
    },
    RefundEnds {
        refund: String,
    },
    PayoutEnds {
        payout: String,
    },
    Notify {
        channel: Channel,
        notification: Notification,
    },
}

/// What becomes of a request that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    AnswerLost,
    Unreadable,
    Declined { later: bool },
}

/// The simulated channels.
#[derive(Debug)]
pub struct SimChannel {
    rng: Rng,
    manners: Manners,
    agenda: Agenda<Event>,
    books: Books,
    answers: BTreeMap<ExchangeId, Report>,
    notifications: Vec<(Channel, Notification)>,
    next_exchange: ExchangeId,
    next_number: u64,
    now: Timestamp,
}

/// A request was handed to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Under which its report is found.
    pub exchange: ExchangeId,
    /// When our side has a report of it.
    pub report_at: Timestamp,
}

impl SimChannel {
    /// Channels without any books.
    pub fn new(rng: Rng, manners: Manners, now: Timestamp) -> SimChannel {
        SimChannel {
            rng,
            manners,
            agenda: Agenda::default(),
            books: Books::default(),
            answers: BTreeMap::new(),
            notifications: Vec::new(),
            next_exchange: 1,
            next_number: 1,
            now,
        }
    }

    /// What really happened.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// From now on everything works and nobody lies.
    pub fn heal(&mut self) {
        self.manners = Manners::honest();
    }

    /// When something happens next.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.agenda.next()
    }

    /// Lets time pass at the channel.
    pub fn advance(&mut self, to: Timestamp) {
        while let Some((at, event)) = self.agenda.due(to) {
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(to);
    }

    /// Notifications that arrive at our door.
    pub fn take_notifications(&mut self) -> Vec<(Channel, Notification)> {
        std::mem::take(&mut self.notifications)
    }

    /// Sends a request off.
    pub fn send(&mut self, operation: &Operation, now: Timestamp) -> Sent {
        let exchange = self.next_exchange;
        self.next_exchange += 1;
        let rng = &mut self.rng;
        let manners = &self.manners;
        let there = seconds(rng.between(0, 2));
        let back = seconds(rng.between(0, 2));
        let answered = Sent {
            exchange,
            report_at: now + there + back,
        };
        let unanswered = Sent {
            exchange,
            report_at: now + TIMEOUT,
        };
        if rng.chance(manners.not_connected) {
            let reason = "connection refused".to_owned();
            self.answers.insert(exchange, Report::NotSent { reason });
            return answered;
        }
        if rng.chance(manners.request_lost) {
            return unanswered;
        }
        let (sent, arrives_at, fate) = if rng.chance(manners.delayed) {
            let delay = rng.between(11, manners.delay_seconds_max.max(11));
            (unanswered, now + seconds(delay), Fate::AnswerLost)
        } else if rng.chance(manners.answer_lost) {
            (unanswered, now + there, Fate::AnswerLost)
        } else if rng.chance(manners.unreadable) {
            (answered, now + there, Fate::Unreadable)
        } else if rng.chance(manners.declined) {
            let later = rng.chance(600);
            (answered, now + there, Fate::Declined { later })
        } else {
            (answered, now + there, Fate::Answered)
        };
        let operation = operation.clone();
        self.agenda.add(
            arrives_at,
            Event::Arrive {
                exchange,
                operation,
                fate,
            },
        );
        sent
    }

    /// What our side has of a request when its time is over.
    pub fn report(&mut self, exchange: ExchangeId) -> Report {
        let report = self.answers.remove(&exchange);
        report.unwrap_or_else(|| Report::Unknown {
            reason: "no answer in time".into(),
        })
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive {
                exchange,
                operation,
                fate,
            } => self.arrive(exchange, &operation, fate),
            Event::PayerPays { order } => self.payer_pays(&order),
            Event::OrderExpires { order } => self.order_expires(&order),
            Event::LateSuccess { order } => self.late_success(&order),
            Event::RefundEnds { refund } => self.refund_ends(&refund),
            Event::PayoutEnds { payout } => self.payout_ends(&payout),
            Event::Notify {
                channel,
                notification,
            } => self.notifications.push((channel, notification)),
        }
    }

    fn arrive(&mut self, exchange: ExchangeId, operation: &Operation, fate: Fate) {
        if let Fate::Declined { later } = fate {
            let refusal = refusal("SYSTEM_BUSY", later);
            self.answers.insert(exchange, Report::Refused { refusal });
            return;
        }
        let report = match operation {
            Operation::CreateOrder {
                order,
                amount,
                expires_at,
                ..
            } => self.create_order(&order.0, *amount, *expires_at),
            Operation::QueryOrder { order } => self.query_order(order),
            Operation::CloseOrder { order } => self.close_order(order),
            Operation::Refund {
                order,
                refund,
                amount,
                ..
            } => self.refund(order, refund, *amount),
            Operation::QueryRefund { refund } => self.query_refund(refund),
            Operation::Payout { payout, amount, .. } => self.payout(payout, *amount),
            Operation::QueryPayout { payout, .. } => self.query_payout(payout),
            Operation::TradeBill { .. } | Operation::DownloadBill { .. } => Report::Answered {
                answer: Answer::NoBill,
            },
        };
        match fate {
            Fate::Answered => {
                self.answers.insert(exchange, report);
            }
            Fate::Unreadable => {
                let reason = "the channel answered with a code nobody knows".to_owned();
                self.answers.insert(exchange, Report::Unknown { reason });
            }
            Fate::AnswerLost | Fate::Declined { .. } => {}
        }
    }

    /// Announces a final state: once, often, late, or not at all.
    fn announce(&mut self, channel: Channel, answer: &Answer) {
        let id = format!("ntf{}", self.number());
        let copies = if self.rng.chance(self.manners.notification_lost) {
            0
        } else if self.rng.chance(self.manners.notification_repeated) {
            self.rng.between(2, 4)
        } else {
            1
        };
        for _ in 0..copies {
            let delay = if self.rng.chance(self.manners.notification_late) {
                self.rng.between(60, 20_000)
            } else {
                self.rng.between(0, 5)
            };
            let notification = Notification {
                id: id.clone(),
                answer: answer.clone(),
            };
            let at = self.now + seconds(delay);
            self.agenda.add(
                at,
                Event::Notify {
                    channel,
                    notification,
                },
            );
        }
    }

    /// A number of the channel's own.
    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn refusal(code: &str, later: bool) -> Refusal {
    Refusal {
        code: code.to_owned(),
        message: format!("{code} said the simulated channel"),
        later,
    }
}
