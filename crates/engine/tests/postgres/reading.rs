//! Connections for reading are shared, and not without end.

use crate::books;
use engine::ShardCode;
use engine::store::StoreError;
use std::sync::mpsc;
use testing::postgres::Server;

const CALLERS: usize = 40;
/// Connections for reading at the same time.
const SESSIONS: usize = 16;

#[test]
fn callers_beyond_the_bound_wait_for_a_connection_and_not_for_ever() {
    let server = Server::shared();
    let database = server.create_database();
    let store = books::open(&server.url(&database));
    let queries = store.queries(ShardCode::FIRST);
    let held = server.hold(&database, "LOCK TABLE record IN ACCESS EXCLUSIVE MODE");
    std::thread::scope(|scope| {
        let (results, answered) = mpsc::channel();
        for _ in 0..CALLERS {
            let (queries, results) = (&queries, results.clone());
            scope.spawn(move || results.send(queries.record("counter", "none")));
        }
        for _ in SESSIONS..CALLERS {
            let result = answered.recv().unwrap();
            assert!(
                matches!(result, Err(StoreError::Unavailable(_))),
                "{result:?}"
            );
        }
        let sessions = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname=current_database() AND application_name='qingyuan reading'";
        let sessions = server.sql(&database, sessions);
        assert_eq!(sessions.trim(), SESSIONS.to_string());
        drop(held);
        for _ in 0..SESSIONS {
            assert_eq!(answered.recv().unwrap().unwrap(), None);
        }
    });
    // All places are free again.
    assert_eq!(queries.record("counter", "none").unwrap(), None);
}
