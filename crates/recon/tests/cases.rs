//! The way of a difference from open to closed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use calendar::instant_at;
use common::{line_of, number, payment, summary_of, today};
use money::Currency;
use recon::{
    Adjustment, Cause, Difference, DifferenceCase, DifferenceId, Explanation, Mark, Remedy, Stage,
    TransitionError, reconcile,
};

fn mark(hour: u8) -> Mark {
    Mark {
        by: "op_zhang".to_owned(),
        at: instant_at(today().next(), hour, 0, 0),
    }
}

/// A shift from yesterday and a success that we never heard of.
fn differences() -> (Difference, Difference) {
    let mut late = payment(1, 100);
    late.clearing_date = today().previous();
    let lines = number(vec![line_of(&late), line_of(&payment(2, 200))]);
    let summary = summary_of(&lines);
    let result = reconcile(today(), Currency::CNY, [late], lines, &summary).unwrap();
    let mut found = result.differences.into_iter();
    (found.next().unwrap(), found.next().unwrap())
}

fn explanation(cause: Cause) -> Explanation {
    Explanation {
        cause,
        note: String::new(),
        mark: mark(10),
    }
}

fn posting(hour: u8) -> Adjustment {
    Adjustment {
        remedy: Remedy::Posting {
            posting: "pst_1".to_owned(),
        },
        mark: mark(hour),
    }
}

fn counterpart(id: DifferenceId) -> Adjustment {
    Adjustment {
        remedy: Remedy::Counterpart { counterpart: id },
        mark: mark(11),
    }
}

fn open(difference: Difference) -> DifferenceCase {
    DifferenceCase::open(difference, mark(9)).unwrap()
}

#[test]
fn a_case_goes_through_all_stages_and_survives_json() {
    let (_, missed) = differences();
    let mut case = open(missed.clone());
    let mut names = vec![case.stage().name()];
    case = case.explain(explanation(Cause::MissedAnswer)).unwrap();
    names.push(case.stage().name());
    case = case.adjust(posting(11)).unwrap();
    names.push(case.stage().name());
    case = case.close(mark(12)).unwrap();
    names.push(case.stage().name());
    assert_eq!(names, ["open", "explained", "adjusted", "closed"]);
    assert_eq!(case.difference(), &missed);
    assert_eq!(case.opened(), &mark(9));
    assert_eq!(
        case.stage(),
        &Stage::Closed {
            explanation: explanation(Cause::MissedAnswer),
            adjustment: posting(11),
            closure: mark(12),
        }
    );
    let json = serde_json::to_value(&case).unwrap();
    assert_eq!(json["stage"]["status"], "closed");
    assert_eq!(json["stage"]["adjustment"]["remedy"]["posting"], "pst_1");
    assert_eq!(
        serde_json::from_value::<DifferenceCase>(json).unwrap(),
        case
    );
}

#[test]
fn no_stage_can_be_skipped_or_repeated() {
    let (_, missed) = differences();
    let wrong = |expected, actual| Err(TransitionError::WrongStage { expected, actual });
    let opened = open(missed);
    assert_eq!(
        opened.clone().adjust(posting(11)),
        wrong("explained", "open")
    );
    assert_eq!(opened.clone().close(mark(12)), wrong("adjusted", "open"));
    let explained = opened.explain(explanation(Cause::MissedAnswer)).unwrap();
    assert_eq!(
        explained.clone().explain(explanation(Cause::CutOff)),
        wrong("open", "explained")
    );
    assert_eq!(
        explained.clone().close(mark(12)),
        wrong("adjusted", "explained")
    );
    let adjusted = explained.adjust(posting(11)).unwrap();
    assert_eq!(
        adjusted.clone().adjust(posting(11)),
        wrong("explained", "adjusted")
    );
    let closed = adjusted.close(mark(12)).unwrap();
    assert_eq!(closed.clone().close(mark(13)), wrong("adjusted", "closed"));
    assert_eq!(
        closed.explain(explanation(Cause::CutOff)),
        wrong("open", "closed")
    );
}

#[test]
fn a_date_shift_is_cancelled_by_its_own_counterpart_only() {
    let (shift, _) = differences();
    let opposite = shift.counterpart().unwrap();
    let explained = open(shift.clone())
        .explain(explanation(Cause::CutOff))
        .unwrap();
    let stranger = DifferenceId::from("20261119/wechat/payment/ours_only/our:M9".to_owned());
    for wrong in [stranger, shift.id] {
        assert_eq!(
            explained.clone().adjust(counterpart(wrong.clone())),
            Err(TransitionError::WrongCounterpart { named: wrong })
        );
    }
    assert!(explained.adjust(counterpart(opposite)).is_ok());
}

#[test]
fn money_that_differs_needs_a_posting() {
    let (shift, missed) = differences();
    let other = shift.id.clone();
    let explained = open(missed)
        .explain(explanation(Cause::MissedAnswer))
        .unwrap();
    assert_eq!(
        explained.clone().adjust(counterpart(other)),
        Err(TransitionError::NoCounterpart {
            finding: "theirs_only",
            cause: Cause::MissedAnswer
        })
    );
    let mut blank = posting(11);
    blank.remedy = Remedy::Posting {
        posting: " ".to_owned(),
    };
    assert_eq!(
        explained.adjust(blank),
        Err(TransitionError::Blank {
            field: "posting id"
        })
    );
}

#[test]
fn steps_are_signed_dated_and_reasoned() {
    let (_, missed) = differences();
    let nobody = Mark {
        by: String::new(),
        ..mark(9)
    };
    assert_eq!(
        DifferenceCase::open(missed.clone(), nobody),
        Err(TransitionError::Blank {
            field: "acting person"
        })
    );
    let opened = open(missed);
    assert_eq!(
        opened.clone().explain(explanation(Cause::Other)),
        Err(TransitionError::Blank { field: "note" })
    );
    let explained = opened.explain(explanation(Cause::MissedAnswer)).unwrap();
    assert_eq!(
        explained.clone().adjust(posting(9)),
        Err(TransitionError::BackInTime)
    );
    let adjusted = explained.adjust(posting(10)).unwrap();
    assert_eq!(adjusted.close(mark(9)), Err(TransitionError::BackInTime));
}
