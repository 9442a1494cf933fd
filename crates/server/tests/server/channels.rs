//! With channels on the other side: a payment, its notification, its webhook, a refund, a payout.

use crate::support::town::Town;
use crate::support::{self, FINANCE, OPERATOR, OTHER_SHOP, Rig, SHOP, answer};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use testing::receiver::Receiver;

#[tokio::test]
async fn a_notification_is_believed_only_with_its_signature_and_counts_once() {
    let mut town = Town::start().await;
    let id = town.order("A-1", 12_345).await;
    let waiting = town.payment(&id).await;
    assert_eq!(waiting["status"], "awaiting_payer");
    assert!(
        waiting["code_url"]
            .as_str()
            .unwrap()
            .starts_with("weixin://")
    );
    let notification = town.pay(&id).await;
    let row = town.rig.last_row().await;

    let (headers, body) = &notification;
    let mut forged = body.clone();
    let at = forged.iter().position(|byte| *byte == b'T').unwrap();
    forged[at] = b'U';
    let refused = town.forward(&(headers.clone(), forged)).await.expect(401);
    assert_eq!(refused.body["code"], "FAIL");
    town.forward(&(HeaderMap::new(), body.clone()))
        .await
        .expect(401);
    let mut unsigned = headers.clone();
    unsigned.remove("wechatpay-signature");
    town.forward(&(unsigned, body.clone())).await.expect(401);
    assert_eq!(town.rig.last_row().await, row);
    assert_eq!(town.payment(&id).await["status"], "awaiting_payer");

    assert_eq!(town.forward(&notification).await.status, 204);
    let paid = town.payment(&id).await;
    assert_eq!(
        (&paid["status"], &paid["paid"]["source"]),
        (&json!("succeeded"), &json!("notification"))
    );
    assert_eq!(paid["fee"]["amount"], 74);
    let row = town.rig.last_row().await;
    assert_eq!(town.forward(&notification).await.status, 204);
    assert_eq!(town.rig.last_row().await, row);
    town.advance(3_600);
    town.forward(&notification).await.expect(401);
    town.stop().await;
}

fn order_body(number: &str) -> Value {
    json!({"order_number": number, "amount": {"amount": 100, "currency": "CNY"},
        "channel": "wechat", "description": "两本书"})
}

async fn order_waiting(rig: &Rig, key: &str, prefer: &str) -> support::Answer {
    let request = rig
        .client()
        .post(rig.url("/v1/payments"))
        .header("authorization", format!("Bearer {SHOP}"))
        .header("idempotency-key", key)
        .header("prefer", prefer)
        .header("content-type", "application/json")
        .body(order_body(key).to_string());
    answer(request).await
}

#[tokio::test]
async fn who_prefers_to_wait_is_answered_with_the_code() {
    let mut town = Town::start().await;
    let at_once = town
        .rig
        .post("/v1/payments", SHOP, "A-0", &order_body("A-0"))
        .await
        .expect(201);
    assert_eq!(at_once.body["status"], "created");
    assert!(!at_once.headers.contains_key("preference-applied"));
    // A preference that is no wait changes nothing.
    let other = order_waiting(&town.rig, "A-0", "wait=soon, return=minimal").await;
    assert!(!other.headers.contains_key("preference-applied"));
    // Nobody registers the order in the meantime: the answer comes all the same.
    let unheard = order_waiting(&town.rig, "A-1", "wait=0").await.expect(201);
    assert_eq!(unheard.headers["preference-applied"], "wait=0");
    assert_eq!(unheard.body["code_url"], Value::Null);
    let Town { rig, .. } = &mut town;
    let (client, url) = (rig.client().clone(), rig.url("/v1/payments"));
    let asked = tokio::spawn(async move {
        let request = client
            .post(url)
            .header("authorization", format!("Bearer {SHOP}"))
            .header("idempotency-key", "A-2")
            .header("prefer", "respond-async, wait=30")
            .header("content-type", "application/json")
            .body(order_body("A-2").to_string());
        answer(request).await
    });
    while !asked.is_finished() {
        rig.work().await;
        tokio::task::yield_now().await;
    }
    let answered = asked.await.unwrap().expect(201);
    assert_eq!(answered.headers["preference-applied"], "wait=10");
    assert_eq!(answered.body["status"], "awaiting_payer");
    let code = answered.body["code_url"].as_str().unwrap();
    assert!(code.starts_with("weixin://"), "{code}");
    // A repeat is the same payment, as it is now.
    let again = order_waiting(rig, "A-1", "wait=10").await.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.id(), unheard.id());
    assert!(again.body["code_url"].is_string());
    town.stop().await;
}

