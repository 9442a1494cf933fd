//! Matching, case by case.

use crate::support::{
    entry, findings, is_clean, line_of, number, payment, reconcile, run, summary_of, today,
};
use money::{Currency, Money, MoneyError};
use recon::{
    EntryKind, EntryStatus, Finding, Limits, LineOutcome, OurEntry, ReconError, Reconciler,
    Reconciliation, StatementLine, StatementSummary, StructuralError, SummaryField,
};

#[test]
fn two_equal_sides_are_clean() {
    let ours = vec![payment(1, 10_000), entry(1, EntryKind::Refund, 2_500)];
    let lines = ours.iter().rev().map(line_of).collect();
    let result = run(ours, lines);
    assert!(is_clean(&result));
    assert_eq!(result.matched, 2);
    assert_eq!(
        (result.ours.payments, result.ours.refunds),
        (result.theirs.payments, result.theirs.refunds)
    );
    assert_eq!(result.theirs.payments.amount, Money::cny(10_000));
    assert_eq!(result.theirs.refunds.count, 1);
    assert_eq!(result.theirs.fees, Money::cny(125));
    assert_eq!(result.theirs.net, Money::cny(10_000 - 2_500 - 125));
}

#[test]
fn nothing_on_either_side_is_clean() {
    let result = run(vec![], vec![]);
    assert!(is_clean(&result));
    assert_eq!(result.theirs.net, Money::cny(0));
}

#[test]
fn each_difference_names_its_place() {
    let mut other_amount = line_of(&payment(1, 100));
    other_amount.amount = Money::cny(101);
    let stranger = line_of(&payment(7, 300));
    let result = run(
        vec![payment(1, 100), payment(2, 200)],
        vec![stranger, other_amount],
    );
    let shown: Vec<_> = result
        .differences
        .iter()
        .map(|d| {
            (
                d.id.to_string(),
                d.line,
                d.our_reference.as_deref().unwrap(),
                d.channel_number.as_deref().unwrap(),
            )
        })
        .collect();
    let expected = [
        (
            "20261120/wechat/payment/theirs_only/our:M7",
            Some(2),
            "M7",
            "C7",
        ),
        (
            "20261120/wechat/payment/amount_differs/our:M1",
            Some(3),
            "M1",
            "C1",
        ),
        ("20261120/wechat/payment/ours_only/our:M2", None, "M2", "C2"),
    ]
    .map(|(id, line, ours, theirs)| (id.to_owned(), line, ours, theirs));
    assert_eq!(shown, expected);
    assert_eq!(
        findings(&result),
        [
            Finding::TheirsOnly {
                amount: Money::cny(300),
                our_status: None
            },
            Finding::AmountDiffers {
                ours: Money::cny(100),
                theirs: Money::cny(101)
            },
            Finding::OursOnly {
                amount: Money::cny(200)
            },
        ]
    );
}

#[test]
fn another_number_of_the_channel_is_no_match() {
    let known = payment(1, 100);
    let mut line = line_of(&known);
    line.channel_number = "C8".into();
    let result = run(vec![known.clone()], vec![line]);
    let amount = Money::cny(100);
    assert_eq!(findings(&result), [Finding::NumberDiffers { amount }]);
    assert_eq!(result.matched, 0);
    let difference = &result.differences[0];
    assert_eq!(difference.channel_number.as_deref(), Some("C8"));
    assert_eq!(difference.effect(), Ok(Money::cny(0)));
    // What one side does not know does not differ.
    let untold = OurEntry {
        channel_number: None,
        ..known.clone()
    };
    assert!(is_clean(&run(vec![untold], vec![line_of(&known)])));
}

#[test]
fn a_repeated_reference_names_its_first_line() {
    let known = payment(1, 100);
    let stranger = payment(9, 500);
    let lines = [&known, &stranger, &known, &known, &stranger].map(line_of);
    let result = run(vec![known], lines.to_vec());
    let duplicate = |fen, first_line, appearance| Finding::Duplicate {
        amount: Money::cny(fen),
        first_line,
        appearance,
        other_number: false,
    };
    assert_eq!(
        findings(&result)[1..],
        [
            duplicate(100, 2, 2),
            duplicate(100, 2, 3),
            duplicate(500, 3, 2)
        ]
    );
    assert_eq!(
        result.differences[2].id.as_str(),
        "20261120/wechat/payment/duplicate-3/our:M1"
    );
    assert_eq!(result.matched, 1);
}

