//! `bench failover` kills servers and finds who takes over. How fast is not asked here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::process::run;
use testing::postgres::Server;

#[test]
fn every_shard_of_a_killed_server_is_paid_at_again() {
    let server = Server::shared();
    let database = server.create_database();
    let url = server.url(&database);
    let sizes = ["--servers", "2", "--kills", "2", "--json"];
    let arguments = ["bench", "failover", "--postgres", url.as_str()];
    let printed = run(arguments.iter().chain(&sizes)).expect(0).json();
    assert_eq!(printed["kills"], 2);
    // Eight of sixteen shards each time, and each of them got a payment that the dead server cannot have taken.
    assert_eq!(printed["operations"], 16, "{printed}");
    let figure = |name: &str| printed[name].as_u64().unwrap();
    assert!(figure("payments_acknowledged") >= 16, "{printed}");
    assert!(figure("p50_us") <= figure("p99_us") && figure("p99_us") <= figure("max_us"));
    // Every payment is in the book.
    let kept = "SELECT count(*) FROM record WHERE kind='payment'";
    let kept: u64 = server.sql(&database, kept).trim().parse().unwrap();
    assert!(kept >= figure("payments_acknowledged"), "{kept}, {printed}");
    let verified = run(["verify", "--json", "--postgres", &url]);
    verified.expect(0);
}

#[test]
fn a_database_with_a_book_is_left_alone() {
    let server = Server::shared();
    let url = server.fresh();
    let sizes = ["--servers", "2", "--kills", "1", "--json"];
    let store = engine::store::postgres::PostgresStore::open(&url, Default::default());
    drop(store.unwrap());
    let arguments = ["bench", "failover", "--postgres", url.as_str()];
    run(arguments.iter().chain(&sizes)).refused(&["has a book already"]);
}
