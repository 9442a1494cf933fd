//! The gate before a new product.

use crate::support;
use calendar::BusinessDate;
use compliance::{Bearer, Evidence, Facts, Gate, LaunchReport, Verdict};

fn facts() -> Facts {
    support::facts(
        "{actor: {kind: npi, licences: [internet_payment]}, licence_lent: false, outside_licence: false, own_name: true, activity: [payment], service: code_payment, code: none, code_protected: true, issues_own_code: false, code_payload: [token], campaign: {subsidy_rate_high: false, price_below_cost: false}}",
    )
}

fn report(reported: Option<(i8, i8)>, launch: (i8, i8)) -> LaunchReport {
    let day = |(month, day)| BusinessDate::new(2018, month, day).unwrap();
    LaunchReport {
        product: "wallet at the kiosk".to_owned(),
        innovation: true,
        cross_border: false,
        reported_on: reported.map(day),
        launch_on: day(launch),
        evidence: vec![Evidence {
            name: "report as sent".to_owned(),
            sha256: "0".repeat(64),
        }],
    }
}

fn gate(report: &LaunchReport) -> Gate {
    support::packs()
        .launch_gate(report, &facts(), Bearer::AccountSide)
        .unwrap()
}

fn refused_by(gate: &Gate) -> Vec<&str> {
    let fired = gate.decision.rules.iter();
    fired
        .filter(|finding| finding.remedy().is_some())
        .map(|finding| finding.rule.id.as_str())
        .collect()
}

#[test]
fn thirty_days_and_not_one_less() {
    let early = gate(&report(Some((5, 1)), (5, 30)));
    assert!(!early.open);
    assert_eq!(early.decision.verdict, Verdict::Deny);
    assert_eq!(refused_by(&early), ["PBC-2017-281/report-30d"]);
    assert_eq!(early.first_day, Some(20_180_531));
    let on_time = gate(&report(Some((5, 1)), (5, 31)));
    assert!(on_time.open, "{:?}", on_time.decision);
    assert_eq!(on_time.first_day, Some(20_180_531));
}

#[test]
fn what_was_not_reported_does_not_begin() {
    let unreported = gate(&report(None, (5, 31)));
    assert!(!unreported.open);
    assert_eq!(unreported.first_day, None);
    let afterwards = gate(&report(Some((6, 2)), (6, 1)));
    assert!(!afterwards.open);
    assert_eq!(afterwards.first_day, Some(20_180_702));
}

#[test]
fn cooperation_abroad_is_reported_too_and_an_ordinary_product_is_not() {
    let mut abroad = report(None, (5, 31));
    abroad.innovation = false;
    abroad.cross_border = true;
    assert_eq!(refused_by(&gate(&abroad)), ["PBC-2017-281/report-30d"]);
    let mut ordinary = report(None, (5, 31));
    ordinary.innovation = false;
    ordinary.evidence.clear();
    assert!(gate(&ordinary).open);
}

#[test]
fn evidence_is_attached_or_the_gate_stays_shut() {
    let reported = || report(Some((5, 1)), (5, 31));
    let mut without = reported();
    without.evidence.clear();
    let mut nameless = reported();
    nameless.evidence.first_mut().unwrap().name = " ".to_owned();
    let mut hashless = reported();
    hashless.evidence.first_mut().unwrap().sha256 = "abc".to_owned();
    for report in [without, nameless, hashless] {
        let gate = gate(&report);
        assert_eq!(gate.decision.verdict, Verdict::Allow);
        assert!(gate.evidence_missing && !gate.open, "{report:?}");
    }
}

#[test]
fn what_is_not_stated_is_asked_for() {
    let mut facts = facts();
    facts.remove("activity");
    let gate = support::packs()
        .launch_gate(&report(Some((5, 1)), (5, 31)), &facts, Bearer::AccountSide)
        .unwrap();
    assert_eq!(gate.decision.verdict, Verdict::Ask);
    assert!(!gate.open);
    assert_eq!(support::missing(&gate.decision), ["activity"]);
}
