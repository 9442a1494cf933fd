//! The UnionPay core: acceptance, outcome, query and notification of pay-outs.

use crate::support::unionpay::MERCHANT;
use calendar::{BusinessDate, instant_at};
use jiff::{SignedDuration, Timestamp};
use sandbox::unionpay::{Fields, OrderKey, PayoutOrder, UnionpayCore};
use sandbox::{Fault, FaultSwitch, Trigger, UnionpaySettings};

fn start() -> Timestamp {
    instant_at(BusinessDate::new(2026, 3, 2).unwrap(), 22, 59, 58)
}

fn at(millis: i64) -> Timestamp {
    start() + SignedDuration::from_millis(millis)
}

fn core() -> UnionpayCore {
    let mut core = UnionpayCore::new(UnionpaySettings::default(), 1);
    core.register(MERCHANT);
    core
}

fn key(order_id: &str) -> OrderKey {
    OrderKey {
        merchant_id: MERCHANT.to_owned(),
        order_id: order_id.to_owned(),
        txn_time: "20260302225958".to_owned(),
    }
}

fn order(order_id: &str) -> PayoutOrder {
    PayoutOrder {
        key: key(order_id),
        amount_fen: 12_345,
        account_number: "6216261000000000018".to_owned(),
        back_url: Some("http://127.0.0.1:9/back".to_owned()),
        echo: Fields::from([("orderId".to_owned(), order_id.to_owned())]),
    }
}

fn fault(core: &mut UnionpayCore, fault: Fault) {
    core.faults_mut().switch_on(FaultSwitch {
        merchant_id: None,
        operation: None,
        fault,
        trigger: Trigger::Next(1),
    });
}

fn outcome(core: &mut UnionpayCore, order_id: &str, now: Timestamp) -> (String, Option<String>) {
    let answer = core.query(&key(order_id), now);
    (answer.resp_code, answer.fields.get("origRespCode").cloned())
}

fn found(code: &str) -> (String, Option<String>) {
    ("00".to_owned(), Some(code.to_owned()))
}

#[test]
fn a_payout_is_accepted_and_succeeds_later() {
    let mut core = core();
    let answer = core.payout(order("order0001"), at(0));
    assert_eq!(answer.resp_code, "00");
    let query_id = &answer.fields["queryId"];
    assert!(query_id.len() == 21 && query_id.starts_with("20260302225958"));
    assert_eq!(outcome(&mut core, "order0001", at(2_999)), found("05"));
    assert_eq!(outcome(&mut core, "order0001", at(3_000)), found("00"));

    let due = core.tick(at(3_000));
    assert_eq!(due.len(), 1);
    let fields = &due[0].item.fields;
    assert_eq!(fields["respCode"], "00");
    assert_eq!(&fields["queryId"], query_id);
    assert_eq!(
        (fields["settleAmt"].as_str(), fields["settleDate"].as_str()),
        ("12345", "0302")
    );
    assert_eq!(core.totals(MERCHANT).amount_fen, 12_345);
    let payout = core.payouts(MERCHANT).next().unwrap();
    assert_eq!(payout.account, "621626*********0018");
}

#[test]
fn the_clearing_day_ends_at_eleven_in_the_evening() {
    let mut core = core();
    core.payout(order("order0001"), at(2_000));
    core.tick(at(60_000));
    assert_eq!(
        core.query(&key("order0001"), at(60_000)).fields["settleDate"],
        "0303"
    );
}

#[test]
fn the_same_order_and_time_again_is_a_duplicate() {
    let mut core = core();
    core.payout(order("order0001"), at(0));
    assert_eq!(core.payout(order("order0001"), at(1)).resp_code, "12");
    let mut other_time = order("order0001");
    other_time.key.txn_time = "20260302225959".to_owned();
    assert_eq!(core.payout(other_time, at(2)).resp_code, "00");
    assert_eq!(core.payouts(MERCHANT).count(), 2);
}

#[test]
fn a_query_finds_nothing_before_arrival_or_for_unknown_orders() {
    let mut core = core();
    let mut settings = core.settings().clone();
    settings.arrival_millis = 1_000;
    core.set_settings(settings);
    core.payout(order("order0001"), at(0));
    assert_eq!(
        outcome(&mut core, "order0001", at(999)),
        ("34".to_owned(), None)
    );
    assert_eq!(outcome(&mut core, "order0001", at(1_000)), found("05"));
    assert_eq!(
        outcome(&mut core, "order0002", at(1_000)),
        ("34".to_owned(), None)
    );
}

#[test]
fn an_unknown_answer_is_followed_by_an_outcome() {
    for code in ["03", "04", "05"] {
        let mut core = core();
        fault(
            &mut core,
            Fault::PayoutUnknown {
                resp_code: code.to_owned(),
            },
        );
        assert_eq!(core.payout(order("order0001"), at(0)).resp_code, code);
        assert_eq!(outcome(&mut core, "order0001", at(5_000)), found("00"));
    }
}

#[test]
fn refusals_and_failures_move_no_money_and_are_not_announced() {
    let mut core = core();
    fault(
        &mut core,
        Fault::PayoutRefused {
            resp_code: "61".to_owned(),
        },
    );
    assert_eq!(core.payout(order("order0001"), at(0)).resp_code, "61");
    assert_eq!(outcome(&mut core, "order0001", at(0)), found("61"));
    fault(
        &mut core,
        Fault::PayoutFails {
            resp_code: "64".to_owned(),
        },
    );
    assert_eq!(core.payout(order("order0002"), at(0)).resp_code, "00");
    assert_eq!(outcome(&mut core, "order0002", at(2_999)), found("05"));
    assert_eq!(outcome(&mut core, "order0002", at(3_000)), found("64"));
    assert!(core.tick(at(60_000)).is_empty());
    assert_eq!(core.totals(MERCHANT).count, 0);
}

#[test]
fn an_outcome_can_be_late() {
    let mut core = core();
    fault(&mut core, Fault::PayoutDelayed { millis: 60_000 });
    core.payout(order("order0001"), at(0));
    assert_eq!(outcome(&mut core, "order0001", at(62_999)), found("05"));
    assert_eq!(outcome(&mut core, "order0001", at(63_000)), found("00"));
}

#[test]
fn a_notification_is_tried_six_times() {
    let mut core = core();
    core.payout(order("order0001"), at(0));
    let mut now = at(3_000);
    let mut pauses = Vec::new();
    loop {
        let due = core.tick(now);
        core.report_delivery(due[0].id, false, now);
        let Some(next) = core.next_due() else { break };
        pauses.push((next - now).get_seconds());
        now = next;
    }
    assert_eq!(pauses, [60, 120, 240, 300, 300]);
    assert_eq!(core.delivery_counts().given_up, 1);
}

#[test]
fn debug_output_masks_the_account() {
    let text = format!("{:?}", order("order0001"));
    assert!(text.contains("0018") && !text.contains("6216261000000000018"));
}
