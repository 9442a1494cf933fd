//! Submitting timers that are due.

use super::{Engine, blocking};
use crate::application::{Application, SubmitError};
use crate::idempotency::IdempotencyRecord;
use crate::record::index_time;
use crate::run::EXPIRED_PER_STEP;
use crate::store::{Found, Scan, StoreError};
use crate::task::Task;
use crate::timer::TimerRecord;
use tokio::task::JoinSet;

/// Timers looked up in one pass.
const DUE_PER_PASS: usize = 512;
/// Steps of housekeeping per tick: more than what can expire meanwhile.
const HOUSEKEEPING_PER_TICK: usize = 8;

/// Drives the timers of one shard.
pub struct Timers<App: Application> {
    engine: Engine<App>,
}

impl<App: Application> Timers<App> {
    /// Timers of an engine.
    pub fn new(engine: Engine<App>) -> Timers<App> {
        Timers { engine }
    }

    /// Submits every timer that is due, waits for their commits and says how many there were.
    pub async fn pass(&self) -> Result<usize, StoreError> {
        let scan = Scan {
            kind: <TimerRecord as crate::Record>::KIND.to_owned(),
            index: "due".into(),
            from: String::new(),
            to: index_time(self.engine.now()) + "~",
            after: None,
            descending: false,
            limit: DUE_PER_PASS,
        };
        let (due, scan) = self.list(scan).await?;
        let mut submitted = JoinSet::new();
        for found in due {
            // The shard would refuse it each time; the others go on.
            if let Err(error) = found.checked(&scan.kind) {
                tracing::error!(timer = found.key, %error, "a timer is damaged");
                continue;
            }
            let engine = self.engine.clone();
            submitted.spawn(async move {
                engine
                    .submit_task(Task::Timer { key: found.key })
                    .await
                    .map(|_| ())
            });
        }
        let count = submitted.len();
        while let Some(result) = submitted.join_next().await {
            if let Ok(Err(SubmitError::Unavailable(reason))) = result {
                return Err(StoreError::Unavailable(reason.to_string()));
            }
        }
        Ok(count)
    }

    /// Deletes expired idempotency records in bounded steps, at most so many; says how many it took.
    pub async fn housekeep(&self, steps_max: usize) -> Result<usize, StoreError> {
        let expired = Scan {
            kind: <IdempotencyRecord as crate::Record>::KIND.to_owned(),
            index: "expires".into(),
            from: String::new(),
            to: index_time(self.engine.now()),
            after: None,
            descending: false,
            limit: EXPIRED_PER_STEP,
        };
        for step in 0..steps_max {
            if !self.has_sound(&expired).await? {
                return Ok(step);
            }
            if let Err(SubmitError::Unavailable(reason)) =
                self.engine.submit_task(Task::Housekeeping).await
            {
                return Err(StoreError::Unavailable(reason.to_string()));
            }
        }
        Ok(steps_max)
    }

    /// Whether a step of housekeeping would find anything: it leaves damaged records out.
    async fn has_sound(&self, scan: &Scan) -> Result<bool, StoreError> {
        let first = Scan {
            limit: 1,
            ..scan.clone()
        };
        let sound = |found: &Found| found.checked(&scan.kind).is_ok();
        let (found, _) = self.list(first).await?;
        if found.is_empty() || found.iter().any(sound) {
            return Ok(!found.is_empty());
        }
        let (found, _) = self.list(scan.clone()).await?;
        Ok(found.iter().any(sound))
    }

    async fn list(&self, scan: Scan) -> Result<(Vec<Found>, Scan), StoreError> {
        let queries = self.engine.queries().clone();
        blocking(move || Ok((queries.list(&scan)?, scan))).await
    }

    /// Submits due timers, and housekeeping where there is some, at every tick, for ever.
    pub async fn run(self, tick: std::time::Duration) {
        let mut interval = tokio::time::interval(tick);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if let Err(error) = self.pass().await {
                tracing::error!(%error, "due timers could not be fired");
            }
            if let Err(error) = self.housekeep(HOUSEKEEPING_PER_TICK).await {
                tracing::error!(%error, "expired idempotency records could not be deleted");
            }
        }
    }
}
