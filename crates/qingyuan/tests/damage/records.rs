//! Changed records, their index, the names of accounts, and personal data.

use crate::book::book;
use crate::changes::{changed_text, each_change_is_named, each_is_named, flipped, flipped_blob};
use crate::support::database::sqlite3;

#[test]
fn a_changed_record_is_named() {
    for kind in [
        "payment",
        "merchant",
        "payout",
        "effect",
        "settlement_bucket",
        "idempotency",
    ] {
        let key = sqlite3(
            book(),
            &format!("SELECT min(key) FROM record WHERE kind = '{kind}'"),
        );
        let place = format!("{kind} {key}");
        let of_row = format!("kind = '{kind}' AND key = '{key}'");
        let changes = [changed_text("body", 30), "body = ''".into(), flipped("chk")];
        each_change_is_named(&place, "record", &of_row, &changes);
        let moved = format!("{kind} other");
        each_change_is_named(&moved, "record", &of_row, &["key = 'other'".into()]);
    }
}

#[test]
fn a_lost_account_name_is_named() {
    let delete = "DELETE FROM record WHERE kind = 'account_name' AND key = 'FEE'";
    let account = sqlite3(book(), "SELECT id FROM account WHERE name = 'FEE'");
    each_is_named(&[(&format!("account {account}"), delete.into())]);
}

#[test]
fn a_lost_or_foreign_record_index_entry_or_secret_shows() {
    let some = |table: &str, column: &str, row: &str| {
        sqlite3(
            book(),
            &format!("SELECT min({column}) FROM {table} WHERE {row}"),
        )
    };
    let payment = some("record", "key", "kind = 'payment'");
    let number = some("record", "key", "kind = 'order_number'");
    let secret = some("secret", "id", "true");
    let entry = format!("kind = 'payment' AND name = 'merchant' AND key = '{payment}'");
    let of_secret = format!("id = '{secret}'");
    let nonce = flipped_blob("secret", "nonce", &of_secret, 3);
    let cipher_text = flipped_blob("secret", "cipher_text", &of_secret, 0);
    each_is_named(&[
        (
            &format!("payment {payment}"),
            format!("DELETE FROM record WHERE kind = 'payment' AND key = '{payment}'"),
        ),
        (
            "table record",
            format!("DELETE FROM record WHERE kind = 'order_number' AND key = '{number}'"),
        ),
        (
            "table record_index",
            format!("DELETE FROM record_index WHERE {entry}"),
        ),
        (
            "table record_index",
            format!("UPDATE record_index SET value = value || '0' WHERE {entry}"),
        ),
        (
            "table record_index",
            format!("INSERT INTO record_index VALUES('payment','merchant','x','{payment}')"),
        ),
        (
            "table secret",
            format!("DELETE FROM secret WHERE {of_secret}"),
        ),
    ]);
    each_change_is_named("table secret", "secret", &of_secret, &[nonce, cipher_text]);
    let last = sqlite3(book(), "SELECT max(batch) FROM contents");
    for batch in ["30", &last] {
        let of_batch = format!("batch = {batch}");
        let sums = flipped_blob("contents", "sums", &of_batch, 9);
        let place = format!("batch {batch}");
        each_change_is_named(&place, "contents", &of_batch, &[sums]);
        each_is_named(&[(&place, format!("DELETE FROM contents WHERE {of_batch}"))]);
    }
}
