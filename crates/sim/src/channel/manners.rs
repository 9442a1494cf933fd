//! How badly a channel, its network and its payers behave; chances are per mille.

use crate::rng::Rng;

/// Manners of a run.
#[derive(Debug, Clone)]
pub struct Manners {
    /// No connection: provably not sent.
    pub not_connected: u32,
    /// The request never arrives.
    pub request_lost: u32,
    /// It is carried out, but the answer is lost.
    pub answer_lost: u32,
    /// It arrives after our side has given up waiting.
    pub delayed: u32,
    /// Longest delay in seconds.
    pub delay_seconds_max: i64,
    /// It is carried out and answered with a code that nobody knows.
    pub unreadable: u32,
    /// Declined for no reason, nothing done.
    pub declined: u32,
    /// A query of something young is answered "not found".
    pub early_not_found: u32,
    /// For how many seconds something is young.
    pub young_seconds: i64,
    /// No notification is sent at all.
    pub notification_lost: u32,
    /// It is sent several times.
    pub notification_repeated: u32,
    /// It is sent hours later.
    pub notification_late: u32,
    /// A payer never pays.
    pub never_paid: u32,
    /// A payer pays near the end of the order's life.
    pub paid_late: u32,
    /// A closed order turns out to be paid.
    pub late_success: u32,
    /// A refund or payout takes hours.
    pub slow: u32,
    /// A refund is closed without effect.
    pub refund_closed: u32,
    /// The payer's account refuses a refund.
    pub refund_abnormal: u32,
    /// A payout fails.
    pub payout_failed: u32,
}

impl Manners {
    /// Everything works; payers still do as they like.
    pub fn honest() -> Manners {
        Manners {
            not_connected: 0,
            request_lost: 0,
            answer_lost: 0,
            delayed: 0,
            delay_seconds_max: 0,
            unreadable: 0,
            declined: 0,
            early_not_found: 0,
            young_seconds: 0,
            notification_lost: 0,
            notification_repeated: 0,
            notification_late: 0,
            never_paid: 250,
            paid_late: 100,
            late_success: 0,
            slow: 0,
            refund_closed: 30,
            refund_abnormal: 20,
            payout_failed: 100,
        }
    }

    /// Manners of a run: each fault is absent, rare or frequent. Whatever arrives, arrives and is
    /// found within `arrival_bound_seconds`.
    pub fn of_run(rng: &mut Rng, arrival_bound_seconds: u32) -> Manners {
        let bound = i64::from(arrival_bound_seconds);
        let mut rate = || match rng.below(4) {
            0 => 0,
            1 | 2 => u32::try_from(rng.between(5, 60)).unwrap_or(0),
            _ => u32::try_from(rng.between(60, 300)).unwrap_or(0),
        };
        Manners {
            not_connected: rate(),
            request_lost: rate(),
            answer_lost: rate(),
            delayed: rate(),
            delay_seconds_max: bound / 2,
            unreadable: rate(),
            declined: rate(),
            early_not_found: rate(),
            young_seconds: bound / 3,
            notification_lost: rate() * 2,
            notification_repeated: rate() * 2,
            notification_late: rate(),
            never_paid: rate(),
            paid_late: rate(),
            late_success: rate() * 2,
            slow: rate(),
            refund_closed: rate(),
            refund_abnormal: rate(),
            payout_failed: rate(),
        }
    }
}
