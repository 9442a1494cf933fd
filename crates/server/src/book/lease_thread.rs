//! The thread on which leases are asked for. Renewals must come in time whatever requests do, and those wait for the
//! database on threads that they share.

use engine::store::StoreError;
use engine::store::lease::Leases;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

type Question = Box<dyn FnOnce(&dyn Leases) + Send>;

/// Asks one question after another; ends when it is dropped.
pub(super) struct LeaseThread(mpsc::Sender<Question>);

impl LeaseThread {
    /// # Errors
    /// There is no thread to be had.
    pub fn start(leases: Arc<dyn Leases>) -> std::io::Result<LeaseThread> {
        let (questions, asked) = mpsc::channel::<Question>();
        let thread = std::thread::Builder::new().name("leases".to_owned());
        thread.spawn(move || {
            for question in asked {
                // A question that panics is answered by the end of its channel; the next one is another matter.
                let _ = catch_unwind(AssertUnwindSafe(|| question(leases.as_ref())));
            }
        })?;
        Ok(LeaseThread(questions))
    }

    /// Asks, and waits for the answer without blocking.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Leases) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |leases| {
            // Nobody waits any more only when the server ends.
            let _ = answer.send(question(leases));
        });
        let unavailable =
            || StoreError::Unavailable("the thread that asks for leases gave no answer".to_owned());
        self.0.send(question).map_err(|_| unavailable())?;
        answered.await.unwrap_or_else(|_| Err(unavailable()))
    }
}
