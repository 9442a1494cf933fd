//! `check` and `rules`: business models, bare facts, and the rules themselves.

use crate::support::process::{Finished, run, text, write};
use std::path::PathBuf;

fn example(name: &str) -> String {
    let path = format!(
        "{}/../../examples/flows/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    assert!(PathBuf::from(&path).exists(), "{path}");
    path
}

fn check(name: &str, more: &[&str]) -> Finished {
    let file = example(name);
    let mut arguments = vec!["check", file.as_str()];
    arguments.extend(more);
    run(arguments)
}

#[track_caller]
fn says(finished: &Finished, words: &[&str]) {
    for word in words {
        assert!(
            finished.stdout.contains(word),
            "{word:?} is not in\n{}",
            finished.stdout
        );
    }
}

#[test]
fn a_flow_is_judged_leg_by_leg() {
    let answer = check("unlicensed-platform", &[]).expect(0);
    says(
        &answer,
        &[
            "as of 2018-01-02",
            "second clearing – Platform",
            "big merchant",
            "Leg 1  Buyers → Payment institution (reserve)  100.00",
            "ALLOW",
            "DENY",
            "forbids   PBC-2017-217/test-pool",
            // The article only where it is certain.
            "Measures for Payment Services of Non-financial Institutions, art. 3",
            "→ Let a bank or licensed institution hold and split it",
            "one voice, not settled",
            "no legal advice",
        ],
    );
    assert!(
        !answer.stdout.contains('\u{1b}'),
        "colours only for a terminal"
    );
    assert!(
        answer
            .stdout
            .lines()
            .all(|line| line.chars().count() <= 100),
        "{}",
        answer.stdout
    );
}

#[test]
fn a_flow_is_judged_in_chinese() {
    let answer = check("unlicensed-platform", &["--lang", "zh"]).expect(0);
    says(
        &answer,
        &[
            "禁止",
            "二清——平台",
            "非金融机构支付服务管理办法",
            "不构成法律意见",
            "资金 1",
        ],
    );
}

#[test]
fn the_day_decides() {
    let before = check("bank-wallet-direct", &["--as-of", "2018-06-29"]).expect(0);
    says(
        &before,
        &["MIGRATE by 2018-06-30", "PBC-2017-281/migrate-existing"],
    );
    let after = check("bank-wallet-direct", &["--as-of", "2018-06-30"]).expect(0);
    says(&after, &["DENY", "PBC-2017-209Z/cutover"]);
    let both = check(
        "bank-wallet-direct",
        &["--as-of", "2018-06-29", "--compare", "2018-06-30"],
    )
    .expect(0);
    says(
        &both,
        &[
            "2018-06-29 MIGRATE → 2018-06-30",
            "ended on 2018-06-29",
            "in force from 2018-06-30",
        ],
    );
    let same = check(
        "marketplace-split",
        &["--as-of", "2018-05-04", "--compare", "2018-05-05"],
    )
    .expect(0);
    says(&same, &["nothing changes"]);
}

#[test]
fn json_has_every_part() {
    let answer = check("unlicensed-platform", &["--json"]).expect(0).json();
    assert_eq!(answer["verdict"], "deny");
    assert_eq!(answer["held"], true);
    assert_eq!(answer["as_of"], "2018-01-02");
    let legs = answer["legs"].as_array().unwrap();
    let verdicts: Vec<&str> = legs
        .iter()
        .map(|leg| leg["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["allow", "deny", "deny"]);
    assert_eq!(legs[1]["at"], "leg[1]");
    assert_eq!(
        (&legs[1]["from"], &legs[1]["to"]),
        (&"pay".into(), &"platform".into())
    );
    let fired = legs[1]["fired"].as_array().unwrap();
    let pool = fired
        .iter()
        .find(|rule| rule["rule"] == "PBC-2017-217/test-pool")
        .unwrap();
    for field in ["citation", "reason", "remedy", "confidence", "notes"] {
        assert!(!pool[field].is_null(), "{field}");
    }
    assert!(
        answer["shapes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|shape| shape["shape"] == "second_clearing")
    );
    let compared = check("p2p-bank", &["--compare", "2021-01-04", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&compared["from"]["verdict"], &compared["to"]["verdict"]),
        (&"allow".into(), &"deny".into())
    );
    let change = &compared["changes"][0];
    assert_eq!(change["new"][0]["rule"], "FACT-P2P-2020");
    assert_eq!(change["new"][0]["why"], "in_force_from");
    assert_eq!(change["new"][0]["day"], "2020-11-15");
}

#[test]
fn a_flow_is_drawn() {
    let chart = check("unlicensed-platform", &["--mermaid"])
        .expect(0)
        .stdout;
    assert!(chart.starts_with("flowchart LR\n"), "{chart}");
    for line in [
        "p0 -->|\"1 100.00\"| p1",
        "PBC-2017-217/test-pool",
        "linkStyle 1 stroke:#c53030",
    ] {
        assert!(chart.contains(line), "{line} is not in\n{chart}");
    }
    let directory = tempfile::tempdir().unwrap();
    let picture = directory.path().join("flow.svg");
    check("unlicensed-platform", &["--svg", text(&picture)]).expect(0);
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(svg.starts_with("<svg xmlns="), "{svg}");
    for part in [
        "PBC-2017-217/test-pool",
        "#c53030",
        ">Platform</text>",
        "art. 3",
    ] {
        assert!(svg.contains(part), "{part} is not in\n{svg}");
    }
    assert!(!svg.contains("href"), "it needs nothing else");
    let nowhere = directory.path().join("none/flow.svg");
    check("unlicensed-platform", &["--svg", text(&nowhere)]).refused(&["flow.svg", "No such file"]);
}

#[test]
fn a_bad_flow_is_refused_with_file_line_and_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let good = std::fs::read_to_string(example("escrow")).unwrap();
    let cases = [
        (
            "to = \"sellers\"",
            "to = \"seller\"",
            "leg[1].to",
            "did you mean `sellers`?",
        ),
        (
            "to = \"sellers\"\n",
            "",
            "leg[1].to",
            "no leg leads to nowhere",
        ),
        (
            "amount = 1200",
            "amount = -1200",
            "leg[0].amount",
            "below zero",
        ),
        ("2018-01-02", "2001-01-02", "as_of", "before any rule"),
        (
            "internet_payment",
            "internet",
            "party.pay.licences[0]",
            "internet_payment",
        ),
        (
            "account = \"reserve\"",
            "account = \"sub_account\"",
            "leg[0].account",
            "contradicts",
        ),
        (
            "days = 3",
            "days = 3\nfacts = { days_after_confirmation = 9 }",
            "facts.days_after_confirmation",
            "contradicts",
        ),
    ];
    for (old, new, field, words) in cases {
        assert!(good.contains(old), "{old}");
        let file = write(directory.path(), "flow.toml", &good.replacen(old, new, 1));
        let refused = run(["check", text(&file)]);
        let line = refused
            .stderr
            .split("flow.toml:")
            .nth(1)
            .and_then(|rest| rest.split(':').next())
            .and_then(|line| line.parse::<usize>().ok());
        assert!(line.is_some_and(|line| line > 0), "{refused:?}");
        refused.refused(&["flow.toml:", field, words, "expected"]);
    }
    let file = write(directory.path(), "flow.toml", &good);
    run(["check", text(&file), "--as-of", "2001-01-01"]).refused(&[
        "the day asked for",
        "before any rule",
        "2010-09-01",
    ]);
    run(["check", text(&file), "--as-of", "soon"]).expect(2);
    run(["check"]).expect(2);
    run(["check", text(&directory.path().join("none.toml"))])
        .refused(&["none.toml", "No such file"]);
}

#[test]
fn an_expectation_that_does_not_hold_is_exit_status_1() {
    let directory = tempfile::tempdir().unwrap();
    let flow = std::fs::read_to_string(example("unlicensed-platform")).unwrap();
    let wrong = flow.replacen("verdict = \"deny\"", "verdict = \"allow\"", 1);
    let file = write(directory.path(), "flow.toml", &wrong);
    let answer = run(["check", text(&file), "--json"]).expect(1);
    assert_eq!(answer.json()["held"], false);
    assert!(
        answer.stderr.contains("verdict deny instead of allow"),
        "{answer:?}"
    );
}

#[test]
fn bare_facts() {
    let directory = tempfile::tempdir().unwrap();
    let facts = "- {id: A, facts: {as_of: 2018-04-01, service: code_payment, code: static, scan: payer_scans, \
                 factors: [knowledge], day_total: 300, amount: 250}, expect: {verdict: deny, rules: [PBC-2017-296/norm/12-D]}}\n\
                 - {id: B, asserts: [{facts: {as_of: 2018-04-01, actor: {kind: isv, licences: []}, service: code_issue}}]}\n";
    let file = write(directory.path(), "facts.yaml", facts);
    let answers = run(["check", "--facts", text(&file), "--json"])
        .expect(0)
        .json();
    assert_eq!(answers[0]["verdict"], "deny");
    assert_eq!(answers[0]["held"], true);
    assert_eq!(answers[0]["limits"][0]["remaining"], 200);
    assert_eq!(answers[1]["asserts"][0]["verdict"], "deny");
    let shown = run(["check", "--facts", text(&file)]).expect(0);
    says(
        &shown,
        &["A  deny  as expected", "B.1  deny", "remaining 200"],
    );

    let wrong = write(
        directory.path(),
        "facts.yaml",
        &facts.replace("verdict: deny, rules", "verdict: allow, rules"),
    );
    says(
        &run(["check", "--facts", text(&wrong)]).expect(1),
        &["NOT AS EXPECTED"],
    );
    let unknown = write(
        directory.path(),
        "facts.yaml",
        "as_of: 2018-04-01\nservise: sale\n",
    );
    run(["check", "--facts", text(&unknown)]).refused(&[
        "facts.yaml",
        "line 2",
        "did you mean `service`?",
    ]);
    // What belongs to flows is refused beside facts.
    run(["check", "--facts", text(&file), "--lang", "zh"]).expect(2);
    run(["check", &example("escrow"), "--facts", text(&file)]).expect(2);
}

#[test]
fn a_changed_figure_of_a_pack_changes_the_answer() {
    let directory = tempfile::tempdir().unwrap();
    let packs = directory.path().join("packs");
    std::fs::create_dir(&packs).unwrap();
    let source = format!("{}/../../regulations", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read_to_string(&path).unwrap();
        let changed = content.replace("max_days = 30", "max_days = 60");
        std::fs::write(packs.join(path.file_name().unwrap()), changed).unwrap();
    }
    let before = check("escrow-held-too-long", &["--json"]).expect(0).json();
    let after = check("escrow-held-too-long", &["--json", "--rules", text(&packs)])
        .expect(1)
        .json();
    assert_eq!(
        (&before["verdict"], &after["verdict"]),
        (&"deny".into(), &"allow".into())
    );
    assert_ne!(before["packs"], after["packs"]);
}
