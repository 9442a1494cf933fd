//! Customers' money that rests in a platform's own accounts: how much, and how long.

use super::figures::RiskFigures;
use crate::pack::Text;
use calendar::BusinessDate;
use serde::Serialize;
use std::collections::BTreeMap;

/// Money of others that lies somewhere since a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rests {
    /// Whose it is.
    pub owner: String,
    /// Fen.
    pub amount: i64,
    /// Since when.
    pub since: BusinessDate,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// It is on its way.
    None,
    /// To be looked at.
    Flag,
    /// It must leave.
    Red,
}

/// What rests of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resting {
    /// Whose.
    pub owner: String,
    /// Fen.
    pub amount: i64,
    /// Days that the oldest part has rested.
    pub days: i32,
    /// Fen times days: what the money would have been to its owners.
    pub fen_days: i128,
    /// Alarm.
    pub alarm: Alarm,
}

/// Everything that rests, the worst first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestingReport {
    /// As of.
    pub day: i32,
    /// Fen.
    pub total: i128,
    /// By owner, the worst first.
    pub owners: Vec<Resting>,
    /// The worst alarm.
    pub alarm: Alarm,
    /// What it means; empty without an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<Text>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Text>,
}

impl RiskFigures {
    /// What rests of whom as of a day. Money without an amount above zero rests nowhere.
    pub fn resting(
        &self,
        rests: impl IntoIterator<Item = Rests>,
        day: BusinessDate,
    ) -> RestingReport {
        let mut by_owner: BTreeMap<String, (i64, i32, i128)> = BTreeMap::new();
        for part in rests.into_iter().filter(|part| part.amount > 0) {
            let days = part.since.days_until(day).max(0);
            let entry = by_owner.entry(part.owner).or_default();
            entry.0 = entry.0.saturating_add(part.amount);
            entry.1 = entry.1.max(days);
            entry.2 += i128::from(part.amount) * i128::from(days);
        }
        let mut owners: Vec<Resting> = by_owner
            .into_iter()
            .map(|(owner, (amount, days, fen_days))| Resting {
                owner,
                amount,
                days,
                fen_days,
                alarm: self.alarm(amount, days),
            })
            .collect();
        owners.sort_by(|left, right| {
            let weight = |one: &Resting| (one.alarm, one.fen_days, one.amount);
            weight(right).cmp(&weight(left))
        });
        let alarm = owners.first().map_or(Alarm::None, |worst| worst.alarm);
        let raised = alarm != Alarm::None;
        RestingReport {
            day: day.to_yyyymmdd(),
            total: owners.iter().map(|one| i128::from(one.amount)).sum(),
            owners,
            alarm,
            says: raised.then(|| self.resting_money.says.clone()),
            remedy: raised.then(|| self.resting_money.remedy.clone()),
        }
    }

    /// Days alone or an amount alone is enough; money of today is on its way, however much it is.
    fn alarm(&self, amount: i64, days: i32) -> Alarm {
        let figures = &self.resting_money;
        let days = u32::try_from(days).unwrap_or(0);
        if days == 0 {
            Alarm::None
        } else if days >= figures.red_days || amount >= figures.red_yuan.0 {
            Alarm::Red
        } else if days >= figures.flag_days || amount >= figures.flag_yuan.0 {
            Alarm::Flag
        } else {
            Alarm::None
        }
    }
}
