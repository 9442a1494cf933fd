//! From a channel's report to what the engine is told: no uncertainty may become a failure here.

use crate::support::{fen, payout_done, payout_is, refund_is, refusal};
use channels::answer::{Answer as Statement, PayoutState, Refusal, Report};
use channels::operation::{Channel, ChannelReference, Operation};
use domain::chart::Movement;
use domain::fee::{Charged, of_payment, of_refund};
use domain::payout::Evidence;
use domain::{Answer, Effect, Subject, report_of};
use engine::{AttemptMode, EffectReport};
use money::{FeeSchedule, Rate};
use proptest::prelude::*;

fn payout() -> Operation {
    Operation::Payout {
        payout: ChannelReference("00P".into()),
        submitted_at: "2026-03-02T10:00:00+08:00".parse().unwrap(),
        amount: fen(100),
        payee: "vlt_1".into(),
        purpose: "goods".into(),
    }
}

fn payout_query() -> Operation {
    let effect = Effect::Channel {
        channel: Channel::Unionpay,
        operation: payout(),
        subject: Subject::Payout {
            payout: "pot_00P".into(),
        },
    };
    effect.operation(AttemptMode::Query).unwrap()
}

#[test]
fn a_query_of_a_payout_carries_its_identifying_fields() {
    let Operation::QueryPayout {
        payout: number,
        submitted_at,
    } = payout_query()
    else {
        panic!()
    };
    let Operation::Payout {
        payout: sent,
        submitted_at: sent_at,
        ..
    } = payout()
    else {
        panic!()
    };
    assert_eq!((number, submitted_at), (sent, sent_at));
}

#[test]
fn nothing_uncertain_about_a_payout_is_an_answer() {
    let later = Refusal {
        later: true,
        ..refusal()
    };
    let cases = [
        (
            payout(),
            Report::Unknown {
                reason: "time-out".into(),
            },
            "unknown",
        ),
        (payout(), Report::NotFound, "not_found"),
        (payout_query(), Report::NotFound, "not_found"),
        (
            payout(),
            Report::NotSent {
                reason: "refused".into(),
            },
            "not_sent",
        ),
        (payout(), Report::Refused { refusal: later }, "not_sent"),
        // A question that was declined says nothing about the payout it asked after.
        (
            payout_query(),
            Report::Refused { refusal: refusal() },
            "not_sent",
        ),
        (
            payout(),
            Report::Answered {
                answer: payout_is("pot_00P", PayoutState::Processing),
            },
            "pending",
        ),
        (
            payout(),
            Report::Answered {
                answer: payout_done("pot_00Q", 100),
            },
            "unknown",
        ),
        (
            payout(),
            Report::Answered {
                answer: Statement::NoBill,
            },
            "unknown",
        ),
    ];
    for (sent, report, expected) in cases {
        let meaning = report_of(&payout(), &sent, report.clone());
        let name = serde_json::to_value(&meaning).unwrap()["report"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(name, expected, "{report:?}");
    }
}

#[test]
fn a_refusal_is_an_answer_but_no_evidence() {
    let meaning = report_of(&payout(), &payout(), Report::Refused { refusal: refusal() });
    assert_eq!(
        meaning,
        EffectReport::Answered {
            answer: Answer::Refused(refusal())
        }
    );
    assert_eq!(Evidence::of(&PayoutState::Processing), None);
    let failed = Evidence::of(&PayoutState::Failed { refusal: refusal() }).unwrap();
    assert!(matches!(failed, Evidence::Failed(_)));
}

#[test]
fn a_question_ends_with_not_found_and_a_refund_does_not() {
    let question = Operation::QueryRefund {
        refund: ChannelReference("00R".into()),
    };
    let absent = EffectReport::Answered {
        answer: Answer::Absent,
    };
    assert_eq!(report_of(&question, &question, Report::NotFound), absent);
    let refund = Operation::Refund {
        order: ChannelReference("00O".into()),
        refund: ChannelReference("00R".into()),
        amount: fen(1),
        order_total: fen(1),
        reason: None,
    };
    assert_eq!(
        report_of(&refund, &refund, Report::NotFound),
        EffectReport::NotFound
    );
    let closed = refund_is("ref_00R", channels::answer::RefundState::Closed);
    let answer = EffectReport::Answered {
        answer: Answer::Channel(closed.clone()),
    };
    assert_eq!(
        report_of(&refund, &refund, Report::Answered { answer: closed }),
        answer
    );
}

#[test]
fn movements_have_distinct_codes_below_the_clients_and_two_names() {
    let mut codes: Vec<u16> = Movement::ALL
        .iter()
        .map(|movement| movement.code())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Movement::ALL.len());
    for movement in Movement::ALL {
        assert!(movement.code() < Movement::FIRST_CLIENT_CODE);
        assert_eq!(Movement::from_code(movement.code()), Some(movement));
        assert!(movement.english().is_ascii() && !movement.chinese().is_ascii());
    }
    assert_eq!(Movement::from_code(Movement::FIRST_CLIENT_CODE), None);
}

proptest! {
    /// Whatever the parts, the fee comes back exactly when all is refunded, and never more.
    #[test]
    fn fees_of_refunds_sum_to_the_fee(paid in 1i64..10_000_000, ppm in 0u32..100_000, cuts in prop::collection::vec(1i64..10_000_000, 0..8)) {
        let schedule = FeeSchedule::proportional(Rate::from_ppm(ppm).unwrap());
        let fee = of_payment(schedule, fen(paid)).unwrap();
        let (mut refunded, mut returned) = (0, 0);
        for part in cuts.into_iter().map(|cut| cut % paid + 1).chain([paid]) {
            let part = part.min(paid - refunded);
            if part == 0 { continue; }
            let charged = Charged { paid: fen(paid), fee, refunded: fen(refunded), settled: fen(returned) };
            let back = of_refund(charged, fen(part)).unwrap().amount();
            prop_assert!(back >= 0);
            refunded += part;
            returned += back;
            prop_assert!(returned <= fee.amount());
        }
        prop_assert_eq!(returned, fee.amount());
    }
}
