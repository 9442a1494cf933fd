//! Random histories, run by the ledger and by a slow model: same decisions, same amounts, and the
//! pointers between rows lead exactly where they should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "model/book.rs"]
mod book;
mod model;

use book::{Book, Held, touch_of, transfer};
use calendar::BusinessDate;
use ledger::{AccountKind, NewAccount, RowKind, Side, Transfer, TrialBalance, reversal_of};
use model::{Model, Movement, Opened};
use money::{Currency, Money};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Open(AccountKind, bool, bool),
    Post(Vec<(usize, usize, i64, bool)>),
    Reverse(usize),
    Hold(usize, bool, i64),
    Capture(usize, usize, i64, bool),
    Release(usize),
    Close(usize),
    Date(i32),
}

fn amounts() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => 1i64..50,
        1 => -3i64..=0,
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
        2 => (0i64..3).prop_map(|less| i64::MAX / 2 + 1 - less),
    ]
}

fn kinds() -> impl Strategy<Value = AccountKind> {
    (1u8..=5).prop_map(|code| AccountKind::from_code(code).unwrap())
}

fn steps() -> impl Strategy<Value = Step> {
    // Account and hold positions are taken modulo what exists; one more names an unknown account.
    let place = 0usize..64;
    prop_oneof![
        2 => (kinds(), any::<bool>(), prop::bool::weighted(0.15))
            .prop_map(|(kind, negative, foreign)| Step::Open(kind, negative, foreign)),
        10 => prop::collection::vec(
            (place.clone(), place.clone(), amounts(), prop::bool::weighted(0.05)),
            1..5,
        )
        .prop_map(Step::Post),
        2 => place.clone().prop_map(Step::Reverse),
        4 => (place.clone(), any::<bool>(), amounts())
            .prop_map(|(account, side, amount)| Step::Hold(account, side, amount)),
        5 => (place.clone(), place.clone(), amounts(), prop::bool::weighted(0.1))
            .prop_map(|(hold, other, amount, wrong)| Step::Capture(hold, other, amount, wrong)),
        2 => place.clone().prop_map(Step::Release),
        1 => place.prop_map(Step::Close),
        2 => prop_oneof![4 => 1i32..3, 1 => -2i32..0].prop_map(Step::Date),
    ]
}

/// Both ledgers side by side.
struct Both {
    book: Book,
    model: Model,
    holds: Vec<Held>,
    posted: Vec<Transfer>,
    next_id: u128,
}

fn currency(foreign: bool) -> Currency {
    if foreign {
        Currency::USD
    } else {
        Currency::CNY
    }
}

fn side(debit: bool) -> Side {
    if debit { Side::Debit } else { Side::Credit }
}

impl Both {
    fn new() -> Both {
        let date: BusinessDate = "2026-11-20".parse().unwrap();
        let mut both = Both {
            book: Book::new(date),
            model: Model::default(),
            holds: Vec::new(),
            posted: Vec::new(),
            next_id: 1,
        };
        both.open(AccountKind::Asset, true, false);
        both.open(AccountKind::Liability, false, false);
        both.open(AccountKind::Liability, true, false);
        both
    }

    fn open(&mut self, kind: AccountKind, may_go_negative: bool, foreign: bool) {
        let number = self.model.opened.len() as u64 + 1;
        let new = NewAccount {
            name: format!("account {number}"),
            kind,
            currency: currency(foreign),
            may_go_negative,
        };
        let state = self.book.open(number, &new);
        assert_eq!(self.book.view.states[&number], state);
        assert_eq!(
            ledger::opened_account(self.book.rows.last().unwrap()),
            Some(new)
        );
        self.model.open(Opened {
            kind,
            currency: currency(foreign),
            may_go_negative,
            date: self.book.date,
        });
    }

    /// An existing account, or one past the last.
    fn pick(&self, position: usize) -> usize {
        let count = self.model.opened.len();
        if position == 63 {
            count
        } else {
            position % count
        }
    }

