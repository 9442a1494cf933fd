//! Notifications that wait to be sent, and the channel's schedule of repeating them.

use crate::clock::later;
use crate::fault::Fault;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How notifications fared since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct DeliveryCounts {
    /// Acknowledged by the merchant.
    pub acknowledged: u64,
    /// Attempts that were not acknowledged.
    pub failed_attempts: u64,
    /// Given up after the last attempt of the schedule.
    pub given_up: u64,
}

/// Notifications of one channel.
#[derive(Debug)]
pub struct Outbox<T> {
    /// Pauses in milliseconds after the first, second, … attempt.
    pauses: &'static [u64],
    next_id: u64,
    waiting: BTreeMap<u64, Waiting<T>>,
    counts: DeliveryCounts,
}

#[derive(Debug)]
struct Waiting<T> {
    item: T,
    due: Timestamp,
    attempts: usize,
    in_flight: bool,
}

/// One attempt to be made now.
#[derive(Debug, Clone)]
pub struct Attempt<T> {
    /// Names the notification when its fate is reported.
    pub id: u64,
    /// Zero for the first attempt.
    pub earlier_attempts: usize,
    /// What to send.
    pub item: T,
}

impl<T: Clone> Outbox<T> {
    pub(crate) fn new(pauses: &'static [u64]) -> Self {
        Self {
            pauses,
            next_id: 1,
            waiting: BTreeMap::new(),
            counts: DeliveryCounts::default(),
        }
    }

    fn push(&mut self, item: T, due: Timestamp) {
        self.waiting.insert(
            self.next_id,
            Waiting {
                item,
                due,
                attempts: 0,
                in_flight: false,
            },
        );
        self.next_id += 1;
    }

    /// Enters a notification as the fault that struck it, if one did, lets it go out.
    pub(crate) fn push_struck(&mut self, item: T, due: Timestamp, fault: Option<&Fault>) {
        match fault {
            Some(Fault::LoseNotification) => {}
            Some(Fault::DelayNotification { millis }) => self.push(item, later(due, *millis)),
            Some(Fault::DuplicateNotification) => {
                self.push(item.clone(), due);
                self.push(item, due);
            }
            _ => self.push(item, due),
        }
    }

    /// Takes what is due, earliest first; each stays in flight until [`Self::report`].
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Attempt<T>> {
        let mut due: Vec<(Timestamp, u64)> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| !waiting.in_flight && waiting.due <= now)
            .map(|(id, waiting)| (waiting.due, *id))
            .collect();
        due.sort_unstable();
        due.into_iter()
            .filter_map(|(_, id)| {
                let waiting = self.waiting.get_mut(&id)?;
                waiting.in_flight = true;
                Some(Attempt {
                    id,
                    earlier_attempts: waiting.attempts,
                    item: waiting.item.clone(),
                })
            })
            .collect()
    }

    /// Records how an attempt ended; a failed one is repeated by the schedule.
    pub(crate) fn report(&mut self, id: u64, acknowledged: bool, now: Timestamp) {
        let Some(waiting) = self.waiting.get_mut(&id) else {
            return;
        };
        if acknowledged {
            self.counts.acknowledged += 1;
            self.waiting.remove(&id);
            return;
        }
        self.counts.failed_attempts += 1;
        match self.pauses.get(waiting.attempts) {
            Some(pause) => {
                waiting.attempts += 1;
                waiting.due = later(now, *pause);
                waiting.in_flight = false;
            }
            None => {
                self.counts.given_up += 1;
                self.waiting.remove(&id);
            }
        }
    }

    /// When the next attempt that is not under way falls due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.waiting
            .values()
            .filter(|waiting| !waiting.in_flight)
            .map(|waiting| waiting.due)
            .min()
    }

    pub(crate) fn counts(&self) -> DeliveryCounts {
        self.counts
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
