//! A book changed behind the program's back: `verify` finds it and names the row, or the table that has a row
//! too many or too few.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use server::{ApiKeyConfig, Role};
use std::path::Path;
use std::sync::OnceLock;
use support::database::sqlite3;
use support::http::{Answer, Call, Client};
use support::process::{Finished, Serving, run, text, verify, write};
use support::{copy_directory, database_file};

/// A book of two simulated days, all of it in one file.
fn book() -> &'static Path {
    static BOOK: OnceLock<tempfile::TempDir> = OnceLock::new();
    let directory = BOOK.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let data = text(directory.path());
        run(["demo", "--payments", "60", "--json", "--data", data]).expect(0);
        sqlite3(directory.path(), "PRAGMA wal_checkpoint(TRUNCATE)");
        assert_eq!(verify(directory.path()).expect(0).json()["verified"], true);
        directory
    });
    directory.path()
}

/// Changes a copy of the book and verifies it.
fn damaged(change: impl FnOnce(&Path)) -> Finished {
    let copy = tempfile::tempdir().unwrap();
    copy_directory(book(), copy.path());
    change(copy.path());
    verify(copy.path())
}

fn places(finished: &Finished) -> Vec<String> {
    let report = finished.json();
    let problems = report["problems"].as_array().unwrap();
    let place = |problem: &Value| problem["place"].as_str().unwrap().to_owned();
    problems.iter().map(place).collect()
}

/// Each statement changes one row; the first problem names that row.
fn each_is_named(cases: &[(&str, String)]) {
    for (place, statement) in cases {
        let changed = format!("{statement}; SELECT changes();");
        let finished = damaged(|copy| assert_eq!(sqlite3(copy, &changed), "1", "{statement}"));
        assert_eq!(finished.code, Some(1), "{statement}: {finished:?}");
        let places = places(&finished);
        assert_eq!(
            places.first().map(String::as_str),
            Some(*place),
            "{statement}: {finished:?}"
        );
        assert_eq!(finished.json()["verified"], false);
    }
}

/// A number with its lowest bit turned over.
fn flipped(column: &str) -> String {
    format!("{column} = ({column} | 1) - ({column} & 1)")
}

/// A blob with one bit of its n-th byte turned over.
fn flipped_blob(directory: &Path, table: &str, column: &str, row: &str, byte: usize) -> String {
    let text = sqlite3(
        directory,
        &format!("SELECT hex({column}) FROM {table} WHERE {row}"),
    );
    let mut bytes = hex::decode(text).unwrap();
    bytes[byte] ^= 0x10;
    format!("{column} = X'{}'", hex::encode(bytes))
}

/// A text whose n-th character is another.
fn changed_text(column: &str, position: u32) -> String {
    format!(
        "{column} = substr({column}, 1, {position} - 1) || \
         CASE substr({column}, {position}, 1) WHEN '0' THEN '1' ELSE '0' END || substr({column}, {position} + 1)"
    )
}

