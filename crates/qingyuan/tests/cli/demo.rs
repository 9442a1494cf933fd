//! `demo`, and the book it leaves.

use crate::support::api_key;
use crate::support::database::sqlite3;
use crate::support::http::Client;
use crate::support::process::{Finished, Serving, over, program, run, text, verify, write};
use serde_json::json;
use server::{ApiKeyConfig, Role};
use std::fs::File;

#[test]
fn the_figures_as_json() {
    let shown = run(["demo", "--payments", "60", "--json"]).expect(0);
    assert_eq!(shown.stdout.lines().count(), 1, "one object on one line");
    let figures = shown.json();
    let number = |path: &str| figures.pointer(path).unwrap().as_u64().unwrap();
    // Sixty, and on each day one that is paid after its close.
    assert_eq!(number("/payments"), 62);
    assert!(number("/refunds") >= 2);
    assert_eq!(number("/payouts"), 6, "three merchants on two mornings");
    assert!(number("/ledger/accounts") >= 21);
    assert!(number("/ledger/transfers") > number("/payments"));
    assert_eq!(number("/ledger/trial_balance"), 0);
    assert_eq!(
        number("/recon/lines"),
        number("/recon/matched") + 2,
        "a changed and a foreign line"
    );
    let differences = figures["recon"]["differences"].as_array().unwrap();
    let mut findings: Vec<&str> = differences
        .iter()
        .map(|difference| difference["finding"].as_str().unwrap())
        .collect();
    findings.sort_unstable();
    assert_eq!(findings, ["amount_differs", "ours_only", "theirs_only"]);
    assert_eq!(figures["broken"], json!([]));
    assert_eq!(figures["verified"], true);
}

#[test]
fn equal_seeds_give_equal_days() {
    let figures = |seed: &str| {
        let mut figures = run(["demo", "--payments", "40", "--json", "--seed", seed])
            .expect(0)
            .json();
        // Numbers of objects are drawn anew each time.
        figures["recon"]["differences"] =
            json!(figures["recon"]["differences"].as_array().unwrap().len());
        figures
    };
    assert_eq!(figures("7"), figures("7"));
}

#[test]
fn people_get_tables() {
    let shown = run(["demo", "--payments", "60"]).expect(0);
    for words in ["Merchants  商户", "对账", "差错", "Everything holds."] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
}

/// The simulated days end yesterday, so that a server can go on with the book today.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_goes_on_with_its_book() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("book");
    let shown = run(["demo", "--payments", "60", "--data", text(&data)]).expect(0);
    assert!(
        shown
            .stdout
            .contains(&format!("qingyuan verify --data {}", data.display()))
    );
    assert_eq!(verify(&data).expect(0).json()["verified"], true);
    let key = ApiKeyConfig::of_token("o", "a-token", "li.na", Role::Operator);
    let settings = write(directory.path(), "settings.toml", &api_key(&key));
    let arguments = over(&data, &["--config", text(&settings)]);
    let server = Serving::start(&arguments, &directory.path().join("log"));
    let client = Client::new(&server.url);
    let merchants = client.list("a-token", "/v1/merchants").await;
    assert_eq!(merchants.len(), 3);
    let day = client.get("a-token", "/v1/days/current").await.unwrap();
    let today = engine::runtime::Clock::now(&engine::runtime::SystemClock);
    let today = calendar::shanghai_date(today);
    let book: calendar::BusinessDate = day.text("date").parse().unwrap();
    assert!(book < today, "{book} is not before {today}");
    // A reader beside the writer.
    assert_eq!(verify(&data).expect(0).json()["verified"], true);
    assert!(server.terminate().success());
    assert_eq!(verify(&data).expect(0).json()["verified"], true);
    // Its days are over: a second demonstration would have to go back in time.
    run(["demo", "--payments", "4", "--data", text(&data)])
        .refused(&["needs an empty directory", text(&data)]);
}

#[test]
fn a_book_on_real_time_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (data, log) = (directory.path().join("book"), directory.path().join("log"));
    let server = Serving::start(&over(&data, &[]), &log);
    assert!(server.terminate().success());
    let before = sqlite3(&data, "SELECT batch_seq, now_ms FROM shard");
    run(["demo", "--payments", "4", "--data", text(&data)]).refused(&[
        "keeps real time",
        "a directory of its own",
        text(&data),
    ]);
    assert_eq!(
        sqlite3(&data, "SELECT batch_seq, now_ms FROM shard"),
        before
    );
}

#[test]
fn figures_that_cannot_be_written_are_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = program()
        .args(["demo", "--payments", "60", "--json"])
        .stdout(full)
        .output()
        .unwrap();
    Finished::from(output).refused(&["standard output could not be written"]);
}
