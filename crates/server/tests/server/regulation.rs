//! Rules of regulation in the flow of requests: what they forbid is refused with the clause, what they
//! need is asked for, and the day that counts is the book's.

use crate::support::regulation::*;
use crate::support::{FINANCE, LEDGER, OPERATOR, Rig, SHOP};
use calendar::{BusinessDate, instant_at};
use channels::answer::Answer as Statement;
use channels::answer::OrderState;
use channels::operation::ChannelReference;
use domain::merchant::Profile;
use engine::runtime::Clock;
use money::Money;
use serde_json::{Value, json};

#[tokio::test]
async fn a_merchant_that_a_rule_forbids_is_refused_with_the_clause() {
    let listed = || profile(|profile| profile.listed = Some(true));
    let before = rig((2024, 12, 31), (23, 59, 50), &[]).await;
    let served = onboard(&before, "m-1", listed()).await.expect(201);
    assert_eq!(served.body["decision"]["verdict"], "allow");
    before.stop().await;

    let after = rig((2025, 1, 1), (0, 0, 0), &[]).await;
    let rows = last_row(&after).await;
    let refused = refused_by(onboard(&after, "m-1", listed()).await, "NPC-AML/40");
    assert_eq!(refused.body["as_of"], "2025-01-01");
    assert_eq!(last_row(&after).await, rows, "nothing was opened");
    onboard(&after, "m-2", profile(|_| {})).await.expect(201);
    after.stop().await;
}

#[tokio::test]
async fn what_is_not_known_is_asked_for_and_nothing_is_done() {
    let rig = rig((2026, 11, 20), (10, 0, 0), &[]).await;
    let rows = last_row(&rig).await;
    lacks(onboard(&rig, "m-1", json!({})).await, "customer.identified");
    let unknown = profile(|profile| profile.due_diligence = None);
    lacks(onboard(&rig, "m-1", unknown).await, "cdd_done");
    assert_eq!(last_row(&rig).await, rows);

    // A shop has a terminal, and a province.
    let shop = profile(|profile| profile.premises = Some(domain::merchant::Premises::Shop));
    lacks(
        onboard(&rig, "m-2", shop.clone()).await,
        "terminal.registered",
    );
    let mut complete = shop;
    for (name, value) in [
        ("terminal_registered", json!(true)),
        ("terminal_bound_fields", json!(5)),
        ("terminal_location_matches", json!(true)),
    ] {
        complete[name] = value;
    }
    onboard(&rig, "m-2", complete.clone()).await.expect(201);
    complete["province"] = json!("guangdong");
    refused_by(onboard(&rig, "m-3", complete).await, "PBC-2013-9/local");

    // What a rule does not know would count as harmless: it is refused.
    let words = [
        (
            "outsourced",
            json!(["software", "merchant-review"]),
            "profile.outsourced[1]",
        ),
        ("province", json!("zhejang"), "profile.province"),
    ];
    for (name, value, field) in words {
        let mut unknown = profile(|_| {});
        unknown[name] = value;
        let problem = onboard(&rig, "m-5", unknown).await;
        problem.expect_problem(422, "invalid_field", field);
    }

    // Whose account it is must be said, too; a platform's it may not be.
    let body = |owner: Value| {
        json!({"external_number": "m-4", "name": "m", "fee_schedule": {}, "settlement_cycle": "T+1",
            "settlement_account": {"account_number": "6216261000000002485", "holder": "宗晓", "owner": owner},
            "profile": Profile::ordinary()})
    };
    let unsaid = rig
        .post("/v1/merchants", OPERATOR, "u", &body(Value::Null))
        .await;
    lacks(unsaid, "payee_account_owner");
    let platform = rig
        .post("/v1/merchants", OPERATOR, "p", &body(json!("platform")))
        .await;
    refused_by(platform, "PBC-2013-9/settle-account");
    rig.stop().await;
}

