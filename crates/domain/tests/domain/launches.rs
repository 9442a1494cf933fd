//! A product that was declared as new waits for its report, its second person and its day.

use crate::support::*;
use calendar::BusinessDate;
use compliance::Evidence;
use domain::case::CaseKind;
use domain::launch::{ApproveLaunch, FactValue, Launch, Product, ProposeLaunch};
use domain::{Code, Rejection, Reply, Request};
use engine::Actor;
use std::collections::BTreeMap;

fn day(text: &str) -> BusinessDate {
    text.parse().unwrap()
}

fn facts() -> BTreeMap<String, FactValue> {
    let flags = [
        ("licence_lent", false),
        ("outside_licence", false),
        ("own_name", true),
        ("code_protected", true),
        ("issues_own_code", false),
        ("campaign.subsidy_rate_high", false),
        ("campaign.price_below_cost", false),
        ("splits_below_threshold", false),
        ("systems_abroad", false),
        ("processed_abroad", false),
        ("fee_published", true),
        ("independent_system", true),
    ];
    let words =
        |words: &[&str]| FactValue::Words(words.iter().map(|word| (*word).to_owned()).collect());
    flags
        .into_iter()
        .map(|(path, flag)| (path.to_owned(), FactValue::Flag(flag)))
        .chain([
            ("activity".to_owned(), words(&["payment"])),
            ("code_payload".to_owned(), words(&["token"])),
            ("service".to_owned(), FactValue::Word("code_payment".into())),
            ("code".to_owned(), FactValue::Word("none".into())),
        ])
        .collect()
}

/// The book begins on 2 March 2026.
fn report(product: Product, reported: Option<&str>, launch: &str) -> ProposeLaunch {
    ProposeLaunch {
        product,
        innovation: true,
        cross_border: false,
        reported_on: reported.map(day),
        launch_on: day(launch),
        evidence: vec![Evidence {
            name: "report as sent".to_owned(),
            sha256: "0".repeat(64),
        }],
        facts: facts(),
    }
}

fn propose(book: &mut Book, report: ProposeLaunch) -> Result<Launch, Rejection> {
    match book.ask(&operator(), Request::ProposeLaunch(report))? {
        Reply::Launch { launch, .. } => Ok((*launch).clone()),
        other => panic!("{other:?}"),
    }
}

fn approve(book: &mut Book, by: &Actor, product: Product) -> Result<Reply, Rejection> {
    book.ask(by, Request::ApproveLaunch(ApproveLaunch { product }))
}

fn try_order(book: &mut Book, merchant: &str, number: &str) -> Result<Reply, Rejection> {
    let command = order(merchant, number, 1_000);
    book.ask(&as_merchant(merchant), Request::CreatePayment(command))
}

fn rules_of(rejection: &Rejection) -> Vec<String> {
    let rules = rejection.rules.as_ref().expect("rules");
    rules
        .clauses
        .iter()
        .map(|clause| clause.rule.clone())
        .collect()
}

#[test]
fn a_new_product_is_refused_with_the_clause_until_it_has_begun() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    // Nobody declared it as new.
    try_order(&mut book, &merchant, "o1").unwrap();
    let early = report(Product::WechatPayments, Some("2026-03-02"), "2026-03-31");
    let launch = propose(&mut book, early).unwrap();
    let refusal = launch.refusal.as_ref().expect("29 days are too few");
    let against: Vec<&str> = refusal
        .clauses
        .iter()
        .map(|one| one.rule.as_str())
        .collect();
    assert_eq!(against, ["PBC-2017-281/report-30d"]);
    assert_eq!(launch.first_day, Some(day("2026-04-01")));
    let refused = approve(&mut book, &finance(), Product::WechatPayments).unwrap_err();
    assert_eq!(refused.code, Code::RefusedByRule);
    let refused = try_order(&mut book, &merchant, "o2").unwrap_err();
    assert_eq!(refused.code, Code::RefusedByRule);
    assert_eq!(rules_of(&refused), ["PBC-2017-281/report-30d"]);
    // An order of before is paid and given back all the same.
    let payment = book.all::<domain::payment::Payment>().pop().unwrap().id;
    book.register(&payment);
    book.pay(&payment, 1_000);
    book.refund_request(&payment, "r1", 1_000).unwrap();

    let later = report(Product::WechatPayments, Some("2026-03-02"), "2026-04-02");
    let launch = propose(&mut book, later.clone()).unwrap();
    assert_eq!((launch.refusal, launch.approved_by), (None, None));
    book.pass(30 * 86_400);
    // The first day on which the rules would let it begin; but nobody has approved.
    let refused = try_order(&mut book, &merchant, "o2").unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
    assert!(refused.message.contains("second person"), "{refused}");
    let alone = Actor::new("olga", "finance");
    let refused = approve(&mut book, &alone, Product::WechatPayments).unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    let refused = approve(&mut book, &operator(), Product::WechatPayments).unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    approve(&mut book, &finance(), Product::WechatPayments).unwrap();
    let refused = try_order(&mut book, &merchant, "o2").unwrap_err();
    assert!(refused.message.contains("2026-04-02"), "{refused}");
    book.pass(86_400);
    try_order(&mut book, &merchant, "o2").unwrap();
    // Nothing is left to report, and the same again says nothing new.
    propose(&mut book, later).unwrap();
    let other = report(Product::WechatPayments, None, "2026-12-01");
    let refused = propose(&mut book, other).unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
}

#[test]
fn a_settlement_in_a_new_product_stays_the_merchants_with_a_case() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.receive(10_000);
    book.paid(&merchant, "o1", 10_000);
    propose(
        &mut book,
        report(Product::UnionpayPayouts, None, "2026-12-01"),
    )
    .unwrap();
    book.turn_day();
    assert_eq!(book.case_kinds(), [CaseKind::PayoutRefused]);
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn evidence_a_real_date_and_known_facts_are_asked_for() {
    let mut book = Book::new();
    let product = Product::Splits;
    let good = || report(product, Some("2026-03-02"), "2026-06-01");
    let refused = approve(&mut book, &finance(), product).unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    let mut without = good();
    without.evidence.clear();
    propose(&mut book, without).unwrap();
    let refused = approve(&mut book, &finance(), product).unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("evidence"));
    let mut wrong = good();
    wrong.evidence.first_mut().unwrap().sha256 = "abc".to_owned();
    let refused = propose(&mut book, wrong).unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("evidence"));
    let mut future = good();
    future.reported_on = Some(day("2026-03-03"));
    let refused = propose(&mut book, future).unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("reported_on"));
    for (path, value) in [
        ("no.such.fact", FactValue::Flag(true)),
        ("licence_lent", FactValue::Word("perhaps".into())),
        ("actor.kind", FactValue::Word("bank".into())),
    ] {
        let mut odd = good();
        odd.facts.insert(path.to_owned(), value);
        let refused = propose(&mut book, odd).unwrap_err();
        assert_eq!(refused.field, Some(format!("facts.{path}")));
    }
    let mut silent = good();
    silent.facts.remove("activity");
    let launch = propose(&mut book, silent).unwrap();
    let missing = launch.refusal.expect("a fact is missing").missing;
    assert_eq!(
        missing.first().map(|one| one.fact.as_str()),
        Some("activity")
    );
    let refused = approve(&mut book, &finance(), product).unwrap_err();
    assert_eq!(refused.code, Code::FactsMissing);
    propose(&mut book, good()).unwrap();
    approve(&mut book, &finance(), product).unwrap();
}
