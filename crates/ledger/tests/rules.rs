//! Each rule by example: what is refused, why, and that the reason says what is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "model/book.rs"]
mod book;

use book::{Book, transfer};
use ledger::{
    AccountId, AccountKind, AccountState, Accounts, HoldId, LedgerError, Lookup, NewAccount,
    PostError, Posting, Row, RowContext, RowKind, Side, StepError, Touch, TransferId, reversal_of,
};
use money::{Currency, Money};

const BANK: u64 = 1;
const MERCHANT: u64 = 2;
const FEES: u64 = 3;
const DOLLARS: u64 = 4;

fn account(kind: AccountKind, may_go_negative: bool, currency: Currency) -> NewAccount {
    NewAccount {
        name: format!("{kind:?}"),
        kind,
        currency,
        may_go_negative,
    }
}

/// A bank (asset), a merchant (liability, no overdraft) and fee income.
fn book() -> Book {
    let mut book = Book::new("2026-11-20".parse().unwrap());
    book.open(BANK, &account(AccountKind::Asset, true, Currency::CNY));
    book.open(
        MERCHANT,
        &account(AccountKind::Liability, false, Currency::CNY),
    );
    book.open(FEES, &account(AccountKind::Income, false, Currency::CNY));
    book.open(
        DOLLARS,
        &account(AccountKind::Liability, true, Currency::USD),
    );
    book
}

fn funded(fen: i64) -> Book {
    let mut book = book();
    book.post(&[transfer(1, BANK, MERCHANT, Money::cny(fen))])
        .unwrap();
    book
}

#[test]
fn a_collection_raises_both_sides() {
    let book = funded(10_000);
    let bank = book.view.states[&BANK];
    let merchant = book.view.states[&MERCHANT];
    assert_eq!((bank.balance(), merchant.balance()), (10_000, 10_000));
    let row = book.rows.last().unwrap();
    assert_eq!(
        (row.kind, row.id, row.amount, row.code),
        (RowKind::Transfer, 1, 10_000, 7)
    );
    assert_eq!(row.reference.as_deref(), Some("object"));
    assert_eq!(
        (row.debit.account_id(), row.credit.account_id()),
        (Some(AccountId(BANK)), Some(AccountId(MERCHANT)))
    );
}

#[test]
fn an_overdraft_says_how_much_is_missing() {
    let mut book = funded(100);
    assert_eq!(
        book.post(&[transfer(2, MERCHANT, FEES, Money::cny(130))]),
        Err((0, LedgerError::InsufficientFunds { short_by: 30 }))
    );
}

#[test]
fn held_money_is_not_there_to_be_spent() {
    let mut book = funded(100);
    let mut hold = book
        .hold(50, MERCHANT, Side::Debit, Money::cny(70))
        .unwrap();
    assert_eq!(
        book.post(&[transfer(2, MERCHANT, FEES, Money::cny(31))]),
        Err((0, LedgerError::InsufficientFunds { short_by: 1 }))
    );
    assert_eq!(
        book.hold(51, MERCHANT, Side::Debit, Money::cny(40)),
        Err(LedgerError::InsufficientFunds { short_by: 10 })
    );
    book.capture(&mut hold, &transfer(2, MERCHANT, FEES, Money::cny(60)))
        .unwrap();
    assert_eq!(
        book.capture(&mut hold, &transfer(3, MERCHANT, FEES, Money::cny(11))),
        Err(LedgerError::HoldExhausted)
    );
    assert_eq!(book.release(&mut hold), Ok(10));
    assert_eq!(book.release(&mut hold), Ok(0));
    assert_eq!(book.view.states[&MERCHANT].available(), 40);
    let kinds: Vec<RowKind> = book.rows.iter().skip(5).map(|row| row.kind).collect();
    assert_eq!(kinds, [RowKind::Hold, RowKind::Capture, RowKind::Release]);
    let holds: Vec<u128> = book.rows.iter().skip(6).map(|row| row.hold).collect();
    assert_eq!(holds, [50, 50]);
}

