//! What is left out, named otherwise or spelled otherwise turns no refusal into an allow.

use crate::support;
use compliance::{Decision, Outcome, Verdict};

fn decide(facts: &str) -> Decision {
    support::packs().check(&support::facts(&format!("{{{facts}}}")))
}

fn verdict(facts: &str) -> Verdict {
    decide(facts).verdict
}

#[track_caller]
fn fires(facts: &str, rule: &str) {
    let decision = decide(facts);
    let fired = decision
        .rules
        .iter()
        .any(|finding| finding.rule.id == rule && finding.outcome == Outcome::Fired);
    assert!(fired, "{facts}: {decision:?}");
}

const PLATFORM: &str =
    "as_of: 2018-05-04, actor: {kind: platform, licences: []}, goods: third_party";

#[test]
fn a_pool_is_one_whatever_its_account_is_called() {
    for place in [
        "platform",
        "platform.account",
        "platform.wallet",
        "platform.reserve",
        "platform.sub_account",
        "aggregator.account",
        "npi.wallet",
    ] {
        for service in ["split", "escrow"] {
            let legs = format!(
                "{PLATFORM}, service: {service}, legs: [{{from: buyer, to: {place}}}, {{from: {place}, to: seller}}]"
            );
            assert_eq!(verdict(&legs), Verdict::Deny, "{legs}");
            let holder = format!("{PLATFORM}, service: {service}, holder: {place}");
            assert_eq!(verdict(&holder), Verdict::Deny, "{holder}");
        }
    }
    // Two accounts of one holder are one pool.
    let two = format!(
        "{PLATFORM}, service: split, legs: [{{from: buyer, to: platform}}, {{from: platform.wallet, to: seller}}]"
    );
    assert_eq!(verdict(&two), Verdict::Deny);
}

#[test]
fn a_place_that_nobody_knows_is_asked_about() {
    for place in [
        "banking_app_of_platform",
        "nice_account",
        "reserve",
        "npi_reserve",
    ] {
        for service in ["split", "escrow"] {
            for stated in [
                format!("legs: [{{from: buyer, to: {place}}}, {{from: {place}, to: seller}}]"),
                format!("holder: {place}"),
                // Money that comes in and goes on out of something else.
                format!("legs: [{{from: buyer, to: platform}}, {{from: {place}, to: seller}}]"),
                "legs: [{from: buyer, to: platform}]".to_owned(),
            ] {
                let facts = format!("{PLATFORM}, service: {service}, {stated}");
                assert_eq!(verdict(&facts), Verdict::Ask, "{facts}");
            }
        }
    }
}

#[test]
fn customers_accounts_of_licensed_institutions_are_no_pool() {
    for place in ["npi.reserve", "npi.sub_account", "bank", "bank.account"] {
        let facts = format!(
            "{PLATFORM}, service: split, legs: [{{from: buyer, to: {place}}}, {{from: {place}, to: seller}}, {{from: {place}, to: platform, purpose: commission}}]"
        );
        let decision = decide(&facts);
        assert_ne!(decision.verdict, Verdict::Deny, "{facts}");
        assert!(!support::missing(&decision).contains(&"pooled"), "{facts}");
    }
}

#[test]
fn an_existing_direct_link_of_any_service_ends_on_the_day_of_the_cut_over() {
    for service in ["payout", "direct_debit", "topup", "withdraw"] {
        let facts = |day: &str| {
            format!(
                "as_of: {day}, actor: {{kind: npi, licences: [internet_payment]}}, service: {service}, route: [npi, bank], direct: true, lifecycle: existing, change: none"
            )
        };
        fires(&facts("2018-06-29"), "PBC-2017-281/migrate-existing");
        for day in ["2018-06-30", "2018-07-09", "2023-01-01"] {
            assert_eq!(verdict(&facts(day)), Verdict::Deny, "{service} {day}");
            fires(&facts(day), "PBC-2017-281/stop-existing");
        }
    }
    fires(
        "as_of: 2018-07-09, actor: {kind: npi}, service: payout, route: [npi, bank], from_central_reserve: true",
        "PBC-2018-114/route",
    );
}

#[test]
fn the_class_of_an_account_that_pays_from_its_balance_is_asked_for() {
    let facts = "as_of: 2018-05-04, actor: {kind: npi, licences: [internet_payment]}, service: online_payment, source: payment_account_balance, factors: [possession_cert, knowledge], agreed_day_limit: 10000000, day_total: 0, amount: 1000000";
    let decision = decide(facts);
    assert_eq!(decision.verdict, Verdict::Ask);
    let missing = support::missing(&decision);
    assert!(missing.contains(&"acct.class"), "{decision:?}");
    let of_class = |class: &str| {
        verdict(&format!(
            "{facts}, acct: {{class: {class}}}, year_total: 0, lifetime_total: 0"
        ))
    };
    assert_eq!(of_class("I"), Verdict::Deny);
    assert_eq!(of_class("II"), Verdict::Deny);
    assert_eq!(of_class("III"), Verdict::Deny);
}

