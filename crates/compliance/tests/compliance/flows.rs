//! The example flows reach the answers recorded in them, and bad flows are refused where they are bad.

use crate::support;
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

/// Parties for drawings of one leg.
const PARTIES: &str = r#"
as_of = 2018-02-23
lifecycle = "new"
change = "add_business"
[party.buyers]
kind = "natural_person"
[party.pay]
kind = "npi"
licences = ["internet_payment"]
[party.wallet]
kind = "npi"
licences = ["internet_payment"]
wallet = true
[party.bank]
kind = "bank"
[party.other_bank]
kind = "bank"
[party.aggregator]
kind = "aggregator"
touches_sensitive = false
[party.shop]
kind = "merchant"
online = true
[party.parent]
kind = "merchant"
online = true
[[contract]]
kind = "acquiring"
between = ["pay", "shop"]
checked_by = "pay"
"#;

/// Verdict, shapes and fired rules of a drawing.
fn answer(drawing: &str) -> (String, Vec<String>, Vec<String>) {
    let flow = read(&format!("{PARTIES}{drawing}")).unwrap_or_else(|error| panic!("{error}"));
    let answer = judge(&flow, support::packs(), None).unwrap();
    let shapes = answer
        .shapes
        .iter()
        .map(|found| {
            let word = serde_json::to_value(found.shape).unwrap();
            word.as_str().unwrap().to_owned()
        })
        .collect();
    let fired = answer
        .parts
        .iter()
        .flat_map(|part| &part.fired)
        .map(|finding| finding.rule.id.clone())
        .collect();
    (answer.verdict.word().to_owned(), shapes, fired)
}

#[test]
fn further_shapes_are_recognised() {
    let cases = [
        // A bank that only stands between the institution and clearing.
        (
            "[[leg]]\nfrom = \"pay\"\nto = \"shop\"\nservice = \"payout\"\nroute = [\"pay\", \"bank\", \"unionpay\", \"other_bank\"]\n",
            "springboard",
            "deny",
            "PBC-2017-281/no-relay",
        ),
        // An aggregator that switches between bank and wallet.
        (
            "[[leg]]\nfrom = \"buyers\"\nto = \"bank\"\naccount = \"sub_account\"\ngoods_of = \"shop\"\nroute = [\"bank\", \"aggregator\", \"wallet\"]\n",
            "unlicensed_switch",
            "deny",
            "PBC-2017-281/no-relay",
        ),
        // Somebody outside the group collects.
        (
            "[[leg]]\nfrom = \"shop\"\nto = \"parent\"\npurpose = \"sweep\"\n",
            "foreign_sweep",
            "deny",
            "PBC-2013-9/settle-account",
        ),
        // An advance of own money to a merchant that is too new.
        (
            "[[leg]]\nfrom = \"pay\"\nto = \"shop\"\nservice = \"advance\"\nfunding = \"own\"\nfacts = { merchant = { age_days = 30, normal_trading_days = 20 } }\n",
            "own_advance",
            "deny",
            "PBC-2016-261/12",
        ),
    ];
    for (drawing, shape, verdict, rule) in cases {
        let (found, shapes, fired) = answer(drawing);
        assert_eq!(found, verdict, "{drawing} {fired:?}");
        assert!(
            shapes.iter().any(|known| known == shape),
            "{drawing} {shapes:?}"
        );
        assert!(
            fired.iter().any(|known| known == rule),
            "{drawing} {fired:?}"
        );
    }
}

