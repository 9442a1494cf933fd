//! Holidays of mainland China and settlement dates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use calendar::{BusinessDate, HolidayCalendar, HolidayFileError, SettlementCycle, Weekday};
use proptest::prelude::*;

fn date(text: &str) -> BusinessDate {
    text.parse().unwrap()
}

fn china() -> &'static HolidayCalendar {
    HolidayCalendar::china()
}

fn cycles() -> impl Strategy<Value = SettlementCycle> {
    let weekday = prop::sample::select(vec![
        Weekday::Monday,
        Weekday::Wednesday,
        Weekday::Friday,
        Weekday::Sunday,
    ]);
    prop_oneof![
        any::<u8>().prop_map(SettlementCycle::BusinessDays),
        any::<u8>().prop_map(SettlementCycle::CalendarDays),
        weekday.prop_map(|weekday| SettlementCycle::Weekly { weekday }),
        (1u8..=31).prop_map(|day| SettlementCycle::Monthly { day }),
    ]
}

#[test]
fn the_embedded_list_is_readable_and_complete() {
    let read = HolidayCalendar::from_csv(HolidayCalendar::china_csv()).unwrap();
    assert_eq!(&read, china());
    assert!(china().covers(2017) && china().covers(2026));
    assert!(!china().covers(2016) && !china().covers(2027));
}

/// Make-up workdays only move days off: what remains is the number of statutory holidays that fell
/// or were moved onto weekdays, 11 a year, 13 since 2025, and 13 in 2020 with its extension.
#[test]
fn every_year_has_its_statutory_number_of_days_off() {
    for year in 2017..=2026 {
        let mut day = BusinessDate::new(year, 1, 1).unwrap();
        let mut net = 0;
        while day.year() == year {
            let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
            match (weekend, china().is_business_day(day)) {
                (false, false) => net += 1,
                (true, true) => net -= 1,
                _ => {}
            }
            day = day.next();
        }
        let expected = if year == 2020 || year >= 2025 { 13 } else { 11 };
        assert_eq!(net, expected, "{year}");
    }
}

#[test]
fn national_day_2025() {
    assert!(
        china().is_business_day(date("2025-09-28")),
        "make-up Sunday"
    );
    assert_eq!(
        china().next_business_day(date("2025-09-30")),
        date("2025-10-09")
    );
    assert!(
        china().is_business_day(date("2025-10-11")),
        "make-up Saturday"
    );
    assert!(!china().is_business_day(date("2025-10-12")));
    assert_eq!(
        china().previous_business_day(date("2025-10-09")),
        date("2025-09-30")
    );
}

#[test]
fn spring_festival_2026() {
    let t1 = SettlementCycle::BusinessDays(1);
    // Saturday 14 February is a make-up workday, the nine days after it are off.
    assert_eq!(
        china().settlement_date(date("2026-02-13"), t1),
        date("2026-02-14")
    );
    assert_eq!(
        china().settlement_date(date("2026-02-14"), t1),
        date("2026-02-24")
    );
    assert_eq!(
        china().settlement_date(date("2026-02-17"), t1),
        date("2026-02-24")
    );
    assert_eq!(
        china().settlement_date(date("2026-02-27"), t1),
        date("2026-02-28")
    );
}

/// Money was due on New Year's Day, on which no bank works.
#[test]
fn days_that_the_regulation_fixes_are_off_before_the_years_notice() {
    let t1 = SettlementCycle::BusinessDays(1);
    for (trade, settled) in [
        ("2026-12-31", "2027-01-04"),
        ("2027-02-04", "2027-02-09"),
        ("2027-04-02", "2027-04-06"),
        ("2027-06-08", "2027-06-10"),
        ("2027-09-14", "2027-09-16"),
        ("2027-09-30", "2027-10-04"),
    ] {
        assert_eq!(
            china().settlement_date(date(trade), t1),
            date(settled),
            "{trade}"
        );
    }
    assert!(!china().covers(2027), "what the notice moves is not known");
    let statutory = (0..365)
        .filter(|day| !china().is_business_day(date("2027-01-01").plus_days(*day)))
        .count();
    // 104 days of weekends and 13 holidays, of which six are on weekends.
    assert_eq!(statutory, 104 + 13 - 6);
}

#[test]
fn the_end_of_what_is_known_is_told_in_advance() {
    assert_eq!(china().covered_until(), Some(date("2026-12-31")));
    assert_eq!(china().first_uncovered(date("2026-11-01"), 60), None);
    assert_eq!(
        china().first_uncovered(date("2026-11-03"), 60),
        Some(date("2027-01-01"))
    );
    let today = date("2028-03-01");
    assert_eq!(china().first_uncovered(today, 60), Some(today));
    assert_eq!(HolidayCalendar::weekends_only().covered_until(), None);
}

#[test]
fn amended_notices_are_in() {
    assert!(!china().is_business_day(date("2020-01-31")));
    assert!(!china().is_business_day(date("2020-02-01")));
    assert!(china().is_business_day(date("2020-02-03")));
    assert!(!china().is_business_day(date("2019-05-03")));
    assert!(china().is_business_day(date("2019-05-05")));
}

