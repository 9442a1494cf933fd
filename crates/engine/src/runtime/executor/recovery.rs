//! After a failure: who is told what, what is tried again, and how the shard is opened anew.

use super::{Executor, Failure, Then, failed};
use crate::application::{Application, Denial, Outcome, SubmitError, Verdict};
use crate::runtime::Message;
use crate::shard::{Admitted, Shard, Ticket};
use crate::store::StoreError;
use crossbeam_channel::RecvTimeoutError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pause before the store is tried again.
const REOPEN_PAUSE: Duration = Duration::from_millis(200);

/// Said once of a shard that is not opened again.
fn ends_here(error: &str) {
    tracing::warn!(error, "the shard ends here");
}

impl<App: Application> Executor<App> {
    /// Opens the shard again after a failure; `None` when the engine is asked to stop meanwhile, when another server has
    /// the shard, or when nothing more can be done for it here.
    pub(super) fn recover(
        &mut self,
        mut shard: Shard<App>,
        failure: &Failure,
    ) -> Option<Shard<App>> {
        let mut then = failure.then;
        let mut fenced = self
            .is_fenced(&failure.error)
            .then(|| failure.error.to_string());
        if self.sent {
            match self.await_ack() {
                Ok((Ok(()), _)) => {
                    let released = shard.committed();
                    let reads = std::mem::take(&mut self.reads_in_flight);
                    self.release(released, reads);
                }
                Ok((Err(StoreError::Refused(_)), _)) => {}
                // Whether it took effect is not known: nothing of it may be run again.
                Ok((Err(error), _)) => {
                    if self.is_fenced(&error) {
                        fenced = Some(error.to_string());
                    }
                    then = Then::Reload;
                }
                Err(gone) => then = gone.then,
            }
        }
        // Their readers are told to ask again.
        self.reads_waiting.clear();
        self.reads_in_flight.clear();
        let (sealed, waiting) = shard.abandon();
        if then == Then::OneByOne {
            return self.one_by_one(sealed.into_iter().chain(waiting).collect());
        }
        let reason: Arc<str> = failure.error.to_string().into();
        for (ticket, _, _) in sealed.into_iter().chain(waiting) {
            self.answer_unavailable(ticket, &reason);
        }
        let stale: Vec<Ticket> = self.waiters.keys().copied().collect();
        for ticket in stale {
            self.answer_unavailable(ticket, &reason);
        }
        if let Some(error) = fenced {
            ends_here(&error);
            return None;
        }
        if then == Then::End {
            ends_here(&reason);
            return None;
        }
        self.reopen()
    }

    pub(super) fn answer_unavailable(&mut self, ticket: Ticket, reason: &Arc<str>) {
        if let Some(waiter) = self.waiters.remove(&ticket) {
            let _ = waiter.send(Err(SubmitError::Unavailable(reason.clone())));
        }
    }

    fn reopen(&mut self) -> Option<Shard<App>> {
        let begun = Instant::now();
        loop {
            let parts = &self.parts;
            let opened = parts.store.reader().and_then(|reader| {
                Shard::open(
                    parts.app.clone(),
                    reader,
                    parts.vault.clone(),
                    parts.options.clone(),
                )
            });
            match opened {
                Ok(shard) => return Some(shard),
                Err(error) if self.is_fenced(&error) => {
                    ends_here(&error.to_string());
                    return None;
                }
                Err(error) if self.stopping || self.is_left_to_others(&error, begun) => {
                    ends_here(&error.to_string());
                    return None;
                }
                Err(error) => {
                    tracing::error!(%error, "the shard cannot be opened; it is tried again");
                    if self.refuse_for(REOPEN_PAUSE, &error.to_string().into()) {
                        return None;
                    }
                }
            }
        }
    }

    /// Whether somebody else should try: what is in this server's way need not be in another's. Damage is.
    fn is_left_to_others(&self, error: &StoreError, begun: Instant) -> bool {
        let damaged = matches!(error, StoreError::Damaged { .. });
        let limit = self.parts.reopen_max;
        !damaged && limit.is_some_and(|limit| begun.elapsed() >= limit)
    }

    /// Another server has the shard: whatever this one tries again would be refused again.
    fn is_fenced(&self, error: &StoreError) -> bool {
        let fenced = matches!(error, StoreError::Fenced(_));
        if fenced {
            self.parts
                .counters
                .fenced
                .store(1, std::sync::atomic::Ordering::Relaxed);
        }
        fenced
    }

    /// Answers everything 503 for a while; true when asked to stop.
    fn refuse_for(&mut self, pause: Duration, reason: &Arc<str>) -> bool {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.parts.inbox.recv_timeout(left) {
                Ok(Message::Task(_, reply)) => {
                    let _ = reply.send(Err(SubmitError::Unavailable(reason.clone())));
                }
                Ok(Message::Account(_, reply)) => {
                    let _ = reply.send(Err(SubmitError::Unavailable(reason.clone())));
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Tries the tasks of a refused batch one per batch; the one that is refused again is set aside.
    fn one_by_one(&mut self, tasks: Vec<Admitted<App>>) -> Option<Shard<App>> {
        let mut shard = self.reopen()?;
        for (ticket, task, admission) in tasks {
            let alone = self.alone(&mut shard, vec![(ticket, task.clone(), admission)]);
            let Err(Failure { error, then }) = alone else {
                continue;
            };
            match error {
                StoreError::Refused(reason) => {
                    shard = self.reopen()?;
                    let noted = shard
                        .set_aside_unwritable(&task, admission, &reason)
                        .map_err(failed)
                        .and_then(|()| self.alone(&mut shard, Vec::new()));
                    if let Err(Failure { error, .. }) = noted {
                        tracing::error!(%error, "what was set aside could not be recorded");
                        self.tell_set_aside("", &reason);
                        shard = self.reopen()?;
                    }
                    if let Some(waiter) = self.waiters.remove(&ticket) {
                        let result = Verdict::Denied(Denial::Broken { reason });
                        let _ = waiter.send(Ok(Outcome {
                            journal_seq: 0,
                            replayed: false,
                            result,
                        }));
                    }
                }
                error => {
                    let reason = error.to_string().into();
                    self.answer_unavailable(ticket, &reason);
                    if then == Then::End {
                        ends_here(&reason);
                        return None;
                    }
                    shard = self.reopen()?;
                }
            }
        }
        Some(shard)
    }

    fn alone(&mut self, shard: &mut Shard<App>, tasks: Vec<Admitted<App>>) -> Result<(), Failure> {
        shard.run(tasks).map_err(failed)?;
        if let Some(batch) = shard.seal().map_err(failed)? {
            self.send(shard, batch)?;
            let (result, _) = self.await_ack()?;
            result.map_err(failed)?;
            self.release(shard.committed(), Vec::new());
        }
        let outcomes = shard.take_unwritten();
        self.reply(outcomes);
        Ok(())
    }
}
