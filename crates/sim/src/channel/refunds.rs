//! Refunds at the channel: the same number is the same refund.

use super::books::{OrderStanding, RefundEntry, RefundStanding};
use super::{Event, SimChannel, refusal, seconds};
use channels::answer::{Answer, RefundState, Report};
use channels::operation::{Channel, ChannelReference};
use money::Money;

impl SimChannel {
    pub(super) fn refund(
        &mut self,
        order: &ChannelReference,
        refund: &ChannelReference,
        amount: Money,
    ) -> Report {
        if let Some(entry) = self.books.refunds.get(&refund.0) {
            if entry.amount != amount || entry.order != order.0 {
                return Report::Refused {
                    refusal: refusal("PARAM_ERROR", false),
                };
            }
            return Report::Answered {
                answer: refund_answer(&refund.0, entry),
            };
        }
        let Some(paid) = self.books.orders.get(&order.0) else {
            return Report::Refused {
                refusal: refusal("RESOURCE_NOT_EXISTS", false),
            };
        };
        let given_back: i64 = self
            .books
            .refunds
            .values()
            .filter(|entry| entry.order == order.0 && entry.standing != RefundStanding::Closed)
            .map(|entry| entry.amount.amount())
            .sum();
        let is_paid = matches!(paid.standing, OrderStanding::Paid { .. });
        if !is_paid || given_back + amount.amount() > paid.amount.amount() {
            return Report::Refused {
                refusal: refusal("INVALID_REQUEST", false),
            };
        }
        let entry = RefundEntry {
            order: order.0.clone(),
            amount,
            created_at: self.now,
            number: format!("wr{}", self.number()),
            standing: RefundStanding::Processing,
        };
        let answer = refund_answer(&refund.0, &entry);
        self.books.refunds.insert(refund.0.clone(), entry);
        let delay = self.duration();
        let refund = refund.0.clone();
        self.agenda
            .add(self.now + delay, Event::RefundEnds { refund });
        Report::Answered { answer }
    }

    /// How long a refund or a payout takes.
    pub(super) fn duration(&mut self) -> jiff::SignedDuration {
        if self.rng.chance(self.manners.slow) {
            seconds(self.rng.between(600, 20_000))
        } else {
            seconds(self.rng.between(0, 60))
        }
    }

    pub(super) fn refund_ends(&mut self, refund: &str) {
        let closed = self.rng.chance(self.manners.refund_closed);
        let abnormal = self.rng.chance(self.manners.refund_abnormal);
        let now = self.now;
        let Some(entry) = self.books.refunds.get_mut(refund) else {
            return;
        };
        entry.standing = if closed {
            RefundStanding::Closed
        } else if abnormal {
            RefundStanding::Abnormal
        } else {
            RefundStanding::Succeeded(now)
        };
        let answer = refund_answer(refund, entry);
        self.announce(Channel::Wechat, &answer);
    }

    pub(super) fn query_refund(&mut self, refund: &ChannelReference) -> Report {
        let Some(entry) = self.books.refunds.get(&refund.0).cloned() else {
            return Report::NotFound;
        };
        if self.is_hidden(entry.created_at) {
            return Report::NotFound;
        }
        Report::Answered {
            answer: refund_answer(&refund.0, &entry),
        }
    }
}

fn refund_answer(refund: &str, entry: &RefundEntry) -> Answer {
    let state = match entry.standing {
        RefundStanding::Processing => RefundState::Processing,
        RefundStanding::Closed => RefundState::Closed,
        RefundStanding::Abnormal => RefundState::Abnormal,
        RefundStanding::Succeeded(at) => RefundState::Succeeded {
            channel_number: entry.number.clone(),
            amount: entry.amount,
            refunded_at: at,
        },
    };
    Answer::Refund {
        refund: ChannelReference(refund.to_owned()),
        state,
    }
}
