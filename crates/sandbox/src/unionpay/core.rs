//! Pay-outs as a state machine: no I/O, no clock, randomness from a seed.

use super::books::{OrderKey, Payout, PayoutState, PayoutTotals};
use super::message::Fields;
use crate::agenda::Agenda;
use crate::clock::{later, whole_second};
use crate::fault::{ApiOperation, Fault, FaultPlan};
use crate::outbox::{Attempt, DeliveryCounts, Outbox};
use crate::random::Random;
use calendar::{business_date_with_cut, compact};
use channels::operation::mask_account;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Pauses between attempts of a back notification: 1, 2, 4, 5, 5 minutes.
const REPEAT_MILLIS: &[u64] = &[60_000, 120_000, 240_000, 300_000, 300_000];
/// Hour at which UnionPay's clearing day ends.
const CLEARING_CUT_HOUR: u8 = 23;

/// How the channel behaves towards everybody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnionpaySettings {
    /// From the acceptance of a pay-out until a query finds it, in milliseconds.
    pub arrival_millis: u64,
    /// From the acceptance of a pay-out to its outcome, in milliseconds.
    pub payout_millis: u64,
    /// Response code of an accepted pay-out: `00` or `05`; neither says that money has moved.
    pub accepted_code: String,
}

impl Default for UnionpaySettings {
    fn default() -> Self {
        Self {
            arrival_millis: 0,
            payout_millis: 3_000,
            accepted_code: "00".to_owned(),
        }
    }
}

/// A pay-out request whose form is right and whose secrets are deciphered.
#[derive(Clone)]
pub struct PayoutOrder {
    /// Identity.
    pub key: OrderKey,
    /// Fen.
    pub amount_fen: i64,
    /// The payee's account number, clear. Secret.
    pub account_number: String,
    /// Where success is announced.
    pub back_url: Option<String>,
    /// Fields of the request that answers repeat.
    pub echo: Fields,
}

impl std::fmt::Debug for PayoutOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayoutOrder")
            .field("key", &self.key)
            .field("amount_fen", &self.amount_fen)
            .field("account_number", &mask_account(&self.account_number))
            .finish_non_exhaustive()
    }
}

/// What the channel answers to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreAnswer {
    /// `respCode`.
    pub resp_code: String,
    /// Further fields.
    pub fields: Fields,
}

/// A back notification before signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackNotification {
    /// For whom.
    pub merchant_id: String,
    /// Where to.
    pub back_url: String,
    /// Its fields, `respCode` and `respMsg` included.
    pub fields: Fields,
}

struct PayoutEnds {
    key: OrderKey,
    failure: Option<String>,
}

/// UnionPay for any number of merchants.
pub struct UnionpayCore {
    settings: UnionpaySettings,
    pub(crate) random: Random,
    merchants: BTreeSet<String>,
    payouts: BTreeMap<OrderKey, Payout>,
    agenda: Agenda<PayoutEnds>,
    faults: FaultPlan,
    outbox: Outbox<BackNotification>,
    sequence: u64,
}

impl UnionpayCore {
    /// A channel without merchants.
    pub fn new(settings: UnionpaySettings, seed: u64) -> Self {
        Self {
            settings,
            random: Random::new(seed),
            merchants: BTreeSet::new(),
            payouts: BTreeMap::new(),
            agenda: Agenda::new(),
            faults: FaultPlan::default(),
            outbox: Outbox::new(REPEAT_MILLIS),
            sequence: 0,
        }
    }

    /// Takes a merchant in.
    pub fn register(&mut self, merchant_id: &str) {
        self.merchants.insert(merchant_id.to_owned());
    }

    /// Numbers of all merchants.
    pub fn merchant_ids(&self) -> impl Iterator<Item = &str> {
        self.merchants.iter().map(String::as_str)
    }

    /// All pay-outs of a merchant, by order number and time.
    pub fn payouts<'a>(&'a self, merchant_id: &'a str) -> impl Iterator<Item = &'a Payout> {
        self.payouts
            .values()
            .filter(move |payout| payout.key.merchant_id == merchant_id)
    }

    /// What a merchant's successful pay-outs add up to.
    pub fn totals(&self, merchant_id: &str) -> PayoutTotals {
        self.payouts(merchant_id)
            .filter(|payout| matches!(payout.state, PayoutState::Succeeded { .. }))
            .fold(PayoutTotals::default(), |sum, payout| PayoutTotals {
                count: sum.count + 1,
                amount_fen: sum.amount_fen + payout.amount_fen,
            })
    }

    /// Changes how the channel behaves from the next request on.
    pub fn set_settings(&mut self, settings: UnionpaySettings) {
        self.settings = settings;
    }

    /// How the channel behaves.
    pub fn settings(&self) -> &UnionpaySettings {
        &self.settings
    }

    /// The faults switched on.
    pub fn faults(&self) -> &FaultPlan {
        &self.faults
    }

    /// The faults switched on, to change them.
    pub fn faults_mut(&mut self) -> &mut FaultPlan {
        &mut self.faults
    }

    pub(crate) fn strike(
        &mut self,
        merchant_id: &str,
        operation: Option<ApiOperation>,
        fits: impl Fn(&Fault) -> bool,
    ) -> Option<Fault> {
        self.faults
            .strike(merchant_id, operation, &mut self.random, fits)
    }

