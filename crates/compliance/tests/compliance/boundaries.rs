//! Every figure, day and factor from both sides, generated from the packs.

use crate::support;
use calendar::{BusinessDate, instant_at, shanghai_date};
use compliance::{
    Action, Bearer, Confidence, Decision, Facts, Outcome, Packs, Rule, Value, Verdict,
};
use std::collections::BTreeSet;

fn fires(packs: &Packs, facts: &Facts, rule: &str) -> bool {
    support::applies(&packs.check(facts), rule)
}

/// A comparison of a condition with one of its rule's figures, as the pack writes it:
/// `context.used.micro_day + context.amount > figure.day_yuan`.
struct Comparison {
    rule: String,
    facts: Vec<String>,
    operator: String,
    figure: i64,
}

impl Comparison {
    /// The sum of its facts at which the condition holds, beside the figure, and at which it does not.
    fn sides(&self) -> (i64, i64) {
        let figure = self.figure;
        match self.operator.as_str() {
            ">" => (self.step(1), figure),
            ">=" => (figure, self.step(-1)),
            "<" => (self.step(-1), figure),
            "<=" => (figure, self.step(1)),
            other => panic!("{other}"),
        }
    }

    /// The value beside the figure: a unit, or a day.
    fn step(&self, by: i32) -> i64 {
        let kind = compliance::find_fact(&self.facts[0]).map(compliance::definition);
        if kind.unwrap().kind != compliance::FactKind::Day {
            return self.figure + i64::from(by);
        }
        let day = BusinessDate::from_yyyymmdd(i32::try_from(self.figure).unwrap()).unwrap();
        i64::from(day.plus_days(by).to_yyyymmdd())
    }

    /// The facts of a case with the compared sum changed, or none if that cannot be stated.
    fn at(&self, case: &Facts, sum: i64) -> Option<Facts> {
        let mut facts = case.clone();
        let (first, others) = self.facts.split_first().unwrap();
        let mut rest = sum;
        for other in others {
            rest -= facts.get(other).and_then(Value::as_number)?;
        }
        facts.set(first, rest).ok()?;
        Some(facts)
    }
}

/// Figures in the unit of conditions.
fn figure(name: &str, value: &toml::Value) -> i64 {
    let scaled = |places: u32| {
        let number: f64 = value.to_string().parse().unwrap();
        #[allow(clippy::cast_possible_truncation, clippy::float_arithmetic)]
        let units = (number * f64::from(10_u32.pow(places))).round() as i64;
        units
    };
    match name {
        _ if name.ends_with("_yuan") => scaled(2),
        _ if name.ends_with("_share") => scaled(6),
        _ if name.ends_with("_day") && value.as_str().is_some_and(|text| text.contains('-')) => {
            value.as_str().unwrap().replace('-', "").parse().unwrap()
        }
        _ => value.as_integer().unwrap(),
    }
}

fn comparisons() -> Vec<Comparison> {
    let mut found = Vec::new();
    for (_, text) in support::texts() {
        let pack: toml::Value = toml::from_str(&text).unwrap();
        for rule in pack["rule"].as_array().unwrap() {
            let clauses = rule.get("clause").and_then(toml::Value::as_array);
            let conditions = std::iter::once(rule)
                .chain(clauses.into_iter().flatten())
                .filter_map(|part| part.get("when"))
                .map(|when| when.as_str().unwrap());
            for condition in conditions {
                let words: Vec<&str> = condition
                    .split(|letter: char| letter.is_whitespace() || "()".contains(letter))
                    .filter(|word| !word.is_empty())
                    .collect();
                for (place, word) in words.iter().enumerate() {
                    let Some(name) = word.strip_prefix("figure.") else {
                        continue;
                    };
                    let mut facts = Vec::new();
                    let mut from = place - 2;
                    while let Some(fact) = words[from].strip_prefix("context.") {
                        facts.push(fact.to_owned());
                        if from < 2 || words[from - 1] != "+" {
                            break;
                        }
                        from -= 2;
                    }
                    assert!(
                        !facts.is_empty(),
                        "{condition}: what is compared with {word}?"
                    );
                    facts.reverse();
                    found.push(Comparison {
                        rule: rule["id"].as_str().unwrap().to_owned(),
                        facts,
                        operator: words[place - 1].to_owned(),
                        figure: figure(name, &rule["figures"][name]),
                    });
                }
            }
        }
    }
    found
}

/// Comparisons that never decide alone whether their rule fires, each with the reason.
const NO_TURN: [(&str, &str, &str); 1] = [(
    "PBC-2015-43/36",
    "950000",
    "between the two shares the smaller widening holds, so the rule fires on both sides",
)];

