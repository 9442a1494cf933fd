//! Rates, rounding and fee schedules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use money::{Currency, FeeError, FeeSchedule, FeeScheduleError, Money, MoneyError, Rate, Rounding};
use proptest::prelude::*;

const ALL: [Rounding; 4] = [
    Rounding::Down,
    Rounding::Up,
    Rounding::HalfUp,
    Rounding::HalfEven,
];

fn rates() -> impl Strategy<Value = Rate> {
    (0u32..=1_000_000).prop_map(|ppm| Rate::from_ppm(ppm).unwrap())
}

fn schedules() -> impl Strategy<Value = FeeSchedule> {
    let bounds = proptest::option::of((0i64..1_000_000, 0i64..1_000_000));
    (rates(), 0i64..1_000_000, bounds, any::<(bool, bool)>()).prop_map(
        |(rate, flat, bounds, (floor, cap))| {
            let bounds = bounds.map(|(a, b)| (a.min(b), a.max(b)));
            let min = bounds.filter(|_| floor).map(|(min, _)| min);
            let max = bounds.filter(|_| cap).map(|(_, max)| max);
            FeeSchedule::new(rate, flat, min, max).unwrap()
        },
    )
}

#[test]
fn rates_stop_at_the_whole() {
    assert_eq!(Rate::from_basis_points(60).unwrap().ppm(), 6_000);
    assert_eq!(Rate::from_basis_points(10_000), Ok(Rate::ONE));
    assert_eq!(Rate::from_basis_points(10_001).unwrap_err().ppm, 1_000_100);
    assert!(Rate::from_basis_points(u32::MAX).is_err());
    assert!(Rate::from_ppm(1_000_001).is_err());
    assert!(serde_json::from_str::<Rate>("1000001").is_err());
    assert_eq!(
        serde_json::from_str::<Rate>("6000").unwrap().to_string(),
        "0.6%"
    );
    assert_eq!(Rate::from_ppm(1).unwrap().to_string(), "0.0001%");
    assert_eq!(Rate::ONE.to_string(), "100%");
}

#[test]
fn each_rounding_treats_the_half_its_own_way() {
    let half = Rate::from_ppm(500_000).unwrap();
    let table = [
        (1, [0, 1, 1, 0]),
        (3, [1, 2, 2, 2]),
        (5, [2, 3, 3, 2]),
        (-1, [0, -1, -1, 0]),
        (-3, [-1, -2, -2, -2]),
        (4, [2, 2, 2, 2]),
    ];
    for (amount, expected) in table {
        let got = ALL.map(|rounding| half.of(Money::cny(amount), rounding).unwrap().amount());
        assert_eq!(got, expected, "half of {amount}");
    }
}

#[test]
fn wechat_fee_of_one_yuan() {
    let schedule = FeeSchedule::proportional(Rate::from_basis_points(60).unwrap());
    let fee = schedule.fee(Money::cny(100), Rounding::HalfUp).unwrap();
    assert_eq!(fee, Money::cny(1));
    let fee = schedule.fee(Money::cny(83), Rounding::HalfUp).unwrap();
    assert_eq!(fee, Money::cny(0));
}

#[test]
fn floor_cap_and_flat_part() {
    let rate = Rate::from_basis_points(100).unwrap();
    let schedule = FeeSchedule::new(rate, 10, Some(50), Some(2_500)).unwrap();
    for (amount, fee) in [
        (0, 50),
        (4_000, 50),
        (4_100, 51),
        (249_000, 2_500),
        (i64::MAX, 2_500),
    ] {
        let got = schedule.fee(Money::cny(amount), Rounding::Down).unwrap();
        assert_eq!(got, Money::cny(fee), "fee of {amount}");
    }
}

