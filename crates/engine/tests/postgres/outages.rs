//! A database that is away, goes away, comes back, or takes no writes; sessions that are ended in the middle.

use crate::books::{self, ask_until_answered, counter, keyed_add};
use crate::rig::is_unavailable;
use crate::toy::ToyReply;
use engine::runtime::Counters;
use engine::store::StoreError;
use engine::store::lease::Renewed;
use engine::store::postgres::PostgresStore;
use engine::{ShardCode, SubmitError};
use testing::postgres::{Durability, Server};

/// Ends a writing session in the middle of a transaction, so that its commit may or may not have taken effect.
const END_A_WRITER: &str = "DO $$ BEGIN FOR attempt IN 1..20000 LOOP \
     PERFORM pg_stat_clear_snapshot(); \
     IF (SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname=current_database() AND application_name LIKE 'qingyuan shard %' \
             AND backend_xid IS NOT NULL AND query NOT LIKE 'UPDATE shard SET epoch=epoch %') \
     THEN RETURN; END IF; \
     PERFORM pg_sleep(0.0002*random()); END LOOP; RAISE 'no writer was seen at work'; END $$";

/// With a trigger that waits at the end of the transaction, most commits are met between the two.
const SLOW_COMMIT: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
     'BEGIN PERFORM pg_sleep(0.002); RETURN NULL; END'; \
     CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON batch DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()";

#[test]
fn commits_of_unknown_outcome_lose_and_double_nothing() {
    let server = Server::shared();
    let database = server.create_database();
    let store = books::open(&server.url(&database));
    let running = books::run(&store, books::take(&store, "a").epoch);
    let acknowledged = books::under_load(&running.engine, 8, || {
        for round in 0..20 {
            if round == 10 {
                server.sql(&database, SLOW_COMMIT);
            }
            server.sql(&database, END_A_WRITER);
        }
    });
    let failed = Counters::get(&running.engine.counters().failed_commits);
    assert!(failed >= 20, "{failed} failures only");
    running.stop();
    books::check(&store, &acknowledged);
}

/// Lists are read by tasks: one that panicked there would not be started again.
#[tokio::test]
async fn a_database_that_is_away_is_no_panic_of_a_task() {
    let server = Server::start(Durability::Memory);
    let url = server.fresh();
    let store = books::open(&url);
    let queries = store.queries(ShardCode::FIRST);
    server.stop();
    for _ in 0..2 {
        let found = queries.record("payment", "none");
        assert!(
            matches!(found, Err(StoreError::Unavailable(_))),
            "{found:?}"
        );
    }
    let opened = PostgresStore::open(&url, books::one_shard());
    assert!(matches!(opened.err(), Some(StoreError::Unavailable(_))));
}

#[test]
fn a_database_that_is_away_at_the_start_is_named() {
    let server = Server::start(Durability::Memory);
    let url = server.fresh();
    server.stop();
    let error = PostgresStore::open(&url, books::one_shard()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("connecting to database book0 on 127.0.0.1"),
        "{text}"
    );
    server.restart();
    drop(books::open(&url));
}

/// A machine in trouble may accept connections and never say a word.
#[test]
fn a_server_that_says_nothing_is_away() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://qingyuan@127.0.0.1:{port}/book");
    let error = PostgresStore::open(&url, books::one_shard()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("gave no session"), "{error}");
}

/// Another program's lock stands for whatever makes a database slow.
#[test]
fn a_slow_database_is_waited_for_and_then_given_up() {
    let server = Server::shared();
    let database = server.create_database();
    let store = books::open(&server.url(&database));
    let leases = store.leases();
    let lease = books::take(&store, "a");
    let locked = server.hold(&database, "SELECT 1 FROM shard WHERE shard=0 FOR UPDATE");
    let renewed = leases.renew(std::slice::from_ref(&lease)).unwrap();
    let [Renewed::Failed(error)] = renewed.as_slice() else {
        panic!("{renewed:?}");
    };
    let text = error.to_string();
    assert!(text.contains("statement timeout (57014)"), "{text}");
    drop(locked);
    let renewed = leases.renew(&[lease]).unwrap();
    assert!(matches!(renewed.as_slice(), [Renewed::Lease(_)]));
}

