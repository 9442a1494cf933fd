//! Amounts: arithmetic, text and JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cmp::Ordering;

use money::{Currency, Money, MoneyError, ParseAmountError, parse_major};
use proptest::prelude::*;

fn bhd() -> Currency {
    "BHD".parse().unwrap()
}

fn currencies() -> impl Strategy<Value = Currency> {
    prop_oneof![
        Just(Currency::CNY),
        Just(Currency::JPY),
        Just(Currency::USD),
        Just(bhd()),
    ]
}

#[test]
fn currency_knows_its_codes_and_decimals() {
    assert_eq!(Currency::CNY.code(), "CNY");
    assert_eq!(Currency::CNY.numeric(), 156);
    assert_eq!(Currency::CNY.exponent(), 2);
    assert_eq!(Currency::JPY.exponent(), 0);
    assert_eq!(bhd().exponent(), 3);
    assert_eq!(Currency::from_numeric(156), Some(Currency::CNY));
    assert_eq!(Currency::from_numeric(1), None);
}

#[test]
fn codes_without_minor_unit_hold_no_money() {
    for code in ["XXX", "XTS", "XAU", "cny", "RMB", "", "CNY "] {
        assert!(code.parse::<Currency>().is_err(), "{code:?} was accepted");
    }
    assert_eq!(Currency::from_numeric(999), None);
    let long = "x".repeat(5000).parse::<Currency>().unwrap_err();
    assert_eq!(long.code, "xxxxxxxx");
}

