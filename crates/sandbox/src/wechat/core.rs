//! The channel as a state machine: no I/O, no clock, randomness from a seed.

use super::announcement::{Announcement, REPEAT_MILLIS};
use super::books::{Books, Entry, Payment, RefundState, TradeState, fee_fen};
use super::download::Downloads;
use super::plant::PlantedDifference;
use super::view;
use crate::agenda::Agenda;
use crate::clock::whole_second;
use crate::fault::{ApiOperation, Fault, FaultPlan};
use crate::outbox::{Attempt, DeliveryCounts, Outbox};
use crate::random::Random;
use calendar::shanghai_date;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use thiserror::Error;

/// How the channel behaves towards everybody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WechatSettings {
    /// From the acceptance of a refund to its end, in milliseconds.
    pub refund_millis: u64,
    /// Hour of the following day, 0 to 23, from which a day's bill can be had; without it a
    /// bill can be had at any time, also of the day that is not over.
    pub bill_ready_hour: Option<u8>,
}

impl Default for WechatSettings {
    fn default() -> Self {
        Self {
            refund_millis: 3_000,
            bill_ready_hour: Some(9),
        }
    }
}

/// Payers that pay by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoPay {
    /// Earliest, after the order, in milliseconds.
    pub after_millis: u64,
    /// Latest is so much later, in milliseconds.
    #[serde(default)]
    pub spread_millis: u64,
    /// Share of payers that never pay, in parts per million.
    #[serde(default)]
    pub abandon_ppm: u32,
}

/// What the channel knows of a merchant, keys apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MerchantTerms {
    /// Merchant number.
    pub merchant_id: String,
    /// Application number.
    pub app_id: String,
    /// Fee in parts per million of the amount; 6000 is 0.60 %.
    pub fee_rate_ppm: u32,
    /// Whether results are announced at all.
    pub notifications: bool,
    /// Payers that pay by themselves, if any.
    pub auto_pay: Option<AutoPay>,
}

/// Why a payer cannot pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayError {
    /// There is no such order.
    #[error("there is no such order; order first")]
    NoSuchOrder,
    /// The order is paid.
    #[error("the order is already paid")]
    AlreadyPaid,
    /// The order is closed.
    #[error("the order is closed")]
    Closed,
}

pub(crate) enum Event {
    PayerDecides {
        merchant_id: String,
        out_trade_no: String,
    },
    OrderExpires {
        merchant_id: String,
        out_trade_no: String,
    },
    PaymentGoesThrough {
        merchant_id: String,
        out_trade_no: String,
    },
    RefundEnds {
        merchant_id: String,
        out_refund_no: String,
        end: RefundEnd,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundEnd {
    Success,
    Closed,
    Abnormal,
}

pub(crate) struct Merchant {
    pub(crate) terms: MerchantTerms,
    pub(crate) books: Books,
}

/// WeChat Pay for any number of merchants.
pub struct WechatCore {
    pub(crate) settings: WechatSettings,
    pub(crate) random: Random,
    pub(crate) merchants: BTreeMap<String, Merchant>,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) code_urls: BTreeMap<String, (String, String)>,
    pub(crate) downloads: Downloads,
    pub(crate) planted: Vec<PlantedDifference>,
    pub(crate) faults: FaultPlan,
    pub(crate) outbox: Outbox<Announcement>,
    sequence: u64,
}

impl WechatCore {
    /// A channel without merchants.
    pub fn new(settings: WechatSettings, seed: u64) -> Self {
        Self {
            settings,
            random: Random::new(seed),
            merchants: BTreeMap::new(),
            agenda: Agenda::new(),
            code_urls: BTreeMap::new(),
            downloads: Downloads::default(),
            planted: Vec::new(),
            faults: FaultPlan::default(),
            outbox: Outbox::new(REPEAT_MILLIS),
            sequence: 0,
        }
    }

    /// Takes a merchant in, or changes its terms; its books stay.
    pub fn register(&mut self, terms: MerchantTerms) {
        match self.merchants.get_mut(&terms.merchant_id) {
            Some(merchant) => merchant.terms = terms,
            None => {
                self.merchants.insert(
                    terms.merchant_id.clone(),
                    Merchant {
                        terms,
                        books: Books::default(),
                    },
                );
            }
        }
    }

    /// Terms of a merchant.
    pub fn terms(&self, merchant_id: &str) -> Option<&MerchantTerms> {
        self.merchants.get(merchant_id).map(|m| &m.terms)
    }