#[test]
fn contradictory_schedules_do_not_exist() {
    assert_eq!(
        FeeSchedule::new(Rate::ZERO, -1, None, None),
        Err(FeeScheduleError::Negative {
            field: "flat",
            amount: -1
        })
    );
    assert_eq!(
        FeeSchedule::new(Rate::ZERO, 0, Some(-1), None),
        Err(FeeScheduleError::Negative {
            field: "min",
            amount: -1
        })
    );
    assert_eq!(
        FeeSchedule::new(Rate::ZERO, 0, None, Some(-2)),
        Err(FeeScheduleError::Negative {
            field: "max",
            amount: -2
        })
    );
    assert_eq!(
        FeeSchedule::new(Rate::ZERO, 0, Some(2), Some(1)),
        Err(FeeScheduleError::FloorAboveCap { min: 2, max: 1 })
    );
    for refused in [
        r#"{"rate":6000,"min":2,"max":1}"#,
        r#"{"rate":6000,"percent":1}"#,
        r#"{"flat":-1}"#,
    ] {
        assert!(
            serde_json::from_str::<FeeSchedule>(refused).is_err(),
            "{refused} was accepted"
        );
    }
}

#[test]
fn json_of_a_schedule() {
    let schedule = FeeSchedule::new(Rate::from_ppm(6_000).unwrap(), 0, Some(1), None).unwrap();
    let json = serde_json::to_string(&schedule).unwrap();
    assert_eq!(json, r#"{"rate":6000,"flat":0,"min":1}"#);
    assert_eq!(
        serde_json::from_str::<FeeSchedule>(&json).unwrap(),
        schedule
    );
    assert_eq!(
        serde_json::from_str::<FeeSchedule>("{}").unwrap(),
        FeeSchedule::FREE
    );
}

#[test]
fn negative_amounts_have_no_fee_and_overflow_is_reported() {
    let amount = Money::cny(-1);
    assert_eq!(
        FeeSchedule::FREE.fee(amount, Rounding::Down),
        Err(FeeError::NegativeAmount { amount })
    );
    let schedule = FeeSchedule::new(Rate::ONE, 1, None, None).unwrap();
    assert_eq!(
        schedule.fee(Money::cny(i64::MAX), Rounding::Down),
        Err(FeeError::Money(MoneyError::Overflow))
    );
}

proptest! {
    #[test]
    fn roundings_stay_within_one_unit_and_mirror(amount: i64, rate in rates()) {
        prop_assume!(amount != i64::MIN);
        let exact = i128::from(amount) * i128::from(rate.ppm());
        for rounding in ALL {
            let part = rate.of(Money::cny(amount), rounding).unwrap();
            let error = i128::from(part.amount()) * 1_000_000 - exact;
            let bound = match rounding {
                Rounding::Down | Rounding::Up => 999_999,
                Rounding::HalfUp | Rounding::HalfEven => 500_000,
            };
            prop_assert!(error.abs() <= bound, "{rounding:?} is off by {error}");
            let mirrored = rate.of(Money::cny(-amount), rounding).unwrap();
            prop_assert_eq!(Ok(mirrored), part.checked_neg());
            prop_assert!(i128::from(part.amount()).abs() <= i128::from(amount).abs());
        }
    }

    #[test]
    fn fees_grow_with_the_amount_and_respect_their_bounds(
        schedule in schedules(),
        smaller in 0i64..1_000_000_000_000,
        more in 0i64..1_000_000_000,
    ) {
        for rounding in ALL {
            let low = schedule.fee(Money::cny(smaller), rounding).unwrap();
            let high = schedule.fee(Money::cny(smaller + more), rounding).unwrap();
            prop_assert!(low.amount() <= high.amount());
            prop_assert!(schedule.min().is_none_or(|min| low.amount() >= min));
            prop_assert!(schedule.max().is_none_or(|max| high.amount() <= max));
            prop_assert_eq!(low.currency(), Currency::CNY);
        }
    }

    #[test]
    fn schedules_survive_json(schedule in schedules()) {
        let json = serde_json::to_string(&schedule).unwrap();
        prop_assert_eq!(serde_json::from_str::<FeeSchedule>(&json).unwrap(), schedule);
    }
}
