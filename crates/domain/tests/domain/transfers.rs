//! The plain ledger.

use crate::support::*;
use domain::transfer::{
    CaptureHold, CloseAccount, CompactTransfer, NewClientAccount, OpenAccounts, PlaceHold,
    PostTransfers, ReleaseHold, ReverseTransfer, TransfersPosted,
};
use domain::{Code, Command, Rejection, Reply, Request};
use engine::ids::id_text;
use ledger::{AccountId, AccountKind, Side};
use money::Currency;

fn new_account(code: &str, may_go_negative: bool) -> NewClientAccount {
    NewClientAccount {
        code: code.into(),
        kind: AccountKind::Liability,
        currency: Currency::CNY,
        may_go_negative,
    }
}

/// Opens a rich account (may go negative) and as many poor ones as asked; returns their numbers.
fn accounts(book: &mut Book, poor: usize) -> Vec<u64> {
    let mut accounts = vec![new_account("rich", true)];
    accounts.extend((0..poor).map(|n| new_account(&format!("poor{n}"), false)));
    match book
        .ask(
            &ledger_client(),
            Request::OpenAccounts(OpenAccounts { accounts }),
        )
        .unwrap()
    {
        Reply::Accounts(accounts) => accounts.iter().map(|account| account.account).collect(),
        other => panic!("{other:?}"),
    }
}

fn transfer(id: u128, debit: u64, credit: u64, amount: i64) -> CompactTransfer {
    CompactTransfer {
        id,
        debit,
        credit,
        amount,
        code: 1_000,
    }
}