#[test]
fn a_capture_draws_on_the_held_account_and_side() {
    let mut book = funded(100);
    let mut hold = book
        .hold(50, MERCHANT, Side::Debit, Money::cny(70))
        .unwrap();
    for wrong in [
        transfer(2, FEES, MERCHANT, Money::cny(5)),
        transfer(2, BANK, FEES, Money::cny(5)),
    ] {
        assert_eq!(
            book.capture(&mut hold, &wrong),
            Err(LedgerError::HoldMismatch)
        );
    }
    assert_eq!(
        book.capture(&mut hold, &transfer(2, MERCHANT, FEES, Money::cny(0))),
        Err(LedgerError::AmountNotPositive)
    );
    assert_eq!(hold.1.remaining, 70);
}

#[test]
fn each_plain_rule_names_itself() {
    let mut book = funded(100);
    let cases = [
        (
            transfer(2, BANK, BANK, Money::cny(1)),
            LedgerError::SameAccount,
        ),
        (
            transfer(2, BANK, MERCHANT, Money::cny(0)),
            LedgerError::AmountNotPositive,
        ),
        (
            transfer(2, BANK, MERCHANT, Money::cny(-5)),
            LedgerError::AmountNotPositive,
        ),
        (
            transfer(2, BANK, 99, Money::cny(1)),
            LedgerError::UnknownAccount(AccountId(99)),
        ),
        (
            transfer(2, BANK, DOLLARS, Money::cny(1)),
            LedgerError::CurrencyMismatch,
        ),
        (
            transfer(2, BANK, MERCHANT, Money::new(1, Currency::USD)),
            LedgerError::CurrencyMismatch,
        ),
    ];
    for (transfer, expected) in cases {
        assert_eq!(book.post(&[transfer]), Err((0, expected)));
    }
    assert_eq!(
        book.hold(9, DOLLARS, Side::Debit, Money::cny(1))
            .unwrap_err(),
        LedgerError::CurrencyMismatch
    );
    assert_eq!(book.rows.len(), 5);
}

#[test]
fn the_refused_transfer_is_named_and_none_stays() {
    let mut book = funded(100);
    let states = book.view.states.clone();
    let list = [
        transfer(2, MERCHANT, FEES, Money::cny(60)),
        transfer(3, MERCHANT, FEES, Money::cny(60)),
    ];
    let (index, error) = book.post(&list).unwrap_err();
    assert_eq!(
        (index, &error),
        (1, &LedgerError::InsufficientFunds { short_by: 20 })
    );
    assert_eq!((book.rows.len(), book.seq), (5, 5));
    assert_eq!(book.view.states, states);
    assert_eq!(
        PostError { index, error }.to_string(),
        "transfer 1: insufficient funds: short by 20 minor units"
    );
}

#[test]
fn a_closed_account_takes_nothing_more() {
    let mut book = funded(100);
    assert_eq!(
        book.close(MERCHANT),
        Err(LedgerError::NotEmpty(AccountId(MERCHANT)))
    );
    book.post(&[reversal_of(
        &transfer(1, BANK, MERCHANT, Money::cny(100)),
        TransferId(2),
    )])
    .unwrap();
    book.close(MERCHANT).unwrap();
    let closed = LedgerError::AccountClosed(AccountId(MERCHANT));
    assert_eq!(book.close(MERCHANT), Err(closed.clone()));
    assert_eq!(
        book.post(&[transfer(3, BANK, MERCHANT, Money::cny(1))]),
        Err((0, closed.clone()))
    );
    assert_eq!(
        book.hold(4, MERCHANT, Side::Credit, Money::cny(1))
            .unwrap_err(),
        closed
    );
}

#[test]
fn an_account_with_a_hold_cannot_be_closed() {
    let mut book = book();
    let mut hold = book
        .hold(5, DOLLARS, Side::Credit, Money::new(3, Currency::USD))
        .unwrap();
    assert_eq!(
        book.close(DOLLARS),
        Err(LedgerError::NotEmpty(AccountId(DOLLARS)))
    );
    book.release(&mut hold).unwrap();
    assert_eq!(book.close(DOLLARS), Ok(()));
}

#[test]
fn dates_do_not_go_back() {
    let mut book = funded(100);
    book.date = book.date.previous();
    assert_eq!(
        book.post(&[transfer(2, BANK, MERCHANT, Money::cny(1))]),
        Err((0, LedgerError::DateBackwards))
    );
}

