//! Signs of risk: each from both sides of its figure.

use calendar::BusinessDate;
use compliance::risk::{
    Alarm, Assessment, EMBEDDED_FIGURES, Measure, MerchantDay, PayerHour, Rests, RiskFigures, Sign,
};

fn figures() -> RiskFigures {
    let (name, text) = EMBEDDED_FIGURES;
    RiskFigures::load(name, text).unwrap_or_else(|error| panic!("{error}"))
}

/// What came of one sign; each sign that is raised says what was seen and what to do.
fn measure(assessment: &Assessment, sign: Sign) -> Option<Measure> {
    for signal in &assessment.signals {
        assert!(!signal.seen.is_empty(), "{:?} is silent", signal.sign);
        for text in [&signal.says, &signal.remedy] {
            assert!(!text.en.is_empty() && !text.zh.is_empty());
        }
    }
    let found = assessment.signals.iter().find(|signal| signal.sign == sign);
    found.map(|signal| signal.measure)
}

#[test]
fn a_payer_who_pays_too_often_or_too_much() {
    for (payments, yuan, expected) in [
        (9, 100, None),
        (10, 100, Some(Measure::Flag)),
        (19, 100, Some(Measure::Flag)),
        (20, 100, Some(Measure::Hold)),
        (1, 19_999, None),
        (1, 20_000, Some(Measure::Flag)),
        (1, 50_000, Some(Measure::Hold)),
    ] {
        let hour = PayerHour {
            payments,
            amount: yuan * 100,
        };
        let assessment = figures().payer(&hour);
        assert_eq!(measure(&assessment, Sign::Velocity), expected, "{hour:?}");
        assert_eq!(assessment.measure(), expected);
    }
}

#[test]
fn refunds_by_share_and_to_others() {
    let refunds = |payments, refunds, refunds_to_others| {
        let day = MerchantDay {
            payments,
            refunds,
            refunds_to_others,
            amount: 100,
            ..MerchantDay::default()
        };
        measure(&figures().merchant(&day), Sign::RefundAbuse)
    };
    assert_eq!(refunds(19, 19, 0), None, "too few to tell");
    assert_eq!(refunds(100, 19, 0), None);
    assert_eq!(refunds(100, 20, 0), Some(Measure::Flag));
    assert_eq!(refunds(100, 49, 0), Some(Measure::Flag));
    assert_eq!(refunds(100, 50, 0), Some(Measure::Hold));
    assert_eq!(refunds(1, 1, 1), Some(Measure::Hold), "never to others");
}

#[test]
fn trade_at_night() {
    let figures = figures();
    for (minute, night) in [(0, true), (299, true), (300, false), (1_439, false)] {
        assert_eq!(figures.is_night(minute), night, "{minute}");
    }
    let night = |amount: i64, night_amount| {
        let day = MerchantDay {
            amount,
            night_amount,
            ..MerchantDay::default()
        };
        measure(&figures.merchant(&day), Sign::NightWindow)
    };
    assert_eq!(night(499_999, 499_999), None, "too little to tell");
    assert_eq!(night(1_000_000, 299_999), None);
    assert_eq!(night(1_000_000, 300_000), Some(Measure::Flag));
    assert_eq!(night(1_000_000, 700_000), Some(Measure::Hold));
}

#[test]
fn a_window_past_midnight() {
    let (name, text) = EMBEDDED_FIGURES;
    let text = text.replace("from = \"00:00\"", "from = \"23:00\"");
    let figures = RiskFigures::load(name, &text).unwrap();
    for (minute, night) in [(1_379, false), (1_380, true), (0, true), (300, false)] {
        assert_eq!(figures.is_night(minute), night, "{minute}");
    }
}

