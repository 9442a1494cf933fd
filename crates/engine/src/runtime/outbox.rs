//! Performing effects: fresh ones are sent, all others are asked after first.
//!
//! Each counterpart has a lane of its own, with its own slots, and only so many effects of a lane are
//! taken up at a time. The list of what is due is read in pages, each look going on where the last one
//! stopped, so that however many effects wait for a slow counterpart, those behind them come to their
//! turn: a whole round costs one look for each [`DUE_PER_LOOK`] due effects.

mod known;

use super::{Engine, blocking};
use crate::application::{Application, SubmitError};
use crate::effect::{AttemptMode, EffectRecord, EffectReport, Repeat};
use crate::record::index_time;
use crate::store::{Scan, StoreError};
use crate::task::Task;
use jiff::{SignedDuration, Timestamp};
use known::{InFlight, Known, Take, take_up};
use serde::Deserialize;
use std::borrow::Cow;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Due effects read in one look.
const DUE_PER_LOOK: usize = 2_000;

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
    /// When the attempt began: a permission to send is as old as that.
    pub begun_at: Timestamp,
}

/// Talks to the outside on behalf of the outbox.
pub trait Performer<App: Application>: Send + Sync + 'static {
    /// Makes one attempt; every way it can end is a report.
    fn perform(
        &self,
        job: Job<App::Effect>,
    ) -> impl Future<Output = EffectReport<App::Answer>> + Send;

    /// The counterpart. Attempts of one lane never wait for those of another, so that a slow
    /// counterpart holds up nobody else.
    fn lane(&self, _effect: &App::Effect) -> Lane {
        Lane::named("")
    }
}

/// A counterpart of effects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    name: Cow<'static, str>,
    parallel: Option<usize>,
}

impl Lane {
    /// By its name.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Lane {
        Lane {
            name: name.into(),
            parallel: None,
        }
    }

    /// With fewer attempts at a time than the outbox makes otherwise.
    pub fn at_most(mut self, parallel: usize) -> Lane {
        self.parallel = Some(parallel);
        self
    }
}

/// What the batches say of effects.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// May be sent without asking first.
    pub given: Vec<Arc<EffectRecord>>,
    /// Are settled by another way, or withdrawn, by a batch that is about to be written: an earlier permission is void,
    /// whatever becomes of that batch.
    pub void: Vec<String>,
}

/// Drives the effects of one shard.
pub struct Outbox<App: Application, P> {
    engine: Engine<App>,
    performer: Arc<P>,
    parallel: usize,
    known: Arc<Mutex<Known>>,
}

/// What one look at the list of due effects found.
struct Look<E> {
    taken: Vec<InFlight<E>>,
    /// It came to the end of the list.
    complete: bool,
}

