//! Business dates and Shanghai time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use calendar::{
    BusinessDate, DateError, ParseTimeError, business_date_with_cut, compact, instant_at,
    parse_compact, parse_rfc3339, parse_spaced, rfc3339_shanghai, shanghai_date, shanghai_datetime,
    spaced,
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

fn date(text: &str) -> BusinessDate {
    text.parse().unwrap()
}

fn dates() -> impl Strategy<Value = BusinessDate> {
    (0i32..3_652_058).prop_map(|days| BusinessDate::MIN.plus_days(days))
}

/// Whole seconds whose Shanghai wall clock lies in the years 1 to 9998.
fn seconds() -> impl Strategy<Value = Timestamp> {
    (-62_135_500_000i64..253_370_000_000).prop_map(|second| Timestamp::from_second(second).unwrap())
}

#[test]
fn written_forms_of_a_date() {
    let day = date("2026-11-20");
    assert_eq!(day.to_string(), "2026-11-20");
    assert_eq!(day.to_yyyymmdd(), 20_261_120);
    assert_eq!(BusinessDate::from_yyyymmdd(20_261_120), Ok(day));
    assert_eq!(BusinessDate::new(2026, 11, 20), Ok(day));
    assert_eq!(serde_json::to_string(&day).unwrap(), "\"2026-11-20\"");
    assert_eq!(
        serde_json::from_str::<BusinessDate>("\"2026-11-20\"").unwrap(),
        day
    );
}

#[test]
fn days_that_do_not_exist_are_refused() {
    for text in ["2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01"] {
        let error = text.parse::<BusinessDate>().unwrap_err();
        assert!(matches!(error, DateError::NoSuchDay { .. }), "{text}");
    }
    for text in [
        "2026-1-1",
        "20261120",
        " 2026-11-20",
        "2026-11-20Z",
        "-026-11-20",
        "2026-11-2０",
        "",
    ] {
        assert_eq!(
            text.parse::<BusinessDate>(),
            Err(DateError::Malformed),
            "{text}"
        );
    }
    for number in [0, -20_261_120, 20_260_229, 99_999_999, i32::MAX, i32::MIN] {
        assert!(BusinessDate::from_yyyymmdd(number).is_err(), "{number}");
    }
}

#[test]
fn neighbours_cross_months_and_years() {
    assert_eq!(date("2026-12-31").next(), date("2027-01-01"));
    assert_eq!(date("2024-03-01").previous(), date("2024-02-29"));
    assert_eq!(date("2026-11-20").plus_days(-20), date("2026-10-31"));
    assert_eq!(BusinessDate::MAX.next(), BusinessDate::MAX);
    assert_eq!(BusinessDate::MIN.previous(), BusinessDate::MIN);
    assert_eq!(date("2026-11-20").plus_days(i32::MAX), BusinessDate::MAX);
    assert_eq!(date("2026-11-20").plus_days(i32::MIN), BusinessDate::MIN);
}

#[test]
fn the_day_turns_at_sixteen_hundred_utc() {
    let before: Timestamp = "2026-11-20T15:59:59.999Z".parse().unwrap();
    let after: Timestamp = "2026-11-20T16:00:00Z".parse().unwrap();
    assert_eq!(shanghai_date(before), date("2026-11-20"));
    assert_eq!(shanghai_date(after), date("2026-11-21"));
    assert_eq!(instant_at(date("2026-11-21"), 0, 0, 0), after);
    assert_eq!(instant_at(date("2026-11-20"), 24, 0, 0), after);
    assert_eq!(shanghai_datetime(after).hour(), 0);
}

#[test]
fn a_cut_before_midnight_moves_the_evening_to_the_next_date() {
    let day = date("2026-11-20");
    assert_eq!(
        business_date_with_cut(instant_at(day, 22, 59, 59), 23, 0),
        day
    );
    assert_eq!(
        business_date_with_cut(instant_at(day, 23, 0, 0), 23, 0),
        day.next()
    );
    assert_eq!(
        business_date_with_cut(instant_at(day, 23, 59, 59), 24, 0),
        day
    );
}

#[test]
fn written_forms_of_an_instant() {
    let instant = instant_at(date("2018-06-08"), 10, 34, 56);
    assert_eq!(rfc3339_shanghai(instant), "2018-06-08T10:34:56+08:00");
    assert_eq!(compact(instant), "20180608103456");
    assert_eq!(spaced(instant), "2018-06-08 10:34:56");
    let later: Timestamp = "2018-06-08T02:34:56.0409Z".parse().unwrap();
    assert_eq!(rfc3339_shanghai(later), "2018-06-08T10:34:56.040+08:00");
    for text in [
        "2018-06-08T10:34:56+08:00",
        "2018-06-08T02:34:56Z",
        "2018-06-08T10:34:56.000+08:00",
        "2018-06-07T21:34:56-05:00",
    ] {
        assert_eq!(parse_rfc3339(text), Ok(instant), "{text}");
    }
    assert_eq!(parse_compact("20180608103456"), Ok(instant));
    assert_eq!(parse_spaced("2018-06-08 10:34:56"), Ok(instant));
}

