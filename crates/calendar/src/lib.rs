//! Business dates, Shanghai time and the holidays of mainland China.
//!
//! China has used one offset, +08:00, without daylight saving time since 1991, so the conversions
//! here are plain arithmetic and need no zone database. Nothing in this crate reads a clock: the
//! instant is always an argument.

mod cycle;
mod date;
mod holidays;
pub mod rfc3339;
mod shanghai;
mod text;

pub use cycle::{ParseCycleError, SettlementCycle, Weekday};
pub use date::{BusinessDate, DateError};
pub use holidays::{HolidayCalendar, HolidayFileError};
pub use shanghai::{business_date_with_cut, instant_at, shanghai_date, shanghai_datetime};
pub use text::{
    ParseTimeError, compact, parse_compact, parse_rfc3339, parse_spaced, rfc3339_shanghai, spaced,
};
