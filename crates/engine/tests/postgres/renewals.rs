//! Renewing leases: all for one commit, none in the way of another, and on a connection that answers.

use engine::ShardCode;
use engine::store::StoreError;
use engine::store::lease::{Holder, Lease, Leases, Renewed, Taken};
use engine::store::postgres::{PostgresOptions, PostgresStore};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;
use testing::line::Line;
use testing::postgres::{Durability, Server};

/// Said by whoever asks for a lease, and by nobody else.
const HOLDER: &str = "the-holder-of-leases";
/// Longer than any test; an hour is waited for a row as long as a question may take.
const LONG: Duration = Duration::from_secs(3_600);

/// A book of several shards, and a lease on each.
struct Book {
    server: Arc<Server>,
    database: String,
    leases: Arc<dyn Leases>,
    held: Vec<Lease>,
}

fn take_all(leases: &dyn Leases, shards: u16) -> Vec<Lease> {
    let holder = Holder {
        server: HOLDER.into(),
        address: "127.0.0.1:1".into(),
    };
    let take = |shard| match leases.take(shard, &holder, LONG).unwrap() {
        Taken::Lease(lease) => lease,
        other => panic!("{other:?}"),
    };
    (0..shards).filter_map(ShardCode::new).map(take).collect()
}

fn options(shards: u16) -> PostgresOptions {
    PostgresOptions {
        shards: NonZeroU16::new(shards),
        ..PostgresOptions::default()
    }
}

fn book(shards: u16) -> Book {
    let server = Server::shared();
    let database = server.create_database();
    let leases = PostgresStore::open(&server.url(&database), options(shards))
        .unwrap()
        .leases();
    let held = take_all(&*leases, shards);
    Book {
        server,
        database,
        leases,
        held,
    }
}

/// What came of each, in a letter: renewed, lost, or failed.
fn letters(outcomes: &[Renewed]) -> String {
    let letter = |outcome: &Renewed| match outcome {
        Renewed::Lease(_) => 'r',
        Renewed::Lost => 'l',
        Renewed::Failed(_) => 'f',
    };
    outcomes.iter().map(letter).collect()
}

/// Sixteen commits of 190 ms each took as long as a lease lasts.
#[test]
fn leases_are_renewed_in_one_transaction() {
    let book = book(5);
    let transactions = || {
        let question = "SELECT count(DISTINCT xmin::text) FROM shard";
        book.server.sql(&book.database, question).trim().to_owned()
    };
    assert_eq!(transactions(), "5");
    let renewed = book.leases.renew(&book.held).unwrap();
    assert_eq!(letters(&renewed), "rrrrr");
    assert_eq!(transactions(), "1");
    let longer = |(old, new): (&Lease, &Renewed)| match new {
        Renewed::Lease(new) => new.held_until > old.held_until && new.epoch == old.epoch,
        _ => false,
    };
    assert!(book.held.iter().zip(&renewed).all(longer));
}

#[test]
fn each_lease_has_its_own_answer() {
    let book = book(4);
    let given_back = &book.held[1];
    assert!(book.leases.release(given_back).unwrap());
    let again = take_all(&*book.leases, 1);
    // The first shard was taken anew: its lease before is over.
    let renewed = book.leases.renew(&book.held).unwrap();
    assert_eq!(letters(&renewed), "llrr");
    let renewed = book.leases.renew(&again).unwrap();
    assert_eq!(letters(&renewed), "r");
    assert_eq!(letters(&book.leases.renew(&[]).unwrap()), "");
}

/// All behind the locked one were not asked for, in every round, and ran out.
#[test]
fn a_locked_row_holds_up_no_other_lease() {
    let book = book(4);
    let locking = "SELECT 1 FROM shard WHERE shard IN (0,2) FOR UPDATE";
    let locked = book.server.hold(&book.database, locking);
    let renewed = book.leases.renew(&book.held).unwrap();
    assert_eq!(letters(&renewed), "frfr");
    // Nothing stands in the way of the next question either.
    assert_eq!(book.leases.list().unwrap().shards.len(), 4);
    drop(locked);
    let renewed = book.leases.renew(&book.held).unwrap();
    assert_eq!(letters(&renewed), "rrrr");
}

