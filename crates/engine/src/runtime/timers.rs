//! Submitting timers that are due.

use super::seldom::Seldom;
use super::{Engine, blocking};
use crate::application::{Application, SubmitError};
use crate::idempotency::IdempotencyRecord;
use crate::record::{Record, index_time};
use crate::run::EXPIRED_PER_STEP;
use crate::store::{Found, Scan, StoreError};
use crate::task::Task;
use crate::timer::TimerRecord;
use std::time::Duration;
use tokio::task::JoinSet;

/// Timers looked up and submitted at a time.
const DUE_PER_PAGE: usize = 512;
/// Between two log lines about timers that cannot be read: there is a look at them in every tick.
const DAMAGED_PAUSE: Duration = Duration::from_secs(60);
/// Steps of housekeeping per tick: more than what can expire meanwhile.
const HOUSEKEEPING_PER_TICK: usize = 8;

/// Drives the timers of one shard.
pub struct Timers<App: Application> {
    engine: Engine<App>,
    damaged: Seldom,
}

impl<App: Application> Timers<App> {
    /// Timers of an engine.
    pub fn new(engine: Engine<App>) -> Timers<App> {
        let damaged = Seldom::once_in(DAMAGED_PAUSE);
        Timers { engine, damaged }
    }

    /// Submits every timer that is due, waits for their commits and says how many there were.
    pub async fn pass(&self) -> Result<usize, StoreError> {
        let mut due = Scan {
            kind: TimerRecord::KIND.to_owned(),
            index: "due".into(),
            from: String::new(),
            to: index_time(self.engine.now()) + "~",
            after: None,
            descending: false,
            limit: DUE_PER_PAGE,
        };
        let mut count = 0;
        // Page by page to the end: what stays due because it is damaged is before what it must not stop.
        loop {
            let (page, scan) = self.list(due).await?;
            let next = after(&page, &scan);
            count += self.submit(page).await?;
            let Some(next) = next else {
                return Ok(count);
            };
            due = next;
        }
    }

    async fn submit(&self, page: Vec<Found>) -> Result<usize, StoreError> {
        let mut submitted = JoinSet::new();
        for found in page {
            // The shard would refuse it each time; the others go on.
            if let Err(error) = readable::<TimerRecord>(&found) {
                self.damaged.say(|unsaid| {
                    tracing::error!(timer = found.key, error, unsaid, "a timer is damaged");
                });
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
            kind: IdempotencyRecord::KIND.to_owned(),
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

    /// Whether a step of housekeeping would find anything: it leaves out what it cannot read.
    async fn has_sound(&self, expired: &Scan) -> Result<bool, StoreError> {
        // Mostly the first says it.
        let mut page = Scan {
            limit: 1,
            ..expired.clone()
        };
        loop {
            let (found, scan) = self.list(page).await?;
            if found
                .iter()
                .any(|found| readable::<IdempotencyRecord>(found).is_ok())
            {
                return Ok(true);
            }
            let Some(next) = after(&found, &scan) else {
                return Ok(false);
            };
            page = Scan {
                limit: EXPIRED_PER_STEP,
                ..next
            };
        }
    }

    async fn list(&self, scan: Scan) -> Result<(Vec<Found>, Scan), StoreError> {
        let queries = self.engine.queries().clone();
        blocking(move || Ok((queries.list(&scan)?, scan))).await
    }

    /// Submits due timers, and housekeeping where there is some, at every tick, for ever.
    pub async fn run(self, tick: Duration) {
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

/// The page behind this one, if it was full.
fn after(page: &[Found], scan: &Scan) -> Option<Scan> {
    let last = page.last().filter(|_| page.len() >= scan.limit)?;
    Some(Scan {
        after: Some((last.value.clone(), last.key.clone())),
        ..scan.clone()
    })
}

/// Says what is wrong with a record that the shard could not read either.
fn readable<R: Record>(found: &Found) -> Result<(), String> {
    let body = found.checked(R::KIND).map_err(|error| error.to_string())?;
    serde_json::from_slice::<R>(body).map_err(|error| error.to_string())?;
    Ok(())
}
