//! Orders at the channel, and the people who pay them.

use super::books::{OrderEntry, OrderStanding};
use super::{Event, SimChannel, refusal, seconds};
use channels::answer::{Answer, OrderState, Payer, Report};
use channels::operation::{Channel, ChannelReference};
use jiff::Timestamp;
use money::Money;

/// People who pay.
const PAYERS: usize = 12;

impl SimChannel {
    pub(super) fn create_order(
        &mut self,
        order: &str,
        amount: Money,
        expires_at: Timestamp,
    ) -> Report {
        let now = self.now;
        if let Some(entry) = self.books.orders.get(order) {
            let code = match entry.standing {
                _ if entry.amount != amount => "PARAM_ERROR",
                OrderStanding::Awaiting => return registered(order),
                OrderStanding::Paid { .. } => "ORDERPAID",
                OrderStanding::Closed => "ORDER_CLOSED",
            };
            return Report::Refused {
                refusal: refusal(code, false),
            };
        }
        if expires_at <= now {
            return Report::Refused {
                refusal: refusal("PARAM_ERROR", false),
            };
        }
        let entry = OrderEntry {
            amount,
            payer: format!("payer-{}", self.books.orders.len() % PAYERS),
            created_at: now,
            expires_at,
            standing: OrderStanding::Awaiting,
            shown: false,
            confirming: false,
            denied: false,
        };
        self.books.orders.insert(order.to_owned(), entry);
        let order = order.to_owned();
        let report = registered(&order);
        self.agenda.add(expires_at, Event::OrderExpires { order });
        report
    }

    /// The payer sees the code: from here on he may pay, soon, late or never.
    pub fn show(&mut self, order: &str) {
        let Some(entry) = self.books.orders.get_mut(order) else {
            return;
        };
        if entry.shown || self.rng.chance(self.manners.never_paid) {
            entry.shown = true;
            return;
        }
        entry.shown = true;
        let life = entry.expires_at.duration_since(self.now).as_secs().max(1);
        let delay = if self.rng.chance(self.manners.paid_late) {
            self.rng.between(life.saturating_sub(30).max(0), life + 5)
        } else {
            self.rng.between(1, life.min(300))
        };
        let order = order.to_owned();
        let at = self.now + seconds(delay);
        self.agenda.add(at, Event::PayerPays { order });
    }

    pub(super) fn payer_pays(&mut self, order: &str) {
        let now = self.now;
        let payable = self.books.orders.get(order).is_some_and(|entry| {
            entry.standing == OrderStanding::Awaiting && now < entry.expires_at
        });
        if payable {
            self.paid(order);
        }
    }

    fn paid(&mut self, order: &str) {
        let number = format!("wx{}", self.number());
        let now = self.now;
        if let Some(entry) = self.books.orders.get_mut(order) {
            entry.standing = OrderStanding::Paid { number, at: now };
            let answer = order_answer(order, entry);
            self.announce(Channel::Wechat, &answer);
        }
    }

    pub(super) fn order_expires(&mut self, order: &str) {
        if let Some(entry) = self.books.orders.get_mut(order)
            && entry.standing == OrderStanding::Awaiting
        {
            entry.standing = OrderStanding::Closed;
        }
    }

    pub(super) fn late_success(&mut self, order: &str) {
        self.paid(order);
    }

    pub(super) fn query_order(&mut self, order: &ChannelReference) -> Report {
        let Some(entry) = self.books.orders.get(&order.0) else {
            return Report::NotFound;
        };
        let hidden = self.is_hidden(entry.created_at);
        match self.books.orders.get_mut(&order.0) {
            Some(entry) if !hidden => Report::Answered {
                answer: order_answer(&order.0, entry),
            },
            Some(entry) => {
                entry.denied = true;
                Report::NotFound
            }
            None => Report::NotFound,
        }
    }

    pub(super) fn close_order(&mut self, order: &ChannelReference) -> Report {
        let Some(entry) = self.books.orders.get_mut(&order.0) else {
            return Report::NotFound;
        };
        if let OrderStanding::Paid { .. } = entry.standing {
            return Report::Refused {
                refusal: refusal("ORDERPAID", false),
            };
        }
        let was_open = entry.standing == OrderStanding::Awaiting;
        entry.standing = OrderStanding::Closed;
        let answer = order_answer(&order.0, entry);
        let can_turn = was_open && entry.shown && !entry.confirming;
        if can_turn && self.rng.chance(self.manners.late_success) {
            entry.confirming = true;
            let order = order.0.clone();
            let at = self.now + seconds(self.rng.between(1, 600));
            self.agenda.add(at, Event::LateSuccess { order });
        }
        Report::Answered { answer }
    }

    /// Something young is sometimes not found yet.
    pub(super) fn is_hidden(&mut self, created_at: Timestamp) -> bool {
        let age = self.now.duration_since(created_at).as_secs();
        age < self.manners.young_seconds && self.rng.chance(self.manners.early_not_found)
    }
}

fn registered(order: &str) -> Report {
    Report::Answered {
        answer: Answer::OrderCreated {
            code_url: format!("weixin://wxpay/bizpayurl?pr={order}"),
        },
    }
}

fn order_answer(order: &str, entry: &OrderEntry) -> Answer {
    let state = match &entry.standing {
        OrderStanding::Awaiting => OrderState::AwaitingPayer,
        OrderStanding::Closed => OrderState::Closed,
        OrderStanding::Paid { number, at } => OrderState::Paid {
            channel_number: number.clone(),
            amount: entry.amount,
            paid_at: *at,
            instrument: None,
            payer: Some(Payer::of(&entry.payer)),
        },
    };
    Answer::Order {
        order: ChannelReference(order.to_owned()),
        state,
    }
}