/// The commit of a busy shard has its row locked most of the time.
#[test]
fn a_row_that_is_locked_for_a_moment_is_waited_for() {
    let book = book(3);
    let locking = "SELECT 1 FROM shard WHERE shard=1 FOR UPDATE";
    let locked = book.server.hold(&book.database, locking);
    let renewed = std::thread::scope(|scope| {
        let asked = scope.spawn(|| book.leases.renew(&book.held));
        let waiting = "SELECT count(*) FROM pg_stat_activity \
             WHERE wait_event_type='Lock' AND datname=current_database()";
        while book.server.sql(&book.database, waiting).trim() == "0" {
            assert!(!asked.is_finished(), "nobody waited for the row");
        }
        drop(locked);
        asked.join().unwrap().unwrap()
    });
    assert_eq!(letters(&renewed), "rrr");
}

/// A database whose default is another isolation level refused what had waited for a row that was changed meanwhile.
#[test]
fn a_row_that_changed_while_it_was_waited_for_is_renewed_as_it_is_then() {
    let server = Server::shared();
    let database = server.create_database();
    let level = "SET default_transaction_isolation='repeatable read'";
    server.sql(&database, &format!("ALTER DATABASE {database} {level}"));
    let store = PostgresStore::open(&server.url(&database), options(1)).unwrap();
    let leases = store.leases();
    let held = take_all(&*leases, 1);
    // Changes the row, and commits as soon as somebody waits for it.
    let change = "BEGIN ISOLATION LEVEL READ COMMITTED; UPDATE shard SET low_seq=low_seq; DO $$ BEGIN \
         WHILE NOT EXISTS(SELECT FROM pg_stat_activity WHERE wait_event_type='Lock' AND datname=current_database()) \
         LOOP PERFORM pg_stat_clear_snapshot(); END LOOP; END $$; COMMIT";
    std::thread::scope(|scope| {
        let changed = scope.spawn(|| server.sql(&database, change));
        while !changed.is_finished() {
            assert_eq!(letters(&leases.renew(&held).unwrap()), "r");
        }
    });
}

/// The database answers a commit whose wait for the standby is cancelled as any other.
#[test]
fn a_renewal_that_waited_for_its_row_counts_when_the_standby_has_it() {
    let primary = Server::start(Durability::Memory);
    let database = primary.create_database();
    let standby = primary.synchronous_standby();
    let store = PostgresStore::open(&primary.url(&database), options(2)).unwrap();
    let leases = store.leases();
    let held = take_all(&*leases, 2);
    let locking = "SELECT 1 FROM shard WHERE shard=0 FOR UPDATE";
    let locked = primary.hold(&database, locking);
    let renewed = std::thread::scope(|scope| {
        let asked = scope.spawn(|| leases.renew(&held[..1]));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock'";
        while primary.sql(&database, waiting).trim() == "0" {
            assert!(!asked.is_finished(), "nobody waited for the row");
        }
        let paused = standby.pause_receiving();
        drop(locked);
        primary.wait_for_waiting_commit();
        let cancel =
            "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event='SyncRep'";
        assert_eq!(primary.sql("postgres", cancel).trim(), "1");
        let renewed = asked.join().unwrap().unwrap();
        drop(paused);
        renewed
    });
    let [Renewed::Failed(error)] = renewed.as_slice() else {
        panic!("{renewed:?}");
    };
    let told = error.to_string();
    assert!(told.contains("the database warned"), "{told}");
    assert_eq!(letters(&leases.renew(&held).unwrap()), "rr");
}

#[test]
fn a_connection_that_died_since_the_last_time_costs_no_renewal() {
    let book = book(2);
    let end = "SELECT count(pg_terminate_backend(pid,5000)) FROM pg_stat_activity \
         WHERE application_name='qingyuan leases' AND datname=current_database()";
    assert_eq!(book.server.sql(&book.database, end).trim(), "1");
    let renewed = book.leases.renew(&book.held).unwrap();
    assert_eq!(letters(&renewed), "rr");
}

/// The next question stood behind the one that was given up.
#[test]
fn a_connection_that_gives_no_answer_is_asked_nothing_more() {
    let server = Server::shared();
    let database = server.create_database();
    let line = Line::to(server.port());
    let url = format!("postgres://qingyuan@127.0.0.1:{}/{database}", line.port());
    let leases = PostgresStore::open(&url, options(2)).unwrap().leases();
    let held = take_all(&*leases, 2);
    line.hold_before(HOLDER.as_bytes());
    let renewed = leases.renew(&held);
    assert!(
        matches!(renewed, Err(StoreError::Unavailable(_))),
        "{renewed:?}"
    );
    assert_eq!(leases.list().unwrap().shards.len(), 2);
    let renewed = leases.renew(&held).unwrap();
    assert_eq!(letters(&renewed), "rr");
}
