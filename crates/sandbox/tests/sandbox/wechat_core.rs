//! The WeChat core: rules of orders, closes and refunds, and what happens by itself.

use crate::support;
use crate::support::wechat::{MERCHANT, core, fault, order, paid, refund};
use calendar::instant_at;
use jiff::Timestamp;
use sandbox::wechat::{AutoPay, PayError, RefundState, TradeState, WechatCore};
use sandbox::{Fault, Trigger};

fn at(second: u64) -> Timestamp {
    support::wechat::start() + jiff::SignedDuration::from_secs(i64::try_from(second).unwrap())
}

fn codes(core: &mut WechatCore, number: &str, now: Timestamp) -> (u16, &'static str) {
    let refusal = core
        .close_order(MERCHANT, MERCHANT, number, now)
        .unwrap_err();
    (refusal.status, refusal.code)
}

#[test]
fn a_paid_order_is_reported_announced_and_booked_with_its_fee() {
    let mut core = core(1);
    let created = core
        .create_order(MERCHANT, order("order1", 10_000), at(0))
        .unwrap();
    let code_url = created["code_url"].as_str().unwrap();
    assert!(code_url.starts_with("weixin://wxpay/bizpayurl"));
    assert_eq!(
        core.order_of_code(code_url).unwrap(),
        (MERCHANT.to_owned(), "order1".to_owned())
    );
    let before = core.query_order(MERCHANT, "order1", at(1)).unwrap();
    assert_eq!(before["trade_state"], "NOTPAY");
    assert!(before.get("transaction_id").is_none());

    let payment = core.pay(MERCHANT, "order1", at(2)).unwrap();
    assert_eq!(payment.transaction_id.len(), 28);
    assert_eq!(payment.fee_fen, 60);
    let after = core
        .query_transaction(MERCHANT, &payment.transaction_id, at(3))
        .unwrap();
    assert_eq!(after["trade_state"], "SUCCESS");
    assert_eq!(after["amount"]["payer_total"], 10_000);

    let due = core.tick(at(3));
    let [attempt] = due.as_slice() else {
        panic!("one notification, not {due:?}")
    };
    assert_eq!(attempt.item.event_type, "TRANSACTION.SUCCESS");
    assert_eq!(attempt.item.resource, after);
    assert_eq!(
        core.pay(MERCHANT, "order1", at(4)),
        Err(PayError::AlreadyPaid)
    );
}

#[test]
fn an_order_number_means_one_order_for_ever() {
    let mut core = core(1);
    let first = core
        .create_order(MERCHANT, order("order1", 100), at(0))
        .unwrap();
    let again = core
        .create_order(MERCHANT, order("order1", 100), at(1))
        .unwrap();
    assert_eq!(first, again);
    let differing = core
        .create_order(MERCHANT, order("order1", 101), at(2))
        .unwrap_err();
    assert_eq!(
        (differing.code, differing.detail_code),
        ("INVALID_REQUEST", 268_498_688)
    );
    core.pay(MERCHANT, "order1", at(3)).unwrap();
    let paid = core
        .create_order(MERCHANT, order("order1", 100), at(4))
        .unwrap_err();
    assert_eq!(paid.code, "ORDERPAID");
}

#[test]
fn orders_with_unfit_parameters_are_declined() {
    let mut core = core(1);
    let mut declined = |change: fn(&mut sandbox::wechat::NativeOrder)| {
        let mut order = order("order1", 100);
        change(&mut order);
        core.create_order(MERCHANT, order, at(0)).unwrap_err().code
    };
    assert_eq!(declined(|o| o.amount.total = 0), "PARAM_ERROR");
    assert_eq!(
        declined(|o| o.amount.currency = Some("USD".to_owned())),
        "PARAM_ERROR"
    );
    assert_eq!(
        declined(|o| o.out_trade_no = "short".to_owned()),
        "PARAM_ERROR"
    );
    assert_eq!(
        declined(|o| o.out_trade_no = "has space".to_owned()),
        "PARAM_ERROR"
    );
    assert_eq!(declined(|o| o.description = String::new()), "PARAM_ERROR");
    assert_eq!(
        declined(|o| o.notify_url = "http://a/b?c=d".to_owned()),
        "PARAM_ERROR"
    );
    assert_eq!(
        declined(|o| o.notify_url = "ftp://a/b".to_owned()),
        "PARAM_ERROR"
    );
    assert_eq!(
        declined(|o| o.time_expire = Some("2020-01-01T00:00:00+08:00".to_owned())),
        "PARAM_ERROR"
    );
    assert_eq!(
        declined(|o| o.mchid = "1900000009".to_owned()),
        "PARAM_ERROR"
    );
    assert_eq!(
        declined(|o| o.appid = "wxother".to_owned()),
        "APPID_MCHID_NOT_MATCH"
    );
}

