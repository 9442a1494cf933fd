//! Effects that are settled while they wait for a slot.

use crate::callers::envelope;
use crate::gate::run;
use crate::memory::MemoryStore;
use crate::toy::{Note, Toy, ToyCommand, ToyReply};
use engine::runtime::{Job, Outbox, Performer, Running};
use engine::{EffectReport, Repeat, Verdict};
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, mpsc};

/// Says what it was asked for, and ends when it may.
#[derive(Clone)]
struct Held {
    begun: mpsc::UnboundedSender<String>,
    go: Arc<Semaphore>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Performer<Toy> for Held {
    async fn perform(&self, job: Job<Note>) -> EffectReport<String> {
        self.asked.lock().unwrap().push(job.effect.note.clone());
        let _ = self.begun.send(job.effect.note);
        let go = self.go.acquire().await;
        drop(go);
        EffectReport::Answered {
            answer: "paid".into(),
        }
    }
}

async fn ask(running: &Running<Toy>, command: ToyCommand) -> Option<String> {
    match running
        .engine
        .submit(envelope(command))
        .await
        .unwrap()
        .result
    {
        Verdict::Done(ToyReply::Effect(id)) => Some(id),
        Verdict::Done(_) => None,
        other => panic!("{other:?}"),
    }
}

async fn send(running: &Running<Toy>, note: &str) -> String {
    let command = ToyCommand::Send {
        note: note.into(),
        repeat: Repeat::Always,
    };
    ask(running, command).await.unwrap()
}

fn permit(running: &mut Running<Toy>, outbox: &Outbox<Toy, Held>) {
    while let Ok(permissions) = running.fresh.try_recv() {
        outbox.permit(permissions);
    }
}

/// Two effects in one lane that has one slot: one is under way, the other waits, which is settled or withdrawn as the
/// command for its id says. Answers the note of that one, after both attempts have ended.
async fn one_waits(
    overtake: impl Fn(String) -> ToyCommand,
) -> (Running<Toy>, Outbox<Toy, Held>, Held, String) {
    let mut running = run(MemoryStore::default());
    let (begun, mut begins) = mpsc::unbounded_channel();
    let held = Held {
        begun,
        go: Arc::new(Semaphore::new(0)),
        asked: Arc::default(),
    };
    let outbox = Outbox::new(running.engine.clone(), held.clone(), 1);
    let mut effects = Vec::new();
    for note in ["a", "b"] {
        effects.push((note, send(&running, note).await));
    }
    permit(&mut running, &outbox);
    let pass = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.pass().await }
    });
    let first = begins.recv().await.unwrap();
    let waiting = effects.iter().find(|(note, _)| *note != first);
    let (note, effect) = waiting.unwrap();
    ask(&running, overtake(effect.clone())).await;
    permit(&mut running, &outbox);
    held.go.add_permits(10);
    assert_eq!(pass.await.unwrap().unwrap(), 2);
    assert_eq!(*held.asked.lock().unwrap(), [first]);
    (running, outbox, held, (*note).to_owned())
}

/// It was sent although it had been settled: a refund that people had called unpaid.
#[tokio::test]
async fn an_effect_that_was_settled_while_it_waited_for_its_slot_is_not_performed() {
    let settle = |effect| ToyCommand::Settle { effect };
    let (mut running, outbox, held, note) = one_waits(settle).await;
    outbox.pass().await.unwrap();
    assert_eq!(held.asked.lock().unwrap().len(), 1);
    // What comes under another id goes on.
    send(&running, &note).await;
    permit(&mut running, &outbox);
    outbox.pass().await.unwrap();
    assert_eq!(held.asked.lock().unwrap().get(1), Some(&note));
    drop(outbox);
    running.stop();
}

/// Withdrawn it is asked after at the next look, not sent.
#[tokio::test]
async fn an_effect_that_was_withdrawn_while_it_waited_for_its_slot_is_asked_after() {
    let withdraw = |effect| ToyCommand::Withdraw { effect };
    let (running, outbox, held, note) = one_waits(withdraw).await;
    outbox.pass().await.unwrap();
    assert_eq!(held.asked.lock().unwrap().get(1), Some(&note));
    drop(outbox);
    running.stop();
}
