//! What waits was allowed when it was asked for. When its turn comes it is judged again, and what is not
//! allowed any more is given back with a case.

use crate::support::splits::{plan, ppm};
use crate::support::*;
use compliance::Packs;
use domain::case::CaseKind;
use domain::merchant::{MerchantStatus, Profile, UpdateMerchant};
use domain::payout::PayoutStatus;
use domain::reserve::Reserve;
use domain::risk::{DecideSignal, RiskSignal, SignalDecision};
use domain::webhook::{Delivery, EventType};
use domain::{Code, QingyuanApp, Request, Settings};
use std::sync::Arc;

fn learn(book: &mut Book, merchant: &str, profile: Profile) {
    let command = UpdateMerchant {
        merchant: merchant.into(),
        profile: Some(profile),
        ..UpdateMerchant::default()
    };
    book.ask(&operator(), Request::UpdateMerchant(command))
        .unwrap();
}

/// A merchant with 9,940 fen settled, of which 4,000 wait for the reserve.
fn waiting(book: &mut Book, number: &str) -> (String, String) {
    let merchant = book.open_on_request(number);
    book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    let payout = book.payout_request(&merchant, "p1", 4_000).unwrap();
    assert_eq!(book.payout(&payout).status, PayoutStatus::WaitingForReserve);
    (merchant, payout)
}

#[track_caller]
fn given_back(book: &mut Book, merchant: &str, payout: &str, why: &str) {
    let ended = book.payout(payout);
    assert_eq!(ended.status, PayoutStatus::Failed);
    assert_eq!(ended.effect, None, "it was never to be sent");
    let reason = ended.resolution.unwrap();
    assert!(reason.contains(why), "{reason}");
    assert_eq!(
        (book.payable(merchant), book.payouts_in_transit(merchant)),
        (9_940, 0)
    );
    let cases = book.cases();
    let case = cases
        .iter()
        .find(|case| case.object == payout)
        .expect("a case");
    assert_eq!(
        (case.kind, case.owner.as_str(), case.amount),
        (CaseKind::PayoutRefused, "operator", Some(fen(4_000)))
    );
    assert!(case.reason.contains(why), "{}", case.reason);
    assert_eq!(book.trial_balance(), 0);
}

#[track_caller]
fn failure_was_told(book: &Book, payout: &str) {
    let told = |delivery: &Delivery| {
        delivery.event_type == EventType::PayoutFailed && delivery.object == payout
    };
    assert!(book.all::<Delivery>().iter().any(told));
}

#[test]
fn a_merchant_whom_a_rule_forbids_to_serve_is_not_served_again_by_one_persons_word() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let listed = |listed| Profile {
        listed: Some(listed),
        ..Profile::default()
    };
    learn(&mut book, &merchant, listed(true));
    assert_eq!(book.merchant(&merchant).status, MerchantStatus::Suspended);
    let refused = book
        .set_status(&merchant, MerchantStatus::Active)
        .unwrap_err();
    assert_eq!(refused.code, Code::RefusedByRule);
    assert!(refused.message.contains("NPC-AML/40"), "{refused}");
    assert_eq!(book.merchant(&merchant).status, MerchantStatus::Suspended);
    // Taken off the list, it is served again, with the decision that says so.
    learn(&mut book, &merchant, listed(false));
    book.set_status(&merchant, MerchantStatus::Active).unwrap();
    let served = book.merchant(&merchant);
    assert_eq!(served.status, MerchantStatus::Active);
    assert!(served.decision.is_some());
}

#[test]
fn an_action_that_no_rule_of_the_active_set_is_about_is_not_allowed() {
    let head = "[instrument]\nkey = \"OWN\"\nzh = \"本机构规定\"\nen = \"Own rules\"\nissued = \"2018-01-01\"\n";
    let packs = Packs::load(&[("own.toml", head)]).unwrap();
    let app = QingyuanApp::new(Settings::sample(), Arc::new(packs)).unwrap();
    let mut book = Book::under(app);
    let mut terms = merchant_terms("m1");
    terms.profile.listed = Some(true);
    let refused = book.create_merchant(terms).unwrap_err();
    assert_eq!(refused.code, Code::FactsMissing);
    assert!(
        refused.message.contains("a rule about onboard_merchant"),
        "{refused}"
    );
}

#[test]
fn a_payout_of_a_merchant_that_was_suspended_meanwhile_is_given_back_and_the_next_one_goes() {
    let mut book = Book::new();
    let (suspended, first) = waiting(&mut book, "m1");
    let (served, second) = waiting(&mut book, "m2");
    book.set_status(&suspended, MerchantStatus::Suspended)
        .unwrap();
    book.receive(4_000);
    given_back(&mut book, &suspended, &first, "suspended");
    assert_eq!(book.payout(&second).status, PayoutStatus::Created);
    assert_eq!(book.payouts_in_transit(&served), 4_000);
    let reserve = book.record::<Reserve>(Reserve::KEY).unwrap();
    assert_eq!(
        (reserve.committed, reserve.waiting, reserve.waiting_amount),
        (fen(4_000), 0, fen(0))
    );
}

