//! What may happen at every tick or request is said seldom: a log that repeats itself hides the rest.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something that is said at most once in a while.
pub(super) struct Seldom {
    pause: Duration,
    state: Mutex<(Option<Instant>, u64)>,
}

impl Seldom {
    pub fn once_in(pause: Duration) -> Seldom {
        Seldom {
            pause,
            state: Mutex::new((None, 0)),
        }
    }

    /// Says it now, or counts it; told how often it was kept silent since it was last said.
    pub fn say(&self, say: impl FnOnce(u64)) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = &mut *state;
        if last.is_some_and(|last| now.duration_since(last) < self.pause) {
            *unsaid += 1;
            return;
        }
        *last = Some(now);
        say(std::mem::take(unsaid));
    }
}
