//! Outbox and timers beside other tasks: what they do to the threads that drive them, and how much.

use crate::callers::{envelope, under_key};
use crate::gate::run;
use crate::memory::MemoryStore;
use crate::rig::{add, key};
use crate::toy::{Note, Toy, ToyCommand};
use engine::runtime::{Job, Outbox, Performer, Permissions, Running, Timers};
use engine::{EffectReport, Repeat};
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

/// Never answers the slow, says whom of the others it served, and counts how often it is asked for a lane.
#[derive(Clone)]
struct Counting {
    asked: Arc<AtomicUsize>,
    served: mpsc::UnboundedSender<String>,
}

impl Performer<Toy> for Counting {
    fn lane(&self, effect: &Note) -> engine::runtime::Lane {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (lane, _) = effect.note.split_once('-').unwrap();
        engine::runtime::Lane::named(lane.to_owned())
    }

    async fn perform(&self, job: Job<Note>) -> EffectReport<String> {
        if job.effect.note.starts_with("slow") {
            std::future::pending::<()>().await;
        }
        self.served.send(job.effect.note).unwrap();
        EffectReport::Answered {
            answer: "paid".into(),
        }
    }
}

/// Every permission that came went through all that waited for a counterpart which did not answer.
#[tokio::test]
async fn what_waits_in_a_full_lane_costs_nothing_when_others_are_sent() {
    const SLOW: usize = 1_500;
    const QUICK: usize = 40;
    let mut running = run(MemoryStore::default());
    let asked = Arc::new(AtomicUsize::new(0));
    let (served, mut said) = mpsc::unbounded_channel();
    let performer = Counting {
        asked: asked.clone(),
        served,
    };
    let outbox = Outbox::new(running.engine.clone(), performer, 4);
    let (permissions, fresh) = mpsc::unbounded_channel::<Permissions>();
    // One look at the list when it begins, and none after that.
    let run = tokio::spawn(outbox.run(fresh, Duration::from_secs(3_600)));
    let send = |note: String| ToyCommand::Send {
        note,
        repeat: Repeat::AfterNotFound {
            arrival_bound_seconds: 60,
        },
    };
    let engine = running.engine.clone();
    let submitted = (0..SLOW).map(|number| {
        let command = send(format!("slow-{number}"));
        engine.submit_later(envelope(command)).unwrap()
    });
    for one in submitted.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    for number in 0..QUICK {
        let note = format!("quick-{number}");
        engine.submit(envelope(send(note.clone()))).await.unwrap();
        while let Ok(given) = running.fresh.try_recv() {
            permissions.send(given).unwrap();
        }
        assert_eq!(said.recv().await.unwrap(), note);
    }
    // When it is permitted, when it is taken up, and when the list shows it.
    let most = 3 * (SLOW + QUICK);
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked <= most, "{asked} times for {} effects", SLOW + QUICK);
    run.abort();
    let _ = run.await;
    running.stop();
}