#[test]
fn other_forms_of_an_instant_are_refused() {
    for text in [
        "2018-06-08T10:34:56",
        "2018-06-08 10:34:56+08:00",
        "2018-06-08T10:34:56+0800",
        "2018-06-08T10:34:56+08:00[Asia/Shanghai]",
        "2018-06-08T10:34:56.+08:00",
        "2018-06-08",
        "二〇一八年六月八日十时三十四分",
    ] {
        let error = parse_rfc3339(text).unwrap_err();
        assert!(matches!(error, ParseTimeError::Malformed { .. }), "{text}");
    }
    for text in [
        "2018-06-31T10:34:56+08:00",
        "2018-06-08T24:00:00+08:00",
        "2018-06-08T10:60:00+08:00",
        "2018-06-08T10:34:56+99:00",
    ] {
        assert_eq!(
            parse_rfc3339(text),
            Err(ParseTimeError::NoSuchInstant),
            "{text}"
        );
    }
    for text in ["20180631103456", "20180608240000", "20180608106000"] {
        assert_eq!(
            parse_compact(text),
            Err(ParseTimeError::NoSuchInstant),
            "{text}"
        );
    }
    for text in ["2018060810345", "201806081034567", "2018060810345x", ""] {
        let error = parse_compact(text).unwrap_err();
        assert!(matches!(error, ParseTimeError::Malformed { .. }), "{text}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stamped {
    #[serde(with = "calendar::rfc3339")]
    at: Timestamp,
    #[serde(with = "calendar::rfc3339::option", default)]
    until: Option<Timestamp>,
}

#[test]
fn serde_form_of_instants() {
    let at = instant_at(date("2026-11-20"), 9, 0, 0);
    let stamped = Stamped { at, until: None };
    let json = serde_json::to_string(&stamped).unwrap();
    assert_eq!(json, r#"{"at":"2026-11-20T09:00:00+08:00","until":null}"#);
    assert_eq!(serde_json::from_str::<Stamped>(&json).unwrap(), stamped);
    let read: Stamped =
        serde_json::from_str(r#"{"at":"2026-11-20T01:00:00Z","until":"2026-11-20T01:00:00Z"}"#)
            .unwrap();
    assert_eq!(
        read,
        Stamped {
            at,
            until: Some(at)
        }
    );
    assert!(serde_json::from_str::<Stamped>(r#"{"at":"2026-11-20T01:00:00Z"}"#).is_ok());
    assert!(serde_json::from_str::<Stamped>(r#"{"at":1}"#).is_err());
    assert!(serde_json::from_str::<Stamped>(r#"{"at":"yesterday"}"#).is_err());
}

proptest! {
    #[test]
    fn dates_survive_every_form(day in dates()) {
        prop_assert_eq!(day.to_string().parse::<BusinessDate>(), Ok(day));
        prop_assert_eq!(BusinessDate::from_yyyymmdd(day.to_yyyymmdd()), Ok(day));
        prop_assert_eq!(day.next().previous(), if day == BusinessDate::MAX { day.previous() } else { day });
    }

    #[test]
    fn days_add_up(day in dates(), days in -100_000i32..100_000) {
        let other = day.plus_days(days);
        prop_assume!(other > BusinessDate::MIN && other < BusinessDate::MAX);
        prop_assert_eq!(day.days_until(other), days);
        prop_assert_eq!(other.cmp(&day), days.cmp(&0));
    }

    #[test]
    fn instants_survive_every_form(instant in seconds(), millisecond in 0i64..1000) {
        prop_assert_eq!(parse_compact(&compact(instant)), Ok(instant));
        prop_assert_eq!(parse_spaced(&spaced(instant)), Ok(instant));
        let precise = Timestamp::from_millisecond(instant.as_second() * 1000 + millisecond).unwrap();
        prop_assert_eq!(parse_rfc3339(&rfc3339_shanghai(precise)), Ok(precise));
    }

    #[test]
    fn wall_clock_and_instant_agree(day in dates(), hour in 0u8..24, minute in 0u8..60, second in 0u8..60) {
        prop_assume!(day.year() < 9999);
        let instant = instant_at(day, hour, minute, second);
        prop_assert_eq!(shanghai_date(instant), day);
        let wall = shanghai_datetime(instant);
        let shown = (wall.hour(), wall.minute(), wall.second());
        prop_assert_eq!(shown, (hour as i8, minute as i8, second as i8));
    }

    #[test]
    fn reading_never_panics(text in ".{0,30}") {
        let _ = (parse_rfc3339(&text), parse_compact(&text), parse_spaced(&text));
        let _ = text.parse::<BusinessDate>();
    }
}