#[tokio::test]
async fn a_payment_above_a_limit_is_refused_from_the_rules_first_day() {
    let mut rig = rig((2018, 3, 31), (23, 59, 58), &[]).await;
    let merchant = onboard(&rig, "m-1", profile(micro)).await.expect(201).id();
    // The last second before the rule: as much as the payer likes.
    let taken = order(
        &rig,
        &merchant,
        "o-1",
        1_000 * YUAN + 1,
        Some("credit_card"),
    )
    .await;
    let taken = taken.expect(201);
    assert_eq!(taken.body["decision"]["verdict"], "allow");

    rig.clock
        .set(instant_at(BusinessDate::new(2018, 4, 1).unwrap(), 0, 0, 0));
    lacks(order(&rig, &merchant, "o-2", 1, None).await, "source");
    let above = order(
        &rig,
        &merchant,
        "o-3",
        1_000 * YUAN + 1,
        Some("credit_card"),
    )
    .await;
    refused_by(above, "PBC-2017-296/norm/micro");
    order(&rig, &merchant, "o-4", 2_000 * YUAN, Some("bank_account"))
        .await
        .expect(201);
    let at = order(&rig, &merchant, "o-5", 1_000 * YUAN, Some("credit_card"))
        .await
        .expect(201);
    let limits = at.body["decision"]["limits"].as_array().unwrap();
    assert_eq!(at.body["decision"]["verdict"], "limit");
    assert_eq!(limits.len(), 2, "{limits:?}");
    assert_eq!(limits[0]["counter"], "merchant_document/day/owner-1");
    assert_eq!(limits[0]["period"], "2018-04-01");
    assert_eq!(limits[0]["figure"], 1_000 * YUAN);
    assert_eq!(limits[0]["used"], 0);
    let fen = order(&rig, &merchant, "o-6", 1, Some("credit_card")).await;
    refused_by(fen, "PBC-2017-296/norm/micro");

    // One object shows the rules, those of the counterparty too.
    let shown = rig
        .get(&format!("/v1/payments/{}", at.id()), OPERATOR)
        .await
        .expect(200);
    let rules = &shown.body["decision"]["rules"];
    let counterparty = rules["counterparty"].as_array().unwrap();
    assert!(counterparty.contains(&json!("PBC-2017-296/norm/12-D")));
    assert_eq!(rules["packs"].as_str().map(str::len), Some(64));
    let decision = shown.body["decision"]["id"].as_str().unwrap();
    let alone = rig
        .get(&format!("/v1/decisions/{decision}"), OPERATOR)
        .await
        .expect(200);
    assert_eq!(alone.body["rules"], *rules);
    rig.work().await;
    rig.stop().await;
}

