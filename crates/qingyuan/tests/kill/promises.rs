//! What the server has promised: every request that was answered, and every one that was not.

use crate::support::Dice;
use crate::support::http::{ANSWER_MAX, ASK_AGAIN, Answer, Call, Client};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Payment,
    Refund,
    Payout,
    Transfer,
    Batch,
    Day,
}

/// A request and its answer.
#[derive(Clone)]
pub struct Promise {
    pub what: What,
    pub call: Call,
    pub answer: Answer,
}

impl std::fmt::Debug for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.400} answered {:.400}",
            self.call.body, self.answer.body
        )
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Promises {
    kept: Mutex<Vec<Promise>>,
    /// Not answered and set aside: sent again when everything else is over.
    later: Mutex<Vec<(What, Call)>>,
    /// Answers received.
    pub answered: AtomicU64,
    /// Times a request was sent and not answered.
    pub unanswered: AtomicU64,
    /// Repeats that the server had carried out before it died.
    pub replayed: AtomicU64,
}

impl Promises {
    /// Sends a request until it is answered, with the same key and body each time. One in three that
    /// is not answered is set aside instead and gives nothing.
    pub async fn ask(
        &self,
        client: &Client,
        dice: &mut Dice,
        what: What,
        call: Call,
    ) -> Option<Answer> {
        let deadline = Instant::now() + ANSWER_MAX;
        loop {
            match client.post(&call).await {
                Ok(answer) => {
                    self.keep(what, call, &answer);
                    return Some(answer);
                }
                Err(problem) => {
                    assert!(
                        Instant::now() < deadline,
                        "{call:?} is not answered: {problem}"
                    );
                    self.unanswered.fetch_add(1, Ordering::Relaxed);
                    // A connection refused tells nothing new; only a request that may have arrived counts.
                    if dice.roll(3) == 0 {
                        self.later.lock().unwrap().push((what, call));
                        return None;
                    }
                    tokio::time::sleep(ASK_AGAIN).await;
                }
            }
        }
    }

    /// As [`Promises::ask`], and never sets it aside.
    pub async fn insist(&self, client: &Client, what: What, call: Call) -> Answer {
        let (answer, unanswered) = client.post_until_answered(&call).await;
        self.unanswered.fetch_add(unanswered, Ordering::Relaxed);
        self.keep(what, call, &answer);
        answer
    }

    fn keep(&self, what: What, call: Call, answer: &Answer) {
        assert!(answer.status < 500, "{call:?}: {answer:?}");
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.replayed
            .fetch_add(u64::from(answer.replayed), Ordering::Relaxed);
        self.kept.lock().unwrap().push(Promise {
            what,
            call,
            answer: answer.clone(),
        });
    }

    /// Sends what was set aside.
    pub async fn send_later(&self, client: &Client) -> usize {
        let later = std::mem::take(&mut *self.later.lock().unwrap());
        let count = later.len();
        for (what, call) in later {
            self.insist(client, what, call).await;
        }
        count
    }

    /// Everything answered so far.
    pub fn all(&self) -> Vec<Promise> {
        self.kept.lock().unwrap().clone()
    }

    /// Accepted requests about something.
    pub fn accepted(&self, what: What) -> Vec<Promise> {
        let kept = self.kept.lock().unwrap();
        let accepted = |promise: &&Promise| promise.what == what && promise.answer.accepted();
        kept.iter().filter(accepted).cloned().collect()
    }
}
