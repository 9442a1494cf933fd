//! Performing effects: fresh ones are sent, all others are asked after first.

use super::Engine;
use crate::application::{Application, SubmitError};
use crate::effect::{AttemptMode, EffectRecord, EffectReport, Repeat};
use crate::record::index_time;
use crate::store::{Scan, StoreError};
use crate::task::Task;
use jiff::SignedDuration;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Due effects looked up in one pass.
const DUE_PER_PASS: usize = 2_000;

/// Time within which a permission to send arrives after its effect was recorded.
const PERMISSION_DELAY_MAX: SignedDuration = SignedDuration::from_secs(10);

/// One attempt at an effect.
#[derive(Debug, Clone)]
pub struct Job<E> {
    /// The effect's id.
    pub id: String,
    /// What to do.
    pub effect: E,
    /// Perform it, or ask what became of it.
    pub mode: AttemptMode,
    /// Attempts recorded before this one.
    pub attempts: u32,
}

/// Talks to the outside on behalf of the outbox.
pub trait Performer<App: Application>: Send + Sync + 'static {
    /// Makes one attempt; every way it can end is a report.
    fn perform(
        &self,
        job: Job<App::Effect>,
    ) -> impl Future<Output = EffectReport<App::Answer>> + Send;

    /// Name of the counterpart. Attempts of one lane never wait for those of another, so that a slow
    /// counterpart holds up nobody else.
    fn lane(&self, _effect: &App::Effect) -> &'static str {
        ""
    }
}

/// What a committed batch says of effects.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// May be sent without asking first.
    pub given: Vec<Arc<EffectRecord>>,
    /// Were settled by another way: an earlier permission is void.
    pub void: Vec<String>,
}

/// Drives the effects of one shard.
pub struct Outbox<App: Application, P> {
    engine: Engine<App>,
    performer: Arc<P>,
    parallel: usize,
    lanes: Arc<Mutex<HashMap<&'static str, Arc<Semaphore>>>>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// Effects this process may send without asking; kept until the attempt begins.
    fresh: HashMap<String, Arc<EffectRecord>>,
    in_flight: HashSet<String>,
}

/// Ends an effect's attempt however it ends, a panic of the performer included.
struct InFlight {
    known: Arc<Mutex<Known>>,
    id: String,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.in_flight.remove(&self.id);
    }
}

impl<App: Application, P> Clone for Outbox<App, P> {
    fn clone(&self) -> Self {
        Outbox {
            engine: self.engine.clone(),
            performer: self.performer.clone(),
            parallel: self.parallel,
            lanes: self.lanes.clone(),
            known: self.known.clone(),
        }
    }
}

impl<App: Application, P: Performer<App>> Outbox<App, P> {
    /// An outbox making at most `parallel` attempts at a time in each lane.
    pub fn new(engine: Engine<App>, performer: P, parallel: usize) -> Outbox<App, P> {
        Outbox {
            engine,
            performer: Arc::new(performer),
            parallel,
            lanes: Arc::default(),
            known: Arc::default(),
        }
    }

    fn slots(&self, lane: &'static str) -> Arc<Semaphore> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = lanes
            .entry(lane)
            .or_insert_with(|| Arc::new(Semaphore::new(self.parallel)));
        slots.clone()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a committed batch permits to send, and what no longer.
    pub fn permit(&self, permissions: Permissions) {
        let mut known = self.known();
        for record in permissions.given {
            known.fresh.insert(record.id.clone(), record);
        }
        for id in &permissions.void {
            known.fresh.remove(id);
        }
    }

    /// Makes one attempt at everything that is due and waits for all of them.
    pub async fn pass(&self) -> Result<usize, StoreError> {
        let mut attempts = JoinSet::new();
        let mut count = 0;
        for record in self.due()? {
            let this = self.clone();
            count += 1;
            attempts.spawn(async move { this.attempt(record).await });
        }
        while attempts.join_next().await.is_some() {}
        Ok(count)
    }

    /// Sends fresh effects as they come and looks for due ones at every tick, until both end.
    pub async fn run(
        self,
        mut fresh: mpsc::UnboundedReceiver<Permissions>,
        tick: std::time::Duration,
    ) {
        let mut interval = tokio::time::interval(tick);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let look_up = tokio::select! {
                records = fresh.recv() => match records {
                    Some(permissions) => { self.permit(permissions); false }
                    None => return,
                },
                _ = interval.tick() => true,
            };
            let due = if look_up {
                self.due()
            } else {
                Ok(self.due_fresh())
            };
            match due {
                Ok(due) => {
                    // Whatever ended before this look had sent its permission before it ended.
                    while let Ok(permissions) = fresh.try_recv() {
                        self.permit(permissions);
                    }
                    for record in due {
                        let this = self.clone();
                        tokio::spawn(async move { this.attempt(record).await });
                    }
                }
                Err(error) => tracing::error!(%error, "due effects could not be read"),
            }
        }
    }