#[test]
fn a_payout_that_a_rule_forbids_by_now_is_given_back_and_the_merchant_is_told() {
    // A set by which a listed merchant may be served, but not be paid.
    let onboarding = r#"actions = ["payout", "open_account", "onboard_merchant", "refund"]"#;
    let without = r#"actions = ["payout", "open_account", "refund"]"#;
    let app = app_with_rules(onboarding, without, Settings::sample());
    let mut book = Book::under(app);
    let (merchant, payout) = waiting(&mut book, "m1");
    book.set_webhook(&merchant, "https://shop.example/hooks")
        .unwrap();
    let listed = Profile {
        listed: Some(true),
        ..Profile::default()
    };
    learn(&mut book, &merchant, listed);
    assert_eq!(book.merchant(&merchant).status, MerchantStatus::Active);
    book.receive(4_000);
    given_back(&mut book, &merchant, &payout, "NPC-AML/40");
    failure_was_told(&book, &payout);
}

/// A merchant with 9,940 fen settled, whom a sign of risk holds, and a payout of 4,000 that is held.
fn held(book: &mut Book) -> (String, String, RiskSignal) {
    book.receive(100_000);
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "first", 10_000);
    book.turn_day();
    let payments: Vec<String> = (0..20)
        .map(|number| book.paid(&merchant, &format!("o{number}"), 1_001))
        .collect();
    for payment in &payments {
        book.refund_request(payment, &format!("r-{payment}"), 1_001)
            .unwrap();
    }
    let signal = book.list::<RiskSignal>("time", "", "~").pop().unwrap();
    book.set_webhook(&merchant, "https://shop.example/hooks")
        .unwrap();
    let payout = book.payout_request(&merchant, "p1", 4_000).unwrap();
    assert_eq!(book.payout(&payout).status, PayoutStatus::Held);
    (merchant, payout, signal)
}

#[test]
fn a_held_payout_that_is_not_allowed_any_more_is_given_back_when_the_sign_is_cleared() {
    for (forbid, why) in [
        (
            (|book: &mut Book, merchant: &str| {
                book.set_status(merchant, MerchantStatus::Suspended)
                    .unwrap();
            }) as fn(&mut Book, &str),
            "suspended",
        ),
        (
            |book, merchant| {
                let listed = Profile {
                    listed: Some(true),
                    ..Profile::default()
                };
                learn(book, merchant, listed);
                // Somebody wants to serve it again; the rule is not his to lift.
                let refused = book.set_status(merchant, MerchantStatus::Active);
                let refused = refused.unwrap_err();
                assert_eq!(refused.code, Code::RefusedByRule, "{refused:?}");
            },
            "suspended",
        ),
    ] {
        let mut book = Book::new();
        let (merchant, payout, signal) = held(&mut book);
        forbid(&mut book, &merchant);
        let clear = DecideSignal {
            signal: signal.id.clone(),
            decision: SignalDecision::Clear,
            reason: "saw the delivery notes".into(),
        };
        book.ask_approved(&operator(), Request::DecideSignal(clear))
            .unwrap();
        book.fire_timers();
        given_back(&mut book, &merchant, &payout, why);
        assert_eq!(
            book.record::<Reserve>(Reserve::KEY),
            None,
            "nothing is set aside and nothing waits"
        );
        failure_was_told(&book, &payout);
    }
}

/// A main merchant, a receiver, and an order of 10,000 whose half goes to the receiver.
fn planned(book: &mut Book) -> (String, String, String) {
    let main = book.open_merchant("main");
    let seller = book.open_merchant("seller");
    let plan = plan(&[(&seller, ppm(500_000))]);
    let payment = book.order_split(&main, "o1", 10_000, plan);
    book.register(&payment);
    (main, seller, payment)
}

#[test]
fn a_planned_split_that_is_not_allowed_any_more_is_a_case_and_the_money_stays() {
    for (forbid, why) in [
        (
            (|book: &mut Book, main: &str| {
                let without = Profile {
                    split_permission: Some(false),
                    ..Profile::default()
                };
                learn(book, main, without);
            }) as fn(&mut Book, &str),
            "IND/split-permission",
        ),
        (
            |book: &mut Book, main: &str| {
                book.set_status(main, MerchantStatus::Suspended).unwrap();
            },
            "suspended",
        ),
    ] {
        let mut book = Book::new();
        let (main, seller, payment) = planned(&mut book);
        forbid(&mut book, &main);
        book.pay(&payment, 10_000);
        assert_eq!((book.payable(&main), book.payable(&seller)), (9_940, 0));
        assert_eq!(book.payment(&payment).split, None);
        let case = book.cases().remove(0);
        assert_eq!(case.kind, CaseKind::SplitFailed);
        assert!(case.reason.contains(why), "{}", case.reason);
    }
    let mut book = Book::new();
    let (main, seller, payment) = planned(&mut book);
    book.pay(&payment, 10_000);
    assert_eq!((book.payable(&main), book.payable(&seller)), (4_940, 5_000));
}
