//! Where the sandbox takes the time from.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The clock of a sandbox: the machine's, or one that the caller moves.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// A clock shared with the caller; it stands still between the caller's moves.
    Simulated(SimClock),
}

impl Clock {
    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::Real => Timestamp::now(),
            Clock::Simulated(clock) => clock.now(),
        }
    }

    /// Whether the caller moves this clock.
    pub fn is_simulated(&self) -> bool {
        matches!(self, Clock::Simulated(_))
    }
}

/// A clock that is moved by hand. Clones show the same time.
#[derive(Debug, Clone)]
pub struct SimClock(Arc<AtomicI64>);

impl SimClock {
    /// A clock that shows `start`, to the millisecond.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    /// A clock over a cell that somebody else moves: milliseconds since 1970-01-01T00:00:00Z.
    pub fn from_shared(milliseconds: Arc<AtomicI64>) -> Self {
        Self(milliseconds)
    }

    /// The instant shown.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock to `instant`; an earlier instant than the one shown is ignored, because
    /// time never goes back.
    pub fn set(&self, instant: Timestamp) {
        self.0.fetch_max(instant.as_millisecond(), Ordering::SeqCst);
    }

    /// Moves the clock forward by `milliseconds`.
    pub fn advance(&self, milliseconds: u64) {
        self.set(later(self.now(), milliseconds));
    }
}

/// The instant `milliseconds` after `from`, or the last one there is.
pub(crate) fn later(from: Timestamp, milliseconds: u64) -> Timestamp {
    let step = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    from.saturating_add(step).unwrap_or(Timestamp::MAX)
}

/// Cut to whole seconds, the precision in which channels state times.
pub(crate) fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_millisecond().div_euclid(1000)).unwrap_or(instant)
}