#[test]
fn closing_is_idempotent_and_refused_for_paid_or_unknown_orders() {
    let mut core = core(1);
    assert_eq!(codes(&mut core, "order1", at(0)), (404, "ORDER_NOT_EXIST"));
    core.create_order(MERCHANT, order("order1", 100), at(0))
        .unwrap();
    core.close_order(MERCHANT, MERCHANT, "order1", at(1))
        .unwrap();
    core.close_order(MERCHANT, MERCHANT, "order1", at(2))
        .unwrap();
    assert_eq!(core.pay(MERCHANT, "order1", at(3)), Err(PayError::Closed));
    let closed = core.query_order(MERCHANT, "order1", at(3)).unwrap();
    assert_eq!(closed["trade_state"], "CLOSED");
    paid(&mut core, "order2", 100, at(4));
    assert_eq!(codes(&mut core, "order2", at(5)), (400, "ORDERPAID"));
}

#[test]
fn an_unpaid_order_closes_when_it_expires() {
    let mut core = core(1);
    let mut expiring = order("order1", 100);
    expiring.time_expire = Some(calendar::rfc3339_shanghai(at(60)));
    core.create_order(MERCHANT, expiring, at(0)).unwrap();
    let state = |core: &mut WechatCore, now| {
        core.query_order(MERCHANT, "order1", now).unwrap()["trade_state"].clone()
    };
    assert_eq!(state(&mut core, at(59)), "NOTPAY");
    assert_eq!(state(&mut core, at(60)), "CLOSED");
}

#[test]
fn payers_may_pay_by_themselves_at_their_own_instant() {
    let mut core = core(1);
    core.set_auto_pay(
        MERCHANT,
        Some(AutoPay {
            after_millis: 5_000,
            spread_millis: 0,
            abandon_ppm: 0,
        }),
    );
    core.create_order(MERCHANT, order("order1", 100), at(0))
        .unwrap();
    assert_eq!(core.next_due(), Some(at(5)));
    assert!(core.tick(at(4)).is_empty());
    assert_eq!(core.tick(at(3_600)).len(), 1);
    let trade = &core.books(MERCHANT).unwrap().trades["order1"];
    assert_eq!(trade.payment().unwrap().paid_at, at(5));

    core.set_auto_pay(
        MERCHANT,
        Some(AutoPay {
            after_millis: 0,
            spread_millis: 0,
            abandon_ppm: 1_000_000,
        }),
    );
    core.create_order(MERCHANT, order("order2", 100), at(3_601))
        .unwrap();
    core.tick(at(9_000));
    let abandoned = &core.books(MERCHANT).unwrap().trades["order2"];
    assert_eq!(abandoned.state, TradeState::NotPaid);
}

#[test]
fn a_payer_can_win_the_race_against_a_close() {
    let mut core = core(1);
    core.create_order(MERCHANT, order("order1", 100), at(0))
        .unwrap();
    fault(&mut core, Fault::PayBeforeClose, Trigger::Next(1));
    assert_eq!(codes(&mut core, "order1", at(1)), (400, "ORDERPAID"));
    let state = core.query_order(MERCHANT, "order1", at(1)).unwrap();
    assert_eq!(state["trade_state"], "SUCCESS");
}

#[test]
fn a_payment_can_go_through_after_an_acknowledged_close() {
    let mut core = core(1);
    core.create_order(MERCHANT, order("order1", 100), at(0))
        .unwrap();
    fault(
        &mut core,
        Fault::PayAfterClose { millis: 2_000 },
        Trigger::Next(1),
    );
    core.close_order(MERCHANT, MERCHANT, "order1", at(1))
        .unwrap();
    let closed = core.query_order(MERCHANT, "order1", at(2)).unwrap();
    assert_eq!(closed["trade_state"], "CLOSED");
    assert_eq!(core.tick(at(3)).len(), 1);
    let paid = core.query_order(MERCHANT, "order1", at(3)).unwrap();
    assert_eq!(paid["trade_state"], "SUCCESS");
    assert_eq!(
        core.books(MERCHANT)
            .unwrap()
            .totals(support::wechat::day())
            .paid_fen,
        100
    );
}