#[test]
fn a_changed_ledger_row_is_named() {
    let id = flipped_blob(book(), "ledger", "id", "seq = 57", 3);
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
    let case = |change: &String| {
        (
            "ledger row 57",
            format!("UPDATE ledger SET {change} WHERE seq = 57"),
        )
    };
    each_is_named(&changes.iter().map(case).collect::<Vec<_>>());
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
    let case = |change: &String| {
        (
            "account 10",
            format!("UPDATE account SET {change} WHERE id = 10"),
        )
    };
    each_is_named(&changes.iter().map(case).collect::<Vec<_>>());
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
    let case = |change: &String| {
        (
            "journal row 40",
            format!("UPDATE journal SET {change} WHERE seq = 40"),
        )
    };
    each_is_named(&changes.iter().map(case).collect::<Vec<_>>());
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
        let root = flipped_blob(book(), "batch", "root", &of_row, 31);
        let head = flipped_blob(book(), "batch", "head_hash", &of_row, 0);
        each_is_named(&[
            (&place, format!("UPDATE batch SET {root} WHERE {of_row}")),
            (&place, format!("UPDATE batch SET {head} WHERE {of_row}")),
        ]);
    }
    each_is_named(&[
        ("batch 31", "DELETE FROM batch WHERE seq = 30".into()),
        ("shard row", "DELETE FROM shard".into()),
        (
            "shard row",
            format!(
                "UPDATE shard SET {}",
                flipped_blob(book(), "shard", "head_hash", "id = 0", 5)
            ),
        ),
        (
            "shard row",
            format!(
                "UPDATE shard SET {}",
                flipped_blob(book(), "shard", "greatest_id", "id = 0", 15)
            ),
        ),
        (
            "shard row",
            "UPDATE shard SET last_account = last_account - 1".into(),
        ),
        (
            "shard row",
            "UPDATE shard SET last_account = last_account + 1".into(),
        ),
        (
            "shard row",
            "UPDATE shard SET business_date = business_date - 10000".into(),
        ),
        ("shard row", "UPDATE shard SET now_ms = now_ms + 1".into()),
        (
            "shard row",
            "UPDATE shard SET journal_seq = journal_seq + 1".into(),
        ),
        (
            "shard row",
            "UPDATE shard SET ledger_seq = ledger_seq - 1".into(),
        ),
        (
            "shard row",
            "UPDATE shard SET transfers = transfers + 1".into(),
        ),
        (
            "shard row",
            "UPDATE shard SET batch_seq = batch_seq - 1".into(),
        ),
        ("table shard", "UPDATE shard SET head_hash = X'00'".into()),
    ]);
    let next = format!("batch {}", last.parse::<u64>().unwrap() + 1);
    each_is_named(&[(&next, "UPDATE shard SET batch_seq = batch_seq + 1".into())]);
}

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
        each_is_named(&[
            (
                &place,
                format!(
                    "UPDATE record SET {} WHERE {of_row}",
                    changed_text("body", 30)
                ),
            ),
            (
                &place,
                format!("UPDATE record SET body = '' WHERE {of_row}"),
            ),
            (
                &place,
                format!("UPDATE record SET {} WHERE {of_row}", flipped("chk")),
            ),
        ]);
        let moved = format!("{kind} other");
        each_is_named(&[(
            &moved,
            format!("UPDATE record SET key = 'other' WHERE {of_row}"),
        )]);
    }
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
    let nonce = flipped_blob(book(), "secret", "nonce", &of_secret, 3);
    let cipher_text = flipped_blob(book(), "secret", "cipher_text", &of_secret, 0);
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
        (
            "table secret",
            format!("UPDATE secret SET {nonce} WHERE {of_secret}"),
        ),
        (
            "table secret",
            format!("UPDATE secret SET {cipher_text} WHERE {of_secret}"),
        ),
    ]);
    let last = sqlite3(book(), "SELECT max(batch) FROM contents");
    for batch in ["30", &last] {
        let of_batch = format!("batch = {batch}");
        let sums = flipped_blob(book(), "contents", "sums", &of_batch, 9);
        let place = format!("batch {batch}");
        each_is_named(&[
            (
                &place,
                format!("UPDATE contents SET {sums} WHERE {of_batch}"),
            ),
            (&place, format!("DELETE FROM contents WHERE {of_batch}")),
        ]);
    }
}

/// A server over a book, and its operator.
fn serve(book: &Path, log: &Path) -> (Serving, Client) {
    let key = ApiKeyConfig::of_token("o", "a-token", "li.na", Role::Operator);
    let settings = format!(
        "[[api_keys]]\nid = \"o\"\nsha256 = \"{}\"\nprincipal = \"li.na\"\nrole = \"operator\"\n",
        key.sha256
    );
    let settings = write(book, "settings.toml", &settings);
    let (data, settings) = (text(book), text(&settings));
    let arguments = [
        "--data",
        data,
        "--bind",
        "127.0.0.1:0",
        "--config",
        settings,
    ];
    let server = Serving::start(&arguments, log);
    let client = Client::new(&server.url);
    (server, client)
}

async fn post(client: &Client, path: &str, key: &str, body: Value) -> Answer {
    let call = Call {
        token: "a-token",
        path: path.to_owned(),
        key: key.to_owned(),
        body,
    };
    client.post(&call).await.unwrap()
}

