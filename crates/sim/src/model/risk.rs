//! Signs of risk: counted anew from the payments and refunds themselves, never missed where they hold, and
//! nothing that is held leaves.

use super::Model;
use super::records::reference;
use crate::channel::{Books, OrderStanding};
use crate::failure::{Broken, demand};
use calendar::{BusinessDate, shanghai_date};
use channels::answer::Payer;
use compliance::risk::{Measure, Sign};
use domain::case::CaseStatus;
use domain::payment::Payment;
use domain::refund::RefundOrigin;
use domain::risk::{MerchantRisk, RiskSignal, SignalStatus};

const COUNTS: &str = "what signs of risk count is what happened";
const RAISED: &str = "a sign of risk that holds is raised";
const SHOWN: &str = "a sign of risk has a case for as long as nobody cleared it";
const HELD: &str = "what a sign of risk holds is not sent";

/// As in `signals.toml`.
const LEAST_PAYMENTS: u32 = 3;
const VELOCITY_PAYMENTS: usize = 3;
const VELOCITY_FEN: i64 = 20_000;

impl Model {
    pub(super) fn check_risk(&self, books: &Books) -> Result<(), Broken> {
        for risk in self.risks.all() {
            self.counts_agree(risk)?;
            self.refund_abuse_is_raised(risk)?;
        }
        for signal in self.signals.all() {
            self.is_shown(signal)?;
            self.holds(signal, books)?;
            velocity_has_its_payments(signal, books)?;
        }
        Ok(())
    }

    /// Payments that count towards a merchant's day: those that came too late and go back do not.
    fn counted(&self, merchant: &str, day: BusinessDate) -> impl Iterator<Item = &Payment> {
        let merchant = merchant.to_owned();
        self.succeeded().filter(move |payment| {
            let on = match (&payment.paid, payment.succeeded_at) {
                (Some(paid), Some(booked)) => shanghai_date(paid.paid_at.min(booked)),
                _ => return false,
            };
            let goes_back = || {
                self.refunds.all().any(|refund| {
                    refund.payment == payment.id && refund.origin == RefundOrigin::LateSuccess
                })
            };
            payment.merchant == merchant && on == day && !goes_back()
        })
    }

    fn counts_agree(&self, risk: &MerchantRisk) -> Result<(), Broken> {
        let (mut payments, mut amount) = (0, 0);
        for payment in self.counted(&risk.merchant, risk.day) {
            payments += 1;
            amount += payment.amount.amount();
        }
        let refunds = self
            .refunds
            .all()
            .filter(|refund| {
                refund.merchant == risk.merchant
                    && refund.origin == RefundOrigin::Request
                    && shanghai_date(refund.created_at) == risk.day
            })
            .count();
        let agrees = risk.payments == payments
            && risk.amount == amount
            && usize::try_from(risk.refunds) == Ok(refunds);
        demand(agrees, COUNTS, || {
            format!("{payments} payments of {amount}, {refunds} refunds, but {risk:?}")
        })
    }

    fn refund_abuse_is_raised(&self, risk: &MerchantRisk) -> Result<(), Broken> {
        if risk.payments < LEAST_PAYMENTS || risk.refunds * 2 < risk.payments {
            return Ok(());
        }
        let raised = self.signals.all().any(|signal| {
            signal.merchant == risk.merchant
                && (signal.sign, signal.measure) == (Sign::RefundAbuse, Measure::Hold)
        });
        demand(raised, RAISED, || format!("{risk:?}"))
    }

    fn is_shown(&self, signal: &RiskSignal) -> Result<(), Broken> {
        let case = self.cases.get(&signal.case);
        let cleared = signal.status == SignalStatus::Cleared;
        let shown = case.is_some_and(|case| (case.status == CaseStatus::Closed) == cleared);
        demand(shown, SHOWN, || format!("{signal:?}, {case:?}"))
    }

    /// No payout made or let go since a sign holds has left, as long as nobody decided on the sign. Of the same
    /// moment, either may have been first.
    fn holds(&self, signal: &RiskSignal, books: &Books) -> Result<(), Broken> {
        if (signal.measure, signal.status) != (Measure::Hold, SignalStatus::Open) {
            return Ok(());
        }
        let later = self.payouts.all().filter(|payout| {
            payout.merchant == signal.merchant && payout.created_at > signal.updated_at
        });
        for payout in later {
            let stays =
                payout.effect.is_none() && !books.payouts.contains_key(reference(&payout.id));
            demand(stays, HELD, || format!("{payout:?}, {signal:?}"))?;
        }
        let sent = self.payouts.all().find(|payout| {
            payout.merchant == signal.merchant
                && payout.effect.is_some()
                && payout.submitted_at > signal.updated_at
        });
        demand(sent.is_none(), HELD, || format!("{sent:?}, {signal:?}"))?;
        Ok(())
    }

    /// Signs of risk that nobody has cleared.
    pub fn open_signals(&self) -> Vec<String> {
        self.signals
            .all()
            .filter(|signal| signal.status != SignalStatus::Cleared)
            .map(|signal| signal.id.clone())
            .collect()
    }

    /// Signs of risk ever raised.
    pub fn signals_raised(&self) -> u64 {
        self.signals.all().count() as u64
    }
}

/// One payer's payments at the channel, of whatever hour, reach at least what flags.
fn velocity_has_its_payments(signal: &RiskSignal, books: &Books) -> Result<(), Broken> {
    let (Sign::Velocity, Some(mark)) = (signal.sign, &signal.payer) else {
        return Ok(());
    };
    let paid = books.orders.values().filter(|entry| {
        matches!(entry.standing, OrderStanding::Paid { .. })
            && Payer::of(&entry.payer).mark == *mark
    });
    let amounts: Vec<i64> = paid.map(|entry| entry.amount.amount()).collect();
    let reached = amounts.len() >= VELOCITY_PAYMENTS || amounts.iter().sum::<i64>() >= VELOCITY_FEN;
    demand(reached, COUNTS, || format!("{amounts:?}, but {signal:?}"))
}
