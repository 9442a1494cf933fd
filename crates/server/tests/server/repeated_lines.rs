//! Bills on which a payment or refund stands more than once.

use crate::reconciliations::{HOUR, first_day, found};
use crate::support::bill::Line;
use crate::support::regulation::told;
use crate::support::town::Town;
use channels::answer::{Answer as Statement, OrderState};
use channels::operation::ChannelReference;
use money::Money;
use serde_json::Value;

/// The channel's number of an order's second payment.
const SECOND_TRADE: &str = "4200SECOND";

impl Town {
    /// A notification of a second payment of an order.
    async fn told_of_second(&self, payment: &str, amount: i64) {
        let number = payment.strip_prefix("pay_").unwrap();
        let state = OrderState::Paid {
            channel_number: SECOND_TRADE.to_owned(),
            amount: Money::cny(amount),
            paid_at: self.clock.now(),
            instrument: None,
            payer: None,
        };
        let order = ChannelReference(number.to_owned());
        told(&self.rig, Statement::Order { order, state }).await;
    }
}

/// When a notification tells of an order's second payment.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Notified {
    Before,
    After,
    Never,
}

#[tokio::test]
async fn money_of_an_order_paid_twice_is_adjusted_in_one_case_only() {
    let first = "2026-11-20 10:00:00";
    for notified in [Notified::Before, Notified::After, Notified::Never] {
        for reversed in [false, true] {
            let mut town = Town::start().await;
            let payment = town.paid("A-1", 10_000).await;
            if notified == Notified::Before {
                town.told_of_second(&payment, 10_000).await;
            }
            town.advance(25 * HOUR);
            let mut lines = [
                Line::payment(first, &payment, 10_000),
                Line {
                    trade: Some(SECOND_TRADE),
                    ..Line::payment(first, &payment, 10_000)
                },
            ];
            if reversed {
                lines.reverse();
            }
            let place = format!("{notified:?}, reversed: {reversed}");
            for repeated in [false, true] {
                let taken = town.take_lines(first_day(), &lines).await;
                assert_eq!(found(&taken), ["duplicate"], "{place}");
                let done = taken.taken.unwrap();
                assert_eq!((done.facts, done.cleared), (1, true), "{place}, {repeated}");
            }
            assert_eq!(
                town.adjusted("double_payment", 10_000).await,
                200,
                "{place}"
            );
            assert_eq!(
                town.adjusted("reconciliation", 10_000).await,
                422,
                "{place}"
            );
            if notified == Notified::After {
                town.told_of_second(&payment, 10_000).await;
            }
            // Taken again, or told of later: the money is there once.
            town.take_lines(first_day(), &lines).await;
            let cases = town.cases("double_payment").await;
            let amounts: Vec<_> = cases.iter().map(|case| &case["amount"]["amount"]).collect();
            assert_eq!(amounts, [10_000], "{place}");
            let opened = town.cases("reconciliation").await;
            let amounts: Vec<_> = opened
                .iter()
                .map(|case| &case["amount"]["amount"])
                .collect();
            assert_eq!(amounts, [0], "{place}");
            town.stop().await;
        }
    }
}

#[tokio::test]
async fn an_order_paid_again_after_midnight_is_adjusted_in_one_case_only() {
    for notified in [Notified::Before, Notified::Never] {
        let mut town = Town::start().await;
        let payment = town.paid("A-1", 10_000).await;
        town.advance(24 * HOUR);
        if notified == Notified::Before {
            town.told_of_second(&payment, 10_000).await;
        }
        town.advance(24 * HOUR);
        let lines = [Line {
            trade: Some(SECOND_TRADE),
            ..Line::payment("2026-11-21 10:00:00", &payment, 10_000)
        }];
        let taken = town.take_lines(first_day().next(), &lines).await;
        assert_eq!(found(&taken), ["theirs_only"], "{notified:?}");
        for (kind, approved) in [("double_payment", 200), ("reconciliation", 422)] {
            let answered = town.adjusted(kind, 10_000).await;
            assert_eq!(answered, approved, "{notified:?} {kind}");
        }
        town.stop().await;
    }
}

#[tokio::test]
async fn the_same_line_again_is_no_payment_and_has_a_case_about_its_amount() {
    let mut town = Town::start().await;
    let payment = town.paid("A-1", 10_000).await;
    town.advance(25 * HOUR);
    let line = Line::payment("2026-11-20 10:00:00", &payment, 10_000);
    let lines = [line.clone(), line];
    let taken = town.take_lines(first_day(), &lines).await;
    assert_eq!(found(&taken), ["duplicate"]);
    assert_eq!(taken.taken.unwrap().facts, 0);
    assert_eq!(town.cases("double_payment").await, [] as [Value; 0]);
    let [case] = &town.cases("reconciliation").await[..] else {
        panic!("one line stands again")
    };
    assert_eq!(case["amount"]["amount"], 10_000);
    town.stop().await;
}

#[tokio::test]
async fn a_refunds_success_is_followed_wherever_a_line_without_success_stands() {
    for words in [
        ["PROCESSING", "SUCCESS", "SUCCESS"],
        ["SUCCESS", "PROCESSING", "SUCCESS"],
        ["SUCCESS", "SUCCESS", "PROCESSING"],
        ["FAIL", "SUCCESS", "SUCCESS"],
        ["SUCCESS", "FAIL", "SUCCESS"],
    ] {
        let mut town = Town::start().await;
        let payment = town.paid("A-1", 10_000).await;
        town.sandbox
            .with_wechat(|core| core.set_refund_millis(48 * 3_600_000));
        let refund = town.refund(&payment, "R-1", 1_000).await;
        town.rig.work().await;
        town.advance(25 * HOUR);
        let at = "2026-11-20 10:00:00";
        let mut lines = vec![Line::payment(at, &payment, 10_000)];
        for word in words {
            let line = Line::refund(at, &refund, 1_000);
            let number = line.refund.as_ref().unwrap().0.clone();
            lines.push(Line {
                refund: Some((number, word)),
                moved: if word == "SUCCESS" { 1_000 } else { 0 },
                ..line
            });
        }
        let taken = town.take_lines(first_day(), &lines).await;
        let mut findings = found(&taken);
        findings.sort_unstable();
        let mut expected = vec!["duplicate", "theirs_only"];
        if words.contains(&"FAIL") {
            expected.insert(1, "status_differs");
        }
        assert_eq!(findings, expected, "{words:?}");
        assert_eq!(taken.taken.unwrap().facts, 1, "{words:?}");
        assert_eq!(town.refund_status(&refund).await, "succeeded", "{words:?}");
        town.stop().await;
    }
}
