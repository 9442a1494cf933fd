//! Rows that were changed at rest, and what a server does about timers meanwhile.

use super::{Book, open_shard};
use engine::store::sqlite::DATABASE_FILE;
use engine::{Task, TimerRecord, Verdict};
use jiff::SignedDuration;

impl Book {
    /// A record differs from its check value, and no process has it in memory.
    pub fn damage(&mut self, kind: &str, key: &str) {
        self.change_check(kind, key, 1);
    }

    /// It is as it was written.
    pub fn restore(&mut self, kind: &str, key: &str) {
        self.change_check(kind, key, -1);
    }

    fn change_check(&mut self, kind: &str, key: &str, by: i64) {
        let path = self.directory.path().join(DATABASE_FILE);
        let database = rusqlite::Connection::open(path).unwrap();
        let change = "UPDATE record SET chk = chk + ?3 WHERE kind = ?1 AND key = ?2";
        assert_eq!(database.execute(change, (kind, key, by)).unwrap(), 1);
        drop(database);
        self.shard = open_shard(&self.app, &self.store);
    }

    /// Fires what is due of the timers whose keys begin so, until nothing is; returns those whose commands broke.
    pub fn fire(&mut self, wanted: &str) -> Vec<String> {
        let mut broken = Vec::new();
        loop {
            let end = engine::index_time(self.now + SignedDuration::from_millis(1));
            let due = self.list::<TimerRecord>("due", "", &end).into_iter();
            let Some(key) = due
                .map(|timer| timer.key)
                .find(|key| key.starts_with(wanted))
            else {
                return broken;
            };
            assert!(!broken.contains(&key), "{key} comes again at once");
            if let Verdict::Denied(_) = self.run(Task::Timer { key: key.clone() }) {
                broken.push(key);
            }
        }
    }
}