#[test]
fn a_reference_under_two_numbers_is_two_movements_and_ours_is_ours() {
    let known = payment(1, 100);
    let numbered = |number: &str| StatementLine {
        channel_number: number.to_owned(),
        ..line_of(&known)
    };
    for (numbers, first_line, expected) in [
        (vec!["C1", "C8"], 2, vec![("C8", 3, 2, true)]),
        (vec!["C8", "C1"], 3, vec![("C8", 2, 2, true)]),
        (
            vec!["C1", "C8", "C8", "C1"],
            2,
            vec![("C8", 3, 2, true), ("C8", 4, 3, false), ("C1", 5, 4, false)],
        ),
    ] {
        let lines = numbers.iter().map(|number| numbered(number)).collect();
        let result = run(vec![known.clone()], lines);
        let found: Vec<_> = result
            .differences
            .iter()
            .map(|difference| match difference.finding {
                Finding::Duplicate {
                    first_line: first,
                    appearance,
                    other_number,
                    ..
                } if first == first_line => (
                    difference.channel_number.as_deref().unwrap(),
                    difference.line.unwrap(),
                    appearance,
                    other_number,
                ),
                other => panic!("{numbers:?}: {other:?}"),
            })
            .collect();
        assert_eq!(found, expected, "{numbers:?}");
        assert_eq!(result.matched, 1, "{numbers:?}");
    }
    // Of an order that our books do not have, too.
    let result = run(vec![], vec![numbered("C1"), numbered("C8")]);
    assert!(matches!(
        findings(&result)[..],
        [
            Finding::TheirsOnly { .. },
            Finding::Duplicate {
                other_number: true,
                ..
            }
        ]
    ));
}

#[test]
fn an_order_paid_again_on_another_date_is_a_payment_that_the_books_lack() {
    let mut yesterday = payment(1, 100);
    yesterday.clearing_date = today().previous();
    let mut second = line_of(&yesterday);
    second.channel_number = "C8".into();
    let result = run(vec![yesterday.clone()], vec![second.clone()]);
    assert_eq!(
        findings(&result),
        [Finding::TheirsOnly {
            amount: Money::cny(100),
            our_status: Some(EntryStatus::Succeeded)
        }]
    );
    // Beside a line of ours it stands again.
    let result = run(vec![yesterday.clone()], vec![second, line_of(&yesterday)]);
    let names: Vec<_> = findings(&result).iter().map(Finding::name).collect();
    assert_eq!(names, ["duplicate", "date_shift"]);
}

#[test]
fn kind_and_channel_belong_to_the_reference() {
    let ours = payment(1, 100);
    let mut refund = line_of(&ours);
    refund.kind = EntryKind::Refund;
    let mut elsewhere = line_of(&ours);
    elsewhere.channel = "alipay".into();
    let result = run(vec![ours], vec![refund, elsewhere]);
    let names: Vec<_> = findings(&result).iter().map(Finding::name).collect();
    assert_eq!(names, ["theirs_only", "theirs_only", "ours_only"]);
}

#[test]
fn a_success_that_our_books_lack_shows_what_they_have_instead() {
    for status in [EntryStatus::Pending, EntryStatus::Failed] {
        let mut ours = payment(1, 100);
        ours.status = status;
        let line = line_of(&ours);
        let result = run(vec![ours.clone()], vec![line]);
        assert_eq!(
            findings(&result),
            [Finding::TheirsOnly {
                amount: Money::cny(100),
                our_status: Some(status)
            }]
        );
        assert!(
            is_clean(&run(vec![ours], vec![])),
            "{status:?} is not awaited"
        );
    }
}

#[test]
fn entries_of_neighbouring_dates_shift_but_are_not_awaited() {
    let mut yesterday = payment(1, 100);
    yesterday.clearing_date = today().previous();
    let line = line_of(&yesterday);
    let result = run(vec![yesterday.clone()], vec![line]);
    assert_eq!(
        findings(&result),
        [Finding::DateShift {
            amount: Money::cny(100),
            ours: today().previous(),
            theirs: today()
        }]
    );
    assert!(is_clean(&run(vec![yesterday], vec![])));
}

#[test]
fn a_shifted_entry_is_missing_on_its_own_date() {
    let mut late = payment(1, 100);
    late.clearing_date = today().previous();
    let yesterday = reconcile(
        today().previous(),
        Currency::CNY,
        [late],
        [],
        &StatementSummary::default(),
    )
    .unwrap();
    assert_eq!(
        yesterday.differences[0].id.as_str(),
        "20261119/wechat/payment/ours_only/our:M1"
    );
}

