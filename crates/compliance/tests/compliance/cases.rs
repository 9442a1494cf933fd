//! The practitioners' cases.

use crate::support;
use compliance::{Finding, Note, Verdict};
use std::sync::Arc;

/// Cases whose expectation is wrong, each with the reason.
const EXPECTED_FAILING: [(&str, &str); 0] = [];

#[test]
fn every_case_reaches_its_verdict_and_cites_an_expected_rule() {
    let packs = support::packs();
    let cases = support::cases();
    assert_eq!(cases.len(), 91);
    let mut wrong = Vec::new();
    for case in &cases {
        let decision = packs.check(&case.facts);
        let mut faults = Vec::new();
        let verdict = case.expect.get("verdict").unwrap().text().unwrap();
        if decision.verdict.word() != verdict {
            faults.push(format!(
                "verdict {} instead of {verdict}",
                decision.verdict.word()
            ));
        }
        let rules: Vec<&str> = case
            .expect
            .get("rules")
            .unwrap()
            .items()
            .iter()
            .filter_map(|rule| rule.text())
            .collect();
        if !rules.is_empty()
            && !decision
                .rules
                .iter()
                .any(|finding| rules.contains(&finding.rule.id.as_str()))
        {
            faults.push(format!("none of {rules:?} cited"));
        }
        let yuan = |name: &str| {
            case.expect
                .get(name)
                .map(|node| node.text().unwrap().parse::<i64>().unwrap() * 100)
        };
        if let Some(figure) = yuan("limit")
            && !decision.limits.iter().any(|limit| limit.figure == figure)
        {
            faults.push(format!("no limit of {figure}"));
        }
        if let Some(remaining) = yuan("remaining")
            && decision.limits.iter().map(|limit| limit.remaining).min() != Some(remaining)
        {
            faults.push(format!(
                "remaining is not {remaining}: {:?}",
                decision.limits
            ));
        }
        if let Some(deadline) = case.expect.get("deadline") {
            let day: i32 = deadline.text().unwrap().replace('-', "").parse().unwrap();
            if decision.deadline != Some(day) {
                faults.push(format!("deadline {:?}", decision.deadline));
            }
        }
        if let Some(bearer) = case.expect.get("loss_bearer")
            && decision.loss_bearer.as_deref() != bearer.text()
        {
            faults.push(format!("loss bearer {:?}", decision.loss_bearer));
        }
        let listed = EXPECTED_FAILING.iter().any(|(id, _)| *id == case.id);
        if listed == faults.is_empty() {
            let found: Vec<String> = decision
                .rules
                .iter()
                .map(|finding| format!("{}:{:?}", finding.rule.id, finding.outcome))
                .collect();
            wrong.push(format!(
                "{}: {} | {found:?} | missing {:?}",
                case.id,
                faults.join("; "),
                decision.missing
            ));
        }
    }
    support::none_wrong(&wrong);
}

#[test]
fn no_removed_fact_turns_a_refusal_or_a_limit_into_an_allow() {
    let packs = support::packs();
    let mut wrong = Vec::new();
    for case in support::cases() {
        let whole = packs.check(&case.facts).verdict;
        if !matches!(whole, Verdict::Deny | Verdict::Limit) {
            continue;
        }
        for path in support::allowed_without(&case.facts) {
            wrong.push(format!("{} without {path}", case.id));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The knowledge base: whoever asks the same gets the reading with its standing beside the verdict.
#[test]
fn every_case_is_a_reading_with_its_standing_and_is_shown_with_its_decision() {
    let packs = support::packs();
    let mut wrong = Vec::new();
    for case in support::cases() {
        let of_case = |note: &&Arc<Note>| note.case.as_deref() == Some(case.id.as_str());
        let rules = packs.rules().iter();
        let readings: Vec<&Arc<Note>> =
            rules.flat_map(|rule| &rule.notes).filter(of_case).collect();
        let Some(first) = readings.first() else {
            wrong.push(format!("{}: no reading", case.id));
            continue;
        };
        // One reading, however many rules it bears on.
        assert!(
            readings.iter().all(|reading| reading == first),
            "{}",
            case.id
        );
        let standing = serde_json::to_value(first.standing).unwrap();
        if standing != case.standing.as_str() {
            wrong.push(format!("{}: {standing}", case.id));
        }
        for text in [&first.question, &first.answer] {
            assert!(!text.en.is_empty() && !text.zh.is_ascii(), "{}", case.id);
        }
        let decision = packs.check(&case.facts);
        let shown = |finding: &Finding| finding.rule.notes.iter().any(|note| note == *first);
        if !decision.rules.iter().any(shown) {
            wrong.push(format!("{}: not shown with its decision", case.id));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