/// A limit on the size of files stands for the disk: it strikes at the same place.
#[test]
fn a_full_disk_refuses_writes_and_is_read_from() {
    let server = Server::start(Durability::Memory);
    let url = server.fresh();
    let store = books::open(&url);
    server.limit_files(Some(3 << 20));
    let running = books::run(&store, books::take(&store, "a").epoch);
    let engine = &running.engine;
    let request = |number: i64| {
        // Not compressible, and longer than an index takes.
        let name: String = (0..40)
            .map(|part| random_text(number * 40 + part))
            .collect();
        keyed_add("big", &format!("{number} {name}"))
    };
    let refused = (1..=20_000).find_map(|number| match engine.submit_blocking(request(number)) {
        Ok(_) => None,
        Err(SubmitError::Unavailable(reason)) => Some((number, reason)),
        Err(other) => panic!("{other:?}"),
    });
    let (number, reason) = refused.expect("the limit strikes");
    assert!(reason.contains("could not extend file"), "{reason}");
    let queries = store.queries(ShardCode::FIRST);
    assert_eq!(counter(&*queries, "big"), Some(number - 1));
    let answer = engine.submit_blocking(request(number));
    assert!(is_unavailable(&answer), "{answer:?}");
    server.limit_files(None);
    let reply = ask_until_answered(engine, &request(number));
    assert_eq!(reply, ToyReply::Value(number));
    running.stop();
    books::check(&store, &[]);
}

/// 64 characters that a number stands for.
fn random_text(number: i64) -> String {
    let digest = |part| engine::merkle::chain(&[part; 32], &[0; 32], number.unsigned_abs());
    let bytes = digest(0).into_iter().chain(digest(1));
    bytes.map(|byte| char::from(b'0' + byte % 64)).collect()
}

#[test]
fn a_database_that_dies_and_comes_back_loses_nothing() {
    let server = Server::start(Durability::Disk);
    let store = books::open(&server.fresh());
    let running = books::run(&store, books::take(&store, "a").epoch);
    let engine = running.engine.clone();
    let acknowledged = books::under_load(&engine, 4, || {
        for round in 0..3 {
            server.kill();
            let answer = engine.submit_blocking(keyed_add("away", "1"));
            assert!(is_unavailable(&answer) || round > 0, "{answer:?}");
            server.restart();
            let reply = ask_until_answered(&engine, &keyed_add("back", &round.to_string()));
            assert_eq!(reply, ToyReply::Value(round + 1));
        }
    });
    running.stop();
    books::check(&store, &acknowledged);
    assert_eq!(counter(&*store.queries(ShardCode::FIRST), "back"), Some(3));
}

#[test]
fn a_database_that_takes_no_writes_is_read_from() {
    let server = Server::shared();
    let database = server.create_database();
    let store = books::open(&server.url(&database));
    let running = books::run(&store, books::take(&store, "a").epoch);
    ask_until_answered(&running.engine, &keyed_add("counter", "1"));
    let read_only = |value: &str| {
        let text = format!("ALTER DATABASE {database} SET default_transaction_read_only={value}");
        server.sql("postgres", &text);
        // Sessions keep the setting that they began with.
        let end = format!(
            "SELECT count(pg_terminate_backend(pid,5000)) FROM pg_stat_activity WHERE datname='{database}'"
        );
        server.sql("postgres", &end);
    };
    read_only("on");
    for _ in 0..2 {
        let answer = running.engine.submit_blocking(keyed_add("counter", "2"));
        assert!(is_unavailable(&answer), "{answer:?}");
    }
    let queries = running.engine.queries();
    assert_eq!(counter(&**queries, "counter"), Some(1));
    // A start writes nothing to a book that is up to date.
    let again = books::open(&server.url(&database));
    assert_eq!(
        counter(&*again.queries(ShardCode::FIRST), "counter"),
        Some(1)
    );
    read_only("off");
    let reply = ask_until_answered(&running.engine, &keyed_add("counter", "2"));
    assert_eq!(reply, ToyReply::Value(2));
    running.stop();
    books::check(&store, &[]);
}

#[test]
fn no_book_is_made_where_nothing_can_be_written() {
    let server = Server::shared();
    let database = server.create_database();
    let text = format!("ALTER DATABASE {database} SET default_transaction_read_only=on");
    server.sql("postgres", &text);
    let error = PostgresStore::open(&server.url(&database), books::one_shard()).unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
}
