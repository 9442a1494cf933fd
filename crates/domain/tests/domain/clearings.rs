//! Clearing with channels, differences and cases.

use crate::support::*;
use channels::operation::Channel;
use domain::case::{AssignCase, CaseKind, CaseStatus, OpenCase};
use domain::clearing::{
    AMOUNT_MAX, AdjustDifference, AdjustmentAccount, ConfirmClearing, Unsettled,
};
use domain::closing::{DaySummary, Figure};
use domain::payout::Payout;
use domain::{Code, Command, Reply, Request};
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

/// A book with 10,300 paid for an order of 10,000.
fn overpaid() -> (Book, String, String) {
    let (mut book, merchant, payment) = Book::with_order();
    book.pay(&payment, 10_300);
    let case = book.cases().first().unwrap().id.clone();
    (book, merchant, case)
}

fn adjustment(case: &str, number: &str, merchant: &str, amount: i64) -> Request {
    Request::AdjustDifference(AdjustDifference {
        case: case.into(),
        adjustment_number: number.into(),
        debit: AdjustmentAccount::Differences,
        credit: AdjustmentAccount::Merchant(merchant.into()),
        amount: fen(amount),
    })
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

#[test]
fn a_difference_is_explained_then_adjusted_by_two_people_then_closed() {
    let (mut book, merchant, case) = overpaid();
    let early = book.close_case(&case).unwrap_err();
    assert_eq!(early.code, Code::StateConflict);
    let early = book
        .ask_approved(&finance(), adjustment(&case, "a1", &merchant, 300))
        .unwrap_err();
    assert_eq!(early.code, Code::StateConflict, "explain first");
    let assign = AssignCase {
        case: case.clone(),
        owner: "fang".into(),
    };
    assert_eq!(
        case_of(book.ask(&operator(), Request::AssignCase(assign)).unwrap()).owner,
        "fang"
    );
    book.explain(&case).unwrap();
    let adjusted = case_of(
        book.ask_approved(&finance(), adjustment(&case, "a1", &merchant, 300))
            .unwrap(),
    );
    assert_eq!(
        (adjusted.status, adjusted.adjusted),
        (CaseStatus::Adjusted, Some(fen(300)))
    );
    let differences = book.chart().differences;
    assert_eq!(
        (book.balance(differences), book.payable(&merchant)),
        (0, 10_240)
    );
    assert_eq!(
        case_of(book.close_case(&case).unwrap()).status,
        CaseStatus::Closed
    );
    assert!(book.explain(&case).is_err(), "closed is closed");
    // What was adjusted is settled like everything else.
    book.turn_day();
    assert_eq!(book.payable(&merchant), 0);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_case_is_adjusted_by_no_more_than_it_is_about() {
    let (mut book, merchant, case) = overpaid();
    book.explain(&case).unwrap();
    for (amount, code) in [
        (0, Code::InvalidField),
        (AMOUNT_MAX + 1, Code::InvalidField),
        // The case is about the whole payment of 103.00.
        (10_301, Code::LimitExceeded),
    ] {
        let refused = book
            .ask_approved(&finance(), adjustment(&case, "a1", &merchant, amount))
            .unwrap_err();
        assert_refused(&refused, code, "amount");
    }
    book.ask_approved(&finance(), adjustment(&case, "a1", &merchant, 200))
        .unwrap();
    let refused = book
        .ask_approved(&finance(), adjustment(&case, "a2", &merchant, 10_101))
        .unwrap_err();
    assert_eq!(refused.code, Code::LimitExceeded);
    book.ask_approved(&finance(), adjustment(&case, "a2", &merchant, 100))
        .unwrap();
    assert_eq!(book.payable(&merchant), 10_240);
}

/// A person's browser sent it twice, the second time long after the idempotency record was gone.
#[test]
fn an_adjustment_is_booked_once_under_its_number() {
    let (mut book, merchant, case) = overpaid();
    book.explain(&case).unwrap();
    let twice = [100, 100]
        .map(|amount| book.propose(&finance(), adjustment(&case, "a1", &merchant, amount)));
    for proposal in twice {
        let Verdict::Done(reply) = book.approve(&checker(), &proposal) else {
            panic!("an approved repeat is answered");
        };
        assert_eq!(case_of(reply).adjusted, Some(fen(100)));
    }
    assert_eq!(book.payable(&merchant), 10_040);
    // A later repeat needs nobody: it changes nothing, even where the case is closed.
    book.close_case(&case).unwrap();
    book.pass(30 * 86_400);
    let repeated = book.ask(&finance(), adjustment(&case, "a1", &merchant, 100));
    assert_eq!(case_of(repeated.unwrap()).adjusted, Some(fen(100)));
    let other = book.ask(&finance(), adjustment(&case, "a1", &merchant, 101));
    let refused = other.unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "amount");
    assert_eq!(book.payable(&merchant), 10_040);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn figures_of_a_day_stop_at_the_largest_number() {
    let mut book = Book::new();
    let kind = CaseKind::Reconciliation;
    for line in ["line 0", "line 1"] {
        let finding = found(kind, line, "theirs only", Some(i64::MAX));
        book.ask(&finance(), finding).unwrap();
    }
    let summary: DaySummary = book.record(&first_day().to_string()).unwrap();
    let tally = summary.figures.get(&Figure::CasesOpened).unwrap();
    assert_eq!((tally.count, tally.amount), (2, Some(fen(i64::MAX))));
}

#[test]
fn an_adjustment_needs_another_person_and_an_open_item() {
    let (mut book, merchant, case) = overpaid();
    book.explain(&case).unwrap();
    let proposal = book.propose(&finance(), adjustment(&case, "a1", &merchant, 300));
    let own = book.approve(&finance(), &proposal);
    assert!(
        matches!(own, Verdict::Denied(_)),
        "maker is not checker: {own:?}"
    );
    let beside = Request::AdjustDifference(AdjustDifference {
        case: case.clone(),
        adjustment_number: "a2".into(),
        debit: AdjustmentAccount::OwnMoney,
        credit: AdjustmentAccount::Merchant(merchant.clone()),
        amount: fen(300),
    });
    assert_eq!(
        book.ask_approved(&finance(), beside).unwrap_err().code,
        Code::InvalidField
    );
    let as_operator = book.submit(
        &operator(),
        Command::Request(adjustment(&case, "a1", &merchant, 300)),
    );
    assert!(matches!(as_operator, Verdict::Refused(_)));
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn the_same_finding_opens_one_case_until_it_is_closed() {
    let mut book = Book::new();
    let line = "wechat/2026-03-02/line 4";
    let open = || found(CaseKind::Reconciliation, line, "theirs only", Some(5));
    let first = case_of(book.ask(&finance(), open()).unwrap()).id;
    assert_eq!(case_of(book.ask(&finance(), open()).unwrap()).id, first);
    book.explain(&first).unwrap();
    book.close_case(&first).unwrap();
    assert_ne!(case_of(book.ask(&finance(), open()).unwrap()).id, first);
}

#[test]
fn what_the_reconciliation_finds_again_is_not_opened_anew() {
    let mut book = Book::new();
    let kind = CaseKind::Reconciliation;
    let mut ids = Vec::new();
    for (object, amount) in [("line", Some(5)), ("clearing", None)] {
        let case = book.ask(&Actor::system(), found(kind, object, "one", amount));
        let id = case_of(case.unwrap()).id;
        book.explain(&id).unwrap();
        book.close_case(&id).unwrap();
        ids.push(id);
    }
    let mut again = |object: &str, reason: &str, amount| {
        let case = book.ask(&Actor::system(), found(kind, object, reason, amount));
        case_of(case.unwrap())
    };
    for reason in ["one", "said otherwise"] {
        let case = again("line", reason, Some(5));
        assert_eq!((&case.id, case.status), (&ids[0], CaseStatus::Closed));
    }
    assert_eq!(again("clearing", "one", None).id, ids[1]);
    // Another bill of a date that is cleared: nobody has looked at that, and it is about no amount.
    assert_ne!(again("clearing", "another bill", None).id, ids[1]);
    // More of the same: about what nobody has decided on yet, however often it is found.
    let more = [
        again("line", "more", Some(12)),
        again("line", "more", Some(12)),
    ];
    assert_eq!((&more[0].id, more[0].amount), (&more[1].id, Some(fen(7))));
    assert_eq!(again("line", "less", Some(3)).amount, Some(fen(7)));
    assert_eq!(book.cases().len(), 2);
    // Objects that begin alike are others.
    let beside = found(kind, "line/our", "one", Some(5));
    let beside = case_of(book.ask(&Actor::system(), beside).unwrap());
    assert_eq!((beside.amount, book.cases().len()), (Some(fen(5)), 3));
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
fn a_correction_takes_nothing_of_the_reserve_that_payouts_on_their_way_need() {
    let (mut book, merchant, case) = overpaid();
    book.turn_day();
    // 9,940 are on their way; 60 of the reserve are free.
    book.receive(10_000);
    let sent = book.all::<Payout>().remove(0);
    assert_eq!(
        (sent.merchant, sent.amount, sent.reserved),
        (merchant, fen(9_940), true)
    );
    book.explain(&case).unwrap();
    let take = |amount: i64| {
        Request::AdjustDifference(AdjustDifference {
            case: case.clone(),
            adjustment_number: format!("a{amount}"),
            debit: AdjustmentAccount::Differences,
            credit: AdjustmentAccount::Reserve,
            amount: fen(amount),
        })
    };
    let refused = book.ask_approved(&finance(), take(61)).unwrap_err();
    assert_refused(&refused, Code::InsufficientFunds, "amount");
    assert!(refused.message.contains("payouts"), "{}", refused.message);
    assert_eq!(refused.details["available"], "60");
    book.ask_approved(&finance(), take(60)).unwrap();
    let done = payout_done(&sent.id, 9_940);
    book.notify(Channel::Unionpay, done);
    let reserve = book.chart().reserve;
    assert_eq!(book.balance(reserve), 0);
}

fn found(kind: CaseKind, object: &str, reason: &str, amount: Option<i64>) -> Request {
    Request::OpenCase(OpenCase {
        kind,
        object: object.into(),
        merchant: None,
        reason: reason.into(),
        amount: amount.map(fen),
    })
}

#[test]
fn what_is_found_while_a_case_is_open_is_added_to_it() {
    for (kind, in_question) in [
        // The money of each finding, how it stands at last, the largest that was named.
        (CaseKind::DoublePayment, 12),
        (CaseKind::PayoutRefused, 7),
        (CaseKind::Contradiction, 7),
    ] {
        let mut book = Book::new();
        let mut find = |reason: &str, amount: i64| {
            let finding = found(kind, "pay_1", reason, Some(amount));
            case_of(book.ask(&finance(), finding).unwrap())
        };
        let first = find("one", 5);
        assert_eq!(find("one", 5), first, "nothing new");
        for _ in 0..2 {
            let case = find("two", 7);
            assert_eq!((&case.id, case.reason.as_str()), (&first.id, "one"));
            let [further] = case.further.as_slice() else {
                panic!("{case:?}")
            };
            assert_eq!(
                (further.reason.as_str(), further.amount),
                ("two", Some(fen(7)))
            );
            assert_eq!(case.amount, Some(fen(in_question)), "{kind:?}");
        }
        assert_eq!(book.cases().len(), 1);
    }
}

#[test]
fn a_case_keeps_the_first_and_the_latest_findings() {
    let mut book = Book::new();
    let kind = CaseKind::PayoutRefused;
    for number in 0..60 {
        let reason = format!("reason {number}");
        book.ask(&finance(), found(kind, "pay_1", &reason, Some(number)))
            .unwrap();
    }
    let case = book.cases().remove(0);
    assert_eq!(
        (case.reason.as_str(), case.amount),
        ("reason 0", Some(fen(59)))
    );
    assert_eq!(case.further.len(), 50);
    assert_eq!(case.further.last().unwrap().reason, "reason 59");
}
