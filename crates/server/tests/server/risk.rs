//! Signs of risk over HTTP: a refund too many holds the payout, two people let it go.

use crate::support::{CHECKER, FINANCE, OPERATOR, Rig, SHOP, start_time};
use channels::answer::{Answer as Statement, Notification, OrderState};
use channels::operation::{Channel, ChannelReference};
use compliance::risk::{EMBEDDED_FIGURES, RiskFigures};
use domain::risk::RiskSetting;
use domain::{Command, Fact, QingyuanApp, Settings};
use engine::runtime::Clock;
use engine::{Actor, Envelope};
use money::Money;
use serde_json::json;
use std::sync::Arc;

/// A book in which one refund of one payment is enough.
async fn strict() -> Rig {
    let (name, text) = EMBEDDED_FIGURES;
    let text = text.replace("least_payments = 20", "least_payments = 1");
    let figures = RiskFigures::load(name, &text).unwrap();
    let settings = Settings {
        risk: RiskSetting::Own(Arc::new(figures)),
        ..Settings::sample()
    };
    Rig::at(
        start_time(),
        QingyuanApp::with_embedded_rules(settings).unwrap(),
    )
    .await
}

async fn paid(rig: &Rig, number: &str) -> String {
    let body = json!({"order_number": number, "channel": "wechat", "description": "books",
        "amount": {"amount": 10_000, "currency": "CNY"}});
    let payment = rig.post("/v1/payments", SHOP, number, &body).await;
    let payment = payment.expect(201).id();
    let state = OrderState::Paid {
        channel_number: format!("trade-{number}"),
        amount: Money::cny(10_000),
        paid_at: rig.clock.now(),
        instrument: None,
        payer: None,
    };
    let order = ChannelReference(payment.trim_start_matches("pay_").to_owned());
    let notification = Notification {
        id: number.into(),
        answer: Statement::Order { order, state },
    };
    let fact = Command::Fact(Fact::Notified {
        channel: Channel::Wechat,
        notification,
    });
    let envelope = Envelope::new(Actor::system(), fact);
    rig.running.engine.submit(envelope).await.unwrap();
    payment
}

#[tokio::test]
async fn a_held_payout_goes_on_when_two_people_clear_the_sign() {
    let rig = strict().await;
    let payment = paid(&rig, "o-1").await;
    let merchant = format!("/v1/merchants/{}", rig.shop);
    let shown = rig.get(&merchant, SHOP).await.expect(200);
    assert_eq!(shown.body["payouts_held"], json!(false));
    let refund = json!({"refund_number": "r-1",
        "amount": {"amount": 1_000, "currency": "CNY"}});
    rig.post(
        &format!("/v1/payments/{payment}/refunds"),
        SHOP,
        "r-1",
        &refund,
    )
    .await
    .expect(201);

    let list = rig.get("/v1/risk/signals", OPERATOR).await.expect(200);
    let signal = &list.body["items"][0];
    assert_eq!(signal["sign"], json!("refund_abuse"));
    assert_eq!(signal["measure"], json!("hold"));
    assert_eq!(signal["status"], json!("open"));
    assert_eq!(signal["seen"], json!(["refunds 1 of 1 >= 500 per mille"]));
    let id = signal["id"].as_str().unwrap().to_owned();
    let case = format!("/v1/cases/{}", signal["case"].as_str().unwrap());
    let case = rig.get(&case, FINANCE).await.expect(200);
    assert_eq!(case.body["kind"], json!("risk_signal"));
    // The merchant learns that payouts are held, not of what it is suspected.
    let shown = rig.get(&merchant, SHOP).await.expect(200);
    assert_eq!(shown.body["payouts_held"], json!(true));
    assert!(shown.body.get("risk_signals").is_none());
    let shown = rig.get(&merchant, OPERATOR).await.expect(200);
    assert_eq!(shown.body["risk_signals"], json!([id]));
    rig.get("/v1/risk/signals", SHOP)
        .await
        .expect_problem(403, "forbidden", "");

    let decide = format!("/v1/risk/signals/{id}/decision");
    let clear = json!({"decision": "clear", "reason": "spoilt goods, seen on site"});
    rig.post(&decide, SHOP, "d-0", &clear)
        .await
        .expect_problem(403, "forbidden", "");
    let wrong = json!({"decision": "forget", "reason": "x"});
    rig.post(&decide, OPERATOR, "d-1", &wrong)
        .await
        .expect_problem(422, "invalid_field", "decision");
    let proposed = rig.post(&decide, OPERATOR, "d-2", &clear).await.expect(202);
    let proposal = proposed.body["proposal"].as_str().unwrap();
    let held = rig.get(&merchant, OPERATOR).await.expect(200);
    assert_eq!(held.body["payouts_held"], json!(true));
    rig.press(&format!("/v1/proposals/{proposal}/approve"), CHECKER, "a-1")
        .await
        .expect(200);
    let cleared = rig
        .get(&format!("/v1/risk/signals/{id}"), FINANCE)
        .await
        .expect(200);
    assert_eq!(cleared.body["status"], json!("cleared"));
    assert_eq!(cleared.body["decisions"][0]["by"], json!("li.na"));
    let free = rig.get(&merchant, SHOP).await.expect(200);
    assert_eq!(free.body["payouts_held"], json!(false));
    let open = rig.get("/v1/risk/signals", OPERATOR).await.expect(200);
    assert_eq!(open.body["items"], json!([]));
    let all = rig
        .get("/v1/risk/signals?all=true&sign=refund_abuse", OPERATOR)
        .await
        .expect(200);
    assert_eq!(all.body["items"][0]["id"], json!(id));
    let none = rig
        .get("/v1/risk/signals?all=true&sign=velocity", OPERATOR)
        .await
        .expect(200);
    assert_eq!(none.body["items"], json!([]));
    rig.stop().await;
}
