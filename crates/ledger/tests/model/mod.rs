//! A ledger that is obviously right and slow: a list of events, every balance summed up from the
//! first one whenever it is asked for.
#![allow(dead_code)]

use calendar::BusinessDate;
use ledger::{AccountKind, Side};
use money::Currency;

/// What one accepted step did to one account.
#[derive(Debug, Clone, Copy)]
pub struct Effect {
    pub account: usize,
    pub side: Side,
    pub posted: i128,
    pub held: i128,
}

/// One accepted step.
#[derive(Debug, Clone)]
pub struct Event {
    pub date: BusinessDate,
    pub effects: Vec<Effect>,
    pub closes: Option<usize>,
}

/// What was said when an account was opened, and when.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    pub kind: AccountKind,
    pub currency: Currency,
    pub may_go_negative: bool,
    pub date: BusinessDate,
}

/// A transfer by account positions.
#[derive(Debug, Clone, Copy)]
pub struct Movement {
    pub debit: usize,
    pub credit: usize,
    pub amount: i64,
    pub currency: Currency,
}

/// Account, side, what was reserved and what is left.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    pub account: usize,
    pub side: Side,
    pub remaining: i64,
}

/// The whole history.
#[derive(Debug, Default, Clone)]
pub struct Model {
    pub opened: Vec<Opened>,
    pub events: Vec<Event>,
    pub holds: Vec<Held>,
}

/// A refusal; the ledger must refuse too, for whatever reason it finds first.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

fn limit(total: i128) -> Result<(), Refused> {
    if total > i128::from(i64::MAX) {
        Err(Refused)
    } else {
        Ok(())
    }
}

impl Model {
    pub fn open(&mut self, opened: Opened) {
        self.opened.push(opened);
    }

    fn effects(&self, account: usize) -> impl Iterator<Item = &Effect> {
        self.events
            .iter()
            .flat_map(|event| &event.effects)
            .filter(move |effect| effect.account == account)
    }

    /// All amounts posted on a side.
    pub fn posted(&self, account: usize, side: Side) -> i128 {
        self.effects(account)
            .filter(|effect| effect.side == side)
            .map(|effect| effect.posted)
            .sum()
    }

    /// What open holds reserve on a side.
    pub fn held(&self, account: usize, side: Side) -> i128 {
        self.effects(account)
            .filter(|effect| effect.side == side)
            .map(|effect| effect.held)
            .sum()
    }

    pub fn balance(&self, account: usize) -> i128 {
        let debits = self.posted(account, Side::Debit);
        let credits = self.posted(account, Side::Credit);
        match self.opened[account].kind {
            AccountKind::Asset | AccountKind::Expense | AccountKind::Memo => debits - credits,
            AccountKind::Liability | AccountKind::Income => credits - debits,
        }
    }

    /// The side on which money leaves.
    pub fn outgoing(&self, account: usize) -> Side {
        match self.opened[account].kind {
            AccountKind::Asset | AccountKind::Expense | AccountKind::Memo => Side::Credit,
            AccountKind::Liability | AccountKind::Income => Side::Debit,
        }
    }

    pub fn available(&self, account: usize) -> i128 {
        self.balance(account) - self.held(account, self.outgoing(account))
    }

    pub fn is_closed(&self, account: usize) -> bool {
        self.events
            .iter()
            .any(|event| event.closes == Some(account))
    }

    fn last_date(&self, account: usize) -> BusinessDate {
        self.events
            .iter()
            .filter(|event| {
                event.closes == Some(account)
                    || event.effects.iter().any(|effect| effect.account == account)
            })
            .map(|event| event.date)
            .max()
            .unwrap_or(self.opened[account].date)
            .max(self.opened[account].date)
    }

    fn takes(&self, account: usize, date: BusinessDate) -> Result<(), Refused> {
        if account >= self.opened.len() || self.is_closed(account) || date < self.last_date(account)
        {
            return Err(Refused);
        }
        Ok(())
    }