#[tokio::test]
async fn webhooks_are_signed_and_repeated_alike_until_they_arrive() {
    let mut town = Town::start().await;
    let (shop, url) = Receiver::start(StatusCode::OK).await;
    let set = town
        .rig
        .post("/v1/webhook-endpoints", SHOP, "w", &json!({"url": url}))
        .await
        .expect(201);
    let secret = set.body["secret"].as_str().unwrap().to_owned();
    let again = town
        .rig
        .post("/v1/webhook-endpoints", SHOP, "w", &json!({"url": url}))
        .await
        .expect(201);
    assert_eq!(again.body.get("secret"), None, "shown once");
    let listed = town
        .rig
        .get("/v1/webhook-endpoints", OPERATOR)
        .await
        .expect(200);
    assert_eq!(listed.body["items"][0].get("secret"), None);

    let id = town.order("A-1", 500).await;
    let notification = town.pay(&id).await;
    town.forward(&notification).await.expect(204);
    shop.answer_next(StatusCode::INTERNAL_SERVER_ERROR);
    town.rig.work().await;
    let first = shop.take();
    assert_eq!(first.len(), 1);
    let event = town.rig.get("/v1/events", SHOP).await.expect(200).body["items"][0].clone();
    assert_eq!(
        (&event["status"], &event["attempts"], &event["type"]),
        (&json!("pending"), &json!(1), &json!("payment.succeeded"))
    );

    town.advance(60);
    town.rig.work().await;
    let second = shop.take();
    assert_eq!(second.len(), 1);
    assert_eq!(first[0].1, second[0].1);
    assert_eq!(first[0].0["webhook-id"], second[0].0["webhook-id"]);
    assert_eq!(second[0].0["webhook-id"], event["id"].as_str().unwrap());
    let verifier = Webhook::new(&secret).unwrap();
    for (headers, body) in first.iter().chain(&second) {
        verifier.verify(body, headers).unwrap();
        assert!(verifier.verify(b"{}", headers).is_err());
        let told: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&told["type"], &told["id"]),
            (&json!("payment.succeeded"), &event["id"])
        );
        assert_eq!(told["timestamp"], event["created_at"]);
        // What is told is what the API shows.
        let path = "/v1/payments?order_number=A-1";
        let listed = town.rig.get(path, SHOP).await.expect(200);
        assert_eq!(told["data"], listed.body["items"][0]);
        assert_eq!(told, event["payload"]);
    }
    let path = format!("/v1/events/{}", event["id"].as_str().unwrap());
    let delivered = town.rig.get(&path, SHOP).await.expect(200).body;
    assert_eq!(
        (&delivered["status"], &delivered["http_status"]),
        (&json!("delivered"), &json!(200))
    );

    let redeliver = format!("{path}/redeliver");
    town.rig
        .press(&redeliver, OTHER_SHOP, "r")
        .await
        .expect(404);
    town.rig.press(&redeliver, SHOP, "r").await.expect(200);
    town.rig.work().await;
    let third = shop.take();
    assert_eq!((third.len(), &third[0].1), (1, &first[0].1));
    town.stop().await;
}

/// With one lane for all, a merchant whose server hung held up everybody's events.
#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_nobody_else() {
    let mut town = Town::start().await;
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging_url = format!("http://{}/", hanging.local_addr().unwrap());
    let (other, other_url) = Receiver::start(StatusCode::OK).await;
    for (token, url) in [(SHOP, &hanging_url), (OTHER_SHOP, &other_url)] {
        let body = json!({"url": url});
        let set = town.rig.post("/v1/webhook-endpoints", token, "w", &body);
        set.await.expect(201);
    }
    let mut payments = Vec::new();
    for number in 0..13 {
        let token = if number < 12 { SHOP } else { OTHER_SHOP };
        let (number, body) = (format!("A-{number}"), order_body(&format!("A-{number}")));
        let made = town.rig.post("/v1/payments", token, &number, &body);
        payments.push(made.await.expect(201).id());
    }
    town.rig.work().await;
    for payment in &payments {
        let notification = town.pay(payment).await;
        town.forward(&notification).await.expect(204);
    }
    let work = town.rig.work_in_background();
    let arrives = async {
        loop {
            match other.take().pop() {
                Some(told) => break told,
                None => tokio::task::yield_now().await,
            }
        }
    };
    // Less than an endpoint may take to answer.
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), arrives);
    let told = told.await.expect("held up by the other endpoint");
    let told: Value = serde_json::from_slice(&told.1).unwrap();
    assert_eq!(told["data"]["id"], payments.last().unwrap().as_str());
    work.abort();
    let _ = work.await;
    town.stop().await;
}

