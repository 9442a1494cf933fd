//! Every rule by its own cases, its days, its figures.

use crate::support;
use calendar::BusinessDate;
use compliance::{Confidence, Effect, Facts, Packs, Value, Verdict};

fn day(facts: &Facts) -> BusinessDate {
    BusinessDate::from_yyyymmdd(
        i32::try_from(facts.get("as_of").and_then(Value::as_number).unwrap()).unwrap(),
    )
    .unwrap()
}

fn fired(packs: &Packs, facts: &Facts, as_of: BusinessDate, rule: &str) -> bool {
    support::applies(&packs.check_as_of(facts, as_of), rule)
}

#[test]
fn there_are_all_rules_and_each_keeps_its_own_cases() {
    let packs = support::packs();
    assert_eq!(packs.rules().len(), 180);
    let mut wrong = Vec::new();
    for rule in packs.rules() {
        assert!(
            rule.cases.iter().any(|case| case.fires),
            "{} has no firing case",
            rule.id
        );
        for (number, case) in rule.cases.iter().enumerate() {
            if fired(packs, &case.facts, day(&case.facts), &rule.id) != case.fires {
                let decision = packs.check(&case.facts);
                let found: Vec<_> = decision
                    .rules
                    .iter()
                    .filter(|finding| finding.rule.id == rule.id)
                    .map(|finding| finding.outcome)
                    .collect();
                wrong.push(format!(
                    "{} case {number} should fire: {} | {found:?} {:?}",
                    rule.id, case.fires, decision.missing
                ));
            }
        }
    }
    support::none_wrong(&wrong);
}

#[test]
fn rules_begin_and_end_on_their_days() {
    let packs = support::packs();
    for rule in packs.rules() {
        let case = rule.cases.iter().find(|case| case.fires).unwrap();
        assert!(
            !fired(packs, &case.facts, rule.from.previous(), &rule.id),
            "{} fires before its first day",
            rule.id
        );
        if let Some(last) = rule.to {
            assert!(
                !fired(packs, &case.facts, last.next(), &rule.id),
                "{} fires after its last day",
                rule.id
            );
        }
    }
}

