//! A store that commits when it is told to, so that a test decides what shares a batch.

use crate::memory::MemoryStore;
use crate::rig::{EVERYTHING, options, start, vault};
use crate::toy::{Toy, ToyCommand, ToyRejection, ToyReply};
use crossbeam_channel::{Receiver, Sender, unbounded};
use engine::batch::SealedBatch;
use engine::runtime::{Engine, Running, SimulatedClock};
use engine::store::{Queries, StoreError, StoreFactory, StoreReader, StoreWriter};
use engine::{Envelope, Outcome, SubmitError};
use std::sync::Arc;
use tokio::sync::oneshot;

#[derive(Clone)]
pub struct GatedStore {
    pub inner: MemoryStore,
    permits: Receiver<()>,
    /// Told when a commit has come to the gate.
    arrived: Sender<()>,
}

/// The test's side of the gate; open for good when it is dropped.
pub struct Gate {
    permit: Sender<()>,
    arrivals: Receiver<()>,
}

pub fn gated(inner: MemoryStore) -> (GatedStore, Gate) {
    let (permit, permits) = unbounded();
    let (arrived, arrivals) = unbounded();
    let store = GatedStore {
        inner,
        permits,
        arrived,
    };
    (store, Gate { permit, arrivals })
}

impl Gate {
    /// Waits until a commit stands at the gate.
    pub fn arrival(&self) {
        self.arrivals.recv().unwrap();
    }

    /// Lets one commit through.
    pub fn open_once(&self) {
        self.permit.send(()).unwrap();
    }
}

impl StoreWriter for GatedStore {
    fn commit(&mut self, batch: &SealedBatch) -> Result<(), StoreError> {
        let _ = self.arrived.send(());
        let _ = self.permits.recv();
        self.inner.commit(batch)
    }
}

impl StoreFactory for GatedStore {
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        self.inner.reader()
    }
    fn writer(&self) -> Result<Box<dyn StoreWriter>, StoreError> {
        Ok(Box::new(self.clone()))
    }
    fn queries(&self) -> Result<Arc<dyn Queries>, StoreError> {
        self.inner.queries()
    }
}

pub fn clock() -> Arc<SimulatedClock> {
    Arc::new(SimulatedClock::at(start()))
}

pub fn run(store: impl StoreFactory) -> Running<Toy> {
    run_with(store, clock())
}

pub fn run_with(store: impl StoreFactory, clock: Arc<SimulatedClock>) -> Running<Toy> {
    Engine::start(
        Arc::new(Toy),
        Arc::new(store),
        vault(),
        clock,
        options(EVERYTHING, 2),
    )
    .unwrap()
}

pub type Answer = Result<Outcome<ToyReply, ToyRejection>, SubmitError>;
pub type Waiting = oneshot::Receiver<Answer>;

/// Submits and waits until the shard has taken it from the queue.
pub fn submit(engine: &Engine<Toy>, envelope: Envelope<ToyCommand>) -> Waiting {
    let waiting = engine.submit_later(envelope).unwrap();
    while engine.queue_length() > 0 {
        std::thread::yield_now();
    }
    waiting
}

pub fn answer(waiting: Waiting) -> Answer {
    waiting.blocking_recv().unwrap()
}
