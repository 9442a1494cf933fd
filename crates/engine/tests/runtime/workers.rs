//! Outbox and timers beside other tasks: what they do to the threads that drive them.

use crate::callers::under_key;
use crate::gate::run;
use crate::memory::MemoryStore;
use crate::rig::{add, key};
use crate::toy::{Note, Toy};
use engine::EffectReport;
use engine::runtime::{Job, Outbox, Performer, Running, Timers};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Long after any test; a list that nobody lets go on ends then, so that the test fails instead of standing still.
const NEVER: Duration = Duration::from_secs(20);

struct Idle;

impl Performer<Toy> for Idle {
    async fn perform(&self, _job: Job<Note>) -> EffectReport<String> {
        EffectReport::Pending
    }
}

/// A running shard whose lists wait until another task of the same thread lets them go on.
fn with_lists_that_wait_for_a_task() -> (Running<Toy>, Arc<AtomicUsize>) {
    let store = MemoryStore::default();
    let running = run(store.clone());
    let (asking, mut asked) = mpsc::unbounded_channel();
    let (go, gone) = crossbeam_channel::unbounded();
    let stood = Arc::new(AtomicUsize::new(0));
    let stood_still = stood.clone();
    store.before_lists(move || {
        let _ = asking.send(());
        if gone.recv_timeout(NEVER).is_err() {
            stood_still.fetch_add(1, Ordering::SeqCst);
        }
    });
    tokio::spawn(async move {
        while asked.recv().await.is_some() {
            let _ = go.send(());
        }
    });
    (running, stood)
}

/// Two lists of a database that hangs stopped every task of the process, the one that renews leases among them.
#[tokio::test]
async fn other_tasks_go_on_while_the_outbox_waits_for_a_list() {
    let (running, stood) = with_lists_that_wait_for_a_task();
    let outbox = Outbox::new(running.engine.clone(), Idle, 4);
    outbox.pass().await.unwrap();
    assert_eq!(stood.load(Ordering::SeqCst), 0);
    running.stop();
}

#[tokio::test]
async fn other_tasks_go_on_while_timers_wait_for_a_list() {
    let (running, stood) = with_lists_that_wait_for_a_task();
    let request = under_key(add("a", 1), key("1", "body"));
    running.engine.submit(request).await.unwrap();
    let timers = Timers::new(running.engine.clone());
    timers.pass().await.unwrap();
    timers.housekeep(1).await.unwrap();
    assert_eq!(stood.load(Ordering::SeqCst), 0);
    running.stop();
}
