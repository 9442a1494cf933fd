//! Outbox and timers over a running engine: what a performer is asked to do, and when.

use crate::callers::{envelope, under_key};
use crate::gate::{clock, run_with};
use crate::memory::{Fault, MemoryStore};
use crate::rig::{add, key, start};
use crate::toy::{Note, Toy, ToyCommand, ToyReply};
use engine::runtime::{
    Counters, Job, Lane, Outbox, Performer, Permissions, Running, SimulatedClock, Timers,
};
use engine::store::Queries;
use engine::{AttemptMode, EffectRecord, EffectReport, EffectState, Repeat, SubmitError, Verdict};
use jiff::SignedDuration;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

const AFTER: Repeat = Repeat::AfterNotFound {
    arrival_bound_seconds: 60,
};

/// Notes what it is asked and answers from a list; afterwards that it is paid.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Lines>>);

type Lines = (Vec<(String, AttemptMode)>, VecDeque<EffectReport<String>>);

impl Script {
    fn then(&self, report: EffectReport<String>) {
        self.0.lock().unwrap().1.push_back(report);
    }

    fn asked(&self) -> Vec<(String, AttemptMode)> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }
}

impl Performer<Toy> for Script {
    async fn perform(&self, job: Job<Note>) -> EffectReport<String> {
        let mut script = self.0.lock().unwrap();
        script.0.push((job.effect.note.clone(), job.mode));
        if job.effect.note == "panics" && script.0.len() == 1 {
            drop(script);
            panic!("a bug in the performer");
        }
        let paid = || EffectReport::Answered {
            answer: "paid".into(),
        };
        script.1.pop_front().unwrap_or_else(paid)
    }
}

struct World {
    store: MemoryStore,
    clock: Arc<SimulatedClock>,
    running: Running<Toy>,
    outbox: Outbox<Toy, Script>,
    script: Script,
    seconds: i64,
}

impl World {
    fn new() -> World {
        World::over(MemoryStore::default(), 0)
    }

    fn over(store: MemoryStore, seconds: i64) -> World {
        let clock = clock();
        clock.set(start() + SignedDuration::from_secs(seconds));
        let running = run_with(store.clone(), clock.clone());
        let script = Script::default();
        let outbox = Outbox::new(running.engine.clone(), script.clone(), 4);
        World {
            store,
            clock,
            running,
            outbox,
            script,
            seconds,
        }
    }

    /// A new process over the same store.
    fn restarted(self) -> World {
        let World {
            store,
            running,
            outbox,
            seconds,
            ..
        } = self;
        drop(outbox);
        running.stop();
        World::over(store, seconds)
    }

    fn wait(&mut self, seconds: i64) {
        self.seconds += seconds;
        self.clock
            .set(start() + SignedDuration::from_secs(self.seconds));
    }

    async fn send(&self, note: &str, repeat: Repeat) -> String {
        let command = ToyCommand::Send {
            note: note.into(),
            repeat,
        };
        self.effect_of(command).await
    }

