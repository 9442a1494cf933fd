//! Reading connections, kept open between calls and bounded in number: whoever may cause a read, also before it is known
//! who that is, must not use up the sessions that the database has for all servers.

use super::address::Address;
use super::session::{Purpose, Session};
use crate::store::StoreError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections kept open between calls.
const KEPT_MAX: usize = 4;
/// Connections at the same time.
const SESSIONS_MAX: usize = 16;
/// How long a caller waits for one.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a list or report may take.
const READ_MAX: Duration = Duration::from_secs(30);

/// Connections for reading, shared by all callers.
pub(super) struct Pool {
    address: Arc<Address>,
    places: Mutex<Places>,
    freed: Condvar,
}

#[derive(Default)]
struct Places {
    idle: Vec<Session>,
    /// Callers that have a place, with a connection or about to open one.
    taken: usize,
    waiting: usize,
}

/// One of the bounded places. It is given back also by a caller that panics.
struct Place<'a> {
    pool: &'a Pool,
    /// What is kept for the next caller.
    session: Option<Session>,
}

impl Pool {
    pub fn new(address: Arc<Address>) -> Pool {
        Pool {
            address,
            places: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// A connection of the caller's own, beside the bounded ones: for what is not done for a request.
    pub fn open(&self) -> Result<Session, StoreError> {
        self.open_for(READ_MAX)
    }

    /// A connection whose statements may take so long.
    pub fn open_for(&self, statement_max: Duration) -> Result<Session, StoreError> {
        let purpose = Purpose {
            name: "qingyuan reading".to_owned(),
            writes: false,
            statement_max,
            idle_max: READ_MAX,
        };
        Session::open(&self.address, &purpose)
    }

    /// Reads with a connection that is free. One that was kept may have died meanwhile; then a new one is asked.
    pub fn with<T>(
        &self,
        read: impl Fn(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut place = self.place()?;
        if let Some(mut session) = place.session.take() {
            match read(&mut session) {
                Err(StoreError::Unavailable(_)) if session.is_closed() => self.lock().idle.clear(),
                result => {
                    place.keep(session, &result);
                    return result;
                }
            }
        }
        let mut session = self.open()?;
        let result = read(&mut session);
        place.keep(session, &result);
        result
    }

    /// Waits for a place; a connection that was kept comes with it.
    fn place(&self) -> Result<Place<'_>, StoreError> {
        let until = Instant::now() + WAIT_MAX;
        let mut places = self.lock();
        while places.taken >= SESSIONS_MAX {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::Unavailable(format!(
                    "none of {SESSIONS_MAX} connections for reading became free within {} s",
                    WAIT_MAX.as_secs()
                )));
            }
            places.waiting += 1;
            let woken = self.freed.wait_timeout(places, left);
            (places, _) = woken.unwrap_or_else(PoisonError::into_inner);
            places.waiting -= 1;
        }
        places.taken += 1;
        let session = places.idle.pop();
        Ok(Place {
            pool: self,
            session,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    fn keep<T>(&mut self, session: Session, result: &Result<T, StoreError>) {
        // It may still be busy with what was given up.
        let unanswered = matches!(result, Err(StoreError::Unavailable(_)));
        self.session = (!unanswered && !session.is_closed()).then_some(session);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let session = self.session.take();
        let mut places = self.pool.lock();
        places.taken -= 1;
        // Under load it goes to the next caller: opening one costs more than most reads.
        let surplus = match session {
            Some(session) if places.idle.len() < KEPT_MAX || places.waiting > 0 => {
                places.idle.push(session);
                None
            }
            other => other,
        };
        drop(places);
        self.pool.freed.notify_one();
        // Closed where nobody waits for the lock.
        drop(surplus);
    }
}