#[test]
fn json_is_minor_units_and_code() {
    let money = Money::cny(12345);
    let json = serde_json::to_string(&money).unwrap();
    assert_eq!(json, r#"{"amount":12345,"currency":"CNY"}"#);
    assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    for refused in [
        r#"{"amount":123.45,"currency":"CNY"}"#,
        r#"{"amount":1e2,"currency":"CNY"}"#,
        r#"{"amount":"12345","currency":"CNY"}"#,
        r#"{"amount":9223372036854775808,"currency":"CNY"}"#,
        r#"{"amount":1,"currency":"cny"}"#,
        r#"{"amount":1,"currency":156}"#,
        r#"{"amount":1}"#,
        r#"{"amount":1,"currency":"CNY","unit":"yuan"}"#,
    ] {
        assert!(
            serde_json::from_str::<Money>(refused).is_err(),
            "{refused} was accepted"
        );
    }
}

#[test]
fn arithmetic_refuses_mixed_currencies_and_overflow() {
    let dollar = Money::new(1, Currency::USD);
    let mismatch = MoneyError::CurrencyMismatch {
        left: Currency::CNY,
        right: Currency::USD,
    };
    assert_eq!(Money::cny(1).checked_add(dollar), Err(mismatch));
    assert_eq!(Money::cny(1).checked_sub(dollar), Err(mismatch));
    assert_eq!(Money::cny(1).compare(dollar), Err(mismatch));
    assert_eq!(
        Money::checked_sum(Currency::CNY, [Money::cny(1), dollar]),
        Err(mismatch)
    );
    let most = Money::cny(i64::MAX);
    let least = Money::cny(i64::MIN);
    assert_eq!(most.checked_add(Money::cny(1)), Err(MoneyError::Overflow));
    assert_eq!(least.checked_sub(Money::cny(1)), Err(MoneyError::Overflow));
    assert_eq!(least.checked_neg(), Err(MoneyError::Overflow));
    assert_eq!(least.checked_abs(), Err(MoneyError::Overflow));
    assert_eq!(most.checked_mul(2), Err(MoneyError::Overflow));
}

#[test]
fn a_sum_overflows_only_in_its_result() {
    let amounts = [Money::cny(i64::MAX), Money::cny(5), Money::cny(-10)];
    assert_eq!(
        Money::checked_sum(Currency::CNY, amounts),
        Ok(Money::cny(i64::MAX - 5))
    );
    assert_eq!(
        Money::checked_sum(Currency::CNY, [Money::cny(i64::MAX), Money::cny(1)]),
        Err(MoneyError::Overflow)
    );
    assert_eq!(
        Money::checked_sum(Currency::CNY, []),
        Ok(Money::zero(Currency::CNY))
    );
}

#[test]
fn written_in_major_units() {
    for (minor, written) in [
        (12345, "CNY 123.45"),
        (5, "CNY 0.05"),
        (-5, "CNY -0.05"),
        (0, "CNY 0.00"),
        (-12300, "CNY -123.00"),
        (i64::MIN, "CNY -92233720368547758.08"),
    ] {
        assert_eq!(Money::cny(minor).to_string(), written);
    }
    assert_eq!(Money::new(7, Currency::JPY).to_string(), "JPY 7");
    assert_eq!(Money::new(7, bhd()).to_major_string(), "0.007");
}

#[test]
fn reads_major_units() {
    for (text, minor) in [
        ("123.45", 12345),
        ("0.5", 50),
        ("-3", -300),
        ("007", 700),
        ("1.5000", 150),
        ("-0.01", -1),
        ("-0", 0),
        ("92233720368547758.07", i64::MAX),
        ("-92233720368547758.08", i64::MIN),
    ] {
        assert_eq!(
            parse_major(text, Currency::CNY),
            Ok(Money::cny(minor)),
            "{text}"
        );
    }
    assert_eq!(
        Money::parse_major("12", Currency::JPY),
        Ok(Money::new(12, Currency::JPY))
    );
}

#[test]
fn refuses_what_is_not_plainly_an_amount() {
    use ParseAmountError::{MissingDigit, Overflow, TooManyDecimals, UnexpectedCharacter};
    let stray = |found, position| UnexpectedCharacter { found, position };
    for (text, error) in [
        ("", MissingDigit { position: 0 }),
        ("-", MissingDigit { position: 1 }),
        (".5", MissingDigit { position: 0 }),
        ("5.", MissingDigit { position: 2 }),
        ("`1.00", stray('`', 0)),
        (" 1.00", stray(' ', 0)),
        ("1.00 ", stray(' ', 4)),
        ("+1", stray('+', 0)),
        ("--1", stray('-', 1)),
        ("1,000.00", stray(',', 1)),
        ("1.2.3", stray('.', 3)),
        ("1e3", stray('e', 1)),
        ("１", stray('１', 0)),
        (
            "1.001",
            TooManyDecimals {
                currency: Currency::CNY,
                allowed: 2,
                decimal: 3,
            },
        ),
        ("92233720368547758.08", Overflow),
        ("99999999999999999999", Overflow),
    ] {
        assert_eq!(parse_major(text, Currency::CNY), Err(error), "{text:?}");
    }
}

proptest! {
    #[test]
    fn text_and_json_return_the_same_amount(amount: i64, currency in currencies()) {
        let money = Money::new(amount, currency);
        prop_assert_eq!(parse_major(&money.to_major_string(), currency), Ok(money));
        let json = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    }

    #[test]
    fn reading_never_panics(text in ".{0,24}", currency in currencies()) {
        if let Ok(money) = parse_major(&text, currency) {
            prop_assert_eq!(money.currency(), currency);
        }
    }

    #[test]
    fn arithmetic_agrees_with_wide_integers(left: i64, right: i64) {
        let wide = |sum: i128| i64::try_from(sum).map(Money::cny).map_err(|_| MoneyError::Overflow);
        let (l, r) = (Money::cny(left), Money::cny(right));
        prop_assert_eq!(l.checked_add(r), wide(i128::from(left) + i128::from(right)));
        prop_assert_eq!(l.checked_sub(r), wide(i128::from(left) - i128::from(right)));
        prop_assert_eq!(l.checked_mul(right), wide(i128::from(left) * i128::from(right)));
        prop_assert_eq!(l.checked_neg(), wide(-i128::from(left)));
        prop_assert_eq!(l.compare(r), Ok(left.cmp(&right)));
        prop_assert_eq!(l.is_negative(), l.compare(Money::cny(0)) == Ok(Ordering::Less));
    }
}