    async fn effect_of(&self, command: ToyCommand) -> String {
        let outcome = self.running.engine.submit(envelope(command)).await.unwrap();
        match outcome.result {
            Verdict::Done(ToyReply::Effect(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// What the loop of [`Outbox::run`] does, once.
    async fn pass(&mut self) -> Vec<(String, AttemptMode)> {
        while let Ok(permissions) = self.running.fresh.try_recv() {
            self.outbox.permit(permissions);
        }
        self.outbox.pass().await.unwrap();
        self.script.asked()
    }

    fn state(&self, id: &str) -> EffectState {
        let body = Queries::record(&self.store, "effect", id).unwrap().unwrap();
        serde_json::from_slice::<EffectRecord>(&body).unwrap().state
    }
}

fn asked(note: &str, mode: AttemptMode) -> Vec<(String, AttemptMode)> {
    vec![(note.to_owned(), mode)]
}

#[tokio::test]
async fn an_effect_is_sent_once_and_its_answer_booked() {
    let mut world = World::new();
    let id = world.send("n", AFTER).await;
    assert_eq!(world.pass().await, asked("n", AttemptMode::Send));
    assert_eq!(world.state(&id), EffectState::Done);
    assert!(
        Queries::record(&world.store, "counter", "answered-n-paid")
            .unwrap()
            .is_some()
    );
    world.wait(10_000);
    assert_eq!(world.pass().await, []);
    world.running.stop();
}

#[tokio::test]
async fn a_new_process_asks_before_it_sends() {
    let world = World::new();
    let id = world.send("n", AFTER).await;
    // Nobody knows whether the old process sent it.
    let mut world = world.restarted();
    world.wait(20);
    world.script.then(EffectReport::NotFound);
    assert_eq!(world.pass().await, asked("n", AttemptMode::Query));
    world.wait(59);
    assert_eq!(world.pass().await, [], "not before the arrival bound");
    world.wait(1);
    world.script.then(EffectReport::NotFound);
    assert_eq!(world.pass().await, asked("n", AttemptMode::Query));
    assert_eq!(world.pass().await, asked("n", AttemptMode::Send));
    assert_eq!(world.state(&id), EffectState::Done);
    world.running.stop();
}

#[tokio::test]
async fn an_attempt_that_could_not_be_recorded_is_asked_after() {
    let mut world = World::new();
    let id = world.send("n", AFTER).await;
    world.store.fail_next([Some(Fault::Fails)]);
    assert_eq!(world.pass().await, asked("n", AttemptMode::Send));
    assert_eq!(world.state(&id), EffectState::Ready, "the report was lost");
    world.wait(20);
    assert_eq!(world.pass().await, asked("n", AttemptMode::Query));
    assert_eq!(world.state(&id), EffectState::Done);
    world.running.stop();
}

#[tokio::test]
async fn a_settled_effect_is_not_sent_when_its_time_comes() {
    let mut world = World::new();
    let command = ToyCommand::SendLater {
        note: "n".into(),
        repeat: Repeat::Never,
        seconds: 600,
    };
    let effect = world.effect_of(command).await;
    assert_eq!(world.pass().await, []);
    let settle = envelope(ToyCommand::Settle { effect });
    world.running.engine.submit(settle).await.unwrap();
    world.wait(601);
    assert_eq!(world.pass().await, []);
    world.running.stop();
}

#[tokio::test]
async fn an_effect_that_cannot_be_read_does_not_hide_the_others() {
    let world = World::new();
    let damaged = world.send("damaged", Repeat::Always).await;
    world.send("n", Repeat::Always).await;
    world.store.put_record("effect", &damaged, "{\"id\":7}");
    let mut world = world.restarted();
    world.wait(20);
    assert_eq!(world.pass().await, asked("n", AttemptMode::Send));
    world.running.stop();
}

/// The shard was opened anew, and with its memory it lost that the permission was to be taken back: hours later the
/// withdrawn effect was sent.
#[tokio::test]
async fn what_is_withdrawn_by_a_commit_that_nobody_hears_of_is_not_sent() {
    let mut world = World::new();
    let id = world.send("n", AFTER).await;
    while let Ok(permissions) = world.running.fresh.try_recv() {
        world.outbox.permit(permissions);
    }
    world.store.fail_next([Some(Fault::Lost)]);
    let withdraw = envelope(ToyCommand::Withdraw { effect: id });
    let result = world.running.engine.submit(withdraw).await;
    assert!(
        matches!(result, Err(SubmitError::Unavailable(_))),
        "{result:?}"
    );
    world.wait(20);
    assert_eq!(world.pass().await, asked("n", AttemptMode::Query));
    world.running.stop();
}

/// It stayed in flight for the rest of the process's life.
#[tokio::test]
async fn an_attempt_that_panics_is_asked_after() {
    let mut world = World::new();
    let id = world.send("panics", AFTER).await;
    while let Ok(permissions) = world.running.fresh.try_recv() {
        world.outbox.permit(permissions);
    }
    world.outbox.pass().await.unwrap();
    world.wait(20);
    // The script's list still holds the attempt that panicked.
    let expected = [AttemptMode::Send, AttemptMode::Query].map(|mode| ("panics".to_owned(), mode));
    assert_eq!(world.pass().await, expected);
    assert_eq!(world.state(&id), EffectState::Done);
    world.running.stop();
}

/// Never answers the slow, and says whom of the others it served.
#[derive(Clone)]
struct Partial(tokio::sync::mpsc::UnboundedSender<String>);

impl Performer<Toy> for Partial {
    fn lane(&self, effect: &Note) -> Lane {
        match effect.note.split_once('-') {
            Some((lane, _)) => Lane::named(lane.to_owned()).at_most(2),
            None => Lane::named(""),
        }
    }

    async fn perform(&self, job: Job<Note>) -> EffectReport<String> {
        if job.effect.note.starts_with("slow") {
            std::future::pending::<()>().await;
        }
        self.0.send(job.effect.note).unwrap();
        EffectReport::Answered {
            answer: "paid".into(),
        }
    }
}

/// Everything behind two thousand effects of a counterpart that did not answer waited for ever.
#[tokio::test]
async fn nobody_waits_behind_thousands_of_a_counterpart_that_does_not_answer() {
    let world = World::new();
    for number in 0..4_500 {
        let command = ToyCommand::Send {
            note: format!("slow-{number}"),
            repeat: Repeat::Always,
        };
        drop(
            world
                .running
                .engine
                .submit_later(envelope(command))
                .unwrap(),
        );
    }
    let id = world.send("quick-1", Repeat::Always).await;
    // A new process has no permissions: it must find it in the list.
    let mut world = world.restarted();
    let (served, mut said) = tokio::sync::mpsc::unbounded_channel();
    let outbox = Outbox::new(world.running.engine.clone(), Partial(served), 4);
    let (permissions, fresh) = tokio::sync::mpsc::unbounded_channel();
    let run = tokio::spawn(outbox.run(fresh, std::time::Duration::from_millis(1)));
    assert_eq!(said.recv().await.unwrap(), "quick-1");
    // What comes now is served as it comes, though the slow lane is full.
    world.send("quick-2", Repeat::Always).await;
    permissions
        .send(world.running.fresh.recv().await.unwrap())
        .unwrap();
    assert_eq!(said.recv().await.unwrap(), "quick-2");
    while world.state(&id) != EffectState::Done {
        tokio::task::yield_now().await;
    }
    run.abort();
    let _ = run.await;
    drop(world.outbox);
    world.running.stop();
}

/// More than a lane takes up at a time, permitted at once: what is not kept is found in the list.
#[tokio::test]
async fn all_of_thousands_that_are_permitted_at_once_are_sent() {
    const EFFECTS: usize = 1_100;
    let mut world = World::new();
    let answers: Vec<_> = (0..EFFECTS)
        .map(|number| {
            let command = ToyCommand::Send {
                note: format!("quick-{number}"),
                repeat: Repeat::Always,
            };
            let submitted = world.running.engine.submit_later(envelope(command));
            submitted.unwrap()
        })
        .collect();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    let mut all = Permissions::default();
    while all.given.len() < EFFECTS {
        all.given
            .extend(world.running.fresh.recv().await.unwrap().given);
    }
    let (served, mut said) = tokio::sync::mpsc::unbounded_channel();
    let outbox = Outbox::new(world.running.engine.clone(), Partial(served), 4);
    let (permissions, fresh) = tokio::sync::mpsc::unbounded_channel();
    permissions.send(all).unwrap();
    let run = tokio::spawn(outbox.run(fresh, std::time::Duration::from_millis(1)));
    let mut notes = BTreeSet::new();
    while notes.len() < EFFECTS {
        notes.insert(said.recv().await.unwrap());
    }
    run.abort();
    let _ = run.await;
    drop(world.outbox);
    world.running.stop();
}

#[tokio::test]
async fn due_timers_fire_once() {
    let mut world = World::new();
    let timers = Timers::new(world.running.engine.clone());
    for (counter, seconds) in [("a", 10), ("b", 20), ("c", 30)] {
        let command = ToyCommand::AddLater {
            counter: counter.into(),
            by: 1,
            seconds,
        };
        world
            .running
            .engine
            .submit(envelope(command))
            .await
            .unwrap();
    }
    assert_eq!(timers.pass().await.unwrap(), 0);
    world.wait(20);
    assert_eq!(timers.pass().await.unwrap(), 2);
    assert_eq!(timers.pass().await.unwrap(), 0);
    world.wait(10);
    assert_eq!(timers.pass().await.unwrap(), 1);
    for counter in ["a", "b", "c"] {
        let body = Queries::record(&world.store, "counter", counter)
            .unwrap()
            .unwrap();
        let counter: crate::toy::Counter = serde_json::from_slice(&body).unwrap();
        assert_eq!(counter.value, 1);
    }
    drop(timers);
    world.running.stop();
}

/// Submitted for ever, they would fill the journal.
#[tokio::test]
async fn damaged_timers_and_expired_records_are_left_out() {
    let world = World::new();
    for counter in ["a", "b"] {
        let command = ToyCommand::AddLater {
            counter: counter.into(),
            by: 1,
            seconds: 0,
        };
        let request = under_key(command, key(counter, "body"));
        world.running.engine.submit(request).await.unwrap();
    }
    let keys = world.store.tables().records.into_keys();
    let damaged = keys
        .filter(|(kind, _)| kind == "idempotency")
        .map(|(_, key)| key)
        .next()
        .unwrap();
    world.store.damage_record("idempotency", &damaged);
    world.store.damage_record("timer", "add-a");
    let mut world = world.restarted();
    let timers = Timers::new(world.running.engine.clone());
    world.wait(7 * 24 * 3_600 + 1);
    timers.pass().await.unwrap();
    assert_eq!(timers.housekeep(100).await.unwrap(), 1);
    let journal = world.store.tables().journal.len();
    timers.pass().await.unwrap();
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    let tables = world.store.tables();
    assert_eq!(tables.journal.len(), journal);
    let left = tables
        .records
        .into_keys()
        .filter(|(kind, _)| kind == "idempotency" || kind == "timer");
    let left: Vec<String> = left.map(|(_, key)| key).collect();
    assert_eq!(left, [damaged, "add-a".to_owned()]);
    drop(timers);
    world.running.stop();
}

#[tokio::test]
async fn housekeeping_goes_on_while_there_is_something_expired() {
    let mut world = World::new();
    let timers = Timers::new(world.running.engine.clone());
    for number in 0..1_100 {
        let request = under_key(add("a", 1), key(&number.to_string(), "body"));
        drop(world.running.engine.submit_later(request).unwrap());
    }
    world
        .running
        .engine
        .submit(envelope(add("b", 1)))
        .await
        .unwrap();
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    world.wait(7 * 24 * 3_600 + 1);
    assert_eq!(timers.housekeep(1).await.unwrap(), 1);
    assert_eq!(timers.housekeep(100).await.unwrap(), 2);
    let records = world.store.tables().records;
    assert!(!records.keys().any(|(kind, _)| kind == "idempotency"));
    drop(timers);
    world.running.stop();
}

/// Timers and expired records as many as are read at a time, each damaged, stopped all behind them for ever.
#[tokio::test]
async fn however_many_are_damaged_those_behind_them_have_their_turn() {
    let world = World::new();
    let later = |counter: String| ToyCommand::AddLater {
        counter,
        by: 1,
        seconds: 0,
    };
    for number in 0..1_100 {
        let command = later(format!("{number:04}"));
        let request = under_key(command, key(&number.to_string(), "body"));
        drop(world.running.engine.submit_later(request).unwrap());
    }
    world
        .running
        .engine
        .submit(envelope(add("z", 1)))
        .await
        .unwrap();
    for (kind, key) in world.store.tables().records.into_keys() {
        if kind == "idempotency" || kind == "timer" {
            world.store.damage_record(&kind, &key);
        }
    }
    let mut world = world.restarted();
    world.wait(1);
    let last = under_key(later("last".into()), key("last", "body"));
    world.running.engine.submit(last).await.unwrap();
    let timers = Timers::new(world.running.engine.clone());
    world.wait(7 * 24 * 3_600 + 2);
    assert_eq!(timers.pass().await.unwrap(), 1);
    assert_eq!(timers.housekeep(100).await.unwrap(), 1);
    let tables = world.store.tables();
    let left = |kind: &str| tables.records.keys().filter(|row| row.0 == kind).count();
    assert_eq!((left("timer"), left("idempotency")), (1_100, 1_100));
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    drop(timers);
    world.running.stop();
}

/// Only what the store refused was counted.
#[tokio::test]
async fn every_command_that_is_set_aside_is_counted() {
    let world = World::new();
    let engine = &world.running.engine;
    engine.submit(envelope(add("a", 1))).await.unwrap();
    let later = ToyCommand::AddLater {
        counter: "a".into(),
        by: 1,
        seconds: 0,
    };
    engine.submit(envelope(later)).await.unwrap();
    let refused = ToyCommand::AddOrRefuseLater {
        counter: "b".into(),
        by: -1,
        seconds: 0,
    };
    engine.submit(envelope(refused)).await.unwrap();
    world.store.damage_record("counter", "a");
    let world = world.restarted();
    let engine = &world.running.engine;
    let set_aside = || Counters::get(&engine.counters().set_aside);
    let denied = engine.submit(envelope(add("a", 1))).await.unwrap();
    assert!(matches!(denied.result, Verdict::Denied(_)));
    assert_eq!(set_aside(), 1);
    let timers = Timers::new(engine.clone());
    assert_eq!(timers.pass().await.unwrap(), 2);
    assert_eq!(set_aside(), 3);
    // One comes again in five minutes, the other never.
    assert_eq!(timers.pass().await.unwrap(), 0);
    let tables = world.store.tables();
    let left = tables.records.into_keys().filter(|row| row.0 == "timer");
    let left: Vec<String> = left.map(|(_, key)| key).collect();
    assert_eq!(left, ["add-a"]);
    drop(timers);
    world.running.stop();
}