#[test]
fn a_refund_ends_later_and_gives_the_fee_back_in_proportion() {
    let mut core = core(1);
    paid(&mut core, "order1", 10_000, at(0));
    core.tick(at(0));
    let accepted = core
        .refund(MERCHANT, refund("order1", "r1", 3_333, 10_000), at(1))
        .unwrap();
    assert_eq!(accepted["status"], "PROCESSING");
    let query = |core: &mut WechatCore, now| core.query_refund(MERCHANT, "r1", now).unwrap();
    assert_eq!(query(&mut core, at(3))["status"], "PROCESSING");
    let done = query(&mut core, at(4));
    assert_eq!(done["status"], "SUCCESS");
    assert_eq!(done["success_time"], calendar::rfc3339_shanghai(at(4)));
    let due = core.tick(at(4));
    assert_eq!(due[0].item.event_type, "REFUND.SUCCESS");
    assert_eq!(due[0].item.resource["refund_status"], "SUCCESS");

    core.refund(MERCHANT, refund("order1", "r2", 6_667, 10_000), at(5))
        .unwrap();
    core.tick(at(100));
    let books = core.books(MERCHANT).unwrap();
    let returned = |number: &str| match books.refunds[number].state {
        RefundState::Succeeded {
            fee_returned_fen, ..
        } => fee_returned_fen,
        other => panic!("{other:?}"),
    };
    assert_eq!((returned("r1"), returned("r2")), (20, 40));
    let totals = books.totals(support::wechat::day());
    assert_eq!(
        (totals.paid_fen, totals.refunded_fen, totals.fee_fen),
        (10_000, 10_000, 0)
    );
}

#[test]
fn refunds_keep_within_their_order() {
    let mut core = core(1);
    let declined = |core: &mut WechatCore, number: &str, fen, total| {
        let refusal = core
            .refund(MERCHANT, refund("order1", number, fen, total), at(10))
            .unwrap_err();
        (refusal.status, refusal.code)
    };
    assert_eq!(
        declined(&mut core, "r0", 1, 100),
        (404, "RESOURCE_NOT_EXISTS")
    );
    core.create_order(MERCHANT, order("order1", 100), at(0))
        .unwrap();
    assert_eq!(declined(&mut core, "r0", 1, 100), (400, "INVALID_REQUEST"));
    core.pay(MERCHANT, "order1", at(1)).unwrap();
    assert_eq!(declined(&mut core, "r1", 1, 99), (400, "INVALID_REQUEST"));
    assert_eq!(
        declined(&mut core, "r1", 101, 100),
        (400, "INVALID_REQUEST")
    );
    assert_eq!(declined(&mut core, "r1", 0, 100), (400, "PARAM_ERROR"));
    core.refund(MERCHANT, refund("order1", "r1", 60, 100), at(10))
        .unwrap();
    assert_eq!(declined(&mut core, "r2", 41, 100), (400, "INVALID_REQUEST"));
    // The same number again is the same refund, with other content it is refused.
    core.refund(MERCHANT, refund("order1", "r1", 60, 100), at(10))
        .unwrap();
    assert_eq!(declined(&mut core, "r1", 40, 100), (400, "INVALID_REQUEST"));
    assert_eq!(core.books(MERCHANT).unwrap().refunds.len(), 1);
}

#[test]
fn an_order_takes_fifty_refunds() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, at(0));
    for i in 0..50 {
        core.refund(MERCHANT, refund("order1", &format!("r{i}"), 1, 100), at(1))
            .unwrap();
    }
    let refusal = core
        .refund(MERCHANT, refund("order1", "r50", 1, 100), at(1))
        .unwrap_err();
    assert_eq!(refusal.code, "INVALID_REQUEST");
}

#[test]
fn closed_refunds_free_their_amount_and_abnormal_ones_do_not() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, at(0));
    fault(&mut core, Fault::RefundClosed, Trigger::Next(1));
    core.refund(MERCHANT, refund("order1", "r1", 100, 100), at(1))
        .unwrap();
    core.tick(at(10));
    assert_eq!(
        core.query_refund(MERCHANT, "r1", at(10)).unwrap()["status"],
        "CLOSED"
    );
    fault(&mut core, Fault::RefundAbnormal, Trigger::Next(1));
    core.refund(MERCHANT, refund("order1", "r2", 100, 100), at(11))
        .unwrap();
    core.tick(at(20));
    assert_eq!(
        core.query_refund(MERCHANT, "r2", at(20)).unwrap()["status"],
        "ABNORMAL"
    );
    let refusal = core
        .refund(MERCHANT, refund("order1", "r3", 1, 100), at(21))
        .unwrap_err();
    assert_eq!(refusal.code, "INVALID_REQUEST");
    let totals = core.books(MERCHANT).unwrap().totals(support::wechat::day());
    assert_eq!((totals.count, totals.refunded_fen), (1, 0));
}