#[test]
fn a_line_dated_otherwise_than_its_statement_is_a_shift() {
    let ours = payment(1, 100);
    let mut line = line_of(&ours);
    line.clearing_date = today().next();
    let result = run(vec![ours], vec![line]);
    assert!(matches!(
        findings(&result)[..],
        [Finding::DateShift { theirs, .. }] if theirs == today().next()
    ));
    assert_eq!(result.differences[0].effect(), Ok(Money::cny(0)));
}

#[test]
fn amount_and_date_may_differ_at_once() {
    let mut ours = payment(1, 100);
    ours.clearing_date = today().next();
    let mut line = line_of(&ours);
    line.amount = Money::cny(90);
    let result = run(vec![ours], vec![line]);
    let names: Vec<_> = findings(&result).iter().map(Finding::name).collect();
    assert_eq!(names, ["amount_differs", "date_shift"]);
    assert!(result.differences.iter().all(|d| d.line == Some(2)));
}

#[test]
fn lines_without_our_reference_keep_apart() {
    let nameless = |channel_number: &str| StatementLine {
        our_reference: String::new(),
        channel_number: channel_number.to_owned(),
        ..line_of(&payment(1, 100))
    };
    let lines = vec![nameless("C8"), nameless(""), nameless("C8"), nameless("")];
    let result = run(vec![], lines);
    let ids: Vec<_> = result.differences.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "20261120/wechat/payment/theirs_only/channel:C8",
            "20261120/wechat/payment/theirs_only/line:3",
            "20261120/wechat/payment/duplicate-2/channel:C8",
            "20261120/wechat/payment/theirs_only/line:5",
        ]
    );
    assert!(result.differences.iter().all(|d| d.our_reference.is_none()));
}

#[test]
fn a_truncated_or_padded_statement_is_not_conclusive() {
    let ours: Vec<_> = (1..=5).map(|n| payment(n, 1_000)).collect();
    let whole = number(ours.iter().map(line_of).collect());
    let summary = summary_of(&whole);
    let cut = whole[..4].to_vec();
    let mut padded = whole.clone();
    padded.push(StatementLine {
        line: 99,
        ..line_of(&payment(6, 1))
    });
    for lines in [cut, padded] {
        let result = reconcile(today(), Currency::CNY, ours.clone(), lines, &summary).unwrap();
        let errors = result.conclusive().unwrap_err();
        let named: Vec<_> = errors
            .iter()
            .map(|error| match error {
                StructuralError::SummaryMismatch { field, .. } => *field,
                other => panic!("{other}"),
            })
            .collect();
        assert!(named.contains(&SummaryField::LineCount));
        assert!(named.contains(&SummaryField::PaymentAmount));
        assert!(!named.contains(&SummaryField::RefundAmount));
    }
    let result = reconcile(today(), Currency::CNY, ours, whole, &summary).unwrap();
    assert_eq!(result.conclusive(), Ok(&[][..]));
}

#[test]
fn a_figure_that_the_summary_does_not_state_is_not_checked() {
    let summary = StatementSummary {
        line_count: Some(2),
        ..StatementSummary::default()
    };
    let line = StatementLine {
        line: 1,
        ..line_of(&payment(1, 100))
    };
    let result = reconcile(today(), Currency::CNY, [payment(1, 100)], [line], &summary).unwrap();
    assert_eq!(
        result.structural_errors,
        [StructuralError::SummaryMismatch {
            field: SummaryField::LineCount,
            stated: 2,
            found: 1
        }]
    );
}

#[test]
fn a_part_read_twice_and_foreign_currency_are_structural() {
    let ours = payment(1, 100);
    let mut reconciler = Reconciler::new(today(), Currency::CNY, Limits::default());
    reconciler.add_ours(ours.clone()).unwrap();
    let mut line = line_of(&ours);
    line.line = 5;
    assert_eq!(reconciler.add_line(&line), Ok(LineOutcome::Matched));
    assert_eq!(reconciler.add_line(&line), Ok(LineOutcome::Different));
    line.line = 6;
    line.amount = Money::new(100, Currency::USD);
    assert_eq!(reconciler.add_line(&line), Ok(LineOutcome::Different));
    let summary = StatementSummary {
        payment_amount: Some(Money::new(99, Currency::HKD)),
        ..StatementSummary::default()
    };
    let result = reconciler.finish(&summary).unwrap();
    assert!(result.differences.is_empty());
    assert_eq!(
        result.structural_errors,
        [
            StructuralError::LineOutOfOrder { line: 5, after: 5 },
            StructuralError::ForeignCurrency {
                line: Some(6),
                expected: Currency::CNY,
                found: Currency::USD
            },
            StructuralError::ForeignCurrency {
                line: None,
                expected: Currency::CNY,
                found: Currency::HKD
            },
        ]
    );
}