    fn movement(
        &mut self,
        debit: usize,
        credit: usize,
        amount: i64,
        foreign: bool,
    ) -> (Movement, Transfer) {
        let (debit, credit) = (self.pick(debit), self.pick(credit));
        let currency = self
            .model
            .opened
            .get(debit)
            .map_or(Currency::CNY, |opened| {
                if foreign {
                    Currency::EUR
                } else {
                    opened.currency
                }
            });
        self.next_id += 1;
        (
            Movement {
                debit,
                credit,
                amount,
                currency,
            },
            transfer(
                self.next_id,
                debit as u64 + 1,
                credit as u64 + 1,
                Money::new(amount, currency),
            ),
        )
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Open(kind, negative, foreign) => self.open(*kind, *negative, *foreign),
            Step::Post(list) => {
                let pairs = list.iter().map(|(debit, credit, amount, foreign)| {
                    self.movement(*debit, *credit, *amount, *foreign)
                });
                let (movements, transfers): (Vec<_>, Vec<_>) = pairs.collect();
                self.post(&movements, &transfers);
            }
            Step::Reverse(position) => self.reverse(*position),
            Step::Hold(account, debit, amount) => self.hold(*account, side(*debit), *amount),
            Step::Capture(hold, other, amount, wrong) => {
                self.capture(*hold, *other, *amount, *wrong);
            }
            Step::Release(position) => self.release(*position),
            Step::Close(position) => {
                let account = self.pick(*position);
                let expected = self.model.close(account, self.book.date).is_ok();
                let done = self.book.close(account as u64 + 1);
                assert_eq!(done.is_ok(), expected, "close: {done:?}");
            }
            Step::Date(days) => self.book.date = self.book.date.plus_days(*days),
        }
    }

    fn post(&mut self, movements: &[Movement], transfers: &[Transfer]) {
        let expected = self.model.post(movements, self.book.date);
        let done = self.book.post(transfers);
        let index = done.clone().map_err(|(index, _)| index);
        assert_eq!(index, expected, "post: {done:?}");
        if done.is_ok() {
            self.posted.extend_from_slice(transfers);
        }
    }

    fn reverse(&mut self, position: usize) {
        let Some(original) = self
            .posted
            .get(position % self.posted.len().max(1))
            .copied()
        else {
            return;
        };
        self.next_id += 1;
        let reversal = reversal_of(&original, ledger::TransferId(self.next_id));
        let movement = Movement {
            debit: original.credit.0 as usize - 1,
            credit: original.debit.0 as usize - 1,
            amount: original.amount.amount(),
            currency: original.amount.currency(),
        };
        self.post(&[movement], &[reversal]);
    }

    fn hold(&mut self, position: usize, side: Side, amount: i64) {
        let account = self.pick(position);
        let currency = self
            .model
            .opened
            .get(account)
            .map_or(Currency::CNY, |opened| opened.currency);
        self.next_id += 1;
        let expected = self
            .model
            .hold(account, side, amount, currency, self.book.date);
        let done = self.book.hold(
            self.next_id,
            account as u64 + 1,
            side,
            Money::new(amount, currency),
        );
        assert_eq!(done.is_ok(), expected.is_ok(), "hold: {done:?}");
        self.holds.extend(done.ok());
    }

    fn capture(&mut self, hold: usize, other: usize, amount: i64, wrong: bool) {
        if self.holds.is_empty() {
            return;
        }
        let hold = hold % self.holds.len();
        let (account, held_side) = (self.model.holds[hold].account, self.model.holds[hold].side);
        let account = if wrong { account + 1 } else { account };
        let (debit, credit) = match held_side {
            Side::Debit => (account, other),
            Side::Credit => (other, account),
        };
        let (movement, transfer) = self.movement(debit, credit, amount, false);
        let expected = self.model.capture(hold, movement, self.book.date);
        let done = self.book.capture(&mut self.holds[hold], &transfer);
        assert_eq!(done.is_ok(), expected.is_ok(), "capture: {done:?}");
    }

    fn release(&mut self, position: usize) {
        if self.holds.is_empty() {
            return;
        }
        let hold = position % self.holds.len();
        let expected = self.model.release(hold, self.book.date).ok();
        let done = self.book.release(&mut self.holds[hold]);
        assert_eq!(done.as_ref().ok().copied(), expected, "release: {done:?}");
    }

    /// Amounts of every account and hold agree with the model.
    fn check_amounts(&self) {
        for (account, _) in self.model.opened.iter().enumerate() {
            let state = self.book.view.states[&(account as u64 + 1)];
            let sides = [
                (Side::Debit, state.debits_posted, state.debits_held),
                (Side::Credit, state.credits_posted, state.credits_held),
            ];
            for (side, posted, held) in sides {
                assert_eq!(i128::from(posted), self.model.posted(account, side));
                assert_eq!(i128::from(held), self.model.held(account, side));
            }
            assert_eq!(i128::from(state.balance()), self.model.balance(account));
            let available = self.model.available(account).max(i128::from(i64::MIN));
            assert_eq!(i128::from(state.available()), available);
            assert_eq!(state.closed, self.model.is_closed(account));
        }
        for (held, expected) in self.holds.iter().zip(&self.model.holds) {
            assert_eq!(held.1.remaining, expected.remaining);
            assert_eq!(held.1.is_finished(), expected.remaining == 0);
        }
    }

    /// Debits equal credits after each single row; amounts in rows are those of the moment.
    fn check_rows(&self) {
        let mut touched = BTreeMap::new();
        for (row, expected) in self.book.rows.iter().zip(1u64..) {
            assert_eq!(row.seq, expected, "the sequence has no gaps");
            for touch in [row.debit, row.credit] {
                if let Some(account) = touch.account_id() {
                    touched.insert(account.0, touch);
                }
            }
            let debits: i128 = touched.values().map(|t| i128::from(t.debits_posted)).sum();
            let credits: i128 = touched.values().map(|t| i128::from(t.credits_posted)).sum();
            assert_eq!(debits, credits, "after row {}", row.seq);
        }
        let mut balance = TrialBalance::default();
        for (account, state) in &self.book.view.states {
            balance.add(state);
            let last = touched[account];
            assert_eq!(last.debits_posted, state.debits_posted);
            assert_eq!(last.credits_posted, state.credits_posted);
            assert_eq!(last.debits_held, state.debits_held);
            assert_eq!(last.credits_held, state.credits_held);
        }
        assert_eq!(balance.difference(), 0);
    }

    /// Walking back finds exactly an account's rows; hopping finds exactly those of each date.
    fn check_pointers(&self) {
        for (account, state) in &self.book.view.states {
            let mine = |row: &&ledger::Row| touch_of(row, *account).is_some();
            let all: Vec<u64> = self
                .book
                .rows
                .iter()
                .filter(mine)
                .map(|row| row.seq)
                .collect();
            assert_eq!(self.book.walk(*account), all);
            let mut by_date: BTreeMap<BusinessDate, Vec<u64>> = BTreeMap::new();
            for row in self.book.rows.iter().filter(mine) {
                by_date.entry(row.date).or_default().push(row.seq);
            }
            assert_eq!(self.book.days(*account), by_date);
            assert_eq!(state.head_seq, *all.last().unwrap());
            assert_eq!(self.book.row(all[0]).kind, RowKind::Open);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn decides_and_counts_as_the_model(history in prop::collection::vec(steps(), 1..80)) {
        let mut both = Both::new();
        for step in &history {
            let rows = both.book.rows.len();
            let events = both.model.events.len();
            both.step(step);
            // One row per event of the model, and one per opened account: nothing of a refused posting stays.
            let opened = usize::from(matches!(step, Step::Open(..)));
            prop_assert_eq!(both.book.rows.len() - rows, both.model.events.len() - events + opened);
            both.check_amounts();
        }
        both.check_rows();
        both.check_pointers();
    }
}