#[tokio::test]
async fn money_goes_back_and_out() {
    let mut town = Town::start().await;
    let id = town.order("A-1", 100_000).await;
    let notification = town.pay(&id).await;
    town.forward(&notification).await.expect(204);
    let refund = json!({"refund_number": "R-1", "amount": {"amount": 10_000, "currency": "CNY"}});
    let path = format!("/v1/payments/{id}/refunds");
    let made = town.rig.post(&path, SHOP, "r1", &refund).await.expect(201);
    let refund_path = format!("/v1/refunds/{}", made.id());
    for _ in 0..3 {
        town.rig.work().await;
        town.advance(600);
        town.sandbox.tick().await;
        for notification in town.postbox.take() {
            town.forward(&notification).await.expect(204);
        }
    }
    let refunded = town.rig.get(&refund_path, SHOP).await.expect(200).body;
    assert_eq!(refunded["status"], "succeeded", "{refunded}");
    let listed = town
        .rig
        .get(&format!("/v1/refunds?payment={id}"), SHOP)
        .await
        .expect(200);
    assert_eq!(listed.body["items"][0]["id"], made.id().as_str());

    // Friday's takings are due on Monday.
    town.advance(3 * 86_400);
    let turned = town
        .rig
        .post("/v1/days", OPERATOR, "d1", &json!({"to": "2026-11-23"}))
        .await
        .expect(201);
    assert_eq!(turned.body["date"], "2026-11-20");
    town.rig.work().await;
    let settled = town.rig.get("/v1/settlements", SHOP).await.expect(200).body["items"][0].clone();
    let net = settled["net"]["amount"].as_i64().unwrap();
    assert!((80_000..90_000).contains(&net), "{settled}");
    // Settled and not asked for: it rests, and after a week that is an alarm.
    let resting = "/v1/compliance/resting-money";
    let red = town
        .rig
        .get(&format!("{resting}?as_of=2026-11-30"), FINANCE)
        .await
        .expect(200)
        .body;
    assert_eq!(red["alarm"], "red", "{red}");
    assert_eq!(red["merchants"][0]["amount"]["amount"], net, "{red}");
    assert_eq!(red["merchants"][0]["days"], 7, "{red}");
    assert!(red["remedy"]["zh"].is_string(), "{red}");
    let today = town.rig.get(resting, FINANCE).await.expect(200).body;
    assert_eq!(today["alarm"], "none", "{today}");
    assert_eq!(today["as_of"], "2026-11-23");
    town.rig.get(resting, SHOP).await.expect(403);
    // What WeChat paid over: without it the payout would wait for the reserve.
    let clearing = json!({"channel": "wechat", "clearing_date": "2026-11-20",
        "gross": {"amount": 100_000, "currency": "CNY"}, "refunds": {"amount": 10_000, "currency": "CNY"},
        "channel_fee": {"amount": 300, "currency": "CNY"}, "bill_hash": "9b74c9897bac770ffc029102a200c5de"});
    let mut of_nothing = clearing.clone();
    of_nothing["for_object"] = json!("mch_x");
    let refused = town.rig.post("/v1/clearings", FINANCE, "c0", &of_nothing);
    refused
        .await
        .expect_problem(422, "invalid_field", "for_object");
    town.rig
        .post_approved("/v1/clearings", FINANCE, "c1", &clearing)
        .await;
    let payout = json!({"merchant": town.rig.shop, "payout_number": "W-1", "amount": {"amount": net, "currency": "CNY"}, "purpose": "货款",
        "payee": {"account_number": "6216261000000002485", "holder": "宗晓", "owner": "merchant"}});
    // The shop has no account on file.
    let made = town
        .rig
        .post_approved("/v1/payouts", OPERATOR, "p1", &payout)
        .await;
    assert_eq!(made.body["payee"]["masked"], "621626*********2485");
    let open = town.rig.get("/v1/payouts", FINANCE).await.expect(200);
    assert_eq!(open.body["items"][0]["id"], made.id().as_str());
    let path = format!("/v1/payouts/{}", made.id());
    for _ in 0..6 {
        town.rig.work().await;
        town.advance(600);
        town.sandbox.tick().await;
    }
    let paid = town.rig.get(&path, SHOP).await.expect(200).body;
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let left = town.rig.get(resting, FINANCE).await.expect(200).body;
    assert_eq!(left["total"]["amount"], 0, "{left}");
    assert_eq!(left["merchant_count"], 0, "{left}");
    let metrics = town.rig.get("/metrics", "").await.body;
    let metrics = metrics.as_str().unwrap();
    assert!(
        metrics.contains("qingyuan_effect_attempts_total{target=\"unionpay\",outcome=\"pending\"}")
            || metrics.contains(
                "qingyuan_effect_attempts_total{target=\"unionpay\",outcome=\"answered\"}"
            ),
        "{metrics}"
    );
    assert!(!format!("{paid}{made:?}").contains("6216261000000002485"));
    town.stop().await;
}

