//! A disk that is full. A limit on the size of files stands for it: it strikes at the same place,
//! in the middle of a commit, and needs no rights.

use crate::support::api_key;
use crate::support::http::{Answer, Call, Client};
use crate::support::process::{Finished, Serving, over, program, text, verify, write};
use serde_json::{Value, json};
use server::{ApiKeyConfig, Role};
use std::process::Command;
use std::time::{Duration, Instant};

const LEDGER: &str = "a-ledger-token";

/// The program unable to write files longer than so many KiB.
fn confined(kib: u64) -> Command {
    let mut shell = Command::new("sh");
    let program = program();
    // POSIX counts blocks of 512 bytes. Without the trap the signal would end the process.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
    shell.arg("-c").arg(script).arg(program.get_program());
    shell
}

fn transfer(id: u32, accounts: &[u64]) -> Call {
    let id = engine::ids::id_text(u128::from(id));
    Call {
        token: LEDGER,
        path: "/v1/transfers".into(),
        key: id.clone(),
        body: json!({"id": id, "debit": accounts[0], "credit": accounts[1],
            "amount": {"amount": 100, "currency": "CNY"}, "code": 1_001}),
    }
}

async fn accounts(client: &Client) -> Vec<u64> {
    let account = |code: &str| json!({"code": code, "kind": "liability", "currency": "CNY", "may_go_negative": true});
    let call = Call {
        token: LEDGER,
        path: "/v1/accounts/batch".into(),
        key: "accounts".into(),
        body: json!({"accounts": [account("a"), account("b")]}),
    };
    let opened = client.post(&call).await.unwrap();
    let opened = opened.body["accounts"].as_array().unwrap().clone();
    opened
        .iter()
        .map(|account| account["id"].as_u64().unwrap())
        .collect()
}

async fn balance(client: &Client, account: u64) -> Answer {
    client
        .get(LEDGER, &format!("/v1/accounts/{account}"))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_refused_reads_go_on_and_nothing_answered_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("book");
    let key = ApiKeyConfig::of_token("l", LEDGER, "wallet", Role::Ledger);
    let settings = write(directory.path(), "settings.toml", &api_key(&key));
    let log = directory.path().join("log");
    let arguments = over(&data, &["--config", text(&settings)]);
    // A book begins with its rules, some 600 KiB.
    let server = Serving::start_with(confined(2_048), &arguments, &log).unwrap();
    let client = Client::new(&server.url);
    let accounts = accounts(&client).await;
    let mut posted = 0;
    let deadline = Instant::now() + Duration::from_secs(60);
    let refusal = loop {
        match client.post(&transfer(posted + 1, &accounts)).await {
            Ok(answer) => assert_eq!(answer.status, 201, "{answer:?}"),
            Err(problem) => break problem,
        }
        posted += 1;
        assert!(Instant::now() < deadline, "the disk never filled");
    };
    assert!(posted > 10, "{posted}");
    assert!(refusal.contains("store_unavailable"), "{refusal}");
    assert!(refusal.contains("Idempotency-Key"), "{refusal}");
    // Reads go on, and show what was answered and no more.
    let found = balance(&client, accounts[1]).await;
    assert_eq!(
        (found.status, &found.body["balance"]["amount"]),
        (200, &json!(posted * 100))
    );
    // Writes stay refused; the server stays up.
    for id in [posted + 1, posted + 2] {
        assert!(client.post(&transfer(id, &accounts)).await.is_err());
    }
    let found = balance(&client, accounts[1]).await;
    assert_eq!(found.body["balance"]["amount"], json!(posted * 100));
    let metrics = client.get(LEDGER, "/metrics").await.unwrap();
    assert_eq!(metrics.status, 200);
    let _ = server.terminate();
    // Room again: what was refused is sent again with the same key, once.
    let server = Serving::start(&arguments, &log);
    let client = Client::new(&server.url);
    for _ in 0..2 {
        let answer = client.post(&transfer(posted + 1, &accounts)).await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let found = balance(&client, accounts[1]).await;
    assert_eq!(found.body["balance"]["amount"], json!((posted + 1) * 100));
    assert!(server.terminate().success());
    let report: Value = verify(&data).expect(0).json();
    assert_eq!(report["verified"], true);
    assert_eq!(report["transfers"], posted + 1);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn no_room_for_a_new_book_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("book");
    let output = confined(0)
        .arg("serve")
        .args(over(&data, &[]))
        .output()
        .unwrap();
    let finished = Finished::from(output).expect(2);
    assert!(
        finished
            .stderr
            .starts_with("qingyuan: the store is unavailable"),
        "{finished:?}"
    );
}
