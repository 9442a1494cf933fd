//! Which days are business days in mainland China.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::{BusinessDate, DateError, SettlementCycle, Weekday};

const CHINA: &str = include_str!("../data/cn-holidays.csv");

/// The days that deviate from "Monday to Friday are business days", for a span of whole years.
///
/// Outside the covered years only weekends are known, and in provisional ones also the days that the
/// regulation on holidays fixes by itself; ask [`HolidayCalendar::covers`] before a promise is made
/// about a far date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HolidayCalendar {
    covered: Option<(i16, i16)>,
    provisional: Option<(i16, i16)>,
    deviations: BTreeMap<BusinessDate, Deviation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deviation {
    Holiday,
    Workday,
}

/// A holiday list cannot be read. Lines are counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HolidayFileError {
    /// A line has the wrong shape.
    #[error(
        "line {line}: expected `covers,<first year>,<last year>`, `provisional,<first year>,<last year>` or `<yyyy-MM-dd>,holiday|workday,<festival>`"
    )]
    Malformed {
        /// The line.
        line: usize,
    },
    /// A line names a day that does not exist.
    #[error("line {line}: {cause}")]
    Date {
        /// The line.
        line: usize,
        /// What is wrong with the date.
        cause: DateError,
    },
    /// A day is listed twice.
    #[error("line {line}: {date} is listed for the second time")]
    Repeated {
        /// The second line.
        line: usize,
        /// The day.
        date: BusinessDate,
    },
    /// A day lies in a year that the list does not name.
    #[error("line {line}: {date} is outside the covered years; put the covers line first")]
    NotCovered {
        /// The line.
        line: usize,
        /// The day.
        date: BusinessDate,
    },
}

impl HolidayCalendar {
    /// The list of mainland China that comes with this crate.
    pub fn china() -> &'static HolidayCalendar {
        // The embedded file is read by a test, so the fallback is unreachable in a tested build.
        static CALENDAR: LazyLock<HolidayCalendar> =
            LazyLock::new(|| HolidayCalendar::from_csv(CHINA).unwrap_or_default());
        &CALENDAR
    }

    /// The list of mainland China as text, to start an extended list from.
    pub const fn china_csv() -> &'static str {
        CHINA
    }

    /// A calendar that knows weekends only.
    pub fn weekends_only() -> HolidayCalendar {
        HolidayCalendar::default()
    }

    /// Reads a list: comment lines with `#`, one `covers,<first>,<last>` line before the rows, at most
    /// one `provisional,<first>,<last>` line for years of which not everything is known yet, an optional
    /// heading, and rows `date,holiday|workday,festival`.
    pub fn from_csv(text: &str) -> Result<HolidayCalendar, HolidayFileError> {
        let mut calendar = HolidayCalendar::default();
        for (index, row) in text.lines().enumerate() {
            let row = row.trim_end();
            if row.is_empty() || row.starts_with('#') || row == "date,kind,festival" {
                continue;
            }
            calendar.read_row(index + 1, row)?;
        }
        Ok(calendar)
    }

    fn read_row(&mut self, line: usize, row: &str) -> Result<(), HolidayFileError> {
        let malformed = HolidayFileError::Malformed { line };
        let mut fields = row.split(',');
        let (Some(first), Some(second), Some(third), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed);
        };
        let years = match first {
            "covers" => Some(&mut self.covered),
            "provisional" => Some(&mut self.provisional),
            _ => None,
        };
        if let Some(years) = years {
            let (Ok(from), Ok(to)) = (second.parse::<i16>(), third.parse::<i16>()) else {
                return Err(malformed);
            };
            if from > to || years.is_some() {
                return Err(malformed);
            }
            *years = Some((from, to));
            return Ok(());
        }
        let deviation = match second {
            "holiday" => Deviation::Holiday,
            "workday" => Deviation::Workday,
            _ => return Err(malformed),
        };
        let date: BusinessDate = first
            .parse()
            .map_err(|cause| HolidayFileError::Date { line, cause })?;
        if !self.covers(date.year()) && !within(self.provisional, date.year()) {
            return Err(HolidayFileError::NotCovered { line, date });
        }
        match self.deviations.insert(date, deviation) {
            None => Ok(()),
            Some(_) => Err(HolidayFileError::Repeated { line, date }),
        }
    }

    /// Whether the holidays of this year are known.
    pub fn covers(&self, year: i16) -> bool {
        within(self.covered, year)
    }

    /// The last day of the covered years.
    pub fn covered_until(&self) -> Option<BusinessDate> {
        let (_, last) = self.covered?;
        BusinessDate::new(last, 12, 31).ok()
    }

    /// The first of `days` days from `date` on whose year is not covered.
    pub fn first_uncovered(&self, date: BusinessDate, days: u16) -> Option<BusinessDate> {
        (0..i32::from(days))
            .map(|ahead| date.plus_days(ahead))
            .find(|day| !self.covers(day.year()))
    }

    /// Whether banks and companies work on this day.
    pub fn is_business_day(&self, date: BusinessDate) -> bool {
        match self.deviations.get(&date) {
            Some(Deviation::Holiday) => false,
            Some(Deviation::Workday) => true,
            None => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
        }
    }

    /// The first business day after `date`.
    pub fn next_business_day(&self, date: BusinessDate) -> BusinessDate {
        self.business_day_on_or_after(date.next())
    }

    /// The last business day before `date`.
    pub fn previous_business_day(&self, date: BusinessDate) -> BusinessDate {
        let mut day = date.previous();
        while !self.is_business_day(day) && day > BusinessDate::MIN {
            day = day.previous();
        }
        day
    }

    /// `date` itself if it is a business day, otherwise the first one after it.
    pub fn business_day_on_or_after(&self, date: BusinessDate) -> BusinessDate {
        let mut day = date;
        while !self.is_business_day(day) && day < BusinessDate::MAX {
            day = day.next();
        }
        day
    }

    /// The business day `count` business days after `date`; count 0 is `date` if it is one, else the next.
    pub fn plus_business_days(&self, date: BusinessDate, count: u8) -> BusinessDate {
        if count == 0 {
            return self.business_day_on_or_after(date);
        }
        (0..count).fold(date, |day, _| self.next_business_day(day))
    }

    /// The day on which the takings of `trade` are settled under `cycle`.
    ///
    /// T+n, weekly and monthly settlements land on a business day; D+n counts civil days and lands
    /// wherever they lead.
    pub fn settlement_date(&self, trade: BusinessDate, cycle: SettlementCycle) -> BusinessDate {
        match cycle {
            SettlementCycle::BusinessDays(count) => self.plus_business_days(trade, count),
            SettlementCycle::CalendarDays(count) => trade.plus_days(i32::from(count)),
            SettlementCycle::Weekly { weekday } => {
                self.business_day_on_or_after(weekday.next_after(trade))
            }
            SettlementCycle::Monthly { day } => {
                self.business_day_on_or_after(next_month_day(trade, day))
            }
        }
    }
}

fn within(years: Option<(i16, i16)>, year: i16) -> bool {
    years.is_some_and(|(first, last)| (first..=last).contains(&year))
}

/// The first date after `trade` with this day of month; a day that the month lacks is its last.
fn next_month_day(trade: BusinessDate, day: u8) -> BusinessDate {
    let in_month_of = |date: BusinessDate| {
        let last = date.last_of_month();
        let wanted = i32::from(day).clamp(1, i32::from(last.day()));
        last.plus_days(wanted - i32::from(last.day()))
    };
    let this_month = in_month_of(trade);
    if this_month > trade {
        this_month
    } else {
        in_month_of(trade.last_of_month().next())
    }
}
