//! What every function of the domain is given.

use crate::regulation::{Institution, Rulebooks};
use crate::risk::RiskSetting;
use calendar::HolidayCalendar;
use channels::operation::Channel;
use compliance::risk::RiskFigures;
use engine::{Actor, Interrupt, Tx};
use money::Money;
use std::sync::Arc;

/// Settings of the institution, equal on every server of a book.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the institution is, as far as rules ask.
    pub institution: Institution,
    /// Business days of settlement.
    pub calendar: Arc<HolidayCalendar>,
    /// A merchant's payout above this needs a second person.
    pub payout_approval_above: Money,
    /// A merchant's payouts of one business date that went out without a second person may together
    /// reach this; what would go beyond needs one. By default the same as for a single payout, 50,000.00
    /// yuan, so that a large payout in small parts needs the same person.
    pub payout_approval_above_per_day: Money,
    /// Channel that pays out.
    pub payout_channel: Channel,
    /// Longest time a payout request may still arrive at that channel, in seconds: only a "not found"
    /// later than this is a permission to send again.
    pub payout_arrival_bound_seconds: u32,
    /// A payout that is not at its end so long after it was created (or left the queue for the reserve)
    /// gets a case, in seconds. By default four hours: eight times the arrival bound.
    pub payout_overdue_after_seconds: u32,
    /// Longest time a refund request may still arrive at the channel, in seconds: a "not found" before
    /// that is no proof that a declined refund came to nothing.
    pub refund_arrival_bound_seconds: u32,
    /// Longest time after an order's expiry within which the channel may still come to know that it was
    /// paid, in seconds: a "not found" before that does not close an order whose code was shown.
    pub order_arrival_bound_seconds: u32,
    /// Life of an order that names no expiry, in seconds.
    pub order_lifetime_seconds: u32,
    /// Figures of the signs of risk.
    pub risk: RiskSetting,
}

impl Settings {
    /// Those of the sample institution, for trying and for tests.
    pub fn sample() -> Settings {
        Settings {
            institution: Institution::sample(),
            ..Settings::default()
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            institution: Institution::default(),
            calendar: Arc::new(HolidayCalendar::china().clone()),
            payout_approval_above: Money::cny(5_000_000),
            payout_approval_above_per_day: Money::cny(5_000_000),
            payout_channel: Channel::Unionpay,
            payout_arrival_bound_seconds: 1_800,
            payout_overdue_after_seconds: 14_400,
            refund_arrival_bound_seconds: 1_800,
            order_arrival_bound_seconds: 1_800,
            order_lifetime_seconds: 7_200,
            risk: RiskSetting::Embedded,
        }
    }
}

/// The transaction, the settings, the rules, and who acts.
pub(crate) struct Context<'a, 't> {
    pub tx: &'a mut Tx<'t>,
    pub settings: &'a Settings,
    pub rules: &'a Rulebooks,
    /// None: no sign of risk is looked for.
    pub risk: Option<&'a RiskFigures>,
    pub actor: &'a Actor,
}

impl Context<'_, '_> {
    /// As [`Tx::isolated`].
    pub fn isolated<T>(
        &mut self,
        mut part: impl FnMut(&mut Context<'_, '_>) -> Result<T, Interrupt>,
    ) -> Result<Result<T, String>, Interrupt> {
        let (settings, rules, risk, actor) = (self.settings, self.rules, self.risk, self.actor);
        self.tx.isolated(|tx| {
            part(&mut Context {
                tx,
                settings,
                rules,
                risk,
                actor,
            })
        })
    }

    /// As [`Tx::rehearse`].
    pub fn rehearse(
        &mut self,
        mut part: impl FnMut(&mut Context<'_, '_>) -> Result<(), Interrupt>,
    ) -> Result<(), Interrupt> {
        let (settings, rules, risk, actor) = (self.settings, self.rules, self.risk, self.actor);
        self.tx.rehearse(|tx| {
            part(&mut Context {
                tx,
                settings,
                rules,
                risk,
                actor,
            })
        })
    }
}
