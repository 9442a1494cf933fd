//! What the shard runs: envelopes from outside and the engine's own work.

use crate::application::{Envelope, Verdict, Work};
use crate::effect::{AttemptMode, EffectReport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Fixed when a command is first admitted; a second run sees the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Time of the command.
    pub now: Timestamp,
    /// 128 random bits, the source of its ids.
    pub seed: u128,
}

/// A unit of work for the shard.
#[derive(Debug, Clone)]
pub enum Task<C, A> {
    /// From outside.
    Envelope(Envelope<C>),
    /// A timer is due.
    Timer {
        /// Its key.
        key: String,
    },
    /// An attempt at an effect came back.
    Effect {
        /// The effect.
        id: String,
        /// Whether it was performed or asked after.
        mode: AttemptMode,
        /// When the attempt began: a "not found" speaks of this instant, however late it comes.
        begun_at: Timestamp,
        /// What came back.
        report: EffectReport<A>,
    },
    /// Bounded deletion of expired idempotency records.
    Housekeeping,
}

/// A command that was set aside because it failed in a way that would repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// `timer/…` and `effect/…` with the key of what is tried again, which keeps its latest failure only; otherwise
    /// `asd_…`.
    pub id: String,
    /// What was being done, JSON.
    pub task: String,
    /// Why it failed.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl crate::Record for SetAside {
    const KIND: &'static str = "set_aside";
    fn key(&self) -> &str {
        &self.id
    }
    fn indexes(&self, out: &mut crate::Indexes) {
        out.add("at", crate::record::index_time(self.at));
    }
}

/// How a task appears in the journal.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JournalForm<'a, C, A> {
    Command(&'a C),
    Decide {
        proposal: &'a str,
        approve: bool,
    },
    Timer(&'a str),
    Effect {
        id: &'a str,
        #[serde(flatten)]
        report: &'a EffectReport<A>,
    },
    Housekeeping,
}

impl<C: Serialize, A: Serialize> Task<C, A> {
    pub(crate) fn journal_form(&self) -> String {
        let form = match self {
            Task::Envelope(Envelope {
                work: Work::Command(command),
                ..
            }) => JournalForm::Command(command),
            Task::Envelope(Envelope {
                work: Work::Decide { proposal, approve },
                ..
            }) => JournalForm::Decide {
                proposal,
                approve: *approve,
            },
            Task::Timer { key } => JournalForm::Timer(key),
            Task::Effect { id, report, .. } => JournalForm::Effect { id, report },
            Task::Housekeeping => JournalForm::Housekeeping,
        };
        // A value that cannot be written as JSON must still leave a trace.
        serde_json::to_string(&form)
            .unwrap_or_else(|error| format!("{{\"unwritable\":\"{error}\"}}"))
    }
}

/// What came of a task; engine work has verdicts without an audience.
#[derive(Debug, Clone)]
pub(crate) struct Ran<Reply, Rejection> {
    pub journal_seq: u64,
    pub replayed: bool,
    pub verdict: Verdict<Reply, Rejection>,
}
