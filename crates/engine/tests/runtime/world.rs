//! A running engine with its outbox and a clock that the test moves: what a performer is asked to do, and when.

use crate::callers::envelope;
use crate::gate::{clock, run_with};
use crate::memory::MemoryStore;
use crate::rig::{ToyVerdict, emit, start};
use crate::toy::{Note, Toy, ToyCommand, ToyReply};
use engine::runtime::{Job, Outbox, Performer, Running, SimulatedClock};
use engine::store::Queries;
use engine::{AttemptMode, EffectRecord, EffectReport, EffectState, Envelope, Repeat, Verdict};
use jiff::SignedDuration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Notes what it is asked and answers from a list; afterwards that it is paid.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Lines>>);

type Lines = (Vec<(String, AttemptMode)>, VecDeque<EffectReport<String>>);

impl Script {
    pub fn then(&self, report: EffectReport<String>) {
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

pub struct World {
    pub store: MemoryStore,
    clock: Arc<SimulatedClock>,
    pub running: Running<Toy>,
    pub outbox: Outbox<Toy, Script>,
    pub script: Script,
    seconds: i64,
}

impl World {
    pub fn new() -> World {
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
    pub fn restarted(self) -> World {
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

    pub fn wait(&mut self, seconds: i64) {
        self.seconds += seconds;
        self.clock
            .set(start() + SignedDuration::from_secs(self.seconds));
    }

    pub async fn submit(&self, envelope: Envelope<ToyCommand>) -> ToyVerdict {
        self.running.engine.submit(envelope).await.unwrap().result
    }

    pub async fn send(&self, note: &str, repeat: Repeat) -> String {
        self.effect_of(emit(note, repeat)).await
    }

    pub async fn effect_of(&self, command: ToyCommand) -> String {
        match self.submit(envelope(command)).await {
            Verdict::Done(ToyReply::Effect(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Hands the outbox what it was permitted since.
    pub fn permit(&mut self) {
        while let Ok(permissions) = self.running.fresh.try_recv() {
            self.outbox.permit(permissions);
        }
    }

    /// What the loop of [`Outbox::run`] does, once.
    pub async fn pass(&mut self) -> Vec<(String, AttemptMode)> {
        self.permit();
        self.outbox.pass().await.unwrap();
        self.script.asked()
    }

    pub fn state(&self, id: &str) -> EffectState {
        let body = Queries::record(&self.store, "effect", id).unwrap().unwrap();
        serde_json::from_slice::<EffectRecord>(&body).unwrap().state
    }
}
