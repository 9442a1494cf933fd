//! Refunding and its query.

use super::books::{Refund, RefundState, Trade};
use super::core::{Event, RefundEnd, WechatCore};
use super::refusal::Refusal;
use super::request::RefundOrder;
use super::view;
use crate::clock::{later, whole_second};
use crate::fault::{ApiOperation, Fault};
use calendar::shanghai_date;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const REFUNDS_PER_ORDER_MAX: usize = 50;
const REFUND_WITHIN: SignedDuration = SignedDuration::from_hours(365 * 24);

impl WechatCore {
    /// `POST /v3/refund/domestic/refunds`: the answer's JSON, `PROCESSING` at first.
    ///
    /// # Errors
    /// The channel's refusal.
    pub fn refund(
        &mut self,
        merchant_id: &str,
        order: RefundOrder,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        self.advance(now);
        order.check()?;
        let merchant = self
            .merchants
            .get(merchant_id)
            .ok_or_else(Refusal::order_not_exist)?;
        if let Some(known) = merchant.books.refunds.get(&order.out_refund_no) {
            return if known.request == order {
                Ok(view::refund(known))
            } else {
                Err(Refusal::reentry())
            };
        }
        let trade = match (&order.transaction_id, &order.out_trade_no) {
            (Some(id), _) => merchant.books.trade_by_transaction(id),
            (None, Some(number)) => merchant.books.trades.get(number),
            (None, None) => {
                return Err(Refusal::parameter(
                    "out_trade_no",
                    "or transaction_id must be given",
                ));
            }
        }
        .ok_or_else(|| Refusal::resource_not_exists("订单不存在"))?;
        let pending = merchant.books.refunded_or_pending_fen(trade);
        let transaction_id = permitted(trade, &order, pending, now)?;
        let out_trade_no = trade.out_trade_no.clone();
        let not_enough = |fault: &Fault| matches!(fault, Fault::RefundNotEnough);
        if self
            .strike(merchant_id, Some(ApiOperation::Refund), not_enough)
            .is_some()
        {
            return Err(Refusal::new(
                403,
                "NOT_ENOUGH",
                268_435_461,
                "商户可用退款余额不足",
            ));
        }
        Ok(self.accept_refund(merchant_id, order, out_trade_no, transaction_id, now))
    }

    /// `GET /v3/refund/domestic/refunds/{out_refund_no}`: the answer's JSON.
    ///
    /// # Errors
    /// The channel's refusal.
    pub fn query_refund(
        &mut self,
        merchant_id: &str,
        out_refund_no: &str,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        self.advance(now);
        self.books(merchant_id)
            .and_then(|books| books.refunds.get(out_refund_no))
            .map(view::refund)
            .ok_or_else(|| Refusal::resource_not_exists("退款单不存在"))
    }

    fn accept_refund(
        &mut self,
        merchant_id: &str,
        order: RefundOrder,
        out_trade_no: String,
        transaction_id: String,
        now: Timestamp,
    ) -> Value {
        let ends = |fault: &Fault| matches!(fault, Fault::RefundAbnormal | Fault::RefundClosed);
        let end = match self.strike(merchant_id, Some(ApiOperation::Refund), ends) {
            Some(Fault::RefundAbnormal) => RefundEnd::Abnormal,
            Some(Fault::RefundClosed) => RefundEnd::Closed,
            _ => RefundEnd::Success,
        };
        self.agenda.enter(
            later(now, self.settings.refund_millis),
            Event::RefundEnds {
                merchant_id: merchant_id.to_owned(),
                out_refund_no: order.out_refund_no.clone(),
                end,
            },
        );
        let day = shanghai_date(now).to_yyyymmdd();
        let number = self.next_number();
        let refund = Refund {
            out_refund_no: order.out_refund_no.clone(),
            refund_id: format!("5030{day}{number:017}"),
            out_trade_no,
            transaction_id,
            refund_fen: order.amount.refund,
            total_fen: order.amount.total,
            notify_url: order.notify_url.clone(),
            created_at: whole_second(now),
            ended_at: None,
            state: RefundState::Processing,
            request: order,
        };
        let answer = view::refund(&refund);
        if let Some(merchant) = self.merchants.get_mut(merchant_id) {
            if let Some(trade) = merchant.books.trades.get_mut(&refund.out_trade_no) {
                trade.refunds.push(refund.out_refund_no.clone());
            }
            merchant
                .books
                .refunds
                .insert(refund.out_refund_no.clone(), refund);
        }
        answer
    }
}

/// Checks a new refund against its order; answers the payment's number.
fn permitted(
    trade: &Trade,
    order: &RefundOrder,
    pending_fen: i64,
    now: Timestamp,
) -> Result<String, Refusal> {
    if order
        .out_trade_no
        .as_ref()
        .is_some_and(|number| *number != trade.out_trade_no)
    {
        return Err(Refusal::invalid(
            "transaction_id与out_trade_no不属于同一订单",
        ));
    }
    let Some(payment) = trade.payment() else {
        return Err(Refusal::invalid("订单未支付，不能退款"));
    };
    if order.amount.total != trade.total_fen {
        return Err(Refusal::invalid("订单金额与原订单不一致"));
    }
    let total = order.amount.refund.checked_add(pending_fen);
    if total.is_none_or(|total| total > trade.total_fen) {
        return Err(Refusal::invalid("累计退款金额超过订单金额"));
    }
    if trade.refunds.len() >= REFUNDS_PER_ORDER_MAX {
        return Err(Refusal::invalid("一笔订单最多退款50次"));
    }
    if now.duration_since(payment.paid_at) > REFUND_WITHIN {
        return Err(Refusal::invalid("订单已超过退款期限"));
    }
    Ok(payment.transaction_id.clone())
}
