//! Changed rows of the ledger, the accounts, the journal and the batches, and the shard's own row.

use crate::book::{book, copy_of_book, damaged, places};
use crate::changes::{changed_text, each_change_is_named, each_is_named, flipped, flipped_blob};
use crate::support::database::sqlite3;
use crate::support::process::{run, text};

#[test]
fn a_changed_ledger_row_is_named() {
    let id = flipped_blob("ledger", "id", "seq = 57", 3);
    let changes = [
        flipped("amount"),
        "amount = -amount".into(),
        flipped("date"),
        "date = 20261399".into(),
        flipped("code"),
        flipped("attributes"),
        changed_text("reference", 9),
        "reference = NULL".into(),
        "reference = CAST(X'ff' AS TEXT)".into(),
        flipped("chk"),
        "chk = -1".into(),
        "kind = 9".into(),
        "kind = 2".into(),
        id,
        "id = X'00'".into(),
        "id = NULL".into(),
        flipped("dr_account"),
        "dr_account = 0".into(),
        "dr_account = 4000000".into(),
        "dr_account = -1".into(),
        flipped("cr_account"),
        flipped("dr_debits"),
        flipped("cr_credits"),
        flipped("cr_held_d"),
        flipped("dr_prev"),
        flipped("cr_day"),
    ];
    each_change_is_named("ledger row 57", "ledger", "seq = 57", &changes);
    each_is_named(&[
        ("ledger row 57", "DELETE FROM ledger WHERE seq = 57".into()),
        ("ledger row 1", "DELETE FROM ledger WHERE seq = 1".into()),
        (
            "ledger row 3",
            "UPDATE ledger SET reference = 'XYZ' WHERE seq = 3".into(),
        ),
    ]);
    let last = sqlite3(book(), "SELECT max(seq) FROM ledger");
    let place = format!("ledger row {last}");
    each_is_named(&[(&place, format!("DELETE FROM ledger WHERE seq = {last}"))]);
}

#[test]
fn a_transfer_filed_under_another_id_is_named() {
    each_is_named(&[
        (
            "ledger row 60",
            "DELETE FROM transfer_id WHERE seq = 60".into(),
        ),
        (
            "ledger row 61",
            "UPDATE transfer_id SET seq = 57 WHERE seq = 61".into(),
        ),
    ]);
    let swap =
        "UPDATE transfer_id SET seq = CASE seq WHEN 57 THEN 61 ELSE 57 END WHERE seq IN (57, 61)";
    let finished = damaged(|copy| assert_eq!(sqlite3(copy, swap), ""));
    assert_eq!(finished.code, Some(1));
    assert_eq!(places(&finished), ["ledger row 57", "ledger row 61"]);
}

#[test]
fn a_changed_balance_row_is_named() {
    let changes = [
        flipped("debits"),
        flipped("credits"),
        "debits = debits + 100, credits = credits + 100".into(),
        "debits = -9223372036854775808".into(),
        flipped("held_d"),
        flipped("held_c"),
        flipped("overdraft"),
        flipped("closed"),
        flipped("kind"),
        "kind = 77".into(),
        "currency = 840".into(),
        "currency = 999".into(),
        changed_text("name", 4),
        flipped("head_seq"),
        flipped("day_seq"),
        flipped("day"),
        flipped("chk"),
    ];
    each_change_is_named("account 10", "account", "id = 10", &changes);
    each_is_named(&[("account 10", "DELETE FROM account WHERE id = 10".into())]);
}

#[test]
fn a_changed_journal_row_is_named() {
    let changes = [
        changed_text("command", 40),
        changed_text("outcome", 40),
        "command = CAST(X'ff' AS TEXT)".into(),
        flipped("at_ms"),
        "at_ms = 9223372036854775807".into(),
        changed_text("principal", 1),
        changed_text("role", 1),
        flipped("last_ledger"),
        flipped("chk"),
    ];
    each_change_is_named("journal row 40", "journal", "seq = 40", &changes);
    let last = sqlite3(book(), "SELECT max(seq) FROM journal");
    for row in ["1", "40", &last] {
        let place = format!("journal row {row}");
        each_is_named(&[(&place, format!("DELETE FROM journal WHERE seq = {row}"))]);
    }
}

#[test]
fn a_changed_batch_or_head_is_named() {
    let last = sqlite3(book(), "SELECT max(seq) FROM batch");
    for row in ["1", "30", &last] {
        let place = format!("batch {row}");
        let of_row = format!("seq = {row}");
        let root = flipped_blob("batch", "root", &of_row, 31);
        let head = flipped_blob("batch", "head_hash", &of_row, 0);
        each_change_is_named(&place, "batch", &of_row, &[root, head]);
    }
    each_is_named(&[
        ("batch 31", "DELETE FROM batch WHERE seq = 30".into()),
        ("shard row", "DELETE FROM shard".into()),
        ("table shard", "UPDATE shard SET head_hash = X'00'".into()),
    ]);
    let changes = [
        flipped_blob("shard", "head_hash", "id = 0", 5),
        flipped_blob("shard", "greatest_id", "id = 0", 15),
        "last_account = last_account - 1".into(),
        "last_account = last_account + 1".into(),
        "business_date = business_date - 10000".into(),
        "now_ms = now_ms + 1".into(),
        "journal_seq = journal_seq + 1".into(),
        "ledger_seq = ledger_seq - 1".into(),
        "transfers = transfers + 1".into(),
        "batch_seq = batch_seq - 1".into(),
    ];
    each_change_is_named("shard row", "shard", "id = 0", &changes);
    let next = format!("batch {}", last.parse::<u64>().unwrap() + 1);
    each_is_named(&[(&next, "UPDATE shard SET batch_seq = batch_seq + 1".into())]);
}

#[test]
fn a_row_that_nobody_committed_is_named() {
    let columns = |table: &str| {
        let sql = format!(
            "SELECT group_concat(name) FROM pragma_table_info('{table}') WHERE name != 'seq'"
        );
        sqlite3(book(), &sql)
    };
    for table in ["ledger", "journal"] {
        let columns = columns(table);
        let insert = format!(
            "INSERT INTO {table} (seq,{columns}) SELECT seq + 1,{columns} FROM {table} ORDER BY seq DESC LIMIT 1"
        );
        let next = sqlite3(book(), &format!("SELECT max(seq) + 1 FROM {table}"));
        each_is_named(&[(&format!("{table} row {next}"), insert)]);
    }
    // The next batch would meet such a key, and could not be written.
    let next = sqlite3(book(), "SELECT max(seq) + 1 FROM batch");
    let insert = |table: &str, key: &str, rest: &str| {
        format!(
            "INSERT INTO {table} ({key},{rest}) SELECT {key} + 1,{rest} FROM {table} ORDER BY {key} DESC LIMIT 1"
        )
    };
    let place = format!("batch {next}");
    let of_batch = "last_journal,last_ledger,root,head_hash";
    each_is_named(&[
        (&place, insert("batch", "seq", of_batch)),
        (&place, insert("contents", "batch", "sums")),
    ]);
}

#[test]
fn people_read_which_row_it_is() {
    let copy = copy_of_book();
    sqlite3(
        copy.path(),
        "UPDATE ledger SET amount = amount + 1 WHERE seq = 57",
    );
    let finished = run(["verify", "--data", text(copy.path())]).expect(1);
    assert!(
        finished.stdout.contains("PROBLEM  ledger row 57: "),
        "{finished:?}"
    );
    assert!(finished.stdout.ends_with("NOT VERIFIED\n"), "{finished:?}");
}
