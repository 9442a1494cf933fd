//! Ordering, querying and closing.

use super::books::{Trade, TradeState};
use super::core::{Event, WechatCore};
use super::refusal::Refusal;
use super::request::{NativeOrder, check_merchant};
use super::view;
use crate::clock::later;
use crate::fault::{ApiOperation, Fault};
use jiff::Timestamp;
use serde_json::{Value, json};

/// An order without `time_expire` closes after seven days.
const EXPIRES_AFTER_MILLIS: u64 = 7 * 24 * 3_600_000;

impl WechatCore {
    /// `POST /v3/pay/transactions/native`: the answer's JSON.
    ///
    /// # Errors
    /// The channel's refusal.
    pub fn create_order(
        &mut self,
        merchant_id: &str,
        order: NativeOrder,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        self.advance(now);
        let merchant = self
            .merchants
            .get(merchant_id)
            .ok_or_else(Refusal::order_not_exist)?;
        let existing = merchant.books.trades.get(&order.out_trade_no);
        if let Some(trade) = existing {
            return match trade.state {
                TradeState::Paid(_) => Err(Refusal::order_paid()),
                TradeState::Closed { .. } => Err(Refusal::order_closed()),
                TradeState::NotPaid if trade.request != order => Err(Refusal::reentry()),
                TradeState::NotPaid => Ok(json!({"code_url": trade.code_url})),
            };
        }
        let expires = order.check(merchant_id, &merchant.terms.app_id, now)?;
        let expires_at = expires.unwrap_or_else(|| later(now, EXPIRES_AFTER_MILLIS));
        let auto_pay = merchant.terms.auto_pay;
        let number = self.next_number();
        let code_url = format!(
            "weixin://wxpay/bizpayurl/up?pr={}{number:x}",
            self.random.text(9)
        );
        let names = (merchant_id.to_owned(), order.out_trade_no.clone());
        self.code_urls.insert(code_url.clone(), names.clone());
        let (merchant_id, out_trade_no) = names;
        self.agenda.enter(
            expires_at,
            Event::OrderExpires {
                merchant_id: merchant_id.clone(),
                out_trade_no: out_trade_no.clone(),
            },
        );
        if let Some(auto) = auto_pay.filter(|auto| !self.random.strikes(auto.abandon_ppm)) {
            let spread = self.random.below(auto.spread_millis.saturating_add(1));
            let wait = auto.after_millis.saturating_add(spread);
            self.agenda.enter(
                later(now, wait),
                Event::PayerDecides {
                    merchant_id: merchant_id.clone(),
                    out_trade_no,
                },
            );
        }
        let answer = json!({"code_url": code_url});
        if let Some(merchant) = self.merchants.get_mut(&merchant_id) {
            let trade = open_trade(order, code_url, now, expires_at);
            merchant
                .books
                .trades
                .insert(trade.out_trade_no.clone(), trade);
        }
        Ok(answer)
    }

    /// Query by the merchant's number: the answer's JSON.
    ///
    /// # Errors
    /// The channel's refusal.
    pub fn query_order(
        &mut self,
        merchant_id: &str,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        self.advance(now);
        self.merchants
            .get(merchant_id)
            .and_then(|m| Some((&m.terms, m.books.trades.get(out_trade_no)?)))
            .map(|(terms, trade)| view::trade(terms, trade))
            .ok_or_else(Refusal::order_not_exist)
    }

    /// Query by WeChat's number: the answer's JSON.
    ///
    /// # Errors
    /// The channel's refusal.
    pub fn query_transaction(
        &mut self,
        merchant_id: &str,
        transaction_id: &str,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        self.advance(now);
        self.merchants
            .get(merchant_id)
            .and_then(|m| Some((&m.terms, m.books.trade_by_transaction(transaction_id)?)))
            .map(|(terms, trade)| view::trade(terms, trade))
            .ok_or_else(Refusal::order_not_exist)
    }

    /// Close; closing a closed order again succeeds.
    ///
    /// # Errors
    /// The channel's refusal: unknown or paid.
    pub fn close_order(
        &mut self,
        merchant_id: &str,
        mchid: &str,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.advance(now);
        check_merchant(mchid, merchant_id)?;
        let state = self
            .books(merchant_id)
            .and_then(|books| books.trades.get(out_trade_no))
            .map(|trade| trade.state.clone())
            .ok_or_else(Refusal::order_not_exist)?;
        match state {
            TradeState::Paid(_) => Err(Refusal::order_paid()),
            TradeState::Closed { .. } => Ok(()),
            TradeState::NotPaid => self.close_unpaid(merchant_id, out_trade_no, now),
        }
    }

    fn close_unpaid(
        &mut self,
        merchant_id: &str,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let race =
            |fault: &Fault| matches!(fault, Fault::PayBeforeClose | Fault::PayAfterClose { .. });
        match self.strike(merchant_id, Some(ApiOperation::CloseOrder), race) {
            Some(Fault::PayBeforeClose) => {
                self.take_payment(merchant_id, out_trade_no, now);
                return Err(Refusal::order_paid());
            }
            Some(Fault::PayAfterClose { millis }) => self.agenda.enter(
                later(now, millis),
                Event::PaymentGoesThrough {
                    merchant_id: merchant_id.to_owned(),
                    out_trade_no: out_trade_no.to_owned(),
                },
            ),
            _ => {}
        }
        self.close_if_unpaid(merchant_id, out_trade_no, now);
        Ok(())
    }
}

fn open_trade(
    order: NativeOrder,
    code_url: String,
    created_at: Timestamp,
    expires_at: Timestamp,
) -> Trade {
    Trade {
        out_trade_no: order.out_trade_no.clone(),
        description: order.description.clone(),
        attach: order.attach.clone().unwrap_or_default(),
        notify_url: order.notify_url.clone(),
        total_fen: order.amount.total,
        code_url,
        created_at,
        expires_at,
        state: TradeState::NotPaid,
        refunds: Vec::new(),
        request: order,
    }
}
