//! Filling a batch: what waits is taken from the queue and run, until the batch is full.

use super::{Executor, Failure, Waiter, failed, fatal};
use crate::application::{Application, SubmitError};
use crate::runtime::Message;
use crate::shard::{Admitted, Shard};
use crate::store::StoreError;
use crate::task::{Admission, Task};
use std::time::{Duration, Instant};

/// Commands taken from the queue before acknowledgements are looked at again …
const DRAIN_MAX: usize = 1_024;
/// … and before the size of the batch is.
const RUN_MAX: usize = 16;
/// A batch is full with this many commands …
const BATCH_COMMANDS_MAX: usize = 8_192;
/// … with this many ledger rows …
const BATCH_ROWS_MAX: usize = 8_000;
/// … or with this many bytes of texts, so that one transaction, and the memory that it takes, stay bounded
/// whatever the size of a command.
const BATCH_BYTES_MAX: usize = 32 << 20;
/// A batch of fewer commands waits a moment for the callers that were just answered.
pub(super) const SMALL_BATCH: usize = 256;
/// Pause between looks at the queue meanwhile.
const GATHER_PAUSE: Duration = Duration::from_micros(100);

impl<App: Application> Executor<App> {
    pub(super) fn is_full(shard: &Shard<App>) -> bool {
        shard.rows_waiting() >= BATCH_ROWS_MAX
            || shard.commands_waiting() >= BATCH_COMMANDS_MAX
            || shard.bytes_waiting() >= BATCH_BYTES_MAX
    }

    /// Takes a message and what waits behind it.
    pub(super) fn take(
        &mut self,
        shard: &mut Shard<App>,
        first: Message<App>,
    ) -> Result<(), Failure> {
        let mut tasks = Vec::new();
        let mut taken = 0;
        let mut next = Some(first);
        while let Some(message) = next {
            taken += 1;
            match message {
                Message::Task(task, reply) => tasks.push(self.admit(task, reply)),
                Message::Account(id, reply) => {
                    // In order with the commands before it, and not before they are durable.
                    shard.run(std::mem::take(&mut tasks)).map_err(failed)?;
                    match shard.account(id) {
                        Ok(state) if shard.commands_waiting() > 0 => {
                            self.reads_waiting.push((state, reply));
                        }
                        Ok(state) if shard.is_writing() => {
                            self.reads_in_flight.push((state, reply));
                        }
                        Ok(state) => {
                            let _ = reply.send(Ok(state));
                        }
                        // The trouble of who asks, not of the shard.
                        Err(error @ StoreError::Damaged { .. }) => {
                            let reason = error.to_string().into();
                            let _ = reply.send(Err(SubmitError::Unavailable(reason)));
                        }
                        Err(error) => return Err(fatal(error)),
                    }
                }
                Message::Stop => self.stopping = true,
            }
            if tasks.len() >= RUN_MAX {
                shard.run(std::mem::take(&mut tasks)).map_err(failed)?;
            }
            let room = taken < DRAIN_MAX && !self.stopping && !Self::is_full(shard);
            next = if room {
                self.parts.inbox.try_recv().ok()
            } else {
                None
            };
        }
        shard.run(tasks).map_err(failed)
    }

    fn drain(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        match self.parts.inbox.try_recv() {
            Ok(message) => self.take(shard, message),
            Err(_) => Ok(()),
        }
    }

    fn admit(
        &mut self,
        task: Task<App::Command, App::Answer>,
        reply: Waiter<App>,
    ) -> Admitted<App> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiters.insert(ticket, reply);
        (
            ticket,
            task,
            Admission {
                now: self.parts.clock.now(),
                seed: seed(),
            },
        )
    }

    /// Takes what waits, and for a small batch what comes back in a moment. Nobody waits longer for
    /// it than for the commit before, about.
    pub(super) fn gather(&mut self, shard: &mut Shard<App>) -> Result<(), Failure> {
        loop {
            self.drain(shard)?;
            let worth_waiting = self.gathering.as_ref().is_some_and(|gathering| {
                let waiting = shard.commands_waiting();
                waiting < gathering.commands.min(SMALL_BATCH) && Instant::now() < gathering.until
            });
            if !worth_waiting || self.stopping || Self::is_full(shard) {
                return Ok(());
            }
            std::thread::sleep(GATHER_PAUSE);
        }
    }
}

/// 128 bits from the operating system; without them no id may be issued.
fn seed() -> u128 {
    thread_local! {
        static POOL: std::cell::RefCell<(u128, u64)> = const { std::cell::RefCell::new((0, 0)) };
    }
    POOL.with_borrow_mut(|(base, used)| {
        if *used % 1_024 == 0 {
            let mut bytes = [0u8; 16];
            while getrandom::fill(&mut bytes).is_err() {
                std::thread::yield_now();
            }
            *base = u128::from_le_bytes(bytes);
        }
        *used += 1;
        base.wrapping_add(u128::from(*used).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    })
}