/// Once a server used such rows, and wrote them again with a right check value: whoever edited them got the money and
/// `verify` blamed honest rows.
#[tokio::test]
async fn a_server_does_not_use_changed_rows_and_leaves_them_as_they_are() {
    let copy = tempfile::tempdir().unwrap();
    copy_directory(book(), copy.path());
    let log = copy.path().join("log");
    let refundable = "kind = 'payment' AND json_extract(body, '$.status') = 'succeeded' \
                      AND json_extract(body, '$.refunded.amount') = 0";
    let pick = |order: &str| {
        let sql = format!("SELECT {order}(key) FROM record WHERE {refundable}");
        sqlite3(copy.path(), &sql)
    };
    let (payment, other) = (pick("min"), pick("max"));
    assert_ne!(payment, other);
    let of_payment = format!("kind = 'payment' AND key = '{payment}'");
    let greater = "json_set(body, '$.amount.amount', 2 * json_extract(body, '$.amount.amount'), \
                   '$.paid.amount.amount', 2 * json_extract(body, '$.paid.amount.amount'))";
    let name = sqlite3(copy.path(), "SELECT name FROM account WHERE id = 10");
    let merchant = name.strip_prefix("MS:").unwrap();
    sqlite3(
        copy.path(),
        &format!(
            "UPDATE record SET body = {greater} WHERE {of_payment}; \
             UPDATE account SET credits = credits + 777000000 WHERE id = 10"
        ),
    );
    let rows = || {
        let record = format!("SELECT body, chk FROM record WHERE {of_payment}");
        let account = "SELECT * FROM account WHERE id = 10";
        [sqlite3(copy.path(), &record), sqlite3(copy.path(), account)]
    };
    let before = rows();
    let (server, client) = serve(copy.path(), &log);
    for path in [
        format!("/v1/payments/{payment}"),
        format!("/v1/payments?merchant={merchant}&limit=200"),
        "/v1/accounts/10".to_owned(),
        "/v1/accounts".to_owned(),
    ] {
        let answer = client.get("a-token", &path).await.unwrap();
        // A list without the damaged payment is in order.
        let concerned = !path.contains("merchant=") || answer.status != 200;
        assert_eq!(answer.status == 500, concerned, "{path}: {answer:?}");
    }
    let refund = |of: &str| {
        let body = json!({"refund_number": "R1", "amount": {"amount": 1, "currency": "CNY"}});
        (format!("/v1/payments/{of}/refunds"), body)
    };
    let (path, body) = refund(&payment);
    let refused = post(&client, &path, "refund", body).await;
    assert_eq!(refused.status, 500, "{refused:?}");
    let payout = json!({
        "merchant": merchant,
        "payout_number": "X1",
        "amount": {"amount": 1_000_000, "currency": "CNY"},
        "purpose": "takings",
    });
    let refused = post(&client, "/v1/payouts", "payout", payout).await;
    assert_eq!(refused.status, 500, "{refused:?}");
    // The others go on.
    let (path, body) = refund(&other);
    let taken = post(&client, &path, "other", body).await;
    assert!(taken.status < 500, "{taken:?}");
    let fine = client.get("a-token", "/v1/accounts/11").await.unwrap();
    assert_eq!(fine.status, 200, "{fine:?}");
    assert!(server.terminate().success());
    assert_eq!(rows(), before);
    let finished = verify(copy.path()).expect(1);
    let places = places(&finished);
    for place in ["account 10".to_owned(), format!("payment {payment}")] {
        assert!(places.contains(&place), "{finished:?}");
    }
}

#[test]
fn a_book_without_its_shard_row_is_not_taken_for_a_new_one() {
    let copy = tempfile::tempdir().unwrap();
    copy_directory(book(), copy.path());
    sqlite3(copy.path(), "DELETE FROM shard");
    let data = text(copy.path());
    run(["serve", "--data", data, "--bind", "127.0.0.1:0"]).refused(&[
        "shard row",
        "missing, while there are ledger rows",
        "restore the book from a backup",
    ]);
    assert_eq!(sqlite3(copy.path(), "SELECT count(*) FROM shard"), "0");
}

