//! The thread that writes: takes sealed batches, reports what became of them.

use crate::batch::SealedBatch;
use crate::store::{StoreError, StoreFactory, StoreWriter};
use crossbeam_channel::{Receiver, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What became of a batch.
pub(super) struct Ack {
    pub result: Result<(), StoreError>,
    pub took: Duration,
}

/// Runs until its inbox is closed. After a failed commit the connection is given up: what it holds
/// of the failed transaction is not known.
pub(super) fn run(
    store: Arc<dyn StoreFactory>,
    inbox: Receiver<Arc<SealedBatch>>,
    acks: Sender<Ack>,
) {
    let mut writer: Option<Box<dyn StoreWriter>> = None;
    for batch in inbox {
        let begun = Instant::now();
        let result = commit(&mut writer, store.as_ref(), &batch);
        if result.is_err() {
            writer = None;
        }
        let ack = Ack {
            result,
            took: begun.elapsed(),
        };
        if acks.send(ack).is_err() {
            return;
        }
    }
}

fn commit(
    writer: &mut Option<Box<dyn StoreWriter>>,
    store: &dyn StoreFactory,
    batch: &SealedBatch,
) -> Result<(), StoreError> {
    let open = match writer.take() {
        Some(open) => open,
        None => store.writer()?,
    };
    writer.insert(open).commit(batch)
}
