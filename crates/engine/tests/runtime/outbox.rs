//! The outbox over a running engine: what is sent, asked after, and left alone.

use crate::callers::envelope;
use crate::memory::Fault;
use crate::rig::{emit, is_unavailable};
use crate::toy::{Note, Toy, ToyCommand};
use crate::world::World;
use engine::runtime::{Job, Lane, Outbox, Performer, Permissions};
use engine::store::Queries;
use engine::{AttemptMode, EffectReport, EffectState, Repeat};
use std::collections::BTreeSet;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

const AFTER: Repeat = Repeat::AfterNotFound {
    arrival_bound_seconds: 60,
};

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
    world.submit(envelope(ToyCommand::Settle { effect })).await;
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
    world.permit();
    world.store.fail_next([Some(Fault::Lost)]);
    let withdraw = envelope(ToyCommand::Withdraw { effect: id });
    let result = world.running.engine.submit(withdraw).await;
    assert!(is_unavailable(&result), "{result:?}");
    world.wait(20);
    assert_eq!(world.pass().await, asked("n", AttemptMode::Query));
    world.running.stop();
}

/// It stayed in flight for the rest of the process's life.
#[tokio::test]
async fn an_attempt_that_panics_is_asked_after() {
    let mut world = World::new();
    let id = world.send("panics", AFTER).await;
    world.permit();
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
struct Partial(UnboundedSender<String>);

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

/// An outbox that runs for itself: what it has permission for goes in, and whom it served comes out.
struct Served {
    permissions: UnboundedSender<Permissions>,
    said: UnboundedReceiver<String>,
    run: JoinHandle<()>,
}

impl Served {
    fn begin(world: &World) -> Served {
        let (served, said) = unbounded_channel();
        let outbox = Outbox::new(world.running.engine.clone(), Partial(served), 4);
        let (permissions, fresh) = unbounded_channel();
        let run = tokio::spawn(outbox.run(fresh, std::time::Duration::from_millis(1)));
        Served {
            permissions,
            said,
            run,
        }
    }

    async fn next(&mut self) -> String {
        self.said.recv().await.unwrap()
    }

    async fn stop(self, world: World) {
        self.run.abort();
        let _ = self.run.await;
        drop(world.outbox);
        world.running.stop();
    }
}

/// Everything behind two thousand effects of a counterpart that did not answer waited for ever.
#[tokio::test]
async fn nobody_waits_behind_thousands_of_a_counterpart_that_does_not_answer() {
    let world = World::new();
    for number in 0..4_500 {
        let command = envelope(emit(&format!("slow-{number}"), Repeat::Always));
        drop(world.running.engine.submit_later(command).unwrap());
    }
    let id = world.send("quick-1", Repeat::Always).await;
    // A new process has no permissions: it must find it in the list.
    let mut world = world.restarted();
    let mut served = Served::begin(&world);
    assert_eq!(served.next().await, "quick-1");
    // What comes now is served as it comes, though the slow lane is full.
    world.send("quick-2", Repeat::Always).await;
    let fresh = world.running.fresh.recv().await.unwrap();
    served.permissions.send(fresh).unwrap();
    assert_eq!(served.next().await, "quick-2");
    while world.state(&id) != EffectState::Done {
        tokio::task::yield_now().await;
    }
    served.stop(world).await;
}

/// More than a lane takes up at a time, permitted at once: what is not kept is found in the list.
#[tokio::test]
async fn all_of_thousands_that_are_permitted_at_once_are_sent() {
    const EFFECTS: usize = 1_100;
    let mut world = World::new();
    let answers: Vec<_> = (0..EFFECTS)
        .map(|number| {
            let command = envelope(emit(&format!("quick-{number}"), Repeat::Always));
            world.running.engine.submit_later(command).unwrap()
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
    let mut served = Served::begin(&world);
    served.permissions.send(all).unwrap();
    let mut notes = BTreeSet::new();
    while notes.len() < EFFECTS {
        notes.insert(served.next().await);
    }
    served.stop(world).await;
}