#[test]
fn no_removed_fact_of_a_certain_refusal_allows() {
    let packs = support::packs();
    let mut wrong = Vec::new();
    for rule in packs
        .rules()
        .iter()
        .filter(|rule| rule.confidence == Confidence::High)
    {
        if !matches!(rule.effect, Effect::Deny | Effect::Limit) {
            continue;
        }
        for case in rule.cases.iter().filter(|case| case.fires) {
            for path in support::allowed_without(&case.facts) {
                wrong.push(format!("{} without {path}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_yuan_at_the_limit_passes_and_the_fen_above_does_not() {
    let packs = support::packs();
    for rule in packs.rules() {
        let Some(limit) = &rule.limit else { continue };
        let case = rule.cases.iter().find(|case| case.fires).unwrap();
        let mut facts = case.facts.clone();
        // Whose rating widens no limit; without it the refusal would ask for the rating first.
        facts.set("actor.rating.grade", "C").unwrap();
        let figure = match limit.figure {
            Ok(fen) => fen,
            Err(id) => facts
                .get(compliance::definition(id).path)
                .and_then(Value::as_number)
                .unwrap(),
        };
        for used in ["day_total", "year_total", "lifetime_total"] {
            if facts.get(used).is_some() {
                facts.set(used, 0).unwrap();
            }
        }
        facts.set("amount", figure).unwrap();
        assert!(
            verdict_of(packs, &facts, &rule.id),
            "{} refuses its own figure",
            rule.id
        );
        facts.set("amount", figure + 1).unwrap();
        assert!(
            !verdict_of(packs, &facts, &rule.id),
            "{} lets a fen above pass",
            rule.id
        );
    }
}

/// Whether the payment fits under one rule's limit.
fn verdict_of(packs: &Packs, facts: &Facts, rule: &str) -> bool {
    let amount = facts.get("amount").and_then(Value::as_number).unwrap();
    let decision = packs.check(facts);
    let room = decision
        .limits
        .iter()
        .find(|room| room.rule == rule)
        .unwrap();
    if amount > room.remaining {
        assert_eq!(decision.verdict, Verdict::Deny, "{rule}");
    }
    amount <= room.remaining
}

#[test]
fn a_changed_figure_changes_decision_and_hash() {
    let facts = support::facts(
        "{as_of: 2018-04-01, service: code_payment, code: static, factors: [knowledge], day_total: 0, amount: 600}",
    );
    let before = support::packs().check(&facts);
    assert_eq!(before.verdict, Verdict::Deny);
    let mut texts = support::texts();
    for (_, text) in &mut texts {
        *text = text.replace(
            "figures = { day_yuan = 500 }",
            "figures = { day_yuan = 600 }",
        );
    }
    let after = support::load(&texts).check(&facts);
    assert_eq!(after.verdict, Verdict::Limit);
    assert_ne!(before.packs, after.packs);
}

#[test]
fn broken_packs_are_refused_with_file_line_and_reason() {
    let good = support::texts();
    let (name, text) = good
        .iter()
        .find(|(name, _)| name == "pbc-2017-281.toml")
        .unwrap();
    for (from, to, reason) in [
        ("context.direct &&", "context.dircet &&", "dircet"),
        (
            "context.direct &&",
            "(context has direct) && context.direct &&",
            "absence",
        ),
        ("context.direct &&", "context.direct == 5 &&", ""),
        ("effect = \"deny\"", "effect = \"forbid\"", "forbid"),
        ("figure.days", "figure.dayz", "dayz"),
        (
            "rules = [\"PBC-2017-281/no-new-direct\"]",
            "rules = [\"PBC-2017-281/no-new-dirct\"]",
            "bears on unknown rule `PBC-2017-281/no-new-dirct`",
        ),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(&broken, text);
        let error = Packs::load(&[(name, &broken)]).unwrap_err();
        assert_eq!(&error.file, name);
        assert!(error.line > 1 && error.reason.contains(reason), "{error}");
    }
}

/// One rule with a condition, as a pack.
fn pack_with(when: &str) -> String {
    format!(
        r#"[instrument]
key = "HOUSE"
zh = "内部规则"
en = "House rules"
issued = "2018-01-01"

[[rule]]
id = "HOUSE/1"
from = "2018-01-01"
bearer = ["account_side"]
effect = "deny"
confidence = "high"
says = {{ en = "No.", zh = "不得。" }}
remedy = {{ en = "Ask", zh = "申请" }}
raised_by = ["amount"]
when = '''{when}'''
fires = [{{ amount = 1 }}]
"#
    )
}

#[test]
fn conditions_that_nest_without_bound_are_refused_and_end_no_process() {
    let wrapped = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let endless = [
        wrapped("(", "true", ")", 150),
        wrapped("(", "true", ")", 100_000),
        wrapped("[", "1", "]", 2_000),
        wrapped("{a: ", "1", "}", 900),
        wrapped("if true then ", "true", " else true", 3_000),
        wrapped("if true then ", "true", " else true", 120),
        format!("true{}", " && true".repeat(8_000)),
        format!("true{}", " && true".repeat(300)),
        format!("1{} == 1", "+1".repeat(20_000)),
        format!("1{} == 1", "+1".repeat(1_000)),
        format!("context{}", ".a".repeat(1_500)),
        format!("context{}", "[\"a\"]".repeat(500)),
        // Neither a string nor a remark hides what follows it.
        format!("\"\\\"(\" == \"(\"{}", "||true".repeat(300)),
        format!("// \"\n{}", wrapped("(", "true", ")", 150)),
    ];
    for condition in endless {
        let text = pack_with(&condition);
        let error = Packs::load(&[("house.toml", &text)]).unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("house.toml", 8));
        assert!(error.reason.contains("more than"), "{error}");
    }
}

#[test]
fn keys_that_nest_without_bound_are_refused_and_end_no_process() {
    for inside in [
        format!("{} = 1", "a.".repeat(200_000) + "a"),
        format!("{{{} = 1 }}", "a . ".repeat(200_000) + "a"),
        format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        for place in ["figures = { x = ", "fires = [{ x = "] {
            let end = if place.starts_with("fires") {
                "}]"
            } else {
                "}"
            };
            let old = "fires = [{ amount = 1 }]";
            let text = pack_with("true").replace(old, &format!("{place}{inside} {end}"));
            Packs::load(&[("house.toml", &text)]).unwrap_err();
        }
    }
}

/// What is stored was compiled once; no thread that compiles or asks it later may have too small a stack.
#[test]
fn a_condition_within_the_bounds_can_be_used_on_the_stack_of_any_thread() {
    let many = |first: &str, next: &str, times: usize| format!("{first}{}", next.repeat(times));
    let accepted = [
        format!("{}context.amount > 0{}", "(".repeat(31), ")".repeat(31)),
        many("context.amount > 0", " || true", 95),
        many("context.amount", " + 1", 190) + " > 0",
        format!(
            "{}context.amount > 0{}",
            "if context.amount > 0 then ".repeat(32),
            " else false".repeat(32)
        ),
    ];
    for condition in accepted {
        let text = pack_with(&condition);
        let small = std::thread::Builder::new().stack_size(2 << 20);
        let decided = small.spawn(move || {
            let packs = Packs::load(&[("house.toml", &text)]).unwrap_or_else(|e| panic!("{e}"));
            packs
                .check(&support::facts("{as_of: 2018-04-01, amount: 1}"))
                .verdict
        });
        assert_eq!(decided.unwrap().join().unwrap(), Verdict::Deny);
    }
}

#[test]
fn the_embedded_packs_are_those_of_the_folder() {
    let folder = support::texts();
    let folder: Vec<(&str, &str)> = folder
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    assert_eq!(compliance::EMBEDDED, folder);
}

#[test]
fn the_page_of_facts_is_current() {
    assert_eq!(
        include_str!("../../../../docs/facts.md"),
        compliance::vocabulary_table(),
        "run `cargo run -p compliance --example facts > docs/facts.md`"
    );
}

#[test]
fn unknown_and_contradictory_facts_are_refused_with_their_line() {
    for (text, expected) in [
        (
            "as_of: 2018-04-01\nmerchant: {phisical: true}",
            "line 2: unknown fact `merchant.phisical`; did you mean `merchant.physical`?",
        ),
        ("service: code_paymnet", "code_payment"),
        (
            "code: static\namount: much",
            "line 2: `amount` must be an amount in yuan",
        ),
        ("route: [npi, nucc, bank]\ndirect: true", "contradicts"),
        ("amount: 1\namount: 2", "line 2: `amount` is stated twice"),
    ] {
        let error = compliance::parse_yaml(text)
            .and_then(|node| compliance::facts_from_node(&node))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}