/// Root may write everywhere: the program runs as nobody then.
#[test]
fn a_book_in_a_directory_that_cannot_be_written_is_verified() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let place = tempfile::tempdir().unwrap();
    let allow = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(place.path(), 0o755);
    let program = place.path().join("qingyuan");
    std::fs::copy(env!("CARGO_BIN_EXE_qingyuan"), &program).unwrap();
    let verified = |directory: &Path| {
        let mut command = std::process::Command::new(&program);
        command.args(["verify", "--json", "--data", text(directory)]);
        if place.path().metadata().unwrap().uid() == 0 {
            command.uid(65_534);
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told)
    };
    // A name that an address would take for something else.
    let copy = place.path().join("book 100%?#1");
    std::fs::create_dir(&copy).unwrap();
    copy_directory(book(), &copy);
    for file in std::fs::read_dir(&copy).unwrap() {
        allow(&file.unwrap().path(), 0o444);
    }
    allow(&copy, 0o555);
    assert_eq!(verified(&copy), (Some(0), String::new()));
    // One that was not closed cannot be read as it is.
    allow(&copy, 0o755);
    let mut log = database_file(&copy).into_os_string();
    log.push("-wal");
    std::fs::write(&log, [1; 4_096]).unwrap();
    allow(Path::new(&log), 0o444);
    let mut shared = database_file(&copy).into_os_string();
    shared.push("-shm");
    let _ = std::fs::remove_file(shared);
    allow(&copy, 0o555);
    let (code, told) = verified(&copy);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("was not closed"), "{told}");
}

#[test]
fn people_read_which_row_it_is() {
    let copy = tempfile::tempdir().unwrap();
    copy_directory(book(), copy.path());
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

/// Pages of the database and the tables they belong to.
fn pages(directory: &Path) -> Vec<(usize, String)> {
    let text = sqlite3(directory, "SELECT pageno, name FROM dbstat ORDER BY pageno");
    let page = |line: &str| {
        let (number, name) = line.split_once('|').unwrap();
        (number.parse().unwrap(), name.to_owned())
    };
    text.lines().map(page).collect()
}

#[test]
fn a_damaged_page_is_reported_and_never_a_panic() {
    const PAGE: usize = 8_192;
    let checked = [
        "shard",
        "batch",
        "journal",
        "ledger",
        "transfer_id",
        "account",
        "record",
        "record_index",
        "secret",
        "contents",
    ];
    for (number, table) in pages(book()) {
        // A torn page: its second half never reached the disk; and one full of noise.
        for (from, byte) in [(PAGE / 2, 0x00), (0, 0xa5)] {
            let mut harmless = false;
            let finished = damaged(|copy| {
                let before = dump(copy);
                let mut bytes = std::fs::read(database_file(copy)).unwrap();
                let page = &mut bytes[(number - 1) * PAGE..number * PAGE];
                let untouched = page.to_vec();
                page[from..].fill(byte);
                // Half a page may have been empty: then nothing is damaged.
                if *page == *untouched.as_slice() {
                    page.fill(byte);
                }
                std::fs::write(database_file(copy), bytes).unwrap();
                // What is left of deleted rows on a page is nobody's data.
                harmless = before.is_some() && before == dump(copy);
            });
            let what = format!("page {number} of {table} from {from}: {finished:?}");
            assert!(!finished.stderr.contains("panicked"), "{what}");
            match finished.code {
                Some(1) => assert!(!places(&finished).is_empty(), "{what}"),
                Some(2) => assert!(finished.stderr.starts_with("qingyuan: "), "{what}"),
                code => assert!(
                    code == Some(0) && (harmless || !checked.contains(&table.as_str())),
                    "{what}"
                ),
            }
        }
    }
}

/// Everything in the database as text; `None` where it cannot be read.
fn dump(directory: &Path) -> Option<String> {
    let output = std::process::Command::new("sqlite3")
        .arg(database_file(directory))
        .arg(".dump")
        .output()
        .expect("the sqlite3 program is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success() && output.stderr.is_empty() && !text.contains("CORRUPTION"))
        .then_some(text)
}

#[test]
fn what_is_no_book_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("nowhere");
    let nowhere = text(&missing);
    verify(&missing).refused(&["there is no book in", nowhere, "qingyuan.db is missing"]);
    assert!(!missing.exists(), "verify makes no directories");
    write(
        directory.path(),
        "qingyuan.db",
        &"A letter to the bank. ".repeat(1_000),
    );
    verify(directory.path()).refused(&["not a database"]);
    write(directory.path(), "qingyuan.db", "");
    verify(directory.path()).refused(&["schema version 0"]);
    let half = |copy: &Path| {
        let file = std::fs::File::options()
            .write(true)
            .open(database_file(copy))
            .unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    };
    let finished = damaged(half);
    assert!(matches!(finished.code, Some(1 | 2)), "{finished:?}");
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
}