#[test]
fn a_lack_of_money_refuses_a_refund_for_now() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, at(0));
    fault(&mut core, Fault::RefundNotEnough, Trigger::Next(1));
    let refusal = core
        .refund(MERCHANT, refund("order1", "r1", 1, 100), at(1))
        .unwrap_err();
    assert_eq!((refusal.status, refusal.code), (403, "NOT_ENOUGH"));
    core.refund(MERCHANT, refund("order1", "r1", 1, 100), at(2))
        .unwrap();
}

#[test]
fn notifications_are_repeated_by_the_schedule_and_then_given_up() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, at(0));
    let mut now = at(0);
    let mut pauses = Vec::new();
    loop {
        let due = core.tick(now);
        assert_eq!(due.len(), 1);
        core.report_delivery(due[0].id, false, now);
        if core.waiting_notifications() == 0 {
            break;
        }
        // The order's own expiry lies beyond the schedule's end.
        let next = core.next_due().unwrap();
        pauses.push((next - now).get_seconds());
        now = next;
    }
    assert_eq!(
        pauses,
        [
            15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600
        ]
    );
    assert_eq!(core.delivery_counts().given_up, 1);
}

#[test]
fn an_acknowledged_notification_is_not_repeated() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, at(0));
    let due = core.tick(at(0));
    assert!(
        core.tick(at(30)).is_empty(),
        "nothing is sent while an attempt is under way"
    );
    core.report_delivery(due[0].id, true, at(31));
    assert!(core.tick(at(3_600)).is_empty());
    assert_eq!(core.delivery_counts().acknowledged, 1);
}

#[test]
fn notifications_can_be_lost_delayed_and_doubled() {
    let mut core = core(1);
    fault(&mut core, Fault::LoseNotification, Trigger::Next(1));
    fault(
        &mut core,
        Fault::DelayNotification { millis: 7_000 },
        Trigger::Next(1),
    );
    fault(&mut core, Fault::DuplicateNotification, Trigger::Next(1));
    paid(&mut core, "order1", 100, at(0));
    paid(&mut core, "order2", 100, at(0));
    paid(&mut core, "order3", 100, at(0));
    let now = core.tick(at(0));
    let numbers: Vec<_> = now
        .iter()
        .map(|a| a.item.resource["out_trade_no"].clone())
        .collect();
    assert_eq!(numbers, ["order3", "order3"]);
    assert_eq!(now[0].item.event_id, now[1].item.event_id);
    assert!(core.tick(at(6)).is_empty());
    assert_eq!(core.tick(at(7))[0].item.resource["out_trade_no"], "order2");
    assert_eq!(core.faults().struck()["lose_notification"], 1);
}

#[test]
fn equal_seeds_give_equal_runs() {
    let run = |seed| {
        let mut core = core(seed);
        fault(&mut core, Fault::LoseNotification, Trigger::Ppm(500_000));
        for i in 0..40 {
            paid(&mut core, &format!("order{i:02}"), 100, at(i));
        }
        let sent: Vec<String> = core
            .tick(at(100))
            .into_iter()
            .map(|a| a.item.event_id)
            .collect();
        sent
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    assert!((5..35).contains(&run(7).len()));
}

#[test]
fn a_fault_is_for_its_merchant_and_call_only() {
    let mut core = core(1);
    core.faults_mut().switch_on(sandbox::FaultSwitch {
        merchant_id: Some("somebody else".to_owned()),
        operation: None,
        fault: Fault::PayBeforeClose,
        trigger: Trigger::Ppm(1_000_000),
    });
    core.create_order(MERCHANT, order("order1", 100), at(0))
        .unwrap();
    core.close_order(MERCHANT, MERCHANT, "order1", at(1))
        .unwrap();
    assert!(core.faults().struck().is_empty());
}

#[test]
fn the_day_of_an_entry_is_shanghai_s() {
    let mut core = core(1);
    let day = support::wechat::day();
    let last = instant_at(day, 23, 59, 59);
    paid(&mut core, "order1", 100, last);
    paid(
        &mut core,
        "order2",
        200,
        last + jiff::SignedDuration::from_secs(1),
    );
    let books = core.books(MERCHANT).unwrap();
    assert_eq!(books.totals(day).paid_fen, 100);
    assert_eq!(books.totals(day.next()).paid_fen, 200);
}
