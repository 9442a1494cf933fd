//! The example flows reach the answers recorded in them, and no small change makes a forbidden one allowed.

use crate::support;
use crate::support::flows::{example, examples, judged, read};
use compliance::Verdict;
use compliance::flow::judge;

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

/// Stated facts cannot talk a pool away: the drawing shows it.
#[test]
fn a_conclusion_of_the_drawing_cannot_be_overridden() {
    let text = example("unlicensed-platform").replace("days = 30", "facts = { pooled = false }");
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
            if expected.verdict != Verdict::Deny {
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
                    && answer.verdict == Verdict::Allow
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
    let text = example("own-sale");
    let extra = "\n[[leg]]\nfrom = \"buyers\"\nto = \"shop\"\nroute = [\"bank\"]\n";
    let answer = judged(&format!("{text}{extra}"));
    assert_eq!(answer.verdict, Verdict::Ask);
}

/// A platform that sells goods of its own beside others' cannot hide these behind its own.
#[test]
fn others_goods_paid_out_with_own_ones_are_seen() {
    let text = example("own-sale");
    let extra = "\n[[leg]]\nfrom = \"buyers\"\nto = \"pay\"\naccount = \"reserve\"\ngoods_of = \"suppliers\"\nroute = [\"pay\", \"nucc\", \"bank\"]\n";
    let answer = judged(&format!("{text}{extra}"));
    assert_eq!(answer.verdict, Verdict::Deny);
}