#[tokio::test]
async fn room_is_counted_once_and_given_back() {
    let give_back = [(
        "figure = \"figure.day_yuan\"\nused = [\"used.micro_day\"]",
        "figure = \"figure.day_yuan\"\nused = [\"used.micro_day\"]\nrefund_gives_back = true",
    )];
    let rig = rig((2026, 11, 20), (10, 0, 0), &give_back).await;
    let merchant = onboard(&rig, "m-1", profile(micro)).await.expect(201).id();
    let card = Some("credit_card");
    let first = order(&rig, &merchant, "o-1", 600 * YUAN, card)
        .await
        .expect(201)
        .id();
    // The same number again is the same payment, under the same key and under another.
    order(&rig, &merchant, "o-1", 600 * YUAN, card)
        .await
        .expect(201);
    let body = json!({"merchant": merchant, "order_number": "o-1", "channel": "wechat", "source": "credit_card",
        "amount": {"amount": 600 * YUAN, "currency": "CNY"}, "description": "books"});
    rig.post("/v1/payments", OPERATOR, "another-key", &body)
        .await
        .expect(200);
    let second = order(&rig, &merchant, "o-2", 400 * YUAN, card)
        .await
        .expect(201)
        .id();
    refused_by(
        order(&rig, &merchant, "o-3", 1, card).await,
        "PBC-2017-296/norm/micro",
    );
    // Another merchant of the same owner has no room of its own.
    let twin = onboard(&rig, "m-2", profile(micro)).await.expect(201).id();
    refused_by(
        order(&rig, &twin, "o-1", 1, card).await,
        "PBC-2017-296/norm/micro",
    );

    state(&rig, &first, OrderState::Closed).await;
    order(&rig, &merchant, "o-4", 600 * YUAN, card)
        .await
        .expect(201);
    refused_by(
        order(&rig, &merchant, "o-5", 1, card).await,
        "PBC-2017-296/norm/micro",
    );

    // A refund gives back where the rule says so: the day's room, not the month's.
    paid(&rig, &second, 400 * YUAN).await;
    let refund =
        json!({"refund_number": "r-1", "amount": {"amount": 400 * YUAN, "currency": "CNY"}});
    let refund = rig
        .post(
            &format!("/v1/payments/{second}/refunds"),
            OPERATOR,
            "r-1",
            &refund,
        )
        .await
        .expect(201)
        .id();
    refused_by(
        order(&rig, &merchant, "o-6", 1, card).await,
        "PBC-2017-296/norm/micro",
    );
    let done = channels::answer::RefundState::Succeeded {
        channel_number: "5000".into(),
        amount: Money::cny(400 * YUAN),
        refunded_at: rig.clock.now(),
    };
    let reference = ChannelReference(refund.trim_start_matches("ref_").to_owned());
    told(
        &rig,
        Statement::Refund {
            refund: reference,
            state: done,
        },
    )
    .await;
    let again = order(&rig, &merchant, "o-7", 400 * YUAN, card)
        .await
        .expect(201);
    let limits = again.body["decision"]["limits"].as_array().unwrap().clone();
    let used = |kind: &str| {
        let counter = format!("merchant_document/{kind}/owner-1");
        let found = limits.iter().find(|limit| limit["counter"] == *counter);
        found.expect("a limit")["used"].clone()
    };
    assert_eq!(used("day"), 600 * YUAN);
    assert_eq!(used("month"), 1_000 * YUAN);
    // A new day has its own room; the month goes on.
    rig.clock.set(instant_at(
        BusinessDate::new(2026, 11, 21).unwrap(),
        0,
        0,
        0,
    ));
    let next = order(&rig, &merchant, "o-8", 1_000 * YUAN, card)
        .await
        .expect(201);
    assert_eq!(next.body["decision"]["limits"][0]["used"], 0);
    assert_eq!(next.body["decision"]["limits"][1]["used"], 1_400 * YUAN);
    rig.stop().await;
}

#[tokio::test]
async fn two_limits_both_need_room() {
    let edit = [(
        "figures = { month_yuan = 10000 }",
        "figures = { month_yuan = 700 }",
    )];
    let rig = rig((2026, 11, 20), (10, 0, 0), &edit).await;
    let merchant = onboard(&rig, "m-1", profile(micro)).await.expect(201).id();
    let card = Some("credit_card");
    order(&rig, &merchant, "o-1", 700 * YUAN, card)
        .await
        .expect(201);
    let refused = order(&rig, &merchant, "o-2", 1, card).await;
    let refused = refused_by(refused, "PBC-2017-296/norm/micro-month");
    let clauses = refused.body["clauses"].as_array().unwrap();
    assert_eq!(clauses.len(), 1, "the day has room: {clauses:?}");
    rig.stop().await;
}

#[tokio::test]
async fn a_changed_figure_changes_the_decision_and_the_hash() {
    let mut packs = Vec::new();
    for (edits, allowed) in [
        (&[][..], false),
        (
            &[(
                "figures = { day_yuan = 1000 }\nraised_by = [\"merchant.kind=micro_merchant\"",
                "figures = { day_yuan = 1001 }\nraised_by = [\"merchant.kind=micro_merchant\"",
            )][..],
            true,
        ),
    ] {
        let rig = rig((2026, 11, 20), (10, 0, 0), edits).await;
        let merchant = onboard(&rig, "m-1", profile(micro)).await.expect(201);
        packs.push(merchant.body["decision"]["packs"].clone());
        let answer = order(
            &rig,
            &merchant.id(),
            "o-1",
            1_000 * YUAN + 1,
            Some("credit_card"),
        )
        .await;
        if allowed {
            answer.expect(201);
        } else {
            refused_by(answer, "PBC-2017-296/norm/micro");
        }
        rig.stop().await;
    }
    assert_ne!(packs[0], packs[1]);
}

