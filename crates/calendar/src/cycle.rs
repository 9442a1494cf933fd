//! How long a merchant waits for its money (结算周期).

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::BusinessDate;

/// A day of the week; in JSON `"friday"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// 星期一.
    Monday,
    /// 星期二.
    Tuesday,
    /// 星期三.
    Wednesday,
    /// 星期四.
    Thursday,
    /// 星期五.
    Friday,
    /// 星期六.
    Saturday,
    /// 星期日.
    Sunday,
}

const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "monday"),
    (Weekday::Tuesday, "tuesday"),
    (Weekday::Wednesday, "wednesday"),
    (Weekday::Thursday, "thursday"),
    (Weekday::Friday, "friday"),
    (Weekday::Saturday, "saturday"),
    (Weekday::Sunday, "sunday"),
];

impl Weekday {
    /// The first date after `date` that falls on this day of the week.
    pub fn next_after(self, date: BusinessDate) -> BusinessDate {
        let ahead = (self as i32 - date.weekday() as i32).rem_euclid(7);
        date.plus_days(if ahead == 0 { 7 } else { ahead })
    }
}

impl From<jiff::civil::Weekday> for Weekday {
    fn from(weekday: jiff::civil::Weekday) -> Weekday {
        match weekday {
            jiff::civil::Weekday::Monday => Weekday::Monday,
            jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
            jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
            jiff::civil::Weekday::Thursday => Weekday::Thursday,
            jiff::civil::Weekday::Friday => Weekday::Friday,
            jiff::civil::Weekday::Saturday => Weekday::Saturday,
            jiff::civil::Weekday::Sunday => Weekday::Sunday,
        }
    }
}

/// When the takings of a trade date are settled.
///
/// Written, also in JSON, as `T+1` (business days), `D+0` (civil days), `weekly:friday` or
/// `monthly:15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SettlementCycle {
    /// T+n: so many business days after the trade date.
    BusinessDays(u8),
    /// D+n: so many civil days after the trade date.
    CalendarDays(u8),
    /// On the first such weekday after the trade date, or the business day that follows it.
    Weekly {
        /// The day of the week.
        weekday: Weekday,
    },
    /// On the first such day of a month after the trade date, or the business day that follows it.
    Monthly {
        /// Day of the month, 1 to 31; in a shorter month its last day.
        day: u8,
    },
}

/// A text is not a settlement cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a settlement cycle: write T+1, D+0, weekly:friday or monthly:15 (day 1 to 31)")]
pub struct ParseCycleError;

impl FromStr for SettlementCycle {
    type Err = ParseCycleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(days) = text.strip_prefix("T+") {
            return Ok(SettlementCycle::BusinessDays(number(days)?));
        }
        if let Some(days) = text.strip_prefix("D+") {
            return Ok(SettlementCycle::CalendarDays(number(days)?));
        }
        if let Some(name) = text.strip_prefix("weekly:") {
            return WEEKDAYS
                .iter()
                .find(|(_, known)| *known == name)
                .map(|(weekday, _)| SettlementCycle::Weekly { weekday: *weekday })
                .ok_or(ParseCycleError);
        }
        match text.strip_prefix("monthly:").map(number) {
            Some(Ok(day @ 1..=31)) => Ok(SettlementCycle::Monthly { day }),
            _ => Err(ParseCycleError),
        }
    }
}

fn number(text: &str) -> Result<u8, ParseCycleError> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    match text.parse() {
        Ok(number) if canonical => Ok(number),
        _ => Err(ParseCycleError),
    }
}

impl fmt::Display for SettlementCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettlementCycle::BusinessDays(days) => write!(f, "T+{days}"),
            SettlementCycle::CalendarDays(days) => write!(f, "D+{days}"),
            SettlementCycle::Weekly { weekday } => {
                let name = WEEKDAYS
                    .iter()
                    .find(|(known, _)| known == weekday)
                    .map_or("", |(_, name)| *name);
                write!(f, "weekly:{name}")
            }
            SettlementCycle::Monthly { day } => write!(f, "monthly:{day}"),
        }
    }
}

impl Serialize for SettlementCycle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SettlementCycle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