    /// Lets everything happen that is due at `now` and hands out the notifications to be sent.
    /// Report each with [`Self::report_delivery`].
    pub fn tick(&mut self, now: Timestamp) -> Vec<Attempt<BackNotification>> {
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

    /// Pay-out (12/00).
    pub fn payout(&mut self, order: PayoutOrder, now: Timestamp) -> CoreAnswer {
        self.advance(now);
        if self.payouts.contains_key(&order.key) {
            return code("12");
        }
        let merchant_id = order.key.merchant_id.clone();
        let mut strike =
            |fits: fn(&Fault) -> bool| self.strike(&merchant_id, Some(ApiOperation::Payout), fits);
        let refused = strike(|fault| matches!(fault, Fault::PayoutRefused { .. }));
        let fails = strike(|fault| matches!(fault, Fault::PayoutFails { .. }));
        let delayed = strike(|fault| matches!(fault, Fault::PayoutDelayed { .. }));
        let unknown = strike(|fault| matches!(fault, Fault::PayoutUnknown { .. }));
        let mut payout = self.new_payout(order, now);
        let query_id = payout.query_id.clone();
        if let Some(Fault::PayoutRefused { resp_code }) = refused {
            payout.state = PayoutState::Failed {
                at: payout.accepted_at,
                resp_code: resp_code.clone(),
            };
            self.payouts.insert(payout.key.clone(), payout);
            return with_query_id(&resp_code, query_id);
        }
        let failure = match fails {
            Some(Fault::PayoutFails { resp_code }) => Some(resp_code),
            _ => None,
        };
        let delay = match delayed {
            Some(Fault::PayoutDelayed { millis }) => millis,
            _ => 0,
        };
        let ends = PayoutEnds {
            key: payout.key.clone(),
            failure,
        };
        let wait = self.settings.payout_millis.saturating_add(delay);
        self.agenda.enter(later(now, wait), ends);
        self.payouts.insert(payout.key.clone(), payout);
        match unknown {
            Some(Fault::PayoutUnknown { resp_code }) => with_query_id(&resp_code, query_id),
            _ => with_query_id(&self.settings.accepted_code, query_id),
        }
    }

    /// Query of a pay-out (00/00).
    pub fn query(&mut self, key: &OrderKey, now: Timestamp) -> CoreAnswer {
        self.advance(now);
        let arrival_millis = self.settings.arrival_millis;
        let known = self
            .payouts
            .get(key)
            .filter(|payout| later(payout.accepted_at, arrival_millis) <= now);
        let Some(payout) = known else {
            return code("34");
        };
        let orig = match &payout.state {
            PayoutState::Processing => "05",
            PayoutState::Succeeded { .. } => "00",
            PayoutState::Failed { resp_code, .. } => resp_code,
        };
        let mut fields = outcome_fields(payout);
        put(&mut fields, "origRespCode", orig);
        put(&mut fields, "origRespMsg", &super::response::message(orig));
        CoreAnswer {
            resp_code: "00".to_owned(),
            fields,
        }
    }

    fn new_payout(&mut self, order: PayoutOrder, now: Timestamp) -> Payout {
        self.sequence += 1;
        Payout {
            amount_fen: order.amount_fen,
            account: mask_account(&order.account_number),
            back_url: order.back_url,
            query_id: format!("{}{:07}", compact(now), self.sequence % 10_000_000),
            trace_no: format!("{:06}", self.sequence % 1_000_000),
            accepted_at: whole_second(now),
            settle_date: business_date_with_cut(now, CLEARING_CUT_HOUR, 0),
            state: PayoutState::Processing,
            echo: order.echo,
            key: order.key,
        }
    }

    fn advance(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.agenda.take_due(now) {
            let Some(payout) = self.payouts.get_mut(&event.key) else {
                continue;
            };
            match event.failure {
                Some(resp_code) => payout.state = PayoutState::Failed { at, resp_code },
                None => {
                    payout.state = PayoutState::Succeeded { at };
                    self.announce(&event.key, at);
                }
            }
        }
    }

    fn announce(&mut self, key: &OrderKey, at: Timestamp) {
        let Some(payout) = self.payouts.get(key) else {
            return;
        };
        let Some(back_url) = payout.back_url.clone() else {
            return;
        };
        let mut fields = outcome_fields(payout);
        fields.extend(payout.echo.clone());
        put(&mut fields, "respCode", "00");
        put(&mut fields, "respMsg", &super::response::message("00"));
        let notification = BackNotification {
            merchant_id: key.merchant_id.clone(),
            back_url,
            fields,
        };
        let fault = self.strike(&key.merchant_id, None, Fault::is_of_delivery);
        self.outbox.push_struck(notification, at, fault.as_ref());
    }
}

/// Fields that describe a pay-out in a query's answer and in a notification.
fn outcome_fields(payout: &Payout) -> Fields {
    let mut fields = Fields::new();
    let accepted = compact(payout.accepted_at);
    let settle_date = payout.settle_date;
    put(&mut fields, "queryId", &payout.query_id);
    put(&mut fields, "traceNo", &payout.trace_no);
    put(
        &mut fields,
        "traceTime",
        accepted.get(4..).unwrap_or_default(),
    );
    put(&mut fields, "txnAmt", &payout.amount_fen.to_string());
    put(&mut fields, "currencyCode", "156");
    put(&mut fields, "settleAmt", &payout.amount_fen.to_string());
    put(&mut fields, "settleCurrencyCode", "156");
    put(
        &mut fields,
        "settleDate",
        &format!("{:02}{:02}", settle_date.month(), settle_date.day()),
    );
    fields
}

pub(crate) fn put(fields: &mut Fields, name: &str, value: &str) {
    fields.insert(name.to_owned(), value.to_owned());
}

fn code(resp_code: &str) -> CoreAnswer {
    CoreAnswer {
        resp_code: resp_code.to_owned(),
        fields: Fields::new(),
    }
}

fn with_query_id(resp_code: &str, query_id: String) -> CoreAnswer {
    CoreAnswer {
        resp_code: resp_code.to_owned(),
        fields: Fields::from([("queryId".to_owned(), query_id)]),
    }
}
