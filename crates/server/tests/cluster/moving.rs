//! Shards that change hands.

use crate::rig::{Failing, OPERATOR, Peculiar, SHARDS, Shared, group_in, until};
use engine::ShardCode;
use engine::store::lease::Holder;
use server::book::{Place, Tenure};
use std::sync::mpsc;
use std::time::Duration;

fn code(number: u16) -> ShardCode {
    ShardCode::new(number).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_gives_up_another_goes_on_with() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let mut wallets = Vec::new();
    for shard in 0..4 {
        let group = group_in(&one.book, shard);
        let bank = one
            .account(&format!("bank:{shard}"), Some(&group), true)
            .await;
        let wallet = one
            .account(&format!("wallet:{shard}"), Some(&group), false)
            .await;
        wallets.push((bank, wallet));
    }
    let other = shared.server("other").await;
    shared.until_held("other", SHARDS / 2).await;
    other.until_ready().await;
    let mut id = 0;
    for (bank, wallet) in &wallets {
        id += 1;
        one.transfer(id, *bank, *wallet, 100).await.expect(201);
        // A retry at the other server finds what was done.
        other.transfer(id, *bank, *wallet, 100).await;
        assert_eq!(other.balance(*wallet).await, 100);
    }
    let stopping = tokio::spawn(one.stop());
    for (bank, wallet) in &wallets {
        id += 1;
        other.transfer(id, *bank, *wallet, 10).await.expect(201);
        assert_eq!(other.balance(*wallet).await, 110);
    }
    stopping.await.unwrap();
    shared.until_held("other", SHARDS).await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_its_lease_writes_and_answers_nothing_more() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let group = group_in(&one.book, 2);
    one.account("wallet:1", Some(&group), false).await;
    let thief = Holder {
        server: "thief".into(),
        address: "http://127.0.0.1:9".into(),
    };
    let shard = ShardCode::new(2).unwrap();
    shared.leases.steal(shard, &thief);
    until(|| matches!(one.book.place(shard).as_ref(), Place::There(_))).await;
    // Nobody answers at the thief's address: the request waits for the shard, and is then to be repeated.
    let body = serde_json::json!({"code": "wallet:2", "kind": "liability", "currency": "CNY", "group": group});
    let refused = one.post("/v1/accounts", crate::rig::LEDGER, body).await;
    refused.expect_problem(503, "shard_moving", "");
    shared.until_held("one", SHARDS - 1).await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shards_of_a_server_that_died_are_taken_when_its_leases_end() {
    let shared = Shared::new();
    let dead = Holder {
        server: "dead".into(),
        address: "http://127.0.0.1:9".into(),
    };
    for number in 0..4 {
        shared.leases.steal(code(number), &dead);
        shared
            .leases
            .ends_in(code(number), Duration::from_millis(300));
    }
    // Its next look around comes when the test has long failed.
    let one = Peculiar {
        tick: Duration::from_secs(3_600),
        lasts: Duration::from_secs(2 * 3_600),
        ..Peculiar::default()
    };
    let one = shared.peculiar_server("one", one).await;
    shared.until_held("one", SHARDS).await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_is_wrong_takes_no_shard_until_it_is_right() {
    let shared = Shared::new();
    shared.leases.put_clock_ahead(2_500);
    let one = shared.server("one").await;
    until(|| shared.leases.refused() >= 3).await;
    assert_eq!(shared.leases.held_by("one"), 0);
    let answer = one.get("/readyz", crate::rig::LEDGER).await;
    answer.expect_problem(503, "shards_without_writer", "");
    shared.leases.put_clock_ahead(-1_500);
    shared.until_held("one", SHARDS).await;
    one.until_ready().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_cannot_be_opened_or_set_up_is_tried_again() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    one.stop().await;
    let failing = Peculiar {
        failing: vec![Failing::Panics, Failing::WrongKey],
        // As long as the first pause.
        lasts: Duration::from_secs(3),
        ..Peculiar::default()
    };
    let other = shared.peculiar_server("other", failing).await;
    other.until_ready().await;
    for number in 0..4 {
        let group = group_in(&other.book, number);
        other
            .account(&format!("wallet:{number}"), Some(&group), false)
            .await;
    }
    let taken: u64 = (0..4)
        .map(|number| shared.leases.history(code(number)).0)
        .sum();
    assert!(taken >= 4 + 4 + 2, "once each, and two of them once more");
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_shard_comes_to_does_not_touch_the_shard_taken_again() {
    let shared = Shared::new();
    let (word, gate) = mpsc::channel();
    let late = Peculiar {
        failing: vec![Failing::Late(gate)],
        ..Peculiar::default()
    };
    // The others are somebody's: the late opening is that of the first shard.
    let thief = Holder {
        server: "thief".into(),
        address: "http://127.0.0.1:9".into(),
    };
    for number in 1..4 {
        shared.leases.steal(code(number), &thief);
    }
    let one = shared.peculiar_server("one", late).await;
    shared.until_held("one", 1).await;
    shared.leases.free(code(0));
    let here = || matches!(one.book.place(code(0)).as_ref(), Place::Here(..));
    until(here).await;
    let (epoch, renewals) = shared.leases.history(code(0));
    word.send(()).unwrap();
    drop(word);
    // The keeper goes on, and so does the shard.
    until(|| shared.leases.history(code(0)).1 > renewals + 20).await;
    assert_eq!(shared.leases.history(code(0)).0, epoch);
    assert!(here());
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_nothing_costs_nobody_its_shards() {
    let shared = Shared::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let holder = Holder {
        server: "silent".into(),
        address: format!("http://{}", silent.local_addr().unwrap()),
    };
    for number in 1..4 {
        shared.leases.steal(code(number), &holder);
    }
    // It has one shard, should have two, and asks for the other; meanwhile it renews its lease.
    let one = shared.server("one").await;
    until(|| shared.leases.history(code(0)).1 > 40).await;
    let ready = one.get("/readyz", OPERATOR).await;
    ready.expect_problem(503, "shards_not_answering", "");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_more_is_sent_or_answered_from_a_shard_that_is_handed_over() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let tenures: Vec<(ShardCode, Tenure)> = one
        .book
        .shards()
        .filter_map(|shard| match one.book.place(shard).as_ref() {
            Place::Here(_, tenure) => Some((shard, tenure.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(tenures.len(), SHARDS);
    let other = shared.server("other").await;
    shared.until_held("other", SHARDS / 2).await;
    for (shard, tenure) in &tenures {
        let here = matches!(one.book.place(*shard).as_ref(), Place::Here(..));
        assert_eq!(tenure.holds(), here, "{shard}");
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_gave_everything_up_still_knows_the_way() {
    let shared = Shared::new();
    let mut one = shared.server("one").await;
    one.until_ready().await;
    let group = group_in(&one.book, 1);
    let bank = one.account("bank:1", Some(&group), true).await;
    let wallet = one.account("wallet:1", Some(&group), false).await;
    let other = shared.server("other").await;
    shared.until_held("other", SHARDS / 2).await;
    one.keeper.give_up().await;
    one.transfer(1, bank, wallet, 100).await.expect(201);
    assert_eq!(other.balance(wallet).await, 100);
    shared.until_held("other", SHARDS).await;
    one.until_ready().await;
    one.stop().await;
    other.stop().await;
}
