//! Faults on demand: what can go wrong at a real channel, switched on for a merchant.

use crate::random::Random;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A call that a merchant makes to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiOperation {
    /// WeChat: native order.
    CreateOrder,
    /// WeChat: order by either number.
    QueryOrder,
    /// WeChat: close.
    CloseOrder,
    /// WeChat: refund.
    Refund,
    /// WeChat: refund query.
    QueryRefund,
    /// WeChat: platform certificates.
    Certificates,
    /// WeChat: location of the trade bill.
    TradeBill,
    /// WeChat: the bill itself.
    DownloadBill,
    /// UnionPay: pay-out.
    Payout,
    /// UnionPay: query of a pay-out.
    QueryPayout,
}

/// One way in which a channel misbehaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The connection breaks after `hang_millis` and nothing was done. With a simulated clock
    /// it breaks at once.
    DropBeforeProcessing {
        /// How long the caller is kept waiting on a real clock, in milliseconds.
        #[serde(default)]
        hang_millis: u64,
    },
    /// The request was carried out, then the connection breaks without an answer.
    DropAfterProcessing {
        /// How long the caller is kept waiting on a real clock, in milliseconds.
        #[serde(default)]
        hang_millis: u64,
    },
    /// Answers 500 and did nothing.
    SystemErrorBeforeProcessing,
    /// Answers 500 although the request was carried out.
    SystemErrorAfterProcessing,
    /// Answers 429 (WeChat) or respCode 06 (UnionPay) and did nothing.
    RateLimited,
    /// The answer carries a probing signature, which must fail verification (WeChat).
    ProbeAnswer,
    /// The answer carries a signature of other bytes.
    ForgedAnswer,
    /// A notification is never sent, not even repeated.
    LoseNotification,
    /// A notification is sent later.
    DelayNotification {
        /// By how much, in milliseconds.
        millis: u64,
    },
    /// A notification is sent twice.
    DuplicateNotification,
    /// The first attempt of a notification carries a probing signature (WeChat).
    ProbeNotification,
    /// The payer pays just before a close arrives, which is therefore answered `ORDERPAID`.
    PayBeforeClose,
    /// The channel acknowledges a close, and yet the payer's payment goes through.
    PayAfterClose {
        /// How long after the close, in milliseconds.
        millis: u64,
    },
    /// A refund is refused for lack of money at the channel.
    RefundNotEnough,
    /// A refund ends abnormal: the payer's account takes no money.
    RefundAbnormal,
    /// A refund ends closed: the money stays with the merchant.
    RefundClosed,
    /// A pay-out is accepted but answered with an unknown outcome.
    PayoutUnknown {
        /// Response code: `03`, `04` or `05`.
        resp_code: String,
    },
    /// A pay-out is refused at once.
    PayoutRefused {
        /// Response code, e.g. `61` or `64`.
        resp_code: String,
    },
    /// A pay-out is accepted and fails later.
    PayoutFails {
        /// Response code of the outcome, e.g. `61` or `64`.
        resp_code: String,
    },
    /// A pay-out is accepted and its outcome comes later than usual.
    PayoutDelayed {
        /// By how much, in milliseconds.
        millis: u64,
    },
}

impl Fault {
    /// A notification is lost, late or doubled.
    pub(crate) fn is_of_delivery(&self) -> bool {
        matches!(
            self,
            Fault::LoseNotification
                | Fault::DelayNotification { .. }
                | Fault::DuplicateNotification
        )
    }

    /// The request is lost or turned away before anything was done.
    pub(crate) fn is_before_processing(&self) -> bool {
        matches!(
            self,
            Fault::DropBeforeProcessing { .. }
                | Fault::RateLimited
                | Fault::SystemErrorBeforeProcessing
        )
    }

    /// The work was done, but its answer is lost or is an error.
    pub(crate) fn is_after_processing(&self) -> bool {
        matches!(
            self,
            Fault::DropAfterProcessing { .. } | Fault::SystemErrorAfterProcessing
        )
    }

    fn name(&self) -> &'static str {
        match self {
            Fault::DropBeforeProcessing { .. } => "drop_before_processing",
            Fault::DropAfterProcessing { .. } => "drop_after_processing",
            Fault::SystemErrorBeforeProcessing => "system_error_before_processing",
            Fault::SystemErrorAfterProcessing => "system_error_after_processing",
            Fault::RateLimited => "rate_limited",
            Fault::ProbeAnswer => "probe_answer",
            Fault::ForgedAnswer => "forged_answer",
            Fault::LoseNotification => "lose_notification",
            Fault::DelayNotification { .. } => "delay_notification",
            Fault::DuplicateNotification => "duplicate_notification",
            Fault::ProbeNotification => "probe_notification",
            Fault::PayBeforeClose => "pay_before_close",
            Fault::PayAfterClose { .. } => "pay_after_close",
            Fault::RefundNotEnough => "refund_not_enough",
            Fault::RefundAbnormal => "refund_abnormal",
            Fault::RefundClosed => "refund_closed",
            Fault::PayoutUnknown { .. } => "payout_unknown",
            Fault::PayoutRefused { .. } => "payout_refused",
            Fault::PayoutFails { .. } => "payout_fails",
            Fault::PayoutDelayed { .. } => "payout_delayed",
        }
    }
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The next so many occasions, then never again.
    Next(u32),
    /// Each occasion with this probability in parts per million.
    Ppm(u32),
}

/// A fault that is switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSwitch {
    /// For this merchant only; for all without.
    #[serde(default)]
    pub merchant_id: Option<String>,
    /// At this call only; at all where the fault makes sense without.
    #[serde(default)]
    pub operation: Option<ApiOperation>,
    /// What happens.
    pub fault: Fault,
    /// How often.
    pub trigger: Trigger,
}

/// The faults switched on at one channel, and how often they struck.
#[derive(Debug, Default)]
pub struct FaultPlan {
    switches: Vec<FaultSwitch>,
    struck: BTreeMap<&'static str, u64>,
}

impl FaultPlan {
    /// Switches a fault on, behind those already on: of several that could strike on one
    /// occasion the first one does.
    pub fn switch_on(&mut self, switch: FaultSwitch) {
        self.switches.push(switch);
    }

    /// Switches everything off; the counts stay.
    pub fn clear(&mut self) {
        self.switches.clear();
    }

    /// What is switched on.
    pub fn switches(&self) -> &[FaultSwitch] {
        &self.switches
    }

    /// How often each kind of fault has struck.
    pub fn struck(&self) -> &BTreeMap<&'static str, u64> {
        &self.struck
    }

    /// The fault among those that `fits` which strikes on this occasion.
    pub(crate) fn strike(
        &mut self,
        merchant_id: &str,
        operation: Option<ApiOperation>,
        random: &mut Random,
        fits: impl Fn(&Fault) -> bool,
    ) -> Option<Fault> {
        let struck = self.switches.iter_mut().find_map(|switch| {
            let concerned = switch
                .merchant_id
                .as_deref()
                .is_none_or(|m| m == merchant_id)
                && (switch.operation.is_none() || switch.operation == operation)
                && fits(&switch.fault);
            let strikes = concerned
                && match &mut switch.trigger {
                    Trigger::Next(0) => false,
                    Trigger::Next(left) => {
                        *left -= 1;
                        true
                    }
                    Trigger::Ppm(ppm) => random.strikes(*ppm),
                };
            strikes.then(|| switch.fault.clone())
        })?;
        self.switches
            .retain(|switch| switch.trigger != Trigger::Next(0));
        *self.struck.entry(struck.name()).or_default() += 1;
        Some(struck)
    }
}
