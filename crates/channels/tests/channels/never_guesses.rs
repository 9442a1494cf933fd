//! Properties: no response whatever makes a connector panic, or state an outcome, without a
//! valid signature.

use crate::support::*;
use channels::http::Response;
use channels::{Answer, Connector, Operation, Report};
use proptest::prelude::*;

fn wechat_operations() -> Vec<Operation> {
    vec![
        create_order(),
        query_order(),
        close_order(),
        refund(),
        query_refund(),
        trade_bill(),
        payout(),
        query_payout(),
    ]
}

/// Whether a report states something about money or an object's final state.
fn states_an_outcome(report: &Report) -> bool {
    !matches!(
        report,
        Report::Unknown { .. }
            | Report::Refused { .. }
            | Report::NotFound
            | Report::Answered {
                answer: Answer::NoBill
            }
    )
}

fn recorded_wechat() -> impl Strategy<Value = (Operation, Response)> {
    prop_oneof![
        Just((create_order(), "create")),
        Just((query_order(), "query_paid")),
        Just((query_order(), "query_unpaid")),
        Just((close_order(), "close")),
        Just((refund(), "refund_accepted")),
        Just((query_refund(), "refund_done")),
    ]
    .prop_map(|(operation, name)| (operation, recorded(&format!("wechat/{name}.http"))))
}

proptest! {
    #[test]
    fn wechat_states_nothing_unsigned(
        status in 0u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let response = unsigned(status, &body);
        for operation in wechat_operations() {
            let report = wechat().parse(&operation, &response, signed_at());
            prop_assert!(!states_an_outcome(&report), "{report:?}");
        }
    }

    /// Genuine bodies with the signature headers taken away or exchanged.
    #[test]
    fn wechat_states_nothing_with_another_signature(
        (operation, mut response) in recorded_wechat(),
        signature in prop_oneof![
            Just(String::new()),
            "[A-Za-z0-9+/]{342}==",
            "\\PC{0,40}",
        ],
        status in prop_oneof![Just(200u16), Just(204), 200u16..600],
    ) {
        response.status = status;
        set_header(&mut response, "wechatpay-signature", Some(&signature));
        let report = wechat().parse(&operation, &response, signed_at());
        prop_assert!(!states_an_outcome(&report), "{report:?}");
    }

    #[test]
    fn wechat_states_nothing_when_a_byte_differs(
        (operation, mut response) in recorded_wechat(),
        at: prop::sample::Index,
        bit in 0u8..8,
    ) {
        if response.body.is_empty() {
            response.body.push(1);
        } else {
            let place = at.index(response.body.len());
            response.body[place] ^= 1 << bit;
        }
        let report = wechat().parse(&operation, &response, signed_at());
        prop_assert!(matches!(report, Report::Unknown { .. }), "{report:?}");
    }

    /// Bodies that are signed, but not what was asked: no panic, nothing invented.
    #[test]
    fn wechat_survives_any_signed_body(body in "\\PC{0,120}", status in prop_oneof![Just(200u16), Just(204), Just(400), Just(404)]) {
        let response = wechat_signed(status, &body, signed_at());
        for operation in [create_order(), query_order(), refund(), query_refund(), trade_bill()] {
            let report = wechat().parse(&operation, &response, signed_at());
            prop_assert!(!states_an_outcome(&report), "{report:?}");
        }
    }

    #[test]
    fn notifications_are_never_read_unsigned(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        headers in proptest::collection::vec(("[a-z-]{1,24}", "\\PC{0,24}"), 0..5),
    ) {
        prop_assert!(wechat().notification(&headers, &body, signed_at()).is_err());
        prop_assert!(unionpay().notification(&headers, &body, signed_at()).is_err());
    }

    #[test]
    fn unionpay_states_nothing_unsigned(
        status in prop_oneof![Just(200u16), 0u16..600],
        body in proptest::collection::vec(any::<u8>(), 0..300),
        text in "([a-zA-Z]{1,8}=[0-9A-Z{}\\[\\]&]{0,8}&){0,10}",
    ) {
        for body in [body, text.into_bytes()] {
            let response = unsigned(status, &body);
            for operation in [payout(), query_payout(), query_order()] {
                let report = unionpay().parse(&operation, &response, signed_at());
                prop_assert!(matches!(report, Report::Unknown { .. }), "{report:?}");
            }
        }
    }

    #[test]
    fn unionpay_states_nothing_when_a_byte_differs(
        name in prop_oneof![Just("query_succeeded"), Just("query_failed"), Just("query_unknown")],
        at: prop::sample::Index,
        bit in 0u8..8,
    ) {
        let genuine = bytes(&format!("unionpay/{name}.txt"));
        let mut body = genuine.clone();
        let place = at.index(body.len());
        body[place] ^= 1 << bit;
        let expected = unionpay().parse(&query_payout(), &unsigned(200, &genuine), signed_at());
        let report = unionpay().parse(&query_payout(), &unsigned(200, &body), signed_at());
        prop_assert!(
            matches!(report, Report::Unknown { .. }) || report == expected,
            "{report:?}"
        );
    }

    #[test]
    fn unionpay_states_nothing_about_other_payouts(
        order in "[0-9A-Za-z]{8,32}",
        seconds in -100_000i64..100_000,
    ) {
        let operation = Operation::QueryPayout {
            payout: reference(&order),
            submitted_at: seconds_later(seconds),
        };
        prop_assume!(operation != query_payout());
        for name in ["query_succeeded", "query_failed", "query_unknown"] {
            let response = unsigned(200, text(&format!("unionpay/{name}.txt")));
            let report = unionpay().parse(&operation, &response, signed_at());
            prop_assert!(matches!(report, Report::Unknown { .. }), "{report:?}");
        }
    }
}