/// What is not drawn is asked for: a leg of which nothing is known is never allowed.
#[test]
fn what_is_not_drawn_is_asked_for() {
    let asks = [
        ("[[leg]]\nfrom = \"buyers\"\nto = \"shop\"\n", "route"),
        (
            "[[leg]]\nfrom = \"buyers\"\nto = \"pay\"\ngoods_of = \"shop\"\nroute = [\"pay\", \"nucc\", \"bank\"]\n[[leg]]\nfrom = \"pay\"\nto = \"shop\"\n",
            "holder",
        ),
        (
            "[[leg]]\nfrom = \"pay\"\nto = \"shop\"\nservice = \"advance\"\n",
            "funding",
        ),
        (
            "[[leg]]\nfrom = \"buyers\"\nto = \"pay\"\nuntil = \"confirmation\"\naccount = \"reserve\"\nroute = [\"pay\", \"nucc\", \"bank\"]\n",
            "real_trade",
        ),
    ];
    for (drawing, fact) in asks {
        let flow = read(&format!("{PARTIES}{drawing}")).unwrap();
        let answer = judge(&flow, support::packs(), None).unwrap();
        assert_eq!(answer.verdict.word(), "ask", "{drawing}");
        let asked = answer.parts.iter().flat_map(|part| &part.missing);
        let asked: Vec<&str> = asked.map(|missing| missing.fact.as_str()).collect();
        assert!(asked.contains(&fact), "{drawing} {asked:?}");
    }
}

/// Every label and box of every picture has room of its own.
#[test]
fn nothing_in_a_picture_overlaps() {
    use compliance::flow::{Lang, svg};
    for (name, text) in examples() {
        let flow = read(&text).unwrap();
        for expected in &flow.expect {
            let answer = judge(&flow, support::packs(), Some(expected.as_of)).unwrap();
            for lang in [Lang::En, Lang::Zh] {
                let picture = svg(&flow, &answer, lang);
                let boxes: Vec<[i32; 4]> = picture
                    .lines()
                    .filter(|line| line.starts_with("<rect x="))
                    .map(|line| {
                        ["x", "y", "width", "height"].map(|field| {
                            let value = line.split(&format!(" {field}=\"")).nth(1).unwrap();
                            value.split('"').next().unwrap().parse().unwrap()
                        })
                    })
                    .collect();
                assert!(boxes.len() >= flow.legs.len() + 2, "{name}");
                for (number, one) in boxes.iter().enumerate() {
                    for other in boxes.iter().skip(number + 1) {
                        let apart = one[0] + one[2] <= other[0]
                            || other[0] + other[2] <= one[0]
                            || one[1] + one[3] <= other[1]
                            || other[1] + other[3] <= one[1];
                        assert!(apart, "{name} at {}: {one:?} {other:?}", expected.as_of);
                    }
                }
            }
        }
    }
}

/// Goods of its own do not cover a second stream of money of which nothing is said.
#[test]
fn one_own_leg_does_not_cover_another() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/flows/own-sale.toml"
    ))
    .unwrap();
    let extra = "\n[[leg]]\nfrom = \"buyers\"\nto = \"shop\"\nroute = [\"bank\"]\n";
    let flow = read(&format!("{text}{extra}")).unwrap();
    let answer = judge(&flow, support::packs(), None).unwrap();
    assert_eq!(answer.verdict.word(), "ask");
}

/// A platform that sells goods of its own beside others' cannot hide these behind its own.
#[test]
fn others_goods_paid_out_with_own_ones_are_seen() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/flows/own-sale.toml"
    ))
    .unwrap();
    let extra = "\n[[leg]]\nfrom = \"buyers\"\nto = \"pay\"\naccount = \"reserve\"\ngoods_of = \"suppliers\"\nroute = [\"pay\", \"nucc\", \"bank\"]\n";
    let flow = read(&format!("{text}{extra}")).unwrap();
    let answer = judge(&flow, support::packs(), None).unwrap();
    assert_eq!(answer.verdict.word(), "deny");
}

/// Provinces are read by name and by letter code, as one; what is neither is refused.
#[test]
fn provinces_and_functions_are_words_of_the_vocabulary() {
    let shop = "kind = \"merchant\"\nonline = true";
    for word in ["zhejiang", "ZJ"] {
        let text = GOOD.replacen(shop, &format!("{shop}\nprovince = \"{word}\""), 1);
        let flow = read(&text).unwrap();
        let found = flow.parties.iter().find_map(|party| party.province.clone());
        assert_eq!(found.as_deref(), Some("zhejiang"));
    }
    let (path, _, text) = refused(shop, &format!("{shop}\nprovince = \"zhejang\""));
    assert_eq!(path, "party.shop.province");
    assert!(text.contains("did you mean `zhejiang`?"), "{text}");
}