    /// Books of a merchant.
    pub fn books(&self, merchant_id: &str) -> Option<&Books> {
        self.merchants.get(merchant_id).map(|m| &m.books)
    }

    /// Numbers of all merchants.
    pub fn merchant_ids(&self) -> impl Iterator<Item = &str> {
        self.merchants.keys().map(String::as_str)
    }

    /// Changes how a merchant's payers behave from the next order on.
    pub fn set_auto_pay(&mut self, merchant_id: &str, auto_pay: Option<AutoPay>) {
        if let Some(merchant) = self.merchants.get_mut(merchant_id) {
            merchant.terms.auto_pay = auto_pay;
        }
    }

    /// Changes how long refunds take from the next refund on, in milliseconds.
    pub fn set_refund_millis(&mut self, refund_millis: u64) {
        self.settings.refund_millis = refund_millis;
    }

    /// The faults switched on.
    pub fn faults(&self) -> &FaultPlan {
        &self.faults
    }

    /// The faults switched on, to change them.
    pub fn faults_mut(&mut self) -> &mut FaultPlan {
        &mut self.faults
    }

    /// Whether one of the faults that `fits` strikes on this call.
    pub(crate) fn strike(
        &mut self,
        merchant_id: &str,
        operation: Option<ApiOperation>,
        fits: impl Fn(&Fault) -> bool,
    ) -> Option<Fault> {
        self.faults
            .strike(merchant_id, operation, &mut self.random, fits)
    }

    /// Lets everything happen that is due at `now`, each at its own instant, and hands out the
    /// notifications to be sent. Report each with [`Self::report_delivery`].
    pub fn tick(&mut self, now: Timestamp) -> Vec<Attempt<Announcement>> {
        self.advance(now);
        self.outbox.take_due(now)
    }

    /// Records whether the merchant acknowledged a notification.
    pub fn report_delivery(&mut self, id: u64, acknowledged: bool, now: Timestamp) {
        self.outbox.report(id, acknowledged, now);
    }

