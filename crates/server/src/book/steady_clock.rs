//! A clock that does not believe a jump of the machine's clock before the database's clock confirms it.
//!
//! What may be sent again is decided by how much time has passed. A machine's clock that is set forward by an hour would
//! make a payout that may still arrive look long decided, and commands never see an earlier time again. Leases are
//! given up when the clocks are found to differ, but that is noticed at the next comparison, and commands run before.

use engine::runtime::Clock;
use engine::store::lease::{CLOCK_DIFFERENCE_MAX, ClockDifference};
use jiff::{SignedDuration, Timestamp};
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

/// Shows what another clock shows as long as that goes as fast as time does.
#[derive(Debug)]
pub struct SteadyClock<C> {
    clock: C,
    confirmed: RwLock<(Timestamp, Instant)>,
}

impl<C: Clock> SteadyClock<C> {
    /// Believes what the clock shows now.
    pub fn new(clock: C) -> SteadyClock<C> {
        let confirmed = RwLock::new((clock.now(), Instant::now()));
        SteadyClock { clock, confirmed }
    }

    /// What the clock showed at a comparison was found to be right. What it shows by now may be something else.
    pub fn confirm(&self, compared: &ClockDifference) {
        // Whole milliseconds, as every clock of a book shows them.
        let at = Timestamp::from_millisecond(compared.at.as_millisecond()).unwrap_or(compared.at);
        *self
            .confirmed
            .write()
            .unwrap_or_else(PoisonError::into_inner) = (at, compared.asked);
    }
}

impl<C: Clock> Clock for SteadyClock<C> {
    fn now(&self) -> Timestamp {
        let (at, since) = *self
            .confirmed
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let shown = self.clock.now();
        let passed = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
        let passed = SignedDuration::from_millis(passed);
        let Ok(expected) = at.checked_add(passed) else {
            return shown;
        };
        let jump = shown.duration_since(expected).unsigned_abs();
        if jump <= CLOCK_DIFFERENCE_MAX {
            shown
        } else {
            expected
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::SteadyClock;
    use engine::runtime::Clock;
    use engine::store::lease::ClockDifference;
    use jiff::{SignedDuration, Timestamp};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Instant;

    /// The machine's clock, set forward or back by seconds.
    #[derive(Clone, Default)]
    struct Stepped(Arc<AtomicI64>);

    impl Clock for Stepped {
        fn now(&self) -> Timestamp {
            Timestamp::now() + SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    /// A comparison with a database whose clock is the machine's.
    fn compared(machine: &Stepped) -> ClockDifference {
        ClockDifference {
            server_ahead_ms: 0,
            uncertainty_ms: 0,
            at: machine.now(),
            asked: Instant::now(),
        }
    }

    fn ahead(clock: &impl Clock) -> i64 {
        let ahead = clock.now().duration_since(Timestamp::now());
        // To the nearest ten minutes, so that a slow machine changes nothing.
        (ahead.as_secs() + 300).div_euclid(600)
    }

    #[test]
    fn a_jump_is_believed_only_once_it_is_confirmed() {
        let machine = Stepped::default();
        let clock = SteadyClock::new(machine.clone());
        assert_eq!(ahead(&clock), 0);
        for step in [3_600, -3_600] {
            machine.0.store(step, Ordering::Relaxed);
            assert_eq!(ahead(&clock), 0, "{step}");
            clock.confirm(&compared(&machine));
            assert_eq!(ahead(&clock), step / 600);
            machine.0.store(0, Ordering::Relaxed);
            assert_eq!(ahead(&clock), step / 600);
            clock.confirm(&compared(&machine));
        }
    }

    /// It was read anew when the comparison had been answered, and believed.
    #[test]
    fn a_jump_behind_the_comparison_is_not_confirmed_by_it() {
        let machine = Stepped::default();
        let clock = SteadyClock::new(machine.clone());
        for step in [3_600, -3_600] {
            let before = compared(&machine);
            machine.0.store(step, Ordering::Relaxed);
            clock.confirm(&before);
            assert_eq!(ahead(&clock), 0, "{step}");
            machine.0.store(0, Ordering::Relaxed);
        }
    }

    #[test]
    fn small_corrections_are_followed_at_once() {
        let machine = Stepped::default();
        let clock = SteadyClock::new(machine.clone());
        let before = clock.now();
        machine.0.store(1, Ordering::Relaxed);
        assert!(clock.now() >= before + SignedDuration::from_secs(1));
    }
}
