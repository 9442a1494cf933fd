//! Payouts at the channel. It pays whatever arrives, as often as it arrives: nobody but the sender
//! can keep it from paying twice.

use super::books::{PayoutEntry, PayoutStanding};
use super::{Event, SimChannel, refusal};
use channels::answer::{Answer, PayoutState, Report};
use channels::operation::{Channel, ChannelReference};
use money::Money;

impl SimChannel {
    pub(super) fn payout(&mut self, payout: &ChannelReference, amount: Money) -> Report {
        if let Some(entry) = self.books.payouts.get_mut(&payout.0) {
            entry.accepted += 1;
            return Report::Answered {
                answer: payout_answer(&payout.0, entry),
            };
        }
        let entry = PayoutEntry {
            amount,
            accepted: 1,
            created_at: self.now,
            number: format!("up{}", self.number()),
            standing: PayoutStanding::Processing,
        };
        let answer = payout_answer(&payout.0, &entry);
        self.books.payouts.insert(payout.0.clone(), entry);
        let delay = self.duration();
        let payout = payout.0.clone();
        self.agenda
            .add(self.now + delay, Event::PayoutEnds { payout });
        Report::Answered { answer }
    }

    pub(super) fn payout_ends(&mut self, payout: &str) {
        let failed = self.rng.chance(self.manners.payout_failed);
        let Some(entry) = self.books.payouts.get_mut(payout) else {
            return;
        };
        entry.standing = if failed {
            PayoutStanding::Failed
        } else {
            PayoutStanding::Succeeded
        };
        let answer = payout_answer(payout, entry);
        self.announce(Channel::Unionpay, &answer);
    }

    pub(super) fn query_payout(&mut self, payout: &ChannelReference) -> Report {
        let Some(entry) = self.books.payouts.get(&payout.0).cloned() else {
            return Report::NotFound;
        };
        if self.is_hidden(entry.created_at) {
            return Report::NotFound;
        }
        Report::Answered {
            answer: payout_answer(&payout.0, &entry),
        }
    }
}

fn payout_answer(payout: &str, entry: &PayoutEntry) -> Answer {
    let state = match entry.standing {
        PayoutStanding::Processing => PayoutState::Processing,
        PayoutStanding::Succeeded => PayoutState::Succeeded {
            channel_number: entry.number.clone(),
            amount: entry.amount,
            settle_date: None,
        },
        PayoutStanding::Failed => PayoutState::Failed {
            refusal: refusal("61", false),
        },
    };
    Answer::Payout {
        payout: ChannelReference(payout.to_owned()),
        state,
    }
}
