//! SQLite passes the suite for stores.

use engine::store::contract;
use engine::store::sqlite::SqliteStore;

#[test]
fn sqlite_passes() {
    let directory = testing::scratch::directory();
    let mut count = 0;
    let failures = contract::check_all(&mut || {
        count += 1;
        let path = directory.path().join(count.to_string());
        Ok(Box::new(SqliteStore::open(&path)?))
    });
    assert_eq!(failures, Vec::new());
}
