//! The example flows reach the answers recorded in them, and bad flows are refused where they are bad.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use compliance::flow::{Flow, FlowError, flow_from_node, judge, parse_toml};

fn read(text: &str) -> Result<Flow, FlowError> {
    parse_toml(text).and_then(|node| flow_from_node(&node))
}

/// Name and text of every example.
fn examples() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/flows");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_example_reaches_what_is_recorded_in_it() {
    let packs = support::packs();
    let examples = examples();
    assert!(examples.len() >= 14, "{}", examples.len());
    let mut wrong = Vec::new();
    for (name, text) in &examples {
        let flow = read(text).unwrap_or_else(|error| panic!("{name}:{}: {error}", error.line));
        assert!(!flow.expect.is_empty(), "{name} expects nothing");
        for expected in &flow.expect {
            let answer = judge(&flow, packs, Some(expected.as_of)).unwrap();
            let faults = answer.faults(expected);
            if !faults.is_empty() {
                let parts: Vec<String> = answer
                    .parts
                    .iter()
                    .map(|part| {
                        let fired: Vec<&str> =
                            part.fired.iter().map(|one| one.rule.id.as_str()).collect();
                        let missing: Vec<String> = part
                            .missing
                            .iter()
                            .map(|one| format!("{} for {}", one.fact, one.rule))
                            .collect();
                        format!(
                            "  {:?} {} fired {fired:?} missing {missing:?} unanswered {}",
                            part.subject,
                            part.verdict.word(),
                            part.unanswered
                        )
                    })
                    .collect();
                wrong.push(format!(
                    "{name} at {}: {}\n{}",
                    expected.as_of,
                    faults.join("; "),
                    parts.join("\n")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A whole flow of which each bad one below changes a line.
const GOOD: &str = r#"title = "shop"
as_of = 2018-05-04
lifecycle = "new"

[party.buyers]
kind = "natural_person"

[party.pay]
kind = "npi"
licences = ["internet_payment"]

[party.shop]
kind = "merchant"
online = true

[party.bank]
kind = "bank"

[[contract]]
kind = "acquiring"
between = ["pay", "shop"]
checked_by = "pay"

[[leg]]
from = "buyers"
to = "pay"
account = "reserve"
amount = 10.50
goods_of = "shop"
route = ["pay", "nucc", "bank"]

[[leg]]
from = "pay"
to = "shop"
facts = { real_trade = true }
"#;

/// Field and line at which a changed flow is refused, and what is said.
fn refused(old: &str, new: &str) -> (String, usize, String) {
    assert!(GOOD.contains(old), "{old}");
    let text = GOOD.replacen(old, new, 1);
    let outcome = read(&text).and_then(|flow| judge(&flow, support::packs(), None));
    match outcome {
        Ok(_) => panic!("{new} is not refused"),
        Err(error) => (error.path.clone(), error.line, error.to_string()),
    }
}

#[test]
fn bad_flows_are_refused_at_their_field_and_line() {
    read(GOOD).unwrap();
    let cases: [(&str, &str, &str, usize, &[&str]); 22] = [
        // An unknown party, nearly a known one.
        (
            "to = \"pay\"",
            "to = \"pya\"",
            "leg[0].to",
            26,
            &[
                "no party `pya`",
                "did you mean `pay`?",
                "buyers, pay, shop, bank",
            ],
        ),
        (
            "[\"pay\", \"nucc\", \"bank\"]",
            "[\"pay\", \"nuc\", \"bank\"]",
            "leg[0].route[1]",
            30,
            &["no party `nuc`"],
        ),
        (
            "between = [\"pay\", \"shop\"]",
            "between = [\"pay\", \"shops\"]",
            "contract[0].between[1]",
            21,
            &["did you mean `shop`?"],
        ),
        (
            "checked_by = \"pay\"",
            "checked_by = \"us\"",
            "contract[0].checked_by",
            22,
            &["no party `us`"],
        ),
        // A leg to nowhere.
        (
            "to = \"shop\"\n",
            "",
            "leg[1].to",
            32,
            &["`to` is missing", "no leg leads to nowhere"],
        ),
        (
            "to = \"shop\"\n",
            "to = \"pay\"\n",
            "leg[1].to",
            34,
            &["back to where it starts"],
        ),
        // Amounts.
        (
            "10.50",
            "-10.50",
            "leg[0].amount",
            28,
            &["below zero", "from 0 up"],
        ),
        (
            "10.50",
            "10.505",
            "leg[0].amount",
            28,
            &["no amount", "two decimals"],
        ),
        ("10.50", "\"ten\"", "leg[0].amount", 28, &["no amount"]),
        (
            "10.50",
            "99999999999999999999",
            "leg[0].amount",
            28,
            &["no amount"],
        ),
        // Days.
        (
            "as_of = 2018-05-04",
            "as_of = 2004-01-01",
            "as_of",
            2,
            &["before any rule", "from 2010-09-01 on"],
        ),
        (
            "as_of = 2018-05-04",
            "as_of = \"2018-02-30\"",
            "as_of",
            2,
            &["no such day"],
        ),
        ("as_of = 2018-05-04\n", "", "as_of", 1, &["no day is named"]),
        // Licences and kinds.
        (
            "internet_payment",
            "internet_paymnt",
            "party.pay.licences[0]",
            10,
            &["did you mean `internet_payment`?", "card_acquiring"],
        ),
        (
            "[\"internet_payment\"]",
            "[\"bank\"]",
            "party.pay.licences",
            10,
            &["contradict kind `npi`"],
        ),
        (
            "kind = \"merchant\"",
            "kind = \"shop\"",
            "party.shop.kind",
            13,
            &["`shop` is not known here", "merchant"],
        ),
        // Contradictions.
        (
            "kind = \"merchant\"\nonline = true",
            "kind = \"merchant\"\nonline = false\nphysical = false",
            "party.shop",
            12,
            &["contradicts"],
        ),
        (
            "account = \"reserve\"",
            "account = \"sub_account\"",
            "leg[0].account",
            27,
            &["contradicts the holder"],
        ),
        (
            "{ real_trade = true }",
            "{ payee_account_owner = \"platform\" }",
            "leg[1].facts.payee_account_owner",
            35,
            &["contradicts what the drawing shows"],
        ),
        // Slips of the pen.
        (
            "goods_of = \"shop\"",
            "good_of = \"shop\"",
            "leg[0].good_of",
            29,
            &["did you mean `goods_of`?"],
        ),
        (
            "{ real_trade = true }",
            "{ real_trad = true }",
            "leg[1].facts.real_trad",
            35,
            &["did you mean `real_trade`?"],
        ),
        (
            "{ real_trade = true }",
            "{ real_trade = 3 }",
            "leg[1].facts.real_trade",
            35,
            &["true or false"],
        ),
    ];
    for (old, new, path, line, words) in cases {
        let (found, at, text) = refused(old, new);
        assert_eq!((found.as_str(), at), (path, line), "{new}: {text}");
        assert!(text.contains("expected"), "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} in {text}");
        }
    }
}

#[test]
fn text_that_is_no_toml_is_refused_at_its_line() {
    let error = read("title = \"a\"\n[party.x\n").unwrap_err();
    assert_eq!((error.path.as_str(), error.line), ("file", 2), "{error}");
    let error = read("leg = 3\nparty = {}\n").unwrap_err();
    assert_eq!((error.path.as_str(), error.line), ("leg", 1), "{error}");
    let error = read("party = {}\nleg = []\n").unwrap_err();
    assert_eq!(error.path, "", "{error}");
    assert!(error.to_string().contains("at least one"), "{error}");
}

/// Stated facts cannot talk a pool away: the drawing shows it.
#[test]
fn a_conclusion_of_the_drawing_cannot_be_overridden() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/flows/unlicensed-platform.toml"
    ))
    .unwrap()
    .replace("days = 30", "facts = { pooled = false }");
    let flow = read(&text).unwrap();
    let error = judge(&flow, support::packs(), None).unwrap_err();
    assert_eq!(error.path, "leg[2].facts.pooled", "{error}");
}

/// Without any one line that is not needed to read it, no forbidden example becomes allowed.
#[test]
fn no_line_left_out_of_a_forbidden_leg_makes_the_flow_allowed() {
    let packs = support::packs();
    let optional = [
        "account",
        "goods_of",
        "route",
        "licences",
        "lifecycle",
        "change",
        "checked_by",
        "holder",
        "funding",
        "page",
        "until",
        "days",
        "online",
        "physical",
        "own_name",
        "documents",
    ];
    let mut wrong = Vec::new();
    for (name, text) in examples() {
        let whole = read(&text).unwrap();
        for expected in &whole.expect {
            if expected.verdict != compliance::Verdict::Deny {
                continue;
            }
            for (number, line) in text.lines().enumerate() {
                let key = line.split('=').next().unwrap_or_default().trim();
                if !optional.contains(&key) {
                    continue;
                }
                let less: Vec<&str> = text
                    .lines()
                    .enumerate()
                    .filter(|(other, _)| *other != number)
                    .map(|(_, line)| line)
                    .collect();
                let Ok(flow) = read(&less.join("\n")) else {
                    continue;
                };
                if let Ok(answer) = judge(&flow, packs, Some(expected.as_of))
                    && answer.verdict == compliance::Verdict::Allow
                {
                    wrong.push(format!(
                        "{name}:{} without `{line}` at {}",
                        number + 1,
                        expected.as_of
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
