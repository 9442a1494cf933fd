//! What a channel says of an order, a refund or a payout.

use super::fen;
use channels::answer::{Answer as Statement, OrderState, PayoutState, RefundState, Refusal};
use domain::reference_of;
use jiff::Timestamp;

pub fn order_paid(
    payment: &str,
    channel_number: &str,
    amount: i64,
    paid_at: Timestamp,
) -> Statement {
    let state = OrderState::Paid {
        channel_number: channel_number.into(),
        amount: fen(amount),
        paid_at,
        instrument: None,
        payer: None,
    };
    order_is(payment, state)
}

pub fn order_is(payment: &str, state: OrderState) -> Statement {
    Statement::Order {
        order: reference_of(payment),
        state,
    }
}

pub fn refund_done(refund: &str, amount: i64, refunded_at: Timestamp) -> Statement {
    let state = RefundState::Succeeded {
        channel_number: format!("wxr-{refund}"),
        amount: fen(amount),
        refunded_at,
    };
    refund_is(refund, state)
}

pub fn refund_is(refund: &str, state: RefundState) -> Statement {
    Statement::Refund {
        refund: reference_of(refund),
        state,
    }
}

pub fn payout_done(payout: &str, amount: i64) -> Statement {
    let state = PayoutState::Succeeded {
        channel_number: format!("upq-{payout}"),
        amount: fen(amount),
        settle_date: Some("0303".into()),
    };
    payout_is(payout, state)
}

pub fn payout_failed(payout: &str) -> Statement {
    payout_is(payout, PayoutState::Failed { refusal: refusal() })
}

pub fn payout_is(payout: &str, state: PayoutState) -> Statement {
    Statement::Payout {
        payout: reference_of(payout),
        state,
    }
}

pub fn refusal() -> Refusal {
    Refusal {
        code: "61".into(),
        message: "card number invalid".into(),
        later: false,
    }
}
