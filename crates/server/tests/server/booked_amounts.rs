//! A bill is compared with what was booked, which may be another amount than was asked for.

use crate::support::sandboxed::{Receiver, connectors, sandbox};
use crate::support::{FINANCE, Rig, SHOP, answer, regulation};
use channels::answer::{Answer as Statement, RefundState};
use channels::operation::ChannelReference;
use engine::runtime::Clock;
use money::Money;
use sandbox::WechatSettings;
use serde_json::{Value, json};
use server::ServerConfig;

/// A column of the bill's line about a refund.
fn of_refund(bill: &str, column: &str) -> String {
    let head = bill.lines().next().unwrap().trim_start_matches('\u{feff}');
    let place = head.split(',').position(|name| name == column).unwrap();
    let line = bill.lines().find(|line| line.contains("REFUND")).unwrap();
    let field = line.split(',').nth(place).unwrap();
    field.trim_start_matches('`').to_owned()
}

#[tokio::test]
async fn a_refund_is_compared_with_the_amount_that_was_booked() {
    let (clock, sandbox) = sandbox(WechatSettings::default()).await;
    let (postbox, postbox_url) = Receiver::start().await;
    let connect = |url: &str| connectors(&sandbox, &postbox_url, &format!("{url}/notify/unionpay"));
    let mut rig = Rig::with(connect, ServerConfig::default()).await;
    let merchant = sandbox.parameters().demo_merchants.unwrap().wechat[0]
        .merchant_id
        .clone();

    let order = json!({"order_number": "A-1", "amount": {"amount": 20_000, "currency": "CNY"},
        "channel": "wechat", "description": "two books"});
    let payment = rig
        .post("/v1/payments", SHOP, "A-1", &order)
        .await
        .expect(201)
        .id();
    rig.work().await;
    let number = payment.strip_prefix("pay_").unwrap();
    let now = clock.now();
    sandbox
        .with_wechat(|core| core.pay(&merchant, number, now))
        .unwrap();
    let asked = json!({"refund_number": "R-1", "amount": {"amount": 10_000, "currency": "CNY"}});
    // The bill knows of the payment; our books learn it here.
    let later = clock.now() + jiff::SignedDuration::from_secs(60);
    clock.set(later);
    rig.clock.set(later);
    rig.press(&format!("/v1/payments/{payment}/query"), SHOP, "q1")
        .await;
    rig.work().await;
    let path = format!("/v1/payments/{payment}/refunds");
    let refund = rig.post(&path, SHOP, "r1", &asked).await.expect(201).id();
    rig.work().await;
    let later = clock.now() + jiff::SignedDuration::from_secs(3_600);
    clock.set(later);
    rig.clock.set(later);
    sandbox.tick().await;
    drop(postbox.take());
    let day = calendar::BusinessDate::new(2026, 11, 20).unwrap();
    let later = clock.now() + jiff::SignedDuration::from_secs(86_400);
    clock.set(later);
    let bill = sandbox
        .with_wechat(|core| core.bill_text(&merchant, day))
        .unwrap();

    // Its notification had said that only 90.00 of the 100.00 went back, and so it was booked.
    let state = RefundState::Succeeded {
        channel_number: of_refund(&bill, "微信退款单号"),
        amount: Money::cny(9_000),
        refunded_at: rig.clock.now(),
    };
    let reference = ChannelReference(refund.strip_prefix("ref_").unwrap().to_owned());
    regulation::told(
        &rig,
        Statement::Refund {
            refund: reference,
            state,
        },
    )
    .await;
    let path = "/v1/reconciliations/bill?channel=wechat&date=2026-11-20";
    let request = rig.client().post(rig.url(path));
    let compared = answer(
        request
            .header("authorization", format!("Bearer {FINANCE}"))
            .body(bill),
    )
    .await
    .expect(200)
    .body;
    assert_eq!(
        (&compared["lines"], &compared["matched"]),
        (&json!(2), &json!(1))
    );
    let found: Vec<&Value> = compared["differences"].as_array().unwrap().iter().collect();
    assert_eq!(found.len(), 1, "{compared}");
    assert_eq!(found[0]["finding"], "amount_differs", "{compared}");
    assert_eq!(found[0]["ours"]["amount"], 9_000, "{compared}");
    assert_eq!(found[0]["theirs"]["amount"], 10_000, "{compared}");
    sandbox.stop().await;
    rig.stop().await;
}
