//! Effects: what has to happen outside, recorded with the batch that decided it.
//!
//! The rule that no money is paid twice lives here, in [`EffectRecord::advance`]: an effect whose
//! outcome is not recorded counts as *maybe sent* and is queried; it is sent again only as its
//! [`Repeat`] policy allows.

use crate::record::{Indexes, Record, index_time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Whether an effect may be performed again when it is not known to have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "repeat", rename_all = "snake_case")]
pub enum Repeat {
    /// Performing it twice is the same as once: the channel knows the number (orders, refunds,
    /// closes) or the receiver removes duplicates (webhooks).
    Always,
    /// Query first; send again only after "not found" later than the bound.
    AfterNotFound {
        /// Longest time a request may still arrive at the channel, in seconds.
        arrival_bound_seconds: u32,
    },
    /// Query only; a bill or a person decides.
    Never,
}

/// How an effect is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectPolicy {
    /// May it be repeated.
    #[serde(flatten)]
    pub repeat: Repeat,
    /// Shortest pause between attempts in seconds; doubled each time.
    pub pause_seconds: u32,
    /// Longest pause.
    pub pause_seconds_max: u32,
    /// Attempts after which a person is asked; `None` never gives up.
    pub attempts_max: Option<u32>,
}

/// What the next attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// Nothing was sent as far as this process knows.
    Ready,
    /// An attempt has no usable outcome: the next one is a query.
    MaybeSent,
    /// Its outcome is recorded.
    Done,
    /// Waits for a bill line or a person.
    Stranded,
}

/// An effect in the outbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectRecord {
    /// Id.
    pub id: String,
    /// The application's description, complete at intent time.
    pub body: serde_json::Value,
    /// Policy.
    pub policy: EffectPolicy,
    /// Per cent of a pause that is left out at random, so that what failed together is not tried again
    /// together.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_percent: u8,
    /// State.
    pub state: EffectState,
    /// Attempts whose result was recorded.
    pub attempts: u32,
    /// Recorded at.
    pub created_at: Timestamp,
    /// Not before.
    pub next_at: Timestamp,
    /// Latest instant at which a request may have left, as far as recorded. Cleared when a repeat
    /// is allowed: what happens after that is again not known after a restart.
    pub sent_at: Option<Timestamp>,
    /// The channel said once that it arrived; a later "not found" is then no permission.
    pub arrived: bool,
    /// Since when it may not be sent any more, only asked after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
    /// The last reason for trying again.
    pub last_problem: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(percent: &u8) -> bool {
    *percent == 0
}

impl Record for EffectRecord {
    const KIND: &'static str = "effect";
    fn key(&self) -> &str {
        &self.id
    }
    fn indexes(&self, out: &mut Indexes) {
        match self.state {
            EffectState::Ready | EffectState::MaybeSent => {
                out.add("due", index_time(self.next_at));
            }
            EffectState::Stranded => out.add("stranded", index_time(self.next_at)),
            EffectState::Done => {}
        }
    }
}

/// What one attempt brought. Only `Answered` carries evidence of an outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum EffectReport<A> {
    /// A verified, final statement.
    Answered {
        /// The statement.
        answer: A,
    },
    /// Verified: it arrived and is under way.
    Pending,
    /// Verified: the channel knows of no such thing (yet).
    NotFound,
    /// Provably nothing happened: not connected, or declined for now.
    NotSent {
        /// Why.
        reason: String,
    },
    /// No usable answer.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// What the application has to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectNews {
    /// A final answer came.
    Answered,
    /// The outcome is not known: money stays held.
    Unknown,
    /// It arrived and is under way.
    Pending,
    /// No automatic step is left.
    Stranded,
    /// It was withdrawn, and the counterpart knew nothing of it when nothing could arrive any more: it
    /// did not happen and will not.
    Absent,
    /// A final answer about an effect that had its outcome in another way meanwhile, or (without an answer) the word
    /// that it is under way: it may contradict that.
    Late,
    /// Nothing changed.
    Nothing,
}

impl EffectRecord {
    /// Takes the report of an attempt, begun at `begun_at` and reported `now`, into the record and
    /// says what the application must hear.
    pub fn advance<A>(
        &mut self,
        mode: AttemptMode,
        report: &EffectReport<A>,
        begun_at: Timestamp,
        now: Timestamp,
    ) -> EffectNews {
        if matches!(self.state, EffectState::Done) {
            // The question was on its way when something else settled the effect. Its own outcome stands; what the
            // counterpart says is evidence all the same.
            return match report {
                EffectReport::Answered { .. } | EffectReport::Pending => EffectNews::Late,
                _ => EffectNews::Nothing,
            };
        }
        self.attempts = self.attempts.saturating_add(1);
        match report {
            EffectReport::Answered { .. } => {
                self.state = EffectState::Done;
                self.last_problem = None;
                EffectNews::Answered
            }
            EffectReport::Pending => {
                self.sent_at.get_or_insert(now);
                self.arrived = true;
                self.wait(EffectState::MaybeSent, "under way at the channel", now);
                EffectNews::Pending
            }
            EffectReport::NotFound => self.not_found(begun_at.min(now), now),
            EffectReport::NotSent { reason } => {
                // A query that could not be made says nothing about the request it asks after.
                self.wait(self.state, reason, now);
                self.give_up_or(EffectNews::Nothing)
            }
            EffectReport::Unknown { reason } => {
                // Each unanswered attempt may be the one that arrives last.
                if mode == AttemptMode::Send {
                    self.sent_at = Some(now);
                }
                self.wait(EffectState::MaybeSent, reason, now);
                self.give_up_or(EffectNews::Unknown)
            }
        }
    }