#[tokio::test]
async fn an_uploaded_bill_is_compared_and_a_fetched_one_is_taken() {
    let mut town = Town::start().await;
    let id = town.order("A-1", 20_000).await;
    let notification = town.pay(&id).await;
    town.forward(&notification).await.expect(204);
    // Paid, but neither notified nor asked after: the bill is the first to know.
    let silent = town.order("A-2", 30_000).await;
    town.pay(&silent).await;
    let merchant = town.sandbox.parameters().demo_merchants.unwrap().wechat[0]
        .merchant_id
        .clone();
    let day = calendar::BusinessDate::new(2026, 11, 20).unwrap();
    town.advance(86_400);
    let bill = town
        .sandbox
        .with_wechat(|core| core.bill_text(&merchant, day))
        .unwrap();
    let upload = async |bill: String| {
        let path = "/v1/reconciliations/bill?channel=wechat&date=2026-11-20";
        let request = town.rig.client().post(town.rig.url(path));
        answer(
            request
                .header("authorization", format!("Bearer {FINANCE}"))
                .body(bill),
        )
        .await
    };
    let compared = upload(bill.clone()).await.expect(200).body;
    assert_eq!(
        (&compared["lines"], &compared["matched"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(compared["taken"], Value::Null);
    assert_ne!(town.payment(&silent).await["status"], "succeeded");
    let cut: String = bill.lines().take(2).collect::<Vec<_>>().join("\r\n");
    upload(cut).await.expect_problem(422, "bill_refused", "");
    upload("nonsense".to_owned())
        .await
        .expect_problem(422, "bill_refused", "");
    assert_ne!(town.payment(&silent).await["status"], "succeeded");
    let fetch = town.rig.client().post(town.rig.url("/v1/reconciliations"));
    let taken = answer(
        fetch
            .header("authorization", format!("Bearer {FINANCE}"))
            .header("content-type", "application/json")
            .body(r#"{"channel":"wechat","date":"2026-11-20","take":true}"#),
    )
    .await
    .expect(200)
    .body;
    assert_eq!(
        (&taken["taken"]["facts"], &taken["taken"]["cleared"]),
        (&json!(1), &json!(true))
    );
    let found = town.payment(&silent).await;
    assert_eq!(
        (&found["status"], &found["paid"]["source"]),
        (&json!("succeeded"), &json!("bill"))
    );
    let cases = town
        .rig
        .get("/v1/cases?kind=reconciliation", FINANCE)
        .await
        .expect(200)
        .body;
    assert_eq!(cases["items"].as_array().unwrap().len(), 1);
    let clearings = town
        .rig
        .get("/v1/clearings", FINANCE)
        .await
        .expect(200)
        .body;
    assert_eq!(clearings["items"][0]["gross"]["amount"], 50_000);
    town.stop().await;
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_not_told_success() {
    let rig = Rig::start().await;
    for path in [
        "/notify/wechat",
        "/notify/wechat/1900000001",
        "/notify/unionpay",
    ] {
        let request = rig.client().post(rig.url(path)).body("x");
        let refused = answer(request).await.expect(404);
        assert_eq!(refused.body["code"], "FAIL");
    }
    rig.stop().await;
}
