//! Clearing: what a channel pays over for a date is booked once, whatever it keeps back.

use crate::support::*;
use channels::operation::Channel;
use domain::case::CaseKind;
use domain::clearing::{
    AMOUNT_MAX, AdjustDifference, AdjustmentAccount, ConfirmClearing, Unsettled,
};
use domain::{Code, Reply, Request};
use engine::{Actor, Verdict};

fn confirmation() -> ConfirmClearing {
    ConfirmClearing {
        channel: Channel::Wechat,
        clearing_date: first_day(),
        gross: fen(10_000),
        refunds: fen(2_000),
        channel_fee: fen(24),
        unsettled: None,
        bill_hash: "ab".repeat(20),
    }
}

#[test]
fn clearing_empties_the_receivable_and_books_the_cost_once() {
    let (mut book, _, payment) = Book::with_payment();
    let refund = book.refund_request(&payment, "r1", 2_000).unwrap();
    let done = refund_done(&refund, 2_000, book.now());
    book.answer(&refund, done);
    for repeated_expected in [false, true] {
        let reply = book
            .ask(&Actor::system(), Request::ConfirmClearing(confirmation()))
            .unwrap();
        let Reply::Clearing { clearing, repeated } = reply else {
            panic!()
        };
        assert_eq!((clearing.net, repeated), (fen(7_976), repeated_expected));
    }
    let chart = book.chart();
    assert_eq!(book.balance(chart.wechat.receivable), 0);
    assert_eq!(book.balance(chart.reserve), 7_976);
    assert_eq!(book.balance(chart.wechat.cost), 24);
    assert_eq!(book.trial_balance(), 0);
}

/// The receivable kept for ever what a coupon had taken from the order.
#[test]
fn what_a_channel_does_not_settle_is_a_difference_with_a_case() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    let command = ConfirmClearing {
        gross: fen(9_000),
        refunds: fen(0),
        unsettled: Some(Unsettled {
            amount: fen(1_000),
            turnover: fen(1_000),
            lines: 1,
            first: "o1".into(),
        }),
        ..confirmation()
    };
    let mut case = None;
    for _ in 0..2 {
        let confirm = Request::ConfirmClearing(command.clone());
        let Reply::Clearing { clearing, .. } = book.ask(&Actor::system(), confirm).unwrap() else {
            panic!()
        };
        assert_eq!(clearing.net, fen(8_976));
        case = clearing.case.clone();
    }
    let chart = book.chart();
    assert_eq!(book.balance(chart.wechat.receivable), 0);
    assert_eq!(book.balance(chart.reserve), 8_976);
    assert_eq!(book.balance(chart.differences), -1_000);
    assert_eq!(book.trial_balance(), 0);
    let cases = book.cases();
    let [opened] = cases.as_slice() else {
        panic!("{cases:?}")
    };
    assert_eq!(Some(&opened.id), case.as_ref());
    assert_eq!(
        (opened.kind, opened.amount),
        (CaseKind::Reconciliation, Some(fen(1_000)))
    );
    // The merchant bears it.
    let case = opened.id.clone();
    book.explain(&case).unwrap();
    let bear = Request::AdjustDifference(AdjustDifference {
        case,
        adjustment_number: "a1".into(),
        debit: AdjustmentAccount::Merchant(merchant.clone()),
        credit: AdjustmentAccount::Differences,
        amount: fen(1_000),
    });
    book.ask_approved(&finance(), bear).unwrap();
    assert_eq!(book.balance(chart.differences), 0);
    assert_eq!(book.payable(&merchant), 8_940);
}

