//! A server over a damaged book: it uses no changed row, and takes no book without its shard row for a new one.

use crate::book::{copy_of_book, places};
use crate::support::api_key;
use crate::support::database::sqlite3;
use crate::support::http::{Answer, Call, Client};
use crate::support::process::{Serving, over, run, text, verify, write};
use serde_json::{Value, json};
use server::{ApiKeyConfig, Role};
use std::path::Path;

/// A server over a book, and its operator.
fn serve(book: &Path, log: &Path) -> (Serving, Client) {
    let key = ApiKeyConfig::of_token("o", "a-token", "li.na", Role::Operator);
    let settings = write(book, "settings.toml", &api_key(&key));
    let more = ["--config", text(&settings)];
    let server = Serving::start(&over(book, &more), log);
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
    let copy = copy_of_book();
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
    let copy = copy_of_book();
    sqlite3(copy.path(), "DELETE FROM shard");
    let data = text(copy.path());
    run(["serve", "--data", data, "--bind", "127.0.0.1:0"]).refused(&[
        "shard row",
        "missing, while there are ledger rows",
        "restore the book from a backup",
    ]);
    assert_eq!(sqlite3(copy.path(), "SELECT count(*) FROM shard"), "0");
}
