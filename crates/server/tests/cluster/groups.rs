//! What belongs together is kept together, whichever server is asked.

use crate::rig::{FINANCE, LEDGER, OPERATOR, SHARDS, Shared, group_in};
use calendar::BusinessDate;
use channels::Channel;
use engine::ShardCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn any_server_takes_any_request() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let other = shared.server("other").await;
    shared.until_held("other", SHARDS / 2).await;
    shared.until_held("one", SHARDS / 2).await;
    one.until_ready().await;
    other.until_ready().await;
    let mut merchants = Vec::new();
    for number in 0..12 {
        let asked = if number % 2 == 0 { &one } else { &other };
        merchants.push(asked.merchant(&format!("shop-{number}"), None).await);
    }
    let shards: BTreeSet<&str> = merchants.iter().map(|id| &id[4..6]).collect();
    assert!(shards.len() > 2, "twelve groups in {shards:?}");
    for server in [&one, &other] {
        for id in &merchants {
            let found = server.get(&format!("/v1/merchants/{id}"), OPERATOR).await;
            assert_eq!(found.expect(200)["id"], json!(id));
        }
        // Page by page, all shards in one order.
        let (mut listed, mut after) = (Vec::new(), String::new());
        loop {
            let page = server
                .get(&format!("/v1/merchants?limit=5{after}"), OPERATOR)
                .await
                .expect(200);
            let items = page["items"].as_array().unwrap();
            listed.extend(
                items
                    .iter()
                    .map(|item| item["id"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let (listed, made): (BTreeSet<_>, BTreeSet<_>) =
            (listed.iter().collect(), merchants.iter().collect());
        assert_eq!(listed, made);
    }
    for id in &merchants {
        let order = json!({"merchant": id, "order_number": "o-1", "amount": {"amount": 100, "currency": "CNY"},
            "channel": "wechat", "description": "a book"});
        let paid = one.post("/v1/payments", OPERATOR, order.clone()).await;
        let payment = paid.expect(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(
            payment[4..6],
            id[4..6],
            "a payment is kept beside its merchant"
        );
        // The other server answers the repeat from the same record.
        let again = other.post("/v1/payments", OPERATOR, order).await;
        assert_eq!(again.expect(201)["id"], json!(payment));
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_taken_in_whichever_group_it_was_given() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let (here, elsewhere) = (group_in(&one.book, 1), group_in(&one.book, 2));
    let first = one.merchant("platform", Some(&here)).await;
    assert_eq!(
        one.merchant("platform", Some(&here)).await,
        first,
        "the same again"
    );
    let body = json!({"external_number": "platform", "name": "platform", "fee_schedule": {"rate": 6000},
        "settlement_cycle": "T+1", "group": elsewhere});
    let refused = one.post("/v1/merchants", OPERATOR, body).await;
    refused.expect_problem(409, "already_exists", "group");
    one.account("wallet:1", Some(&here), false).await;
    let body =
        json!({"code": "wallet:1", "kind": "liability", "currency": "CNY", "group": elsewhere});
    let refused = one.post("/v1/accounts", LEDGER, body).await;
    refused.expect_problem(409, "already_exists", "group");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_within_a_group_and_nowhere_else() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let (here, elsewhere) = (group_in(&one.book, 1), group_in(&one.book, 3));
    let platform = one.merchant("platform", Some(&here)).await;
    let seller = one.merchant("seller", Some(&here)).await;
    let stranger = one.merchant("stranger", Some(&elsewhere)).await;
    let order = |receiver: &str, number: &str| {
        json!({"merchant": platform, "order_number": number, "amount": {"amount": 1000, "currency": "CNY"},
            "channel": "wechat", "description": "a book",
            "split_plan": {"receivers": [{"merchant": receiver, "kind": "seller", "share": {"proportion": 100_000}}]}})
    };
    let taken = one
        .post("/v1/payments", OPERATOR, order(&seller, "o-1"))
        .await;
    taken.expect(201);
    let refused = one
        .post("/v1/payments", OPERATOR, order(&stranger, "o-2"))
        .await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let detail = refused.body["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("one group"), "{detail}");

    let wallet = one.account("wallet:1", Some(&here), false).await;
    let bank = one.account("bank:1", Some(&here), true).await;
    let far = one.account("wallet:2", Some(&elsewhere), true).await;
    one.transfer(1, bank, wallet, 700).await.expect(201);
    let refused = one.transfer(2, bank, far, 700).await;
    refused.expect_problem(422, "cross_shard", "credit");
    assert_eq!(
        (one.balance(wallet).await, one.balance(far).await),
        (700, 0)
    );
    // Both accounts and the transfer are found by their numbers alone.
    let id = engine::ids::id_text(1);
    one.get(&format!("/v1/transfers/{id}"), LEDGER)
        .await
        .expect(200);
    let page = one.get("/v1/accounts?limit=2", LEDGER).await.expect(200);
    assert!(page["next"].is_string());
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_looks_like_an_id_is_found_where_it_is() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    // It seems to be of the third shard, and is kept in the first.
    let code = format!("mch_02{}", "0".repeat(26));
    let account = one.account(&code, None, false).await;
    let found = one.get(&format!("/v1/accounts?code={code}"), LEDGER).await;
    assert_eq!(found.expect(200)["items"][0]["id"], json!(account));
    let group = group_in(&one.book, 1);
    let body = json!({"code": code, "kind": "liability", "currency": "CNY", "group": group});
    let refused = one.post("/v1/accounts", LEDGER, body).await;
    refused.expect_problem(409, "already_exists", "group");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_accounts_are_counted_before_they_are_looked_for() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    one.account("wallet:7", None, false).await;
    let group = group_in(&one.book, 1);
    let many = |count: usize| {
        let account =
            |n| json!({"code": format!("wallet:{n}"), "kind": "liability", "currency": "CNY"});
        let accounts: Vec<_> = (0..count).map(account).collect();
        json!({"group": group, "accounts": accounts})
    };
    let refused = one.post("/v1/accounts/batch", LEDGER, many(2_001)).await;
    refused.expect_problem(422, "invalid_field", "accounts");
    let refused = one.post("/v1/accounts/batch", LEDGER, many(8)).await;
    refused.expect_problem(409, "already_exists", "group");
    let opened = one.post("/v1/accounts/batch", LEDGER, many(7)).await;
    opened.expect(201);
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transfers_of_one_id_the_meant_one_is_named() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let mut wallets = Vec::new();
    for shard in [1, 2] {
        let group = group_in(&one.book, shard);
        let (bank, wallet) = (format!("bank:{shard}"), format!("wallet:{shard}"));
        let bank = one.account(&bank, Some(&group), true).await;
        let wallet = one.account(&wallet, Some(&group), false).await;
        // Ids are unique within a group: numbering per group is a client's right.
        let posted = one.transfer(1, bank, wallet, 100 * i64::from(shard));
        posted.await.expect(201);
        wallets.push(wallet);
    }
    let path = format!("/v1/transfers/{}", engine::ids::id_text(1));
    let read = one.get(&path, LEDGER).await;
    read.expect_problem(409, "ambiguous", "account");
    let reversal = json!({"reversal_id": engine::ids::id_text(2), "reason": "wrong"});
    let undo = format!("{path}/reversal");
    let refused = one.post(&undo, LEDGER, reversal.clone()).await;
    refused.expect_problem(409, "ambiguous", "account");
    let meant = format!("{path}?account={}", wallets[1]);
    let read = one.get(&meant, LEDGER).await.expect(200);
    assert_eq!(read["amount"]["amount"], 200);
    let meant = format!("{undo}?account={}", wallets[1]);
    one.post(&meant, LEDGER, reversal).await.expect(201);
    assert_eq!(one.balance(wallets[0]).await, 100);
    assert_eq!(one.balance(wallets[1]).await, 0);
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_one_key_in_all_shards_is_listed_from_all() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    for day in [17, 18, 19] {
        for (shard, part) in one.book.shards().zip(1..) {
            let date = BusinessDate::new(2026, 11, day).unwrap();
            one.cleared(shard, date, 1_000 * i64::from(day) + part)
                .await;
        }
    }
    for limit in [1, 3, 5, 12] {
        let (mut listed, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/clearings?limit={limit}{after}");
            let page = one.get(&path, FINANCE).await.expect(200);
            let items = page["items"].as_array().unwrap().clone();
            listed.extend(items.iter().map(|item| item["gross"]["amount"].clone()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let all: Vec<Value> = [19, 18, 17]
            .iter()
            .flat_map(|day| (1..=4).map(move |part| json!(1_000 * day + part)))
            .collect();
        assert_eq!(listed, all, "limit {limit}");
    }
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clearing_by_hand_is_of_one_part_and_of_one_bill() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let mut merchants = Vec::new();
    for shard in [1, 2] {
        let group = group_in(&one.book, shard);
        let number = format!("m-{shard}");
        merchants.push(one.merchant(&number, Some(&group)).await);
    }
    let yuan = |amount: i64| json!({"amount": amount, "currency": "CNY"});
    let body = |object: &str, bill: &str| {
        json!({"channel": "wechat", "clearing_date": "2026-11-19", "gross": yuan(1_000),
            "refunds": yuan(0), "channel_fee": yuan(6), "bill_hash": bill.repeat(32), "for_object": object})
    };
    let mut nobody = body("", "00");
    nobody.as_object_mut().unwrap().remove("for_object");
    let refused = one.post("/v1/clearings", FINANCE, nobody).await;
    refused.expect_problem(422, "invalid_field", "for_object");
    let first = body(&merchants[0], "00");
    let unknown = one.post("/v1/clearings", FINANCE, body("mch_x", "00"));
    unknown
        .await
        .expect_problem(422, "invalid_field", "for_object");
    one.post_approved("/v1/clearings", FINANCE, first.clone())
        .await;
    let refused = one.post("/v1/clearings", FINANCE, body(&merchants[1], "01"));
    refused
        .await
        .expect_problem(409, "already_exists", "bill_hash");
    one.post_approved("/v1/clearings", FINANCE, body(&merchants[1], "00"))
        .await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_books_no_part_beside_a_clearing_that_says_otherwise() {
    let bill = include_bytes!("../../../channels/tests/fixtures/wechat/trade_bill.csv");
    let date: BusinessDate = "2026-11-30".parse().unwrap();
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let group = group_in(&one.book, 2);
    let merchant = one.merchant("m-2", Some(&group)).await;
    let shard = one.book.shard_of(&merchant).unwrap();
    one.cleared(shard, date, 1_000).await;
    let reconciliations = one.server.state().reconciliations();
    let account = "1900000001".to_owned();
    let taken = reconciliations
        .reconcile(Channel::Wechat, date, account, Some(bill.to_vec()), true)
        .await
        .unwrap()
        .taken
        .expect("a bill that is whole is taken");
    assert!(!taken.cleared);
    let listed = one.get("/v1/clearings", FINANCE).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let path = "/v1/cases?object=20261130/wechat/clearing";
    let cases = one.get(path, FINANCE).await.expect(200);
    assert_eq!(cases["items"].as_array().unwrap().len(), 1, "{cases}");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rounding_of_fees_leaves_over_is_borne_where_the_most_fees_are() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let mut bill = String::from(
        "交易时间,商户号,微信订单号,商户订单号,交易状态,货币种类,应结订单金额,手续费,费率,订单金额\n",
    );
    // 0.4 and 0.45 fen are nothing each, and one fen together.
    for (number, fee) in [(0, "0.00000"), (1, "0.00400"), (2, "0.00450")] {
        let shard = ShardCode::new(number).unwrap();
        let reference = format!("{shard}{}", "0".repeat(26));
        let amount = format!("{}.00", number + 1);
        bill += &format!(
            "`2026-11-30 10:00:00,`1900000001,`42000{shard},`{reference},`SUCCESS,`CNY,`{amount},`{fee},`0.60%,`{amount}\n"
        );
    }
    bill += "总交易单数,应结订单总金额,退款总金额,手续费总金额\n`3,`6.00,`0.00,`0.00850\n";
    let reconciliations = one.server.state().reconciliations();
    let (date, account) = ("2026-11-30".parse().unwrap(), "1900000001".to_owned());
    let taken = reconciliations
        .reconcile(
            Channel::Wechat,
            date,
            account,
            Some(bill.into_bytes()),
            true,
        )
        .await
        .unwrap();
    assert_eq!(taken.pays_over.fee.amount(), 1);
    assert!(taken.taken.expect("a bill that is whole is taken").cleared);
    let listed = one.get("/v1/clearings", FINANCE).await.expect(200);
    let parts = listed["items"].as_array().unwrap().iter();
    let parts: BTreeSet<_> = parts
        .map(|part| ["gross", "channel_fee"].map(|figure| part[figure]["amount"].as_i64().unwrap()))
        .collect();
    assert_eq!(parts, BTreeSet::from([[100, 0], [200, 0], [300, 1]]));
    one.stop().await;
}