    /// When the next thing happens by itself, deliveries under way apart.
    pub fn next_due(&self) -> Option<Timestamp> {
        [self.agenda.next_due(), self.outbox.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// How notifications fared.
    pub fn delivery_counts(&self) -> DeliveryCounts {
        self.outbox.counts()
    }

    /// Notifications not yet acknowledged nor given up.
    pub fn waiting_notifications(&self) -> usize {
        self.outbox.waiting()
    }

    /// A payer pays the order.
    ///
    /// # Errors
    /// If the order is unknown, paid or closed.
    pub fn pay(
        &mut self,
        merchant_id: &str,
        out_trade_no: &str,
        now: Timestamp,
    ) -> Result<Payment, PayError> {
        self.advance(now);
        let state = self
            .books(merchant_id)
            .and_then(|books| books.trades.get(out_trade_no))
            .map(|trade| trade.state.clone())
            .ok_or(PayError::NoSuchOrder)?;
        match state {
            TradeState::Paid(_) => Err(PayError::AlreadyPaid),
            TradeState::Closed { .. } => Err(PayError::Closed),
            TradeState::NotPaid => self
                .take_payment(merchant_id, out_trade_no, now)
                .ok_or(PayError::NoSuchOrder),
        }
    }

    /// Merchant and order that a scanned code belongs to.
    pub fn order_of_code(&self, code_url: &str) -> Option<(String, String)> {
        self.code_urls.get(code_url).cloned()
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.agenda.take_due(now) {
            match event {
                Event::PayerDecides {
                    merchant_id,
                    out_trade_no,
                } => {
                    if self.trade_state(&merchant_id, &out_trade_no) == Some(&TradeState::NotPaid) {
                        self.take_payment(&merchant_id, &out_trade_no, at);
                    }
                }
                Event::OrderExpires {
                    merchant_id,
                    out_trade_no,
                } => self.close_if_unpaid(&merchant_id, &out_trade_no, at),
                Event::PaymentGoesThrough {
                    merchant_id,
                    out_trade_no,
                } => {
                    let state = self.trade_state(&merchant_id, &out_trade_no);
                    if matches!(state, Some(TradeState::Closed { .. })) {
                        self.take_payment(&merchant_id, &out_trade_no, at);
                    }
                }
                Event::RefundEnds {
                    merchant_id,
                    out_refund_no,
                    end,
                } => self.end_refund(&merchant_id, &out_refund_no, end, at),
            }
        }
    }

    fn trade_state(&self, merchant_id: &str, out_trade_no: &str) -> Option<&TradeState> {
        let trade = self.books(merchant_id)?.trades.get(out_trade_no)?;
        Some(&trade.state)
    }

    pub(crate) fn close_if_unpaid(&mut self, merchant_id: &str, out_trade_no: &str, at: Timestamp) {
        let trade = self
            .merchants
            .get_mut(merchant_id)
            .and_then(|merchant| merchant.books.trades.get_mut(out_trade_no));
        if let Some(trade) = trade.filter(|trade| trade.state == TradeState::NotPaid) {
            trade.state = TradeState::Closed { at };
        }
    }

    /// Books a payment whatever the state of the order, and announces it.
    pub(crate) fn take_payment(
        &mut self,
        merchant_id: &str,
        out_trade_no: &str,
        at: Timestamp,
    ) -> Option<Payment> {
        let number = self.next_number();
        let prefix = self.random.digits(6);
        let openid = format!("o{}", self.random.text(27));
        let merchant = self.merchants.get_mut(merchant_id)?;
        let trade = merchant.books.trades.get_mut(out_trade_no)?;
        let day = shanghai_date(at).to_yyyymmdd();
        let payment = Payment {
            transaction_id: format!("4200{prefix}{day}{number:010}"),
            openid,
            paid_at: whole_second(at),
            fee_fen: fee_fen(trade.total_fen, merchant.terms.fee_rate_ppm),
        };
        trade.state = TradeState::Paid(payment.clone());
        let entry = Entry {
            at: payment.paid_at,
            out_trade_no: out_trade_no.to_owned(),
            out_refund_no: None,
            amount_fen: trade.total_fen,
            fee_fen: payment.fee_fen,
        };
        let notify_url = trade.notify_url.clone();
        let resource = view::trade(&merchant.terms, trade);
        merchant
            .books
            .by_transaction
            .insert(payment.transaction_id.clone(), out_trade_no.to_owned());
        merchant.books.enter(entry);
        self.announce(
            merchant_id,
            notify_url,
            ("TRANSACTION.SUCCESS", "支付成功", "transaction"),
            resource,
            at,
        );
        Some(payment)
    }

    fn end_refund(
        &mut self,
        merchant_id: &str,
        out_refund_no: &str,
        end: RefundEnd,
        at: Timestamp,
    ) {
        let Some(resource) = self.book_refund_end(merchant_id, out_refund_no, end, at) else {
            return;
        };
        let (notify_url, resource) = resource;
        let names = match end {
            RefundEnd::Success => ("REFUND.SUCCESS", "退款成功", "refund"),
            RefundEnd::Closed => ("REFUND.CLOSED", "退款关闭", "refund"),
            RefundEnd::Abnormal => ("REFUND.ABNORMAL", "退款异常", "refund"),
        };
        if let Some(url) = notify_url {
            self.announce(merchant_id, url, names, resource, at);
        }
    }

    fn book_refund_end(
        &mut self,
        merchant_id: &str,
        out_refund_no: &str,
        end: RefundEnd,
        at: Timestamp,
    ) -> Option<(Option<String>, Value)> {
        let merchant = self.merchants.get_mut(merchant_id)?;
        let fee_returned_fen = merchant.books.fee_returned_by(out_refund_no)?;
        let refund = merchant.books.refunds.get_mut(out_refund_no)?;
        let at = whole_second(at);
        refund.ended_at = Some(at);
        refund.state = match end {
            RefundEnd::Success => RefundState::Succeeded {
                at,
                fee_returned_fen,
            },
            RefundEnd::Closed => RefundState::Closed,
            RefundEnd::Abnormal => RefundState::Abnormal,
        };
        let entry = (end == RefundEnd::Success).then(|| Entry {
            at,
            out_trade_no: refund.out_trade_no.clone(),
            out_refund_no: Some(out_refund_no.to_owned()),
            amount_fen: refund.refund_fen,
            fee_fen: -fee_returned_fen,
        });
        let announced = (
            refund.notify_url.clone(),
            view::refund_notification(merchant_id, refund),
        );
        if let Some(entry) = entry {
            merchant.books.enter(entry);
        }
        Some(announced)
    }
}