fn post(
    book: &mut Book,
    linked: bool,
    transfers: Vec<CompactTransfer>,
) -> Result<TransfersPosted, Rejection> {
    let command = PostTransfers {
        currency: Currency::CNY,
        linked,
        reference: None,
        transfers,
    };
    match book.ask(&ledger_client(), Request::PostTransfers(command))? {
        Reply::Transfers(posted) => Ok(posted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_command_of_transfers_is_compact_json_and_reads_back() {
    let transfers = vec![transfer(u128::MAX, u64::MAX, 2, i64::MAX)];
    let command = Command::Request(Request::PostTransfers(PostTransfers {
        currency: Currency::CNY,
        linked: true,
        reference: None,
        transfers,
    }));
    let text = serde_json::to_string(&command).unwrap();
    let expected = r#"{"request":{"post_transfers":{"currency":"CNY","linked":true,"transfers":[["7ZZZZZZZZZZZZZZZZZZZZZZZZZ",18446744073709551615,2,9223372036854775807,1000]]}}}"#;
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
    assert!(serde_json::from_str::<CompactTransfer>(r#"["short",1,2,3,1000]"#).is_err());
}

#[test]
fn transfers_are_posted_once_each_for_itself_or_all_together() {
    let mut book = Book::new();
    let ids = accounts(&mut book, 2);
    let [rich, one, two] = ids.try_into().unwrap();
    let batch = vec![
        transfer(1, rich, one, 100),
        transfer(2, one, two, 500),
        transfer(3, one, two, 30),
    ];
    let posted = post(&mut book, false, batch.clone()).unwrap();
    assert_eq!((posted.posted, posted.refused.len()), (2, 1));
    let refused = posted.refused.first().unwrap();
    assert_eq!((refused.index, refused.code), (1, Code::InsufficientFunds));
    let again = post(&mut book, false, batch.clone()).unwrap();
    assert_eq!((again.posted, again.repeated), (0, 2));
    let linked: Vec<_> = batch
        .iter()
        .map(|t| CompactTransfer {
            id: t.id + 10,
            ..*t
        })
        .collect();
    let rejection = post(&mut book, true, linked).unwrap_err();
    assert_eq!(rejection.code, Code::InsufficientFunds);
    assert_eq!(
        rejection.details.get("index").map(String::as_str),
        Some("1")
    );
    assert_eq!(
        (book.balance(AccountId(one)), book.balance(AccountId(two))),
        (70, 30)
    );
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn an_id_used_again_with_another_content_says_so() {
    let mut book = Book::new();
    let ids = accounts(&mut book, 1);
    let [rich, one] = ids.try_into().unwrap();
    post(&mut book, true, vec![transfer(1, rich, one, 100)]).unwrap();
    let other = post(&mut book, true, vec![transfer(1, rich, one, 101)]).unwrap_err();
    assert_eq!(other.code, Code::AlreadyExists);
    assert!(other.message.contains("amount"), "{}", other.message);
}

#[test]
fn no_client_reaches_an_account_of_the_business() {
    let mut book = Book::new();
    let before = book.open_merchant("m1");
    let ids = accounts(&mut book, 1);
    let [rich, one] = ids.try_into().unwrap();
    // Merchants opened after client accounts lie between them.
    let after = book.open_merchant("m2");
    book.paid(&before, "o1", 10_000);
    let mut forbidden: Vec<u64> = book
        .chart()
        .accounts()
        .iter()
        .map(|(_, account)| account.0)
        .collect();
    for merchant in [&before, &after] {
        forbidden.extend(
            book.merchant(merchant)
                .accounts
                .all()
                .iter()
                .map(|account| account.0),
        );
    }
    for (n, account) in (100u128..).step_by(2).zip(forbidden) {
        let taking = transfer(n, account, one, 1);
        let giving = transfer(n + 1, rich, account, 1);
        for attempt in [taking, giving] {
            assert_eq!(
                post(&mut book, true, vec![attempt]).unwrap_err().code,
                Code::Forbidden
            );
            let posted = post(&mut book, false, vec![attempt]).unwrap();
            assert_eq!(posted.refused.first().unwrap().code, Code::Forbidden);
        }
        let hold = PlaceHold {
            account,
            side: Side::Debit,
            amount: fen(1),
            reference: None,
            trade: None,
        };
        assert_eq!(
            book.ask(&ledger_client(), Request::PlaceHold(hold))
                .unwrap_err()
                .code,
            Code::Forbidden
        );
    }
    assert_eq!(book.payable(&before), 9_940);
    let low_code = CompactTransfer {
        code: 999,
        ..transfer(1, rich, one, 1)
    };
    assert_eq!(
        post(&mut book, true, vec![low_code])
            .unwrap_err()
            .field
            .as_deref(),
        Some("code")
    );
}

#[test]
fn accounts_beyond_the_first_block_of_numbers_are_guarded_too() {
    let mut book = Book::new();
    for chunk in 0..3 {
        let accounts = (0..2_000)
            .map(|n| new_account(&format!("a{chunk}-{n}"), true))
            .collect();
        book.ask(
            &ledger_client(),
            Request::OpenAccounts(OpenAccounts { accounts }),
        )
        .unwrap();
    }
    let merchant = book.open_merchant("late");
    let payable = book.merchant(&merchant).accounts.payable.0;
    assert!(payable > 4_096);
    let rejection = post(&mut book, true, vec![transfer(1, 100, payable, 1)]).unwrap_err();
    assert_eq!(rejection.code, Code::Forbidden);
    assert_eq!(
        post(&mut book, true, vec![transfer(1, 100, payable - 1, 1)])
            .unwrap()
            .posted,
        1
    );
}

#[test]
fn accounts_are_opened_again_as_they_are_and_closed_empty() {
    let mut book = Book::new();
    let first = accounts(&mut book, 1);
    assert_eq!(accounts(&mut book, 1), first);
    let accounts = vec![new_account("poor0", true)];
    let rejection = book
        .ask(
            &ledger_client(),
            Request::OpenAccounts(OpenAccounts { accounts }),
        )
        .unwrap_err();
    assert_eq!(
        rejection.field.as_deref(),
        Some("accounts[0].may_go_negative")
    );
    let [rich, poor] = first.try_into().unwrap();
    post(&mut book, true, vec![transfer(1, rich, poor, 5)]).unwrap();
    let close = || {
        Request::CloseAccount(CloseAccount {
            code: "poor0".into(),
        })
    };
    assert_eq!(
        book.ask(&ledger_client(), close()).unwrap_err().code,
        Code::PostingRefused
    );
    post(&mut book, true, vec![transfer(2, poor, rich, 5)]).unwrap();
    book.ask(&ledger_client(), close()).unwrap();
    assert_eq!(
        post(&mut book, true, vec![transfer(3, rich, poor, 5)])
            .unwrap_err()
            .code,
        Code::PostingRefused
    );
}

#[test]
fn a_hold_is_captured_in_parts_once_each_and_released() {
    let mut book = Book::new();
    let ids = accounts(&mut book, 2);
    let [rich, one, two] = ids.try_into().unwrap();
    post(&mut book, true, vec![transfer(1, rich, one, 100)]).unwrap();
    let place = PlaceHold {
        account: one,
        side: Side::Debit,
        amount: fen(80),
        reference: None,
        trade: None,
    };
    let Reply::Hold { hold, .. } = book
        .ask(&ledger_client(), Request::PlaceHold(place))
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(
        post(&mut book, true, vec![transfer(2, one, two, 30)])
            .unwrap_err()
            .code,
        Code::InsufficientFunds
    );
    let capture = |id, amount| {
        Request::CaptureHold(CaptureHold {
            hold: hold.hold.clone(),
            currency: Currency::CNY,
            transfer: transfer(id, one, two, amount),
            reference: None,
        })
    };
    for expected in [false, true] {
        let Reply::Hold { hold, repeated } = book.ask(&ledger_client(), capture(3, 50)).unwrap()
        else {
            panic!()
        };
        assert_eq!(
            (hold.remaining, repeated),
            (30, expected),
            "one hold is not captured twice by a retry"
        );
    }
    assert!(book.ask(&ledger_client(), capture(4, 31)).is_err());
    let release = || {
        Request::ReleaseHold(ReleaseHold {
            hold: hold.hold.clone(),
        })
    };
    for _ in 0..2 {
        let Reply::Hold { hold, .. } = book.ask(&ledger_client(), release()).unwrap() else {
            panic!()
        };
        assert_eq!(hold.remaining, 0);
    }
    assert_eq!(
        (book.balance(AccountId(one)), book.balance(AccountId(two))),
        (50, 50)
    );
    assert_eq!(
        post(&mut book, true, vec![transfer(5, one, two, 50)])
            .unwrap()
            .posted,
        1
    );
}

#[test]
fn a_transfer_is_reversed_once_and_only_if_it_was_posted() {
    let mut book = Book::new();
    let ids = accounts(&mut book, 1);
    let [rich, one] = ids.try_into().unwrap();
    let original = transfer(1, rich, one, 100);
    let reverse = |original, id| {
        Request::ReverseTransfer(ReverseTransfer {
            currency: Currency::CNY,
            original,
            reversal_id: id_text(id),
            reason: "mistaken".into(),
        })
    };
    let unknown = book
        .ask(&ledger_client(), reverse(original, 50))
        .unwrap_err();
    assert_eq!(unknown.code, Code::NotFound);
    assert_eq!(book.balance(AccountId(one)), 0, "asking posts nothing");
    post(&mut book, true, vec![original]).unwrap();
    let altered = transfer(1, rich, one, 99);
    assert_eq!(
        book.ask(&ledger_client(), reverse(altered, 50))
            .unwrap_err()
            .code,
        Code::AlreadyExists
    );
    for _ in 0..2 {
        book.ask(&ledger_client(), reverse(original, 50)).unwrap();
    }
    assert_eq!(book.balance(AccountId(one)), 0);
    let otherwise = Request::ReverseTransfer(ReverseTransfer {
        currency: Currency::CNY,
        original,
        reversal_id: id_text(50),
        reason: "for another reason".into(),
    });
    let refused = book.ask(&ledger_client(), otherwise).unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "reason");
    assert_eq!(
        book.ask(&ledger_client(), reverse(original, 51))
            .unwrap_err()
            .code,
        Code::AlreadyExists
    );
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_full_batch_is_taken_and_a_larger_one_refused() {
    let mut book = Book::new();
    let ids = accounts(&mut book, 1);
    let [rich, one] = ids.try_into().unwrap();
    let batch: Vec<_> = (1..=8_192).map(|id| transfer(id, rich, one, 1)).collect();
    assert_eq!(post(&mut book, true, batch.clone()).unwrap().posted, 8_192);
    assert_eq!(post(&mut book, false, batch).unwrap().repeated, 8_192);
    let larger: Vec<_> = (1..=8_193)
        .map(|id| transfer(id + 10_000, rich, one, 1))
        .collect();
    assert_eq!(
        post(&mut book, true, larger).unwrap_err().field.as_deref(),
        Some("transfers")
    );
    assert_eq!(
        post(&mut book, true, Vec::new())
            .unwrap_err()
            .field
            .as_deref(),
        Some("transfers")
    );
}
