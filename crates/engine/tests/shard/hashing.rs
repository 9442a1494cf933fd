//! Forms that data directories in use depend on. A change here makes every book of an earlier
//! release fail its verification: it needs a new schema version, not a new expectation.

use crate::rig::start;
use engine::batch::JournalRow;
use engine::leaf::{account_check, journal_leaf, ledger_leaf, record_check};
use engine::merkle::{MerkleTree, chain, check_value};
use ledger::{AccountId, AccountKind, AccountState, Row, RowKind, Touch};
use money::Currency;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Inputs and roots that implementations of RFC 6962 test themselves with.
#[test]
fn roots_of_the_certificate_transparency_vectors() {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let mut tree = MerkleTree::default();
    let root = |tree: &MerkleTree| hex::encode(tree.root());
    assert_eq!(
        root(&tree),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (number, leaf) in leaves.iter().enumerate() {
        tree.add(&hex::decode(leaf).unwrap());
        if number == 0 {
            let of_one = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
            assert_eq!(root(&tree), of_one);
        }
    }
    assert_eq!(
        root(&tree),
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    );
}

#[test]
fn the_chain_binds_head_root_and_number() {
    let by_hand = |previous: [u8; 32], root: [u8; 32], number: u64| -> [u8; 32] {
        let mut bytes = vec![2];
        bytes.extend(previous);
        bytes.extend(root);
        bytes.extend(number.to_be_bytes());
        Sha256::digest(&bytes).into()
    };
    assert_eq!(chain(&[1; 32], &[9; 32], 7), by_hand([1; 32], [9; 32], 7));
    assert_eq!(check_value(&[0xab; 32]), 0xabab_abab);
}

fn row() -> Row {
    let touch = |account| Touch {
        account,
        debits_posted: 1_000,
        credits_posted: 2_000,
        debits_held: 3,
        credits_held: 4,
        prev_seq: 5,
        prev_day_seq: 6,
    };
    Row {
        seq: 77,
        kind: RowKind::Capture,
        id: 0x0102_0304,
        hold: 0x0506,
        amount: 12_345,
        date: "2026-11-20".parse().unwrap(),
        code: 22,
        attributes: 9,
        reference: Some(Arc::from("pay_清")),
        debit: touch(8),
        credit: touch(0),
    }
}

fn leaf_of(row: &Row) -> Vec<u8> {
    let mut bytes = vec![99];
    ledger_leaf(row, &mut bytes);
    bytes
}

#[test]
fn the_bytes_of_a_ledger_row() {
    let mut expected = vec![b'L'];
    expected.extend(77u64.to_le_bytes());
    expected.push(3);
    expected.extend(0x0102_0304u128.to_le_bytes());
    expected.extend(0x0506u128.to_le_bytes());
    expected.extend(12_345i64.to_le_bytes());
    expected.extend(20_261_120i32.to_le_bytes());
    expected.extend(22u16.to_le_bytes());
    expected.extend(9u32.to_le_bytes());
    for number in [8, 1_000, 2_000, 3, 4, 5, 6, 0i64] {
        expected.extend(number.to_le_bytes());
    }
    expected.push(1);
    expected.extend("pay_清".as_bytes());
    assert_eq!(leaf_of(&row()), expected);
    // No reference and an empty one are two things.
    let without = Row {
        reference: None,
        ..row()
    };
    let empty = Row {
        reference: Some(Arc::from("")),
        ..row()
    };
    assert_ne!(leaf_of(&without), leaf_of(&empty));
}

#[test]
fn the_bytes_of_a_journal_row() {
    let row = JournalRow {
        seq: 3,
        at: start(),
        principal: Arc::from("alice"),
        role: Arc::from("clerk"),
        command: "{}".into(),
        outcome: "[]".into(),
        last_ledger_seq: 4,
    };
    let mut expected = vec![b'J'];
    for number in [3, start().as_millisecond(), 4] {
        expected.extend(number.to_le_bytes());
    }
    for text in ["alice", "clerk", "{}", "[]"] {
        expected.extend((text.len() as u64).to_le_bytes());
        expected.extend(text.as_bytes());
    }
    let mut bytes = Vec::new();
    journal_leaf(&row, &mut bytes);
    assert_eq!(bytes, expected);
}

/// First four bytes of SHA-256 over length-prefixed parts.
fn check_by_hand(parts: &[&[u8]]) -> u32 {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(*part);
    }
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

#[test]
fn check_values_of_accounts_and_records() {
    let state = AccountState {
        debits_posted: 1,
        credits_posted: 2,
        debits_held: 3,
        credits_held: 4,
        head_seq: 5,
        day_seq: 6,
        day: "2026-11-20".parse().unwrap(),
        currency: Currency::CNY,
        kind: AccountKind::Liability,
        may_go_negative: true,
        closed: false,
    };
    let mut bytes = Vec::new();
    for number in [9u64, 5, 6, 1, 2, 3, 4] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(20_261_120i32.to_le_bytes());
    bytes.extend(156u16.to_le_bytes());
    bytes.extend([2, 1, 0]);
    assert_eq!(
        account_check(AccountId(9), &state),
        check_by_hand(&[&bytes])
    );
    let expected = check_by_hand(&[b"payment", b"pay_1", b"{}"]);
    assert_eq!(record_check("payment", "pay_1", b"{}"), expected);
    // The parts are kept apart.
    assert_ne!(expected, record_check("paymentp", "ay_1", b"{}"));
}
