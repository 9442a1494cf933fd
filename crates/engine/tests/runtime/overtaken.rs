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

fn permit(running: &mut Running<Toy>, outbox: &Outbox<Toy, Held>) {
    while let Ok(permissions) = running.fresh.try_recv() {
        outbox.permit(permissions);
    }
}

/// It was sent although it had been settled: a refund that people had called unpaid.
#[tokio::test]
async fn an_effect_that_was_settled_while_it_waited_for_its_slot_is_not_performed() {
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
        let command = ToyCommand::Send {
            note: note.into(),
            repeat: Repeat::Always,
        };
        effects.push((note, ask(&running, command).await.unwrap()));
    }
    permit(&mut running, &outbox);
    let pass = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.pass().await }
    });
    let first = begins.recv().await.unwrap();
    // Both are taken up; the other one waits.
    let (note, waiting) = effects.iter().find(|(note, _)| *note != first).unwrap();
    let settle = ToyCommand::Settle {
        effect: waiting.clone(),
    };
    ask(&running, settle).await;
    permit(&mut running, &outbox);
    held.go.add_permits(10);
    assert_eq!(pass.await.unwrap().unwrap(), 2);
    assert_eq!(*held.asked.lock().unwrap(), [first]);
    // What comes under another id goes on.
    let again = ToyCommand::Send {
        note: (*note).into(),
        repeat: Repeat::Always,
    };
    ask(&running, again).await;
    permit(&mut running, &outbox);
    outbox.pass().await.unwrap();
    assert_eq!(held.asked.lock().unwrap().last().unwrap(), note);
    drop(outbox);
    running.stop();
}

/// Withdrawn it is asked after at the next look, not sent.
#[tokio::test]
async fn an_effect_that_was_withdrawn_while_it_waited_for_its_slot_is_asked_after() {
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
        let command = ToyCommand::Send {
            note: note.into(),
            repeat: Repeat::Always,
        };
        effects.push((note, ask(&running, command).await.unwrap()));
    }
    permit(&mut running, &outbox);
    let pass = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.pass().await }
    });
    let first = begins.recv().await.unwrap();
    let (note, waiting) = effects.iter().find(|(note, _)| *note != first).unwrap();
    let withdraw = ToyCommand::Withdraw {
        effect: waiting.clone(),
    };
    ask(&running, withdraw).await;
    permit(&mut running, &outbox);
    held.go.add_permits(10);
    pass.await.unwrap().unwrap();
    assert_eq!(*held.asked.lock().unwrap(), [first]);
    outbox.pass().await.unwrap();
    assert_eq!(held.asked.lock().unwrap().last().unwrap(), note);
    drop(outbox);
    running.stop();
}
