//! `bench payments` measures what it says it measures. How fast is not asked here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::process::run;
use testing::postgres::Server;

const COUNT: &str = "60";

fn bench(only: &str) -> Value {
    bench_with(&["--only", only])
}

fn bench_with(more: &[&str]) -> Value {
    let sizes = ["--count", COUNT, "--clients", "4", "--accounts", "32"];
    let arguments = ["bench", "payments", "--json"];
    run(arguments.iter().chain(&sizes).chain(more))
        .expect(0)
        .json()
}

fn names(printed: &Value) -> Vec<&str> {
    let parts = printed["parts"].as_array().unwrap();
    parts
        .iter()
        .map(|part| part["name"].as_str().unwrap())
        .collect()
}

#[test]
fn lives_are_two_requests_each_and_stand_beside_a_bare_handler() {
    let printed = bench("lives");
    let [real, bare] = printed["parts"].as_array().unwrap().as_slice() else {
        panic!("{printed}");
    };
    assert_eq!(printed["name"], real["name"]);
    assert_eq!(real["operations"], 60);
    assert_eq!(bare["operations"], 60);
    assert!(real["db_bytes"].as_u64().unwrap() > 0);
    // Rounded, it may be nothing.
    assert!(real["part_of_bare"].as_f64().unwrap() >= 0.0);
    for figures in [real, bare] {
        let rate = |name: &str| figures[name].as_u64().unwrap();
        assert!(rate("http_requests_per_second") >= 2 * rate("per_second"));
        assert!(rate("p50_us") <= rate("p99_us") && rate("p99_us") <= rate("max_us"));
    }
}

#[test]
fn transfers_are_measured_on_many_accounts_and_on_a_hot_one() {
    let printed = bench("transfers");
    let parts = printed["parts"].as_array().unwrap();
    let expected = [
        "single transfers, 32 accounts",
        "bare axum: single transfers, 32 accounts",
        "single transfers, one hot account",
        "bare axum: single transfers, one hot account",
    ];
    assert_eq!(names(&printed), expected);
    assert!(parts.iter().all(|part| part["operations"] == 60));
}

#[test]
fn a_book_on_postgresql_is_measured_alone_and_shared_by_servers() {
    let server = Server::shared();
    let printed = bench_with(&["--postgres", &server.fresh()]);
    let expected = [
        "payment lives: created, paid, fee, split three ways, on PostgreSQL",
        "single transfers, 32 accounts, on PostgreSQL",
        "single transfers, one hot account, on PostgreSQL",
    ];
    assert_eq!(
        names(&printed).into_iter().step_by(2).collect::<Vec<_>>(),
        expected
    );
    let printed = bench_with(&["--servers", "2", "--postgres", &server.fresh()]);
    let expected = [
        "single transfers, 16 shards on 2 servers, asked at the shard's holder",
        "single transfers, 16 shards on 2 servers, asked anywhere",
    ];
    assert_eq!(names(&printed), expected);
    let parts = printed["parts"].as_array().unwrap();
    assert!(parts.iter().all(|part| part["operations"] == 60));
}