#[tokio::test]
async fn a_split_without_the_channels_permission_is_refused_from_its_first_day() {
    let rig = rig((2018, 5, 3), (23, 59, 50), &[]).await;
    let without = profile(|profile| profile.split_permission = Some(false));
    let shop = onboard(&rig, "market", without).await.expect(201).id();
    let seller = onboard(&rig, "seller", profile(|_| {}))
        .await
        .expect(201)
        .id();
    let mut payments = Vec::new();
    for number in ["o-1", "o-2"] {
        let payment = order(&rig, &shop, number, 10_000, None)
            .await
            .expect(201)
            .id();
        paid(&rig, &payment, 10_000).await;
        payments.push(payment);
    }
    let split = async |payment: &str, key: &str| {
        let body = json!({"merchant": shop, "payment": payment, "plan": {"receivers": [
            {"merchant": seller, "kind": "seller", "share": {"fixed": {"amount": 4_000, "currency": "CNY"}}}]}});
        rig.post("/v1/splits", OPERATOR, key, &body).await
    };
    let made = split(&payments[0], "s-1").await.expect(201);
    assert_eq!(made.body["decision"]["verdict"], "allow");
    rig.clock
        .set(instant_at(BusinessDate::new(2018, 5, 4).unwrap(), 0, 0, 0));
    let rows = last_row(&rig).await;
    refused_by(split(&payments[1], "s-2").await, "IND/split-permission");
    assert_eq!(last_row(&rig).await, rows, "no money moved");
    // The same with the order: a plan is judged before the order is taken.
    let planned = json!({"merchant": shop, "order_number": "o-3", "channel": "wechat", "description": "books",
        "amount": {"amount": 10_000, "currency": "CNY"}, "split_plan": {"receivers": [
            {"merchant": seller, "kind": "seller", "share": {"fixed": {"amount": 4_000, "currency": "CNY"}}}]}});
    let refused = rig.post("/v1/payments", OPERATOR, "o-3", &planned).await;
    refused_by(refused, "IND/split-permission");
    // With the permission on file it goes.
    let patch = serde_json::to_vec(&json!({"profile": {"split_permission": true}})).unwrap();
    rig.send(
        reqwest::Method::PATCH,
        &format!("/v1/merchants/{shop}"),
        OPERATOR,
        None,
        Some(patch),
    )
    .await
    .expect(200);
    split(&payments[1], "s-3").await.expect(201);
    rig.stop().await;
}

#[tokio::test]
async fn a_payout_to_a_listed_payee_is_refused_from_the_laws_first_day() {
    let rig = rig((2024, 12, 30), (10, 0, 0), &[]).await;
    let merchant = onboard(&rig, "m-1", profile(|_| {})).await.expect(201).id();
    let payment = order(&rig, &merchant, "o-1", 10_000, None)
        .await
        .expect(201)
        .id();
    paid(&rig, &payment, 10_000).await;
    rig.clock.set(instant_at(
        BusinessDate::new(2024, 12, 31).unwrap(),
        23,
        0,
        0,
    ));
    rig.post("/v1/days", OPERATOR, "day", &json!({"to": "2024-12-31"}))
        .await
        .expect(201);
    settle(&rig).await;
    let payout = async |number: &str, payee: Value| {
        let body = json!({"merchant": merchant, "payout_number": number, "purpose": "goods",
            "amount": {"amount": 1_000, "currency": "CNY"}, "payee": payee});
        rig.post("/v1/payouts", OPERATOR, number, &body).await
    };
    let account = |owner: &str, listed: Value| {
        json!({"account_number": "6216261000000002485", "holder": "宗晓", "owner": owner,
            "documented": true, "listed": listed})
    };
    let paid_out = payout("p-1", account("designated", json!(true)))
        .await
        .expect(201);
    assert_eq!(paid_out.body["decision"]["verdict"], "allow");
    rig.clock
        .set(instant_at(BusinessDate::new(2025, 1, 1).unwrap(), 0, 0, 0));
    let rows = last_row(&rig).await;
    refused_by(
        payout("p-2", account("designated", json!(true))).await,
        "NPC-AML/40",
    );
    lacks(
        payout("p-3", account("designated", Value::Null)).await,
        "party_on_list",
    );
    refused_by(
        payout("p-4", account("platform", json!(false))).await,
        "PBC-2013-9/settle-account",
    );
    assert_eq!(last_row(&rig).await, rows, "no money moved");
    payout("p-5", account("designated", json!(false)))
        .await
        .expect(201);
    payout("p-6", account("merchant", Value::Null))
        .await
        .expect(201);
    payout("p-7", Value::Null).await.expect(201);
    let list = rig.get("/v1/payouts", FINANCE).await.expect(200);
    assert_eq!(list.body["items"].as_array().unwrap().len(), 4);
    rig.stop().await;
}

