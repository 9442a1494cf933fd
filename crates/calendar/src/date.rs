//! A day of business (会计日, 清算日).

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Weekday;

/// A civil day in the years 1 to 9999, written `2026-11-20`.
///
/// It says nothing about being a working day; that is what [`crate::HolidayCalendar`] knows.
/// Arithmetic that would leave the range stops at its ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusinessDate(Date);

/// A date does not exist or is not written as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not the form `2026-11-20`.
    #[error("the date is not in the form yyyy-MM-dd, for instance 2026-11-20")]
    Malformed,
    /// The calendar has no such day.
    #[error("{year:04}-{month:02}-{day:02} is not a day of the years 0001 to 9999")]
    NoSuchDay {
        /// Year as given.
        year: i32,
        /// Month as given, normally 1 to 12.
        month: i32,
        /// Day as given, normally 1 to 31.
        day: i32,
    },
}

impl BusinessDate {
    /// The first day of the range.
    pub const MIN: BusinessDate = BusinessDate(Date::constant(1, 1, 1));
    /// The last day of the range.
    pub const MAX: BusinessDate = BusinessDate(Date::constant(9999, 12, 31));

    /// The given day of the given month.
    pub fn new(year: i16, month: i8, day: i8) -> Result<BusinessDate, DateError> {
        Self::from_parts(i32::from(year), i32::from(month), i32::from(day))
    }

    /// Reads the number form of card networks: 20261120.
    pub fn from_yyyymmdd(number: i32) -> Result<BusinessDate, DateError> {
        Self::from_parts(number / 10_000, number / 100 % 100, number % 100)
    }

    /// The number form of card networks: 20261120.
    pub fn to_yyyymmdd(self) -> i32 {
        i32::from(self.0.year()) * 10_000
            + i32::from(self.0.month()) * 100
            + i32::from(self.0.day())
    }

    /// A civil date; dates before year 1 become the first day of the range.
    pub fn from_date(date: Date) -> BusinessDate {
        BusinessDate(date.max(Self::MIN.0))
    }

    /// The civil date.
    pub const fn date(self) -> Date {
        self.0
    }

    /// The year, 1 to 9999.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The month, 1 to 12.
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        Weekday::from(self.0.weekday())
    }

    /// The following civil day.
    pub fn next(self) -> BusinessDate {
        self.plus_days(1)
    }

    /// The preceding civil day.
    pub fn previous(self) -> BusinessDate {
        self.plus_days(-1)
    }

    /// The civil day `days` days later, earlier if negative.
    pub fn plus_days(self, days: i32) -> BusinessDate {
        // Within this bound a span of days cannot be refused, and it covers the whole range.
        let bounded = days.clamp(-4_000_000, 4_000_000);
        Self::from_date(self.0.saturating_add(bounded.days()))
    }

    /// How many civil days later `other` is; negative if it is earlier.
    pub fn days_until(self, other: BusinessDate) -> i32 {
        let hours = self.0.duration_until(other.0).as_hours();
        i32::try_from(hours / 24).unwrap_or(i32::MAX)
    }

    /// The last day of the same month.
    pub fn last_of_month(self) -> BusinessDate {
        BusinessDate(self.0.last_of_month())
    }

    fn from_parts(year: i32, month: i32, day: i32) -> Result<BusinessDate, DateError> {
        let refused = DateError::NoSuchDay { year, month, day };
        let (Ok(y), Ok(m), Ok(d)) = (i16::try_from(year), i8::try_from(month), i8::try_from(day))
        else {
            return Err(refused);
        };
        match Date::new(y, m, d) {
            Ok(date) if date >= Self::MIN.0 => Ok(BusinessDate(date)),
            _ => Err(refused),
        }
    }
}

impl FromStr for BusinessDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(DateError::Malformed);
        };
        Self::from_parts(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?)
    }
}

fn digits(text: &str, length: usize) -> Result<i32, DateError> {
    if text.len() != length || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateError::Malformed);
    }
    text.parse().map_err(|_| DateError::Malformed)
}

impl From<BusinessDate> for Date {
    fn from(date: BusinessDate) -> Date {
        date.0
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!(
            "{:04}-{:02}-{:02}",
            self.0.year(),
            self.0.month(),
            self.0.day()
        );
        f.pad(&text)
    }
}

impl fmt::Debug for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for BusinessDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BusinessDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;

        impl serde::de::Visitor<'_> for DateVisitor {
            type Value = BusinessDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date in the form yyyy-MM-dd")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<BusinessDate, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer
            .deserialize_str(DateVisitor)
            .map_err(D::Error::custom)
    }
}