#[test]
fn a_refund_that_is_deducted_for_less_brings_the_difference_back() {
    let mut book = Book::new();
    let command = ConfirmClearing {
        gross: fen(0),
        refunds: fen(900),
        channel_fee: fen(0),
        unsettled: Some(Unsettled {
            amount: fen(-100),
            turnover: fen(100),
            lines: 1,
            first: "r1".into(),
        }),
        ..confirmation()
    };
    book.ask(&Actor::system(), Request::ConfirmClearing(command))
        .unwrap();
    let chart = book.chart();
    // The refund itself of 1,000 is credited where it is booked.
    assert_eq!(book.balance(chart.wechat.receivable), 1_000);
    assert_eq!(book.balance(chart.reserve), -900);
    assert_eq!(book.balance(chart.differences), 100);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_case_says_on_which_side_of_orders_a_channel_settles() {
    for (amount, told) in [(500, "5.00 less than"), (-500, "5.00 more than")] {
        let mut book = Book::new();
        let unsettled = Unsettled {
            amount: fen(amount),
            turnover: fen(500),
            lines: 1,
            first: "01REFUND".into(),
        };
        let command = ConfirmClearing {
            unsettled: Some(unsettled),
            ..confirmation()
        };
        book.ask(&Actor::system(), Request::ConfirmClearing(command))
            .unwrap();
        let reason = book.cases().remove(0).reason;
        assert!(reason.contains(told), "{reason}");
    }
}

#[test]
fn a_date_is_cleared_by_one_bill() {
    let mut book = Book::new();
    book.ask_approved(&finance(), Request::ConfirmClearing(confirmation()))
        .unwrap();
    let corrected = ConfirmClearing {
        bill_hash: "cd".repeat(20),
        ..confirmation()
    };
    let refused = book
        .ask(&finance(), Request::ConfirmClearing(corrected))
        .unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "bill_hash");
    let reserve = book.chart().reserve;
    assert_eq!(book.balance(reserve), 7_976);
}

/// One person with a key of finance would make reserve out of nothing.
#[test]
fn a_person_confirms_with_another_and_only_dates_of_the_latest_year() {
    let mut book = Book::new();
    let on = |days: i32| {
        Request::ConfirmClearing(ConfirmClearing {
            clearing_date: first_day().plus_days(days),
            ..confirmation()
        })
    };
    for days in [1, 300, -401, -10_000] {
        let refused = book.ask(&finance(), on(days)).unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            (Code::InvalidField, Some("clearing_date")),
            "{days}"
        );
    }
    let reserve = book.chart().reserve;
    for (days, after) in [(0, 7_976), (-400, 15_952)] {
        let proposal = book.propose(&finance(), on(days));
        assert_eq!(book.balance(reserve), after - 7_976, "nothing booked yet");
        let alone = book.approve(&finance(), &proposal);
        assert!(matches!(alone, Verdict::Denied(_)), "{alone:?}");
        let done = book.approve(&checker(), &proposal);
        assert!(matches!(done, Verdict::Done(_)), "{done:?}");
        assert_eq!(book.balance(reserve), after);
        // A repeat changes nothing and needs nobody.
        book.ask(&finance(), on(days)).unwrap();
    }
    // The reconciliation takes what the bill says.
    book.ask(&Actor::system(), on(-1_000)).unwrap();
    assert_eq!(book.balance(reserve), 3 * 7_976);
}

#[test]
fn a_day_of_refunds_is_paid_to_the_channel() {
    let mut book = Book::new();
    let command = ConfirmClearing {
        gross: fen(0),
        refunds: fen(2_000),
        channel_fee: fen(-12),
        ..confirmation()
    };
    book.ask_approved(&finance(), Request::ConfirmClearing(command))
        .unwrap();
    let chart = book.chart();
    assert_eq!(book.balance(chart.reserve), -1_988);
    assert_eq!(book.balance(chart.wechat.receivable), 2_000);
    assert_eq!(book.balance(chart.wechat.cost), -12);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn nonsense_in_a_confirmation_is_refused_by_field() {
    let mut book = Book::new();
    let commands = [
        (
            ConfirmClearing {
                gross: fen(-1),
                ..confirmation()
            },
            "gross",
        ),
        (
            ConfirmClearing {
                refunds: fen(-1),
                ..confirmation()
            },
            "refunds",
        ),
        (
            ConfirmClearing {
                gross: fen(AMOUNT_MAX + 1),
                ..confirmation()
            },
            "gross",
        ),
        (
            ConfirmClearing {
                channel_fee: fen(i64::MIN),
                ..confirmation()
            },
            "channel_fee",
        ),
        (
            ConfirmClearing {
                unsettled: Some(Unsettled {
                    amount: fen(i64::MIN),
                    turnover: fen(1),
                    lines: 1,
                    first: "o1".into(),
                }),
                ..confirmation()
            },
            "unsettled",
        ),
        (
            ConfirmClearing {
                bill_hash: "xyz".into(),
                ..confirmation()
            },
            "bill_hash",
        ),
    ];
    for (command, field) in commands {
        let refused = book
            .ask(&finance(), Request::ConfirmClearing(command))
            .unwrap_err();
        assert_eq!(refused.field.as_deref(), Some(field));
    }
}
