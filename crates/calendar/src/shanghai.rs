//! Instants seen from Shanghai.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use crate::BusinessDate;

pub(crate) const SHANGHAI: Offset = Offset::constant(8);
const SECONDS_PER_DAY: i64 = 86_400;

/// The civil day in Shanghai at this instant.
pub fn shanghai_date(instant: Timestamp) -> BusinessDate {
    BusinessDate::from_date(shanghai_datetime(instant).date())
}

/// The wall clock in Shanghai at this instant.
pub fn shanghai_datetime(instant: Timestamp) -> DateTime {
    SHANGHAI.to_datetime(instant)
}

/// The instant at which the Shanghai wall clock shows this time on this date.
///
/// Hours, minutes and seconds are counted from midnight without further limits, so hour 24 is
/// midnight at the end of the day.
pub fn instant_at(date: BusinessDate, hour: u8, minute: u8, second: u8) -> Timestamp {
    let days = Date::constant(1970, 1, 1)
        .duration_until(date.date())
        .as_hours()
        / 24;
    let wall = days * SECONDS_PER_DAY
        + i64::from(hour) * 3600
        + i64::from(minute) * 60
        + i64::from(second);
    Timestamp::from_second(wall - i64::from(SHANGHAI.seconds())).unwrap_or(Timestamp::MAX)
}

/// The clearing date of a party whose day ends at the given Shanghai time (UnionPay: 23:00).
///
/// From the cut on, an instant belongs to the following civil day.
pub fn business_date_with_cut(instant: Timestamp, cut_hour: u8, cut_minute: u8) -> BusinessDate {
    let date = shanghai_date(instant);
    if instant >= instant_at(date, cut_hour, cut_minute, 0) {
        date.next()
    } else {
        date
    }
}