    fn due_fresh(&self) -> Vec<Arc<EffectRecord>> {
        let now = self.engine.now();
        let mut known = self.known();
        let due: Vec<Arc<EffectRecord>> = known
            .fresh
            .values()
            .filter(|record| record.next_at <= now)
            .cloned()
            .collect();
        due.into_iter()
            .filter(|record| known.in_flight.insert(record.id.clone()))
            .collect()
    }

    fn due(&self) -> Result<Vec<Arc<EffectRecord>>, StoreError> {
        let mut due = self.due_fresh();
        let scan = Scan {
            kind: <EffectRecord as crate::Record>::KIND.to_owned(),
            index: "due".into(),
            from: String::new(),
            to: index_time(self.engine.now()) + "~",
            after: None,
            descending: false,
            limit: DUE_PER_PASS,
        };
        for found in self.engine.queries().list(&scan)? {
            // One that cannot be read must not keep the others from being attempted.
            let record: EffectRecord = match serde_json::from_slice(&found.body) {
                Ok(record) => record,
                Err(error) => {
                    tracing::error!(effect = found.key, %error, "an effect cannot be read");
                    continue;
                }
            };
            if !self.may_be_on_its_way(&record) && self.known().in_flight.insert(record.id.clone())
            {
                due.push(Arc::new(record));
            }
        }
        Ok(due)
    }

    /// The database shows an effect a moment before its permission to be sent arrives here; asking
    /// after it then would cost the arrival bound.
    fn may_be_on_its_way(&self, record: &EffectRecord) -> bool {
        record.attempts == 0
            && record.policy.repeat != Repeat::Always
            && !self.known().fresh.contains_key(&record.id)
            && self.engine.now() < record.created_at + PERMISSION_DELAY_MAX
    }

    async fn attempt(&self, record: Arc<EffectRecord>) {
        let _in_flight = InFlight {
            known: self.known.clone(),
            id: record.id.clone(),
        };
        // The body never changes: what a list showed tells the lane.
        let effect = serde_json::from_value::<App::Effect>(record.body.clone());
        let lane = effect
            .as_ref()
            .map_or("", |effect| self.performer.lane(effect));
        let Ok(_slot) = self.slots(lane).acquire_owned().await else {
            return;
        };
        // From here on it may have been sent: the permission is used up. What it permits is newer
        // than what a list showed.
        let permitted = self.known().fresh.remove(&record.id);
        let fresh = permitted.is_some();
        let record = permitted.unwrap_or(record);
        let mode = record.mode(fresh);
        let begun_at = self.engine.now();
        let report = match effect {
            Ok(effect) => {
                let job = Job {
                    id: record.id.clone(),
                    effect,
                    mode,
                    attempts: record.attempts,
                };
                self.performer.perform(job).await
            }
            Err(error) => EffectReport::Unknown {
                reason: format!("the effect cannot be read: {error}"),
            },
        };
        let task = Task::Effect {
            id: record.id.clone(),
            mode,
            begun_at,
            report,
        };
        loop {
            match self.engine.submit_task(task.clone()).await {
                Ok(_) => break,
                Err(SubmitError::Busy) if self.engine.queue_length() > 0 => {
                    tokio::task::yield_now().await
                }
                // Without a record of this attempt the effect counts as maybe sent: it is asked after.
                Err(error) => {
                    tracing::warn!(effect = record.id, %error, "the report of an effect could not be recorded");
                    break;
                }
            }
        }
    }
}
