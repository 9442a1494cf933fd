//! Expired records that this release cannot read: written by another one, and sound.

use crate::callers::under_key;
use crate::gate::{clock, run_with};
use crate::memory::MemoryStore;
use crate::rig::{add, key, start};
use engine::runtime::Timers;
use jiff::SignedDuration;

/// Each step of housekeeping broke, wrote that it did, and deleted nothing any more.
#[tokio::test]
async fn an_expired_record_that_cannot_be_read_does_not_keep_the_others() {
    let store = MemoryStore::default();
    let clock = clock();
    let running = run_with(store.clone(), clock.clone());
    for number in ["1", "2", "3"] {
        let request = under_key(add("a", 1), key(number, "body"));
        running.engine.submit(request).await.unwrap();
    }
    running.stop();
    let kept = |kind: &str| -> Vec<String> {
        let records = store.tables().records.into_keys();
        let of_kind = records.filter(|(found, _)| found == kind);
        of_kind.map(|(_, key)| key).collect()
    };
    let unreadable = kept("idempotency").remove(0);
    store.put_record("idempotency", &unreadable, "{\"later\":true}");

    clock.set(start() + SignedDuration::from_secs(7 * 24 * 3_600 + 1));
    let running = run_with(store.clone(), clock);
    let timers = Timers::new(running.engine.clone());
    assert_eq!(timers.housekeep(100).await.unwrap(), 1);
    assert_eq!(kept("idempotency"), [unreadable]);
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    assert!(kept("set_aside").is_empty());
    drop(timers);
    running.stop();
}