#[test]
fn totals_stop_at_the_greatest_amount() {
    let mut book = funded(i64::MAX);
    assert_eq!(
        book.post(&[transfer(2, BANK, MERCHANT, Money::cny(1))]),
        Err((0, LedgerError::Overflow))
    );
    book.hold(3, MERCHANT, Side::Debit, Money::cny(i64::MAX))
        .unwrap();
    assert_eq!(book.view.states[&MERCHANT].available(), 0);
    assert_eq!(
        book.hold(4, MERCHANT, Side::Debit, Money::cny(1))
            .unwrap_err(),
        LedgerError::Overflow
    );
}

#[test]
fn what_is_available_of_a_deep_overdraft_does_not_wrap() {
    // Found by the model: an overdrawn account whose holds pass 2^63 in sum with its debt.
    let mut book = book();
    book.post(&[transfer(
        1,
        MERCHANT + 2,
        DOLLARS,
        Money::new(1, Currency::USD),
    )])
    .unwrap_err();
    book.open(5, &account(AccountKind::Liability, true, Currency::CNY));
    book.post(&[transfer(2, 5, MERCHANT, Money::cny(i64::MAX))])
        .unwrap();
    book.hold(3, 5, Side::Debit, Money::cny(i64::MAX)).unwrap();
    assert_eq!(book.view.states[&5].available(), i64::MIN);
}

/// A view that has to load everything first.
struct Nothing;

impl Accounts for Nothing {
    type Miss = AccountId;
    fn state(&mut self, id: AccountId) -> Result<AccountState, Lookup<AccountId>> {
        Err(Lookup::Missing(id))
    }
    fn set(&mut self, _: AccountId, _: AccountState) {
        panic!("nothing may be set before everything is there");
    }
}

#[test]
fn a_missing_account_interrupts_every_step() {
    let (mut seq, mut rows) = (0, Vec::new());
    let date = "2026-11-20".parse().unwrap();
    let mut context = RowContext {
        seq: &mut seq,
        date,
        rows: &mut rows,
    };
    let list = [transfer(1, 8, 9, Money::cny(1))];
    let posting = Posting {
        transfers: &list,
        reference: None,
    };
    let missing = StepError::Missing(AccountId(8));
    assert_eq!(
        ledger::post(&mut Nothing, &mut context, posting),
        Err((0, missing.clone()))
    );
    assert_eq!(
        ledger::close_account(&mut Nothing, &mut context, AccountId(8)),
        Err(missing.clone())
    );
    let hold = ledger::place_hold(
        &mut Nothing,
        &mut context,
        HoldId(1),
        AccountId(8),
        Side::Debit,
        Money::cny(1),
        None,
    );
    assert_eq!(hold, Err(missing.clone()));
    assert_eq!(PostError::from_step(0, missing), Err(AccountId(8)));
    assert!(rows.is_empty() && seq == 0);
}

#[test]
fn storage_numbers_lead_back() {
    for code in 0..=255u8 {
        if let Some(kind) = RowKind::from_code(code) {
            assert_eq!(kind.code(), code);
        }
        if let Some(kind) = AccountKind::from_code(code) {
            assert_eq!(kind.code(), code);
        }
    }
    assert_eq!((0..=255u8).filter_map(RowKind::from_code).count(), 6);
    assert_eq!((0..=255u8).filter_map(AccountKind::from_code).count(), 5);
}

#[test]
fn an_opening_row_says_everything_of_its_account() {
    let mut book = Book::new("2026-11-20".parse().unwrap());
    let mut number = 0;
    for code in 1..=5 {
        for may_go_negative in [false, true] {
            for currency in [Currency::CNY, Currency::USD, Currency::JPY] {
                number += 1;
                let new = account(
                    AccountKind::from_code(code).unwrap(),
                    may_go_negative,
                    currency,
                );
                book.open(number, &new);
                assert_eq!(ledger::opened_account(book.rows.last().unwrap()), Some(new));
            }
        }
    }
    let row = book.rows.last().unwrap().clone();
    let damaged = [
        Row {
            kind: RowKind::Close,
            ..row.clone()
        },
        Row {
            attributes: 0,
            ..row.clone()
        },
        Row {
            attributes: 1 | 1 << 31,
            ..row.clone()
        },
        Row {
            reference: None,
            ..row
        },
    ];
    for row in damaged {
        assert_eq!(ledger::opened_account(&row), None);
    }
    assert_eq!(Touch::default().account_id(), None);
}
