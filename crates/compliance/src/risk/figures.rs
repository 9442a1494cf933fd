//! The figures of the signs, from their file.

use crate::fact::{clock, decimal};
use crate::pack::{PackError, Text, line_at};
use serde::Deserialize;

/// Figures of every sign, checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskFigures {
    pub(super) velocity: Velocity,
    pub(super) refund_abuse: RefundAbuse,
    pub(super) night_window: NightWindow,
    pub(super) cash_out: CashOut,
    pub(super) static_code_concentration: StaticCodes,
    pub(super) resting_money: RestingMoney,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Velocity {
    pub says: Text,
    pub remedy: Text,
    pub flag_payments: u32,
    pub hold_payments: u32,
    pub flag_yuan: Yuan,
    pub hold_yuan: Yuan,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundAbuse {
    pub says: Text,
    pub remedy: Text,
    pub least_payments: u32,
    pub flag_share: Share,
    pub hold_share: Share,
    pub hold_to_others: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NightWindow {
    pub says: Text,
    pub remedy: Text,
    pub from: Clock,
    pub to: Clock,
    pub least_yuan: Yuan,
    pub flag_share: Share,
    pub hold_share: Share,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CashOut {
    pub says: Text,
    pub remedy: Text,
    pub least_yuan: Yuan,
    pub round_to_yuan: Yuan,
    pub flag_signs: u32,
    pub hold_signs: u32,
    pub credit_share: Share,
    pub round_share: Share,
    pub one_payer_share: Share,
    pub fast_payout_minutes: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StaticCodes {
    pub says: Text,
    pub remedy: Text,
    pub least_yuan: Yuan,
    pub static_share: Share,
    pub flag_one_code_share: Share,
    pub hold_one_code_share: Share,
    pub least_codes: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestingMoney {
    pub says: Text,
    pub remedy: Text,
    pub flag_days: u32,
    pub red_days: u32,
    pub flag_yuan: Yuan,
    pub red_yuan: Yuan,
}

/// An amount: yuan in the file, fen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(super) struct Yuan(pub i64);

impl TryFrom<toml::Value> for Yuan {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Yuan, String> {
        let fen = decimal(&value.to_string(), 2).filter(|fen| *fen > 0);
        fen.map(Yuan).ok_or_else(|| {
            format!("`{value}` is not an amount in yuan above zero with at most two decimals")
        })
    }
}

/// A share of the whole: from 0 to 1 in the file, parts per million here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(super) struct Share(pub i64);

impl TryFrom<toml::Value> for Share {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Share, String> {
        let share = decimal(&value.to_string(), 6).filter(|share| (1..=1_000_000).contains(share));
        share
            .map(Share)
            .ok_or_else(|| format!("`{value}` is not a share above 0 and at most 1"))
    }
}

impl Share {
    /// Whether a part reaches this share of the whole.
    pub(super) fn reached(self, part: i64, whole: i64) -> bool {
        whole > 0 && i128::from(part) * 1_000_000 >= i128::from(whole) * i128::from(self.0)
    }
}

/// A time of day in Shanghai, in minutes since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Clock(pub i64);

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Clock, String> {
        clock(&text)
            .map(Clock)
            .ok_or_else(|| format!("`{text}` is not a time of day like \"05:00\""))
    }
}

impl RiskFigures {
    /// Reads the figures; broken ones are refused with file, line and reason.
    pub fn load(name: &str, text: &str) -> Result<RiskFigures, PackError> {
        let fail = |line: usize, reason: String| PackError {
            file: name.to_owned(),
            line,
            reason,
        };
        let figures: RiskFigures = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            fail(line, error.message().to_owned())
        })?;
        for (section, ordered) in figures.ordered() {
            if !ordered {
                let line = text
                    .find(&format!("[{section}]"))
                    .map_or(1, |offset| line_at(text, offset));
                let reason = format!("`{section}`: what holds stands below what only flags");
                return Err(fail(line, reason));
            }
        }
        Ok(figures)
    }

    /// Whether each sign flags no later than it holds.
    fn ordered(&self) -> [(&'static str, bool); 6] {
        let (velocity, refunds) = (&self.velocity, &self.refund_abuse);
        let (night, codes) = (&self.night_window, &self.static_code_concentration);
        let (cash, resting) = (&self.cash_out, &self.resting_money);
        [
            (
                "velocity",
                velocity.flag_payments <= velocity.hold_payments
                    && velocity.flag_yuan <= velocity.hold_yuan,
            ),
            ("refund_abuse", refunds.flag_share <= refunds.hold_share),
            ("night_window", night.flag_share <= night.hold_share),
            ("cash_out", cash.flag_signs <= cash.hold_signs),
            (
                "static_code_concentration",
                codes.flag_one_code_share <= codes.hold_one_code_share,
            ),
            (
                "resting_money",
                resting.flag_days <= resting.red_days && resting.flag_yuan <= resting.red_yuan,
            ),
        ]
    }

    /// Whether a minute of the day (Shanghai) lies in the night window, which may pass midnight.
    pub fn is_night(&self, minute: i64) -> bool {
        let (from, to) = (self.night_window.from.0, self.night_window.to.0);
        if from <= to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }

    /// Whether an amount in fen is round.
    pub fn is_round(&self, amount: i64) -> bool {
        amount > 0 && amount % self.cash_out.round_to_yuan.0 == 0
    }
}
