//! Reading connections, kept open between calls.

use super::address::Address;
use super::session::{Purpose, Session};
use crate::store::StoreError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Connections kept open between calls.
const POOL_MAX: usize = 4;
/// How long a list or report may take.
const READ_MAX: Duration = Duration::from_secs(30);

/// Connections for reading, shared by all callers.
pub(super) struct Pool {
    address: Arc<Address>,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    pub fn new(address: Arc<Address>) -> Pool {
        Pool {
            address,
            idle: Mutex::new(Vec::new()),
        }
    }

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
        let kept = self.lock().pop();
        if let Some(mut session) = kept {
            match read(&mut session) {
                Err(StoreError::Unavailable(_)) if session.is_closed() => self.lock().clear(),
                result => {
                    self.keep(session, &result);
                    return result;
                }
            }
        }
        let mut session = self.open()?;
        let result = read(&mut session);
        self.keep(session, &result);
        result
    }

    fn keep<T>(&self, session: Session, result: &Result<T, StoreError>) {
        // It may still be busy with what was given up.
        let unanswered = matches!(result, Err(StoreError::Unavailable(_)));
        let mut idle = self.lock();
        if !unanswered && idle.len() < POOL_MAX && !session.is_closed() {
            idle.push(session);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
