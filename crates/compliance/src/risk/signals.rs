//! The signs.

use super::counters::{MerchantDay, PayerHour};
use super::figures::{RiskFigures, Share};
use crate::pack::Text;
use serde::{Deserialize, Serialize};

/// Kinds of signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Too often, too much within an hour.
    Velocity,
    /// Money paid in and given back.
    RefundAbuse,
    /// Trade while shops are closed.
    NightWindow,
    /// A credit line turned into cash.
    CashOut,
    /// One sticker takes everything.
    StaticCodeConcentration,
}

/// What a sign does, the stronger one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// It goes on and is shown.
    Flag,
    /// It waits for a person.
    Hold,
}

/// One sign that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signal {
    /// Which.
    pub sign: Sign,
    /// What follows.
    pub measure: Measure,
    /// What it means.
    pub says: Text,
    /// What was seen, each with the figure it reached: `payments 21 >= 20`.
    pub seen: Vec<String>,
    /// What to do.
    pub remedy: Text,
}

/// What came of looking.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[must_use = "a sign that nobody hears of is a sign that was not raised"]
pub struct Assessment {
    /// Signs that were seen.
    pub signals: Vec<Signal>,
    /// What could not be looked at, because its counter is not kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<&'static str>,
}

impl Assessment {
    /// The strongest measure.
    pub fn measure(&self) -> Option<Measure> {
        self.signals.iter().map(|signal| signal.measure).max()
    }
}

/// Collects what was seen of one sign.
#[derive(Default)]
struct Seen {
    measure: Option<Measure>,
    lines: Vec<String>,
}

impl Seen {
    fn at(&mut self, measure: Measure, line: String) {
        self.measure = self.measure.max(Some(measure));
        self.lines.push(line);
    }

    /// A counter against its two figures.
    fn count(&mut self, name: &str, seen: i64, flag: i64, hold: i64) {
        if seen >= hold {
            self.at(Measure::Hold, format!("{name} {seen} >= {hold}"));
        } else if seen >= flag {
            self.at(Measure::Flag, format!("{name} {seen} >= {flag}"));
        }
    }

    /// A part against two shares of the whole.
    fn share(&mut self, name: &str, (part, whole): (i64, i64), flag: Share, hold: Share) {
        let line =
            |share: Share| format!("{name} {part} of {whole} >= {} per mille", share.0 / 1_000);
        if hold.reached(part, whole) {
            self.at(Measure::Hold, line(hold));
        } else if flag.reached(part, whole) {
            self.at(Measure::Flag, line(flag));
        }
    }

    fn raise(self, sign: Sign, says: &Text, remedy: &Text, assessment: &mut Assessment) {
        if let Some(measure) = self.measure {
            assessment.signals.push(Signal {
                sign,
                measure,
                says: says.clone(),
                seen: self.lines,
                remedy: remedy.clone(),
            });
        }
    }
}

impl RiskFigures {
    /// Signs in what a payer did in the last hour.
    pub fn payer(&self, hour: &PayerHour) -> Assessment {
        let mut assessment = Assessment::default();
        let figures = &self.velocity;
        let mut seen = Seen::default();
        seen.count(
            "payments",
            i64::from(hour.payments),
            i64::from(figures.flag_payments),
            i64::from(figures.hold_payments),
        );
        seen.count("fen", hour.amount, figures.flag_yuan.0, figures.hold_yuan.0);
        seen.raise(
            Sign::Velocity,
            &figures.says,
            &figures.remedy,
            &mut assessment,
        );
        assessment
    }

    /// Signs in what a merchant did today.
    pub fn merchant(&self, day: &MerchantDay) -> Assessment {
        let mut assessment = Assessment::default();
        self.refunds(day, &mut assessment);
        self.night(day, &mut assessment);
        self.cash_out(day, &mut assessment);
        self.static_codes(day, &mut assessment);
        assessment
    }

    fn refunds(&self, day: &MerchantDay, assessment: &mut Assessment) {
        let figures = &self.refund_abuse;
        let mut seen = Seen::default();
        if day.payments >= figures.least_payments {
            seen.share(
                "refunds",
                (i64::from(day.refunds), i64::from(day.payments)),
                figures.flag_share,
                figures.hold_share,
            );
        }
        if day.refunds_to_others >= figures.hold_to_others {
            let line = format!(
                "refunds to others {} >= {}",
                day.refunds_to_others, figures.hold_to_others
            );
            seen.at(Measure::Hold, line);
        }
        seen.raise(
            Sign::RefundAbuse,
            &figures.says,
            &figures.remedy,
            assessment,
        );
    }

    fn night(&self, day: &MerchantDay, assessment: &mut Assessment) {
        let figures = &self.night_window;
        let mut seen = Seen::default();
        if day.amount >= figures.least_yuan.0 {
            seen.share(
                "fen at night",
                (day.night_amount, day.amount),
                figures.flag_share,
                figures.hold_share,
            );
        }
        seen.raise(
            Sign::NightWindow,
            &figures.says,
            &figures.remedy,
            assessment,
        );
    }

    /// No single sign says cash-out: several together do.
    fn cash_out(&self, day: &MerchantDay, assessment: &mut Assessment) {
        let figures = &self.cash_out;
        if day.amount < figures.least_yuan.0 {
            return;
        }
        let mut lines = Vec::new();
        if figures.credit_share.reached(day.credit_amount, day.amount) {
            lines.push(format!(
                "fen by credit card {} of {}",
                day.credit_amount, day.amount
            ));
        }
        let (round, payments) = (i64::from(day.round_payments), i64::from(day.payments));
        if figures.round_share.reached(round, payments) {
            lines.push(format!("round payments {round} of {payments}"));
        }
        match day.largest_payer_amount {
            Some(largest) if figures.one_payer_share.reached(largest, day.amount) => {
                lines.push(format!("fen of one payer {largest} of {}", day.amount));
            }
            Some(_) => {}
            None => assessment.unseen.push("largest_payer_amount"),
        }
        if let Some(minutes) = day.payout_after_minutes
            && minutes <= figures.fast_payout_minutes
        {
            lines.push(format!("payout asked for after {minutes} minutes"));
        }
        let signs = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let measure = if signs >= figures.hold_signs {
            Some(Measure::Hold)
        } else {
            (signs >= figures.flag_signs).then_some(Measure::Flag)
        };
        let seen = Seen { measure, lines };
        seen.raise(Sign::CashOut, &figures.says, &figures.remedy, assessment);
    }

    fn static_codes(&self, day: &MerchantDay, assessment: &mut Assessment) {
        let figures = &self.static_code_concentration;
        let concerned = day.amount >= figures.least_yuan.0
            && day.static_codes >= figures.least_codes
            && figures.static_share.reached(day.static_amount, day.amount);
        if !concerned {
            return;
        }
        let Some(largest) = day.largest_code_amount else {
            assessment.unseen.push("largest_code_amount");
            return;
        };
        let mut seen = Seen::default();
        seen.share(
            "fen through one code",
            (largest, day.static_amount),
            figures.flag_one_code_share,
            figures.hold_one_code_share,
        );
        seen.raise(
            Sign::StaticCodeConcentration,
            &figures.says,
            &figures.remedy,
            assessment,
        );
    }
}