#[test]
fn each_figure_turns_its_rule_exactly_where_it_stands() {
    let packs = support::packs();
    let comparisons = comparisons();
    assert!(comparisons.len() > 35, "{}", comparisons.len());
    let mut wrong = Vec::new();
    for comparison in &comparisons {
        let rule = rule(packs, &comparison.rule);
        let (inside, outside) = comparison.sides();
        // Any of the rule's own cases may be the one in which this figure alone decides.
        let turns = rule.cases.iter().any(|case| {
            let (Some(inside), Some(outside)) = (
                comparison.at(&case.facts, inside),
                comparison.at(&case.facts, outside),
            ) else {
                return false;
            };
            fires(packs, &inside, &rule.id) && !fires(packs, &outside, &rule.id)
        });
        let excused = NO_TURN
            .iter()
            .any(|(id, figure, _)| *id == rule.id && comparison.figure.to_string() == *figure);
        if turns == excused {
            wrong.push(format!(
                "{}: {:?} {} {}",
                rule.id, comparison.facts, comparison.operator, comparison.figure
            ));
        }
    }
    support::none_wrong(&wrong);
}

fn rule<'a>(packs: &'a Packs, id: &str) -> &'a Rule {
    packs.rules().iter().find(|rule| rule.id == id).unwrap()
}

/// Certain rules that no facts keep quiet on a day when they are in force.
const ALWAYS_FIRE: [(&str, &str); 1] = [(
    "PBC-2024-4/repeal",
    "it says that something is repealed, and begins with the day of repeal",
)];

