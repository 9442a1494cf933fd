//! What a server that cannot have shards costs the others, and what it does with those it has.

use crate::rig::{Failing, OPERATOR, Peculiar, SHARDS, Shared, group_in, until};
use engine::ShardCode;
use server::book::Place;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

fn code(number: u16) -> ShardCode {
    ShardCode::new(number).unwrap()
}

/// How often each shard was taken.
fn epochs(shared: &Shared) -> Vec<u64> {
    (0..4)
        .map(|number| shared.leases.history(code(number)).0)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_is_wrong_takes_nothing_away_from_others() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let taken = epochs(&shared);
    let wrong = Peculiar {
        clock_ahead: -2_500,
        ..Peculiar::default()
    };
    let wrong = shared.peculiar_server("wrong", wrong).await;
    until(|| shared.leases.refused() >= 20).await;
    assert_eq!(shared.leases.held_by("one"), SHARDS);
    assert_eq!(epochs(&shared), taken, "nobody gave anything up");
    // It passes requests on, and says why it has nothing itself.
    wrong.until_ready().await;
    wrong
        .account("wallet:1", Some(&group_in(&one.book, 1)), false)
        .await;
    let ready = wrong.get("/readyz", OPERATOR).await.expect(200);
    assert!(ready.as_str().unwrap().contains("-2500 ms"), "{ready}");
    wrong.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_opens_nothing_asks_for_nothing_for_a_while() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    let failing = Peculiar {
        failing: std::iter::repeat_with(|| Failing::WrongKey)
            .take(100)
            .collect(),
        // The first pause, of which this is the length, is longer than the test.
        lasts: Duration::from_secs(3_600),
        ..Peculiar::default()
    };
    let failing = shared.peculiar_server("failing", failing).await;
    // Two were given up for it, which it took and gave back.
    until(|| epochs(&shared).iter().sum::<u64>() == 4 + 2 + 2).await;
    shared.until_held("one", SHARDS).await;
    let renewed = |shard| shared.leases.history(code(shard)).1;
    let before = (0..4).map(renewed).max().unwrap();
    until(|| (0..4).all(|shard| renewed(shard) > before + 40)).await;
    assert_eq!(epochs(&shared).iter().sum::<u64>(), 4 + 2 + 2);
    assert_eq!(shared.leases.held_by("one"), SHARDS);
    failing.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_is_set_forward_gives_its_shards_up_until_it_is_right() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    shared.leases.put_clock_ahead(3_600_000);
    shared.until_held("one", 0).await;
    until(|| {
        one.book
            .shards()
            .all(|shard| matches!(*one.book.place(shard), Place::Nobody))
    })
    .await;
    let ready = one.get("/readyz", OPERATOR).await;
    let detail = ready.body["detail"].as_str().unwrap().to_owned();
    ready.expect_problem(503, "shards_without_writer", "");
    assert!(detail.contains("3600000 ms ahead"), "{detail}");
    shared.leases.put_clock_ahead(0);
    one.until_ready().await;
    let ready = one.get("/readyz", OPERATOR).await.expect(200);
    assert_eq!(ready, "ok\n");
    one.stop().await;
}

#[test]
fn leases_are_renewed_while_every_thread_that_requests_share_is_busy() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let shared = Shared::new();
        let one = shared.server("one").await;
        one.until_ready().await;
        let (word, gate) = mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let busy = Arc::new(AtomicUsize::new(0));
        for _ in 0..8 {
            let (gate, busy) = (gate.clone(), busy.clone());
            tokio::task::spawn_blocking(move || {
                busy.fetch_add(1, Ordering::Relaxed);
                let _ = gate.lock().unwrap().recv();
            });
        }
        until(|| busy.load(Ordering::Relaxed) == 4).await;
        let (epoch, renewals) = shared.leases.history(code(0));
        until(|| shared.leases.history(code(0)).1 > renewals + 20).await;
        assert_eq!(shared.leases.history(code(0)).0, epoch);
        // A shard is taken and opened too.
        shared.leases.free(code(2));
        until(|| shared.leases.history(code(2)).0 == epoch + 2).await;
        let here = || matches!(*one.book.place(code(2)), Place::Here(..));
        until(here).await;
        drop(word);
        one.stop().await;
    });
}

/// Nobody looked: the server stayed, and had no lease for ever.
#[tokio::test(flavor = "multi_thread")]
async fn it_shows_that_the_keeper_of_leases_has_ended_by_itself() {
    let shared = Shared::new();
    let one = shared.server("one").await;
    one.until_ready().await;
    assert!(!one.keeper.has_ended());
    let panics = Peculiar {
        keeper_panics: true,
        ..Peculiar::default()
    };
    let panicked = shared.peculiar_server("panics", panics).await;
    until(|| panicked.keeper.has_ended()).await;
    assert!(!one.keeper.has_ended());
    panicked.stop().await;
    one.stop().await;
}