    fn not_found(&mut self, asked_at: Timestamp, now: Timestamp) -> EffectNews {
        // Without a recorded attempt an earlier process may have sent it just before it died, so the
        // arrival bound counts from this first look.
        let sent_at = self.sent_at.unwrap_or(now);
        match self.policy.repeat {
            _ if self.arrived => {
                self.wait(
                    EffectState::MaybeSent,
                    "reported as arrived, now not found",
                    now,
                );
                self.give_up_or(EffectNews::Unknown)
            }
            _ if let Some(bound) = self.may_arrive_until() => {
                if bound <= asked_at {
                    self.state = EffectState::Done;
                    self.last_problem = None;
                    return EffectNews::Absent;
                }
                self.next_at = bound;
                self.last_problem = Some("withdrawn, not found yet".into());
                EffectNews::Nothing
            }
            Repeat::Always => {
                self.wait(EffectState::Ready, "not found at the channel", now);
                EffectNews::Nothing
            }
            Repeat::AfterNotFound {
                arrival_bound_seconds,
            } => {
                let bound = sent_at + SignedDuration::from_secs(i64::from(arrival_bound_seconds));
                // The answer is as old as the question: a request may have arrived since.
                if asked_at >= bound {
                    self.state = EffectState::Ready;
                    self.sent_at = None;
                    self.next_at = now;
                    self.last_problem = Some("not found after the arrival bound".into());
                } else {
                    self.state = EffectState::MaybeSent;
                    self.sent_at = Some(sent_at);
                    self.next_at = bound;
                    self.last_problem = Some("not found yet".into());
                }
                EffectNews::Nothing
            }
            Repeat::Never => {
                self.state = EffectState::Stranded;
                self.last_problem = Some("not found, and not repeatable".into());
                EffectNews::Stranded
            }
        }
    }

    /// Ends all sending: from now on it is only asked after. What is on its way already may still arrive,
    /// see [`EffectRecord::may_arrive_until`].
    pub fn withdraw(&mut self, now: Timestamp) {
        if self.state == EffectState::Done || self.withdrawn_at.is_some() {
            return;
        }
        self.withdrawn_at = Some(now);
        self.state = EffectState::MaybeSent;
        self.next_at = now;
    }

    /// Until when a request that left before the withdrawal may still arrive; `None` for an effect that
    /// was not withdrawn, or for which no such time is known.
    pub fn may_arrive_until(&self) -> Option<Timestamp> {
        let last = self.withdrawn_at?;
        let last = self.sent_at.map_or(last, |sent_at| sent_at.max(last));
        let seconds = match self.policy.repeat {
            Repeat::Always => 0,
            Repeat::AfterNotFound {
                arrival_bound_seconds,
            } => arrival_bound_seconds,
            Repeat::Never => return None,
        };
        Some(last + SignedDuration::from_secs(i64::from(seconds)))
    }

    fn wait(&mut self, state: EffectState, problem: &str, now: Timestamp) {
        self.state = state;
        self.next_at = now + self.pause();
        self.last_problem = Some(problem.chars().take(200).collect());
    }

    fn give_up_or(&mut self, news: EffectNews) -> EffectNews {
        if self
            .policy
            .attempts_max
            .is_some_and(|max| self.attempts >= max)
        {
            self.state = EffectState::Stranded;
            return EffectNews::Stranded;
        }
        news
    }

    fn pause(&self) -> SignedDuration {
        let doubled =
            u64::from(self.policy.pause_seconds) << self.attempts.saturating_sub(1).min(20);
        let seconds = doubled.min(u64::from(self.policy.pause_seconds_max)).max(1);
        let pause = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let left_out = u64::from(self.jitter_percent.min(100)) * self.chance();
        let left_out_ms = u128::from(seconds) * 1_000 * u128::from(left_out) / 100_000;
        pause - SignedDuration::from_millis(i64::try_from(left_out_ms).unwrap_or(0))
    }

    /// 0 to 999, another one for each attempt. The randomness is that of the id, which came in with the
    /// command that recorded the effect.
    fn chance(&self) -> u64 {
        let bytes = self.id.bytes().chain(self.attempts.to_le_bytes());
        // FNV-1a; its high bits are the better mixed ones.
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (hash >> 32) % 1_000
    }
}

/// Whether the dispatcher performs or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptMode {
    /// Perform the effect.
    Send,
    /// Ask what became of it.
    Query,
}

impl EffectRecord {
    /// The next attempt. `fresh` says that this process recorded the effect (or the permission to
    /// repeat it) itself and has not attempted it since; after a restart nothing is fresh.
    pub fn mode(&self, fresh: bool) -> AttemptMode {
        match (self.policy.repeat, self.state) {
            _ if self.withdrawn_at.is_some() => AttemptMode::Query,
            (Repeat::Always, _) => AttemptMode::Send,
            (_, EffectState::Ready) if fresh => AttemptMode::Send,
            _ => AttemptMode::Query,
        }
    }
}