#[test]
fn each_certain_rule_has_a_case_that_fires_and_one_just_outside() {
    let packs = support::packs();
    let compared: BTreeSet<String> = comparisons().into_iter().map(|one| one.rule).collect();
    let mut wrong = Vec::new();
    for rule in packs.rules() {
        if rule.confidence != Confidence::High {
            continue;
        }
        let fires = rule.cases.iter().any(|case| case.fires);
        // The figure just outside is generated above; otherwise it is the rule's own quiet case.
        let outside = compared.contains(&rule.id)
            || rule.limit.is_some()
            || rule.cases.iter().any(|case| !case.fires);
        let excused = ALWAYS_FIRE.iter().any(|(id, _)| *id == rule.id);
        if !fires || (outside && rule.cases.iter().any(|case| !case.fires)) == excused {
            wrong.push(rule.id.clone());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Facts of a case without its day.
fn undated(facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    facts.remove("as_of");
    facts
}

#[test]
fn a_rule_begins_at_midnight_in_shanghai() {
    let packs = support::packs();
    for rule in packs.rules() {
        let at = |day, hour, minute, second| {
            let day = shanghai_date(instant_at(day, hour, minute, second));
            // A case may hold a day of its own, later than the first; the rule is then asked for its days only.
            let case = rule.cases.iter().find(|case| case.fires).unwrap();
            let decision = packs.check_as_of(&undated(&case.facts), day);
            let outcome = decision
                .rules
                .iter()
                .find(|finding| finding.rule.id == rule.id)
                .map(|finding| finding.outcome);
            !matches!(outcome, None | Some(Outcome::Announced))
        };
        assert!(
            !at(rule.from.previous(), 23, 59, 59),
            "{} is early",
            rule.id
        );
        assert!(at(rule.from, 0, 0, 0), "{} is late", rule.id);
        if let Some(last) = rule.to {
            assert!(at(last, 23, 59, 59), "{} ends early", rule.id);
            assert!(!at(last.next(), 0, 0, 0), "{} ends late", rule.id);
        }
    }
}

#[test]
fn the_last_second_of_direct_links_and_the_first_without_them() {
    let facts = support::facts(
        "{actor: {kind: npi, licences: [internet_payment]}, service: online_payment, touches_bank_account: true, route: [npi, bank], direct: true, lifecycle: existing, change: none, code: none}",
    );
    let cutover = BusinessDate::from_yyyymmdd(20_180_630).unwrap();
    let at = |instant| {
        support::packs()
            .check_as_of(&facts, shanghai_date(instant))
            .verdict
    };
    assert_eq!(
        at(instant_at(cutover.previous(), 23, 59, 59)),
        Verdict::Migrate
    );
    assert_eq!(at(instant_at(cutover, 0, 0, 0)), Verdict::Deny);
}

#[test]
fn a_live_static_code_has_its_limit_from_midnight_of_the_first_day() {
    let facts = support::facts(
        "{actor: {kind: npi, licences: [internet_payment]}, service: code_payment, merchant: {physical: true}, route: [npi, nucc, npi_wallet], code: static, source: bank_account, factors: [knowledge, biometric], day_total: 0, amount: 500.01, instruction_complete: true, acct: {months_since_open: 12, txn_count: 5, reverified: true}}",
    );
    let first = BusinessDate::from_yyyymmdd(20_180_401).unwrap();
    let at = |instant| {
        support::packs()
            .decide(
                &facts,
                shanghai_date(instant),
                Action::BarcodePayment,
                Bearer::AccountSide,
            )
            .verdict
    };
    assert_ne!(at(instant_at(first.previous(), 23, 59, 59)), Verdict::Deny);
    assert_eq!(at(instant_at(first, 0, 0, 0)), Verdict::Deny);
}

#[test]
fn factors_turn_the_level_by_class_and_not_by_number() {
    let level = |factors: &str| {
        let facts = support::facts(&format!(
            "{{as_of: 2018-04-01, service: code_payment, code: dynamic, factors: {factors}, day_total: 0, amount: 1, agreed_day_limit: 9}}"
        ));
        let decision = support::packs().check(&facts);
        decision.limits.iter().map(|room| room.figure).min()
    };
    assert_eq!(level("[knowledge]"), Some(100_000));
    // Two items of one class are one factor.
    assert_eq!(level("[possession_otp]"), Some(100_000));
    assert_eq!(level("[possession_cert, possession_otp]"), Some(100_000));
    assert_eq!(level("[knowledge, possession_otp]"), Some(500_000));
    assert_eq!(level("[knowledge, biometric]"), Some(500_000));
    assert_eq!(level("[knowledge, possession_cert]"), Some(900));
}

#[test]
fn a_missing_rating_factor_or_owner_is_asked_for() {
    for (facts, asked) in [
        // A rating could double the limit of 5,000 yuan; nothing could treble it.
        (
            "service: online_payment, source: payment_account_balance, factors: [knowledge, possession_otp], day_total: 0, amount: 6000",
            "actor.rating.grade",
        ),
        (
            "service: topup, source_owner: X, target_owner: Y, amount: 300",
            "actor.rating.grade",
        ),
        (
            "service: code_payment, code: dynamic, day_total: 0, amount: 10",
            "level",
        ),
        (
            "service: online_payment, source: payment_account_balance, day_total: 0, amount: 10",
            "factor_count",
        ),
        ("service: topup, source_owner: X, amount: 300", "same_owner"),
        (
            "service: withdraw, target_owner: X, amount: 300",
            "same_owner",
        ),
    ] {
        let decision =
            support::packs().check(&support::facts(&format!("{{as_of: 2018-05-04, {facts}}}")));
        let missing = support::missing(&decision);
        assert_eq!(decision.verdict, Verdict::Ask, "{facts}: {missing:?}");
        assert!(missing.contains(&asked), "{facts}: {missing:?}");
    }
    let beyond = support::facts(
        "{as_of: 2018-05-04, service: online_payment, source: payment_account_balance, factors: [knowledge, possession_otp], day_total: 0, amount: 10000.01}",
    );
    assert_eq!(support::packs().check(&beyond).verdict, Verdict::Deny);
}

fn unexamined(decision: &Decision, rule: &str) -> bool {
    decision.unexamined.iter().any(|one| one.rule == rule)
}

#[test]
fn rules_that_nobody_said_anything_about_are_named() {
    let case = support::cases()
        .into_iter()
        .find(|case| case.id == "Q-02")
        .unwrap();
    let decision = support::packs().check(&case.facts);
    assert_eq!(decision.verdict, Verdict::Allow);
    let outsourcing = decision
        .unexamined
        .iter()
        .find(|one| one.rule == "PBC-2013-9/kyc")
        .unwrap_or_else(|| panic!("{:?}", decision.unexamined));
    assert!(outsourcing.facts.contains(&"merchant.onboarded_by"));
    // What is examined is not unexamined, and stating the fact examines it.
    for finding in &decision.rules {
        assert!(!unexamined(&decision, &finding.rule.id));
    }
    let stated = case
        .facts
        .clone()
        .with("merchant.onboarded_by", "npi")
        .unwrap();
    let decision = support::packs().check(&stated);
    assert!(!unexamined(&decision, "PBC-2013-9/kyc"));
    assert!(
        decision
            .rules
            .iter()
            .any(|finding| finding.rule.id == "PBC-2013-9/kyc")
    );
}

#[test]
fn every_text_is_there_in_both_languages_and_no_open_reading_looks_settled() {
    for rule in support::packs().rules() {
        for text in [&rule.says, &rule.remedy, &rule.citation] {
            assert!(!text.zh.is_ascii(), "{}: {}", rule.id, text.zh);
            assert!(!text.en.is_empty());
        }
        for note in &rule.notes {
            let (en, zh) = note.standing.words();
            let settled = en == "consensus" && zh == "一致";
            assert_eq!(note.standing.settled(), settled);
            assert!(!note.source.is_empty() && !note.answer.zh.is_empty());
        }
    }
}