#[test]
fn money_from_a_bank_account_has_passed_a_bank_though_only_one_hop_is_drawn() {
    for source in ["bank_account", "credit_card"] {
        let one = format!(
            "as_of: 2018-07-01, actor: {{kind: npi, licences: [internet_payment]}}, service: online_payment, source: {source}, route: [npi]"
        );
        assert_eq!(verdict(&one), Verdict::Ask, "{one}");
        let whole = one.replace("[npi]", "[npi, npi_wallet]");
        assert_eq!(verdict(&whole), Verdict::Deny, "{whole}");
    }
}

#[test]
fn one_receiver_whom_nobody_checked_is_enough_whatever_else_is_unknown() {
    let facts = "as_of: 2018-02-23, actor: {kind: npi, licences: [internet_payment]}, service: split, receivers: [{kind: natural_person, onboarded_by: npi}, {kind: company, onboarded_by: none}]";
    fires(facts, "PBC-2013-9/kyc");
    let unknown = facts.replace("onboarded_by: none", "onboarded_by: bank");
    assert_eq!(verdict(&unknown), Verdict::Ask);
}

#[test]
fn the_domestic_figure_of_a_static_code_does_not_decide_about_payments_across_the_border() {
    let facts = "as_of: 2018-05-04, service: code_payment, code: static, day_total: 0, amount: 501";
    assert_eq!(verdict(facts), Verdict::Deny);
    assert_eq!(
        verdict(&format!("{facts}, cross_border: false")),
        Verdict::Deny
    );
    let abroad = format!("{facts}, cross_border: true");
    assert_eq!(verdict(&abroad), Verdict::Ask);
}

#[test]
fn a_share_that_is_only_told_asks_and_a_share_that_was_read_decides() {
    let reserve = |day: &str, share: &str| {
        verdict(&format!(
            "as_of: {day}, topic: reserve, central_ratio: {share}"
        ))
    };
    assert_eq!(reserve("2018-08-01", "0.41"), Verdict::Ask);
    assert_eq!(reserve("2019-01-14", "0.41"), Verdict::Deny);
    assert_eq!(reserve("2019-01-14", "0.99"), Verdict::Deny);
}

#[test]
fn the_first_share_of_the_reserve_is_that_of_the_licence_that_wants_most() {
    let reserve = |licences: &str, share: &str| {
        verdict(&format!(
            "as_of: 2017-06-01, topic: reserve, central_ratio: {share}, actor: {{kind: npi, licences: [{licences}]}}"
        ))
    };
    assert_eq!(reserve("card_acquiring", "0.10"), Verdict::Allow);
    assert_eq!(reserve("internet_payment", "0.11"), Verdict::Deny);
    assert_eq!(reserve("internet_payment", "0.12"), Verdict::Allow);
    assert_eq!(reserve("internet_payment, prepaid", "0.15"), Verdict::Deny);
    assert_eq!(
        verdict("as_of: 2017-06-01, topic: reserve, central_ratio: 0.15"),
        Verdict::Ask
    );
}

#[test]
fn nobody_is_late_before_the_last_day_of_getting_ready() {
    let connected = |day: &str| format!("as_of: {day}, topic: launch, nucc_connected: false");
    fires(&connected("2017-10-16"), "PBC-2017-209Z/prep");
    assert_ne!(verdict(&connected("2017-10-15")), Verdict::Deny);
}

#[test]
fn words_mean_the_same_in_whatever_case_they_are_written() {
    for (facts, other) in [
        (
            "as_of: 2018-05-04, service: direct_debit, purpose: investment",
            "as_of: 2018-05-04, service: direct_debit, purpose: Investment",
        ),
        (
            "as_of: 2018-05-04, service: split, channel: wechat, permission: false",
            "as_of: 2018-05-04, service: split, channel: WECHAT, permission: false",
        ),
        (
            "as_of: 2018-05-04, actor: {kind: npi}, service: account_open, acct: {class: III}, existing_class_iii: 1",
            "as_of: 2018-05-04, actor: {kind: NPI}, service: Account_Open, acct: {class: iii}, existing_class_iii: 1",
        ),
    ] {
        let decided = |facts: &str| {
            let decision = decide(facts);
            let rules = decision.rules.iter();
            let found: Vec<_> = rules
                .map(|one| (one.rule.id.clone(), one.outcome))
                .collect();
            (decision.verdict, found)
        };
        assert_eq!(decided(facts), decided(other));
    }
    // Names are not words of rules.
    let owners = "as_of: 2018-05-04, service: topup, source_owner: a, target_owner: A, amount: 300";
    assert_ne!(verdict(owners), Verdict::Allow);
}

#[test]
fn a_count_below_zero_is_refused() {
    let error = compliance::parse_yaml("code_age_seconds: -5")
        .and_then(|node| compliance::facts_from_node(&node))
        .unwrap_err();
    assert!(error.to_string().contains("code_age_seconds"), "{error}");
}
