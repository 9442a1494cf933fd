//! Whether the list of holidays reaches far enough.

use calendar::{BusinessDate, HolidayCalendar};

/// Days ahead that settlements of today may depend on, and time enough to get a list.
const DAYS_AHEAD: u16 = 60;

/// Says in the log that the list of holidays soon ends, and what to do.
pub fn tell(calendar: &HolidayCalendar, today: BusinessDate) {
    if let Some(missing) = missing(calendar, today) {
        tracing::warn!("{missing}");
    }
}

fn missing(calendar: &HolidayCalendar, today: BusinessDate) -> Option<String> {
    let first = calendar.first_uncovered(today, DAYS_AHEAD)?;
    let year = first.year();
    Some(format!(
        "the holidays and make-up workdays of {year} are not known, and {first} is within {DAYS_AHEAD} days: money may be settled on days on which banks do not work. Set [calendar] holidays to a list that covers {year}, or install a release that does (docs/operations/holidays.md)"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]

    use super::missing;
    use calendar::HolidayCalendar;

    #[test]
    fn a_list_that_ends_within_sixty_days_is_named_with_what_to_do() {
        let covers = "covers,2026,2026\nprovisional,2027,2027\n2027-01-01,holiday,new_year\n";
        let list = HolidayCalendar::from_csv(covers).expect("a list");
        let told = |today: &str| missing(&list, today.parse().expect("a date"));
        assert_eq!(told("2026-11-02"), None);
        let warning = told("2026-11-03").expect("the list ends too early");
        assert!(warning.contains("of 2027") && warning.contains("2027-01-01"));
        assert!(warning.contains("[calendar] holidays"));
    }
}