#[test]
fn each_cycle_counts_its_own_way() {
    let friday = date("2026-11-20");
    for (cycle, expected) in [
        ("T+0", "2026-11-20"),
        ("T+1", "2026-11-23"),
        ("T+3", "2026-11-25"),
        ("D+0", "2026-11-20"),
        ("D+1", "2026-11-21"),
        ("weekly:friday", "2026-11-27"),
        ("weekly:saturday", "2026-11-23"),
        ("weekly:monday", "2026-11-23"),
        ("monthly:20", "2026-12-21"),
        ("monthly:21", "2026-11-23"),
        ("monthly:31", "2026-11-30"),
    ] {
        let cycle: SettlementCycle = cycle.parse().unwrap();
        assert_eq!(
            china().settlement_date(friday, cycle),
            date(expected),
            "{cycle}"
        );
    }
    let saturday = date("2026-11-21");
    for cycle in [
        SettlementCycle::BusinessDays(0),
        SettlementCycle::BusinessDays(1),
    ] {
        assert_eq!(
            china().settlement_date(saturday, cycle),
            date("2026-11-23"),
            "{cycle}"
        );
    }
    let last_of_january = date("2026-01-31");
    assert_eq!(
        china().settlement_date(last_of_january, SettlementCycle::Monthly { day: 31 }),
        date("2026-02-28"),
        "a make-up Saturday"
    );
}

#[test]
fn text_of_a_cycle() {
    for text in ["T+0", "T+255", "D+1", "weekly:sunday", "monthly:31"] {
        let cycle: SettlementCycle = text.parse().unwrap();
        assert_eq!(cycle.to_string(), text);
        let json = serde_json::to_string(&cycle).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(
            serde_json::from_str::<SettlementCycle>(&json).unwrap(),
            cycle
        );
    }
    for text in [
        "",
        "T",
        "T+",
        "T+256",
        "T+-1",
        "T+01",
        "t+1",
        "D++1",
        "weekly:Friday",
        "weekly:",
        "monthly:0",
        "monthly:32",
        "T+1 ",
    ] {
        assert!(text.parse::<SettlementCycle>().is_err(), "{text}");
    }
}

#[test]
fn faulty_lists_name_their_line() {
    let error = |text: &str| HolidayCalendar::from_csv(text).unwrap_err();
    let malformed = HolidayFileError::Malformed { line: 2 };
    for row in [
        "2030-01-01,holiday",
        "2030-01-01,off,x",
        "covers,2030,2031",
        "provisional,2032,2031",
        "provisional,2031",
        "x",
    ] {
        assert_eq!(
            error(&format!("covers,2030,2030\n{row}\n")),
            malformed,
            "{row}"
        );
    }
    assert!(matches!(
        error("covers,2030,2030\n2030-02-30,holiday,x\n"),
        HolidayFileError::Date { line: 2, .. }
    ));
    assert_eq!(
        error("covers,2030,2030\n2030-01-01,holiday,x\n2030-01-01,workday,x\n"),
        HolidayFileError::Repeated {
            line: 3,
            date: date("2030-01-01")
        }
    );
    assert_eq!(
        error("2030-01-01,holiday,x\n"),
        HolidayFileError::NotCovered {
            line: 1,
            date: date("2030-01-01")
        }
    );
}

#[test]
fn outside_the_covered_years_only_weekends_are_off() {
    assert!(china().is_business_day(date("2040-10-01")));
    let weekends = HolidayCalendar::weekends_only();
    assert!(weekends.is_business_day(date("2026-10-01")));
    assert!(!weekends.is_business_day(date("2026-10-04")));
    assert!(!weekends.covers(2026));
    // A day off at the very end of the range must not loop.
    assert_eq!(
        weekends.next_business_day(BusinessDate::MAX),
        BusinessDate::MAX
    );
}

proptest! {
    #[test]
    fn settlement_is_later_ordered_and_on_a_business_day(
        offset in 0i32..3652,
        gap in 0i32..40,
        cycle in cycles(),
    ) {
        let trade = date("2017-01-01").plus_days(offset);
        let settled = china().settlement_date(trade, cycle);
        prop_assert!(settled >= trade);
        let later = china().settlement_date(trade.plus_days(gap), cycle);
        prop_assert!(later >= settled);
        match cycle {
            SettlementCycle::CalendarDays(days) => prop_assert_eq!(trade.days_until(settled), i32::from(days)),
            _ => prop_assert!(china().is_business_day(settled)),
        }
    }

    #[test]
    fn business_days_are_counted_one_by_one(offset in 0i32..3600, count in 1u8..30) {
        let trade = date("2017-01-01").plus_days(offset);
        let settled = china().settlement_date(trade, SettlementCycle::BusinessDays(count));
        let mut between = 0;
        let mut day = trade;
        while day < settled {
            day = day.next();
            between += i32::from(china().is_business_day(day));
        }
        prop_assert_eq!(between, i32::from(count));
    }
}