impl<App: Application, P> Clone for Outbox<App, P> {
    fn clone(&self) -> Self {
        Outbox {
            engine: self.engine.clone(),
            performer: self.performer.clone(),
            parallel: self.parallel,
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
            known: Arc::default(),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a committed batch permits to send, and what no longer.
    pub fn permit(&self, permissions: Permissions) {
        for record in permissions.given {
            let lane = self.lane(self.effect(&record).as_ref().ok());
            self.known().permit(record, &lane, self.engine.now());
        }
        let mut known = self.known();
        for id in &permissions.void {
            known.overtake(id);
        }
    }

    /// Makes one attempt at everything that is due and waits for all of them.
    pub async fn pass(&self) -> Result<usize, StoreError> {
        let mut attempts = JoinSet::new();
        let mut count = 0;
        let mut due = self.due_fresh(Take::All);
        self.known().after = None;
        loop {
            let Look {
                taken: listed,
                complete,
            } = self.look(Take::All).await?;
            due.extend(listed);
            for taken in due.drain(..) {
                let this = self.clone();
                count += 1;
                attempts.spawn(async move { this.attempt(taken).await });
            }
            if complete {
                break;
            }
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
            let mut due = self.due_fresh(Take::Bounded);
            if look_up {
                match self.look(Take::Bounded).await {
                    Ok(look) => due.extend(look.taken),
                    Err(error) => tracing::error!(%error, "due effects could not be read"),
                }
            }
            // Whatever ended before this look had sent its permission before it ended.
            while let Ok(permissions) = fresh.try_recv() {
                self.permit(permissions);
            }
            // What came just now does not wait for the next message.
            due.extend(self.due_fresh(Take::Bounded));
            for taken in due {
                let this = self.clone();
                tokio::spawn(async move { this.attempt(taken).await });
            }
        }
    }

    fn due_fresh(&self, take: Take) -> Vec<InFlight<App::Effect>> {
        let due = self.known().due(self.engine.now(), take);
        let taken = due.into_iter().map(|record| self.take(record, take));
        taken.flatten().collect()
    }

    /// Takes up due effects of the list from where the last look stopped, and says whether this one
    /// came to the end.
    async fn look(&self, take: Take) -> Result<Look<App::Effect>, StoreError> {
        let scan = Scan {
            kind: <EffectRecord as crate::Record>::KIND.to_owned(),
            index: "due".into(),
            from: String::new(),
            to: index_time(self.engine.now()) + "~",
            after: self.known().after.clone(),
            descending: false,
            limit: DUE_PER_LOOK,
        };
        let queries = self.engine.queries().clone();
        let (listed, scan) = blocking(move || Ok((queries.list(&scan)?, scan))).await?;
        let complete = listed.len() < DUE_PER_LOOK;
        let last = listed.last();
        let after = last.map(|found| (found.value.clone(), found.key.clone()));
        self.known().after = after.filter(|_| !complete);
        let mut taken = Vec::new();
        for found in listed {
            if self.known().is_in_flight(&found.key) {
                continue;
            }
            // One that cannot be read must not keep the others from being attempted.
            let body = match found.checked(&scan.kind) {
                Ok(body) => body,
                Err(error) => {
                    tracing::error!(effect = found.key, %error, "an effect is damaged");
                    continue;
                }
            };
            let record: EffectRecord = match serde_json::from_slice(body) {
                Ok(record) => record,
                Err(error) => {
                    tracing::error!(effect = found.key, %error, "an effect cannot be read");
                    continue;
                }
            };
            if !self.may_be_on_its_way(&record) {
                taken.extend(self.take(Arc::new(record), take));
            }
        }
        Ok(Look { taken, complete })
    }

    /// Takes up an effect unless it is under way already or its lane is full.
    fn take(&self, record: Arc<EffectRecord>, take: Take) -> Option<InFlight<App::Effect>> {
        // The body never changes: what a list showed tells the lane.
        let effect = self.effect(&record);
        let lane = self.lane(effect.as_ref().ok());
        let parallel = lane.parallel.unwrap_or(self.parallel).max(1);
        take_up(&self.known, record, effect, lane, parallel, take)
    }

    fn effect(&self, record: &EffectRecord) -> Result<App::Effect, serde_json::Error> {
        App::Effect::deserialize(&record.body)
    }

    /// The lane of an effect; one that cannot be read has the one without a name.
    fn lane(&self, effect: Option<&App::Effect>) -> Lane {
        effect.map_or_else(|| Lane::named(""), |effect| self.performer.lane(effect))
    }

    /// The database shows an effect a moment before its permission to be sent arrives here; asking
    /// after it then would cost the arrival bound.
    fn may_be_on_its_way(&self, record: &EffectRecord) -> bool {
        record.attempts == 0
            && record.policy.repeat != Repeat::Always
            && !self.known().may_send(&record.id)
            && self.engine.now() < record.created_at + PERMISSION_DELAY_MAX
    }

    async fn attempt(&self, taken: InFlight<App::Effect>) {
        let Ok(_slot) = taken.slots.clone().acquire_owned().await else {
            return;
        };
        // From here on it may have been sent: the permission is used up. What it permits is newer
        // than what a list showed.
        let permitted = {
            let mut known = self.known();
            if known.is_overtaken(&taken.record.id) {
                // What was decided while it waited stands in the list, if anything is left to be done.
                return;
            }
            known.revoke(&taken.record.id)
        };
        let fresh = permitted.is_some();
        let record = permitted.unwrap_or_else(|| taken.record.clone());
        let mode = record.mode(fresh);
        let begun_at = self.engine.now();
        let report = match &taken.effect {
            Ok(effect) => {
                let job = Job {
                    id: record.id.clone(),
                    effect: effect.clone(),
                    mode,
                    attempts: record.attempts,
                    begun_at,
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
