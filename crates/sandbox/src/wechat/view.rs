//! Orders and refunds as WeChat writes them in answers and notifications.

use super::books::{Refund, RefundState, Trade, TradeState};
use super::core::MerchantTerms;
use calendar::rfc3339_shanghai;
use serde_json::{Value, json};

/// Answer to an order query; also the content of a payment notification.
pub(crate) fn trade(terms: &MerchantTerms, trade: &Trade) -> Value {
    let (state, description) = match (&trade.state, trade.refunds.is_empty()) {
        (TradeState::NotPaid, _) => ("NOTPAY", "订单未支付"),
        (TradeState::Closed { .. }, _) => ("CLOSED", "订单已关闭"),
        (TradeState::Paid(_), true) => ("SUCCESS", "支付成功"),
        (TradeState::Paid(_), false) => ("REFUND", "订单发生过退款"),
    };
    let mut view = json!({
        "appid": terms.app_id,
        "mchid": terms.merchant_id,
        "out_trade_no": trade.out_trade_no,
        "trade_state": state,
        "trade_state_desc": description,
        "attach": trade.attach,
        "payer": {},
        "amount": {"total": trade.total_fen, "currency": "CNY"},
    });
    let (Some(payment), Some(object)) = (trade.payment(), view.as_object_mut()) else {
        return view;
    };
    let paid = [
        ("transaction_id", json!(payment.transaction_id)),
        ("trade_type", json!("NATIVE")),
        ("bank_type", json!("OTHERS")),
        ("success_time", json!(rfc3339_shanghai(payment.paid_at))),
        ("payer", json!({"openid": payment.openid})),
        ("promotion_detail", json!([])),
        (
            "amount",
            json!({
                "total": trade.total_fen,
                "payer_total": trade.total_fen,
                "currency": "CNY",
                "payer_currency": "CNY",
            }),
        ),
    ];
    object.extend(paid.map(|(name, value)| (name.to_owned(), value)));
    view
}

/// Answer to a refund and to a refund query.
pub(crate) fn refund(refund: &Refund) -> Value {
    let mut view = json!({
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339_shanghai(refund.created_at),
        "status": status(refund.state),
        "funds_account": "UNSETTLED",
        "promotion_detail": [],
        "amount": {
            "total": refund.total_fen,
            "refund": refund.refund_fen,
            "from": [],
            "payer_total": refund.total_fen,
            "payer_refund": refund.refund_fen,
            "settlement_total": refund.total_fen,
            "settlement_refund": refund.refund_fen,
            "discount_refund": 0,
            "currency": "CNY",
        },
    });
    if let (Some(time), Some(object)) = (success_time(refund.state), view.as_object_mut()) {
        object.insert("success_time".to_owned(), json!(time));
    }
    view
}

/// Content of a refund notification.
pub(crate) fn refund_notification(merchant_id: &str, refund: &Refund) -> Value {
    let mut view = json!({
        "mchid": merchant_id,
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "refund_status": status(refund.state),
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": refund.total_fen,
            "refund": refund.refund_fen,
            "payer_total": refund.total_fen,
            "payer_refund": refund.refund_fen,
        },
    });
    if let (Some(time), Some(object)) = (success_time(refund.state), view.as_object_mut()) {
        object.insert("success_time".to_owned(), json!(time));
    }
    view
}

fn status(state: RefundState) -> &'static str {
    match state {
        RefundState::Processing => "PROCESSING",
        RefundState::Succeeded { .. } => "SUCCESS",
        RefundState::Closed => "CLOSED",
        RefundState::Abnormal => "ABNORMAL",
    }
}

fn success_time(state: RefundState) -> Option<String> {
    match state {
        RefundState::Succeeded { at, .. } => Some(rfc3339_shanghai(at)),
        _ => None,
    }
}
