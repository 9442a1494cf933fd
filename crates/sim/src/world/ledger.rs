//! Clients that keep their own books on the plain ledger.

use super::World;
use crate::failure::Broken;
use domain::Request;
use domain::transfer::{
    CaptureHold, CompactTransfer, NewClientAccount, OpenAccounts, PlaceHold, PostTransfers,
    ReleaseHold, ReverseTransfer,
};
use engine::Actor;
use engine::ids::id_text;
use ledger::{AccountKind, Side};
use money::{Currency, Money};

impl World {
    pub(super) fn ledger_business(&mut self) -> Result<(), Broken> {
        let client = Actor::new("led_client", "ledger");
        let request = if self.known.accounts.len() < 4 {
            Some(self.open_accounts())
        } else {
            match self.rng.below(10) {
                0..5 => self.transfers(),
                5..7 => self.place_hold(),
                7 => self.capture(),
                8 => self.release(),
                _ => self.reverse(),
            }
        };
        match request {
            Some(request) => self.request(client, request, false),
            None => Ok(()),
        }
    }

    /// The first account may be overdrawn; money for the others comes from there.
    fn open_accounts(&mut self) -> Request {
        let account = |code: &str, kind, may_go_negative| NewClientAccount {
            code: code.to_owned(),
            kind,
            currency: Currency::CNY,
            may_go_negative,
        };
        let accounts = vec![
            account("bank", AccountKind::Asset, true),
            account("ann", AccountKind::Liability, false),
            account("ben", AccountKind::Liability, false),
            account("eve", AccountKind::Liability, false),
        ];
        Request::OpenAccounts(OpenAccounts { accounts })
    }

    fn compact(&mut self) -> Option<CompactTransfer> {
        let accounts = self.known.accounts.clone();
        let from_bank = self.rng.chance(400);
        let debit = if from_bank {
            accounts.first().copied()
        } else {
            self.rng.pick(&accounts).copied()
        }?;
        let credit = self.rng.pick(&accounts).copied()?;
        // Ids of clients come in any order.
        let id = if self.rng.chance(500) {
            self.rng.seed() >> 1
        } else {
            u128::from(self.next_request) << 16 | u128::from(self.rng.below(1 << 16))
        };
        Some(CompactTransfer {
            id,
            debit,
            credit,
            amount: self.rng.between(1, 5_000),
            code: 1_001,
        })
    }

    fn transfers(&mut self) -> Option<Request> {
        let count = self.rng.index(4) + 1;
        let transfers: Option<Vec<CompactTransfer>> = (0..count).map(|_| self.compact()).collect();
        Some(Request::PostTransfers(PostTransfers {
            currency: Currency::CNY,
            linked: self.rng.chance(500),
            reference: None,
            transfers: transfers?,
        }))
    }

    fn place_hold(&mut self) -> Option<Request> {
        let account = self.rng.pick(&self.known.accounts).copied()?;
        Some(Request::PlaceHold(PlaceHold {
            account,
            side: Side::Debit,
            amount: Money::cny(self.rng.between(1, 2_000)),
            reference: None,
            trade: None,
        }))
    }

    fn capture(&mut self) -> Option<Request> {
        let hold = self.rng.pick(&self.known.holds).cloned()?;
        let mut transfer = self.compact()?;
        transfer.debit = hold.account;
        transfer.amount = match self.rng.below(3) {
            0 => hold.remaining,
            1 => hold.remaining + 1,
            _ => self.rng.between(1, hold.remaining.max(1)),
        };
        Some(Request::CaptureHold(CaptureHold {
            hold: hold.id,
            currency: Currency::CNY,
            transfer,
            reference: None,
        }))
    }

    fn release(&mut self) -> Option<Request> {
        let hold = self.rng.pick(&self.known.holds).cloned()?.id;
        Some(Request::ReleaseHold(ReleaseHold { hold }))
    }

    fn reverse(&mut self) -> Option<Request> {
        let original = self.rng.pick(&self.known.transfers).copied()?;
        Some(Request::ReverseTransfer(ReverseTransfer {
            currency: Currency::CNY,
            original,
            reversal_id: id_text(self.rng.seed() >> 1),
            reason: "simulated mistake".into(),
        }))
    }
}