#[test]
fn our_side_must_be_consistent() {
    let mut reconciler = Reconciler::new(
        today(),
        Currency::CNY,
        Limits {
            our_entries_max: 1,
            ..Limits::default()
        },
    );
    let mut foreign = payment(2, 1);
    foreign.amount = Money::new(1, Currency::USD);
    assert!(matches!(
        reconciler.add_ours(foreign),
        Err(ReconError::EntryCurrency { .. })
    ));
    reconciler.add_ours(payment(1, 1)).unwrap();
    assert_eq!(
        reconciler.add_ours(payment(2, 1)),
        Err(ReconError::TooManyEntries { limit: 1 })
    );
    let twice = reconcile(
        today(),
        Currency::CNY,
        [payment(1, 1), payment(1, 2)],
        [],
        &StatementSummary::default(),
    );
    assert!(matches!(twice, Err(ReconError::EntryRepeated { .. })));
}

#[test]
fn the_wrong_file_stops_at_the_limit() {
    let limits = Limits {
        differences_max: 10,
        ..Limits::default()
    };
    let mut reconciler = Reconciler::new(today(), Currency::CNY, limits);
    // A stream that would never end on its own.
    let stopped = (1usize..).find_map(|n| {
        let line = StatementLine {
            line: n,
            ..line_of(&payment(n, 1))
        };
        reconciler.add_line(&line).err().map(|error| (n, error))
    });
    assert_eq!(
        stopped,
        Some((11, ReconError::TooManyDifferences { limit: 10 }))
    );
}

/// Lines of our references under other numbers wait for the end; they are kept meanwhile.
#[test]
fn lines_that_wait_count_as_differences() {
    let limits = Limits {
        differences_max: 10,
        ..Limits::default()
    };
    let mut reconciler = Reconciler::new(today(), Currency::CNY, limits);
    for n in 1..=11 {
        reconciler.add_ours(payment(n, 1)).unwrap();
    }
    let stopped = (1..=11).find_map(|n| {
        let line = StatementLine {
            line: n,
            channel_number: format!("other-{n}"),
            ..line_of(&payment(n, 1))
        };
        reconciler.add_line(&line).err().map(|error| (n, error))
    });
    assert_eq!(
        stopped,
        Some((11, ReconError::TooManyDifferences { limit: 10 }))
    );
}

#[test]
fn totals_beyond_64_bits_are_an_error() {
    let lines = number(vec![
        line_of(&payment(1, i64::MAX)),
        line_of(&payment(2, i64::MAX)),
    ]);
    let result = reconcile(
        today(),
        Currency::CNY,
        [],
        lines,
        &StatementSummary::default(),
    );
    assert_eq!(result, Err(ReconError::Money(MoneyError::Overflow)));
}

#[test]
fn results_survive_json() {
    let mut shifted = payment(3, 300);
    shifted.clearing_date = today().previous();
    let lines = vec![
        line_of(&shifted),
        line_of(&payment(1, 50)),
        line_of(&payment(1, 50)),
    ];
    let mut result = run(vec![payment(1, 100), payment(2, 200), shifted], lines);
    result
        .structural_errors
        .push(StructuralError::LineOutOfOrder { line: 1, after: 2 });
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(
        json["differences"][1],
        serde_json::json!({
            "id": "20261120/wechat/payment/amount_differs/our:M1",
            "statement_date": "2026-11-20",
            "channel": "wechat",
            "kind": "payment",
            "line": 3,
            "our_reference": "M1",
            "channel_number": "C1",
            "finding": "amount_differs",
            "ours": {"amount": 100, "currency": "CNY"},
            "theirs": {"amount": 50, "currency": "CNY"},
        })
    );
    assert_eq!(
        serde_json::from_value::<Reconciliation>(json).unwrap(),
        result
    );
}