#[test]
fn cash_out_is_several_signs_together() {
    let figures = figures();
    assert!(figures.is_round(10_000) && !figures.is_round(10_001) && !figures.is_round(0));
    let credit = MerchantDay {
        payments: 10,
        amount: 1_000_000,
        credit_amount: 800_000,
        largest_payer_amount: Some(499_999),
        ..MerchantDay::default()
    };
    let sign = |day: &MerchantDay| measure(&figures.merchant(day), Sign::CashOut);
    assert_eq!(sign(&credit), None, "credit cards alone are trade");
    let round = MerchantDay {
        round_payments: 6,
        ..credit
    };
    assert_eq!(sign(&round), Some(Measure::Flag));
    let fast = MerchantDay {
        payout_after_minutes: Some(30),
        ..round
    };
    assert_eq!(sign(&fast), Some(Measure::Hold));
    let slow = MerchantDay {
        payout_after_minutes: Some(31),
        ..round
    };
    assert_eq!(sign(&slow), Some(Measure::Flag));
    let one_payer = MerchantDay {
        largest_payer_amount: Some(500_000),
        ..round
    };
    assert_eq!(sign(&one_payer), Some(Measure::Hold));
    let small = MerchantDay {
        amount: 999_999,
        credit_amount: 999_999,
        ..one_payer
    };
    assert_eq!(sign(&small), None);
}

#[test]
fn a_counter_that_is_not_kept_is_named() {
    let day = MerchantDay {
        payments: 10,
        amount: 1_000_000,
        static_amount: 1_000_000,
        static_codes: 2,
        ..MerchantDay::default()
    };
    let assessment = figures().merchant(&day);
    assert_eq!(
        assessment.unseen,
        ["largest_payer_amount", "largest_code_amount"]
    );
}

#[test]
fn one_sticker_takes_everything() {
    let sign = |static_codes, largest| {
        let day = MerchantDay {
            amount: 1_000_000,
            static_amount: 1_000_000,
            static_codes,
            largest_code_amount: Some(largest),
            ..MerchantDay::default()
        };
        measure(&figures().merchant(&day), Sign::StaticCodeConcentration)
    };
    assert_eq!(sign(1, 1_000_000), None, "who has one code has no choice");
    assert_eq!(sign(2, 599_999), None);
    assert_eq!(sign(2, 600_000), Some(Measure::Flag));
    assert_eq!(sign(2, 950_000), Some(Measure::Hold));
}

#[test]
fn resting_money_is_summed_by_owner_and_alarms_by_days_or_amount() {
    let day = BusinessDate::new(2018, 1, 10).unwrap();
    let rests = |owner: &str, yuan: i64, days: i32| Rests {
        owner: owner.to_owned(),
        amount: yuan * 100,
        since: day.plus_days(-days),
    };
    let report = figures().resting(
        [
            rests("young", 5_000_000, 0),
            rests("old", 1, 7),
            rests("old", 10, 1),
            rests("big", 1_000_000, 1),
            rests("middle", 100, 3),
            rests("fine", 99_999, 2),
            rests("nothing", 0, 99),
        ],
        day,
    );
    let seen: Vec<(&str, i64, i32, Alarm)> = report
        .owners
        .iter()
        .map(|one| (one.owner.as_str(), one.amount / 100, one.days, one.alarm))
        .collect();
    assert_eq!(
        seen,
        [
            ("big", 1_000_000, 1, Alarm::Red),
            ("old", 11, 7, Alarm::Red),
            ("middle", 100, 3, Alarm::Flag),
            ("fine", 99_999, 2, Alarm::None),
            ("young", 5_000_000, 0, Alarm::None),
        ]
    );
    assert_eq!(report.alarm, Alarm::Red);
    assert_eq!(report.total, 610_011_000);
    assert!(report.remedy.is_some());
    let quiet = figures().resting([rests("fine", 99_999, 2)], day);
    assert_eq!((quiet.alarm, quiet.says), (Alarm::None, None));
}

#[test]
fn broken_figures_are_refused_with_file_line_and_reason() {
    let (name, text) = EMBEDDED_FIGURES;
    for (from, to, reason) in [
        ("flag_payments = 10", "flag_payments = 21", "velocity"),
        ("flag_share = 0.20", "flag_share = 1.5", "share"),
        ("hold_yuan = 50000", "hold_yuan = 0", "amount in yuan"),
        ("to = \"05:00\"", "to = \"25:00\"", "time of day"),
        ("least_codes = 2", "least_code = 2", "least_code"),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        let error = RiskFigures::load(name, &broken).unwrap_err();
        assert_eq!(error.file, name);
        assert!(error.line > 1 && error.reason.contains(reason), "{error}");
    }
}
