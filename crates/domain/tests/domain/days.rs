//! The turn of a business date, and the figures with which it is closed.

use crate::support::splits::{plan, ppm, three};
use crate::support::*;
use channels::answer::RefundState;
use domain::closing::{DayClose, Figure, TurnDay};
use domain::{Code, Request};

#[test]
fn the_business_date_runs_ahead_of_the_calendar_by_a_day_at_most() {
    let mut book = Book::new();
    let mut turn = |to: Option<&str>| {
        let to = to.map(|date| date.parse().unwrap());
        book.ask(&operator(), Request::TurnDay(TurnDay { to }))
    };
    for far in ["9999-12-31", "2026-03-04"] {
        let refused = turn(Some(far)).unwrap_err();
        assert_refused(&refused, Code::InvalidField, "to");
    }
    turn(None).unwrap();
    let refused = turn(None).unwrap_err();
    assert_eq!((refused.code, refused.field), (Code::StateConflict, None));
    book.pass(86_400);
    book.close_day();
}

#[test]
fn a_day_is_closed_with_its_figures_and_never_backwards() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    book.order(&merchant, "o2", 500);
    let backwards = TurnDay {
        to: Some(first_day()),
    };
    let refused = book
        .ask(&operator(), Request::TurnDay(backwards))
        .unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("to"));
    let merchant_turns = book
        .ask(
            &as_merchant(&merchant),
            Request::TurnDay(TurnDay::default()),
        )
        .unwrap_err();
    assert_eq!(merchant_turns.code, Code::Forbidden);
    book.turn_day();
    let close: DayClose = book.record("2026-03-02").unwrap();
    let tally = |figure| close.figures.get(&figure).copied().unwrap();
    assert_eq!(tally(Figure::PaymentsCreated).count, 2);
    assert_eq!(tally(Figure::PaymentsSucceeded).amount, Some(fen(10_000)));
    assert_eq!(tally(Figure::Fees).amount, Some(fen(60)));
    assert_eq!(close.closed_by, "olga");
    let receivable = close
        .balances
        .iter()
        .find(|balance| balance.name == "CHN:wechat")
        .unwrap();
    assert_eq!(receivable.balance, fen(10_000));
}

/// What was given back with a refund and is taken again when it comes to nothing counts on both sides.
#[test]
fn the_figures_of_a_refund_that_comes_to_nothing_add_up_with_the_books() {
    let (mut book, main, one, _) = three();
    let payment = book.order_split(&main, "o1", 10_000, plan(&[(&one, ppm(300_000))]));
    book.pay(&payment, 10_000);
    let refund = book.refund_request(&payment, "r1", 10_000).unwrap();
    book.answer(&refund, refund_is(&refund, RefundState::Closed));
    book.turn_day();
    let close: DayClose = book.record("2026-03-02").unwrap();
    let sum = |figure| close.figures.get(&figure).and_then(|tally| tally.amount);
    assert_eq!(sum(Figure::FeesReturned), Some(fen(60)));
    assert_eq!(sum(Figure::FeesRestored), Some(fen(60)));
    assert_eq!(sum(Figure::SplitsReturned), Some(fen(3_000)));
    assert_eq!(sum(Figure::SplitsRestored), Some(fen(3_000)));
}