    fn try_event(&mut self, event: Event) -> Result<(), Refused> {
        self.events.push(event);
        let broken = self.events.last().is_some_and(|event| {
            event.effects.iter().any(|effect| {
                let account = effect.account;
                let adds = effect.posted > 0 || effect.held > 0;
                limit(self.posted(account, effect.side)).is_err()
                    || limit(self.held(account, effect.side)).is_err()
                    || self.held(account, effect.side) < 0
                    || (adds
                        && effect.side == self.outgoing(account)
                        && !self.opened[account].may_go_negative
                        && self.available(account) < 0)
            })
        });
        if broken {
            self.events.pop();
            return Err(Refused);
        }
        Ok(())
    }

    /// Applies transfers in order; says which one is refused and then keeps none of them.
    pub fn post(&mut self, movements: &[Movement], date: BusinessDate) -> Result<(), usize> {
        let before = self.events.len();
        for (index, movement) in movements.iter().enumerate() {
            if self.transfer(*movement, date, None).is_err() {
                self.events.truncate(before);
                return Err(index);
            }
        }
        Ok(())
    }

    fn transfer(
        &mut self,
        movement: Movement,
        date: BusinessDate,
        captured: Option<Side>,
    ) -> Result<(), Refused> {
        let Movement {
            debit,
            credit,
            amount,
            currency,
        } = movement;
        if amount <= 0 || debit == credit {
            return Err(Refused);
        }
        for account in [debit, credit] {
            self.takes(account, date)?;
            if self.opened[account].currency != currency {
                return Err(Refused);
            }
        }
        let amount = i128::from(amount);
        let effect = |account, side| Effect {
            account,
            side,
            posted: amount,
            held: if captured == Some(side) { -amount } else { 0 },
        };
        self.try_event(Event {
            date,
            effects: vec![effect(debit, Side::Debit), effect(credit, Side::Credit)],
            closes: None,
        })
    }

    pub fn hold(
        &mut self,
        account: usize,
        side: Side,
        amount: i64,
        currency: Currency,
        date: BusinessDate,
    ) -> Result<(), Refused> {
        self.takes(account, date)?;
        if amount <= 0 || self.opened[account].currency != currency {
            return Err(Refused);
        }
        self.try_event(Event {
            date,
            effects: vec![Effect {
                account,
                side,
                posted: 0,
                held: i128::from(amount),
            }],
            closes: None,
        })?;
        self.holds.push(Held {
            account,
            side,
            remaining: amount,
        });
        Ok(())
    }

    pub fn capture(
        &mut self,
        hold: usize,
        movement: Movement,
        date: BusinessDate,
    ) -> Result<(), Refused> {
        let held = self.holds[hold];
        let from = match held.side {
            Side::Debit => movement.debit,
            Side::Credit => movement.credit,
        };
        if from != held.account || movement.amount > held.remaining {
            return Err(Refused);
        }
        self.transfer(movement, date, Some(held.side))?;
        self.holds[hold].remaining -= movement.amount;
        Ok(())
    }

    /// What was left.
    pub fn release(&mut self, hold: usize, date: BusinessDate) -> Result<i64, Refused> {
        let held = self.holds[hold];
        if held.remaining == 0 {
            return Ok(0);
        }
        self.takes(held.account, date)?;
        self.try_event(Event {
            date,
            effects: vec![Effect {
                account: held.account,
                side: held.side,
                posted: 0,
                held: -i128::from(held.remaining),
            }],
            closes: None,
        })?;
        self.holds[hold].remaining = 0;
        Ok(held.remaining)
    }

    pub fn close(&mut self, account: usize, date: BusinessDate) -> Result<(), Refused> {
        self.takes(account, date)?;
        if self.balance(account) != 0
            || self.held(account, Side::Debit) != 0
            || self.held(account, Side::Credit) != 0
        {
            return Err(Refused);
        }
        self.events.push(Event {
            date,
            effects: Vec::new(),
            closes: Some(account),
        });
        Ok(())
    }
}