/// A merchant would otherwise vouch for itself, and nobody would hear of what is wrong with it.
#[tokio::test]
async fn the_institution_states_whose_an_account_is_and_bad_news_is_kept() {
    let rig = rig((2025, 1, 2), (10, 0, 0), &[]).await;
    let merchant = onboard(&rig, "m-1", profile(|_| {})).await.expect(201).id();
    for (field, value) in [
        ("owner", json!("merchant")),
        ("documented", json!(true)),
        ("listed", json!(false)),
    ] {
        let mut payee = json!({"account_number": "6216261000000002485", "holder": "宗晓"});
        payee[field] = value;
        let body = json!({"payout_number": "p-1", "purpose": "goods", "payee": payee,
            "amount": {"amount": 1_000, "currency": "CNY"}});
        rig.post("/v1/payouts", SHOP, field, &body)
            .await
            .expect_problem(403, "forbidden", &format!("payee.{field}"));
    }
    let patch = serde_json::to_vec(&json!({"profile": {"listed": true}})).unwrap();
    let path = format!("/v1/merchants/{merchant}");
    let method = reqwest::Method::PATCH;
    let changed = rig.send(method, &path, OPERATOR, None, Some(patch)).await;
    let changed = changed.expect(200).body;
    assert_eq!(changed["status"], "suspended", "{changed}");
    assert_eq!(changed["profile"]["listed"], true, "{changed}");
    let cases = rig.get("/v1/cases", OPERATOR).await.expect(200).body;
    assert_eq!(cases["items"][0]["kind"], "merchant_forbidden", "{cases}");
    order(&rig, &merchant, "o-1", 10_000, None)
        .await
        .expect_problem(409, "state_conflict", "merchant");
    rig.stop().await;
}

async fn settle(rig: &Rig) {
    for _ in 0..3 {
        engine::runtime::Timers::new(rig.running.engine.clone())
            .pass()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn money_of_a_trade_is_held_back_for_thirty_days_at_most() {
    let rig = rig((2026, 11, 20), (10, 0, 0), &[]).await;
    let (wallet, _) = rig.two_accounts().await;
    let hold = async |key: &str, trade: Value| {
        let body = json!({"account": wallet, "side": "debit", "trade": trade,
            "amount": {"amount": 500, "currency": "CNY"}});
        rig.post("/v1/holds", LEDGER, key, &body).await
    };
    let trade = |confirmed_on: &str, risk: bool| json!({"real": true, "confirmed_on": confirmed_on, "risk": risk});
    lacks(hold("h-1", json!({})).await, "real_trade");
    let unreal = json!({"real": false, "confirmed_on": "2026-11-20", "risk": false});
    refused_by(hold("h-2", unreal).await, "PBC-2015-43/14");
    let late = hold("h-3", trade("2026-10-20", false)).await;
    refused_by(late, "PBC-2013-9/settle-30d");
    hold("h-4", trade("2026-10-20", true)).await.expect(201);
    // A day to come would put off the end of the thirty days.
    hold("h-7", trade("2026-11-21", false))
        .await
        .expect_problem(422, "invalid_field", "trade.confirmed_on");
    hold("h-8", trade("2026-11-20", false)).await.expect(201);
    let held = hold("h-5", trade("2026-10-21", false)).await.expect(201);
    assert_eq!(held.body["decision"]["verdict"], "allow");
    let path = format!("/v1/holds/{}/release", held.id());
    let released = rig.press(&path, LEDGER, "r-5").await.expect(200);
    assert_eq!(released.body["decision"]["verdict"], "allow");
    // A reservation of the client's own concerns no rule.
    let own = hold("h-6", Value::Null).await.expect(201);
    assert!(own.body.get("decision").is_none());
    rig.stop().await;
}
