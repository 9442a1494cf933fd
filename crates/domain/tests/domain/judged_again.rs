//! What waits was allowed when it was asked for. When its turn comes it is judged again, and what is not
//! allowed any more is given back with a case.

use crate::support::*;
use compliance::Packs;
use domain::case::CaseKind;
use domain::merchant::{MerchantStatus, Profile, SetMerchantStatus, UpdateMerchant};
use domain::payout::{CreatePayout, PayoutStatus};
use domain::reserve::Reserve;
use domain::risk::{DecideSignal, RiskSignal, SignalDecision};
use domain::split::{Receiver, ReceiverKind, Share, SplitPlan};
use domain::webhook::{Delivery, EventType, SetWebhook};
use domain::{Code, QingyuanApp, Reply, Request, Settings};
use money::Rate;
use std::sync::Arc;

fn set_status(book: &mut Book, merchant: &str, status: MerchantStatus) {
    let command = SetMerchantStatus {
        merchant: merchant.into(),
        status,
        reason: "looked into".into(),
    };
    book.ask(&operator(), Request::SetMerchantStatus(command))
        .unwrap();
}

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
    let mut terms = merchant_terms(number);
    terms.automatic_payout = false;
    let merchant = book.open_merchant_with(terms);
    book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    let command = CreatePayout {
        merchant: merchant.clone(),
        payout_number: "p1".into(),
        amount: fen(4_000),
        purpose: "goods".into(),
        payee: None,
    };
    let payout = match book.ask(&as_merchant(&merchant), Request::CreatePayout(command)) {
        Ok(Reply::Payout { payout, .. }) => payout.id.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(book.payout(&payout).status, PayoutStatus::WaitingForReserve);
    (merchant, payout)
}

fn in_transit(book: &mut Book, merchant: &str) -> i64 {
    let account = book.merchant(merchant).accounts.payout_in_transit;
    book.balance(account)
}

#[track_caller]
fn given_back(book: &mut Book, merchant: &str, payout: &str, why: &str) {
    let ended = book.payout(payout);
    assert_eq!(ended.status, PayoutStatus::Failed);
    assert_eq!(ended.effect, None, "it was never to be sent");
    let reason = ended.resolution.unwrap();
    assert!(reason.contains(why), "{reason}");
    assert_eq!(
        (book.payable(merchant), in_transit(book, merchant)),
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

/// The program's packs with one text replaced.
fn app_with(from: &str, to: &str) -> QingyuanApp {
    let edited = compliance::EMBEDDED
        .iter()
        .map(|(name, text)| (*name, text.replace(from, to)));
    let texts: Vec<(&str, String)> = edited.collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, &**text)).collect();
    let packs = Packs::load(&texts).unwrap();
    assert_ne!(
        packs.hash(),
        Packs::load(compliance::EMBEDDED).unwrap().hash()
    );
    QingyuanApp::new(Settings::sample(), Arc::new(packs)).unwrap()
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
    let again = || SetMerchantStatus {
        merchant: merchant.clone(),
        status: MerchantStatus::Active,
        reason: "looked into".into(),
    };
    let refused = book
        .ask(&operator(), Request::SetMerchantStatus(again()))
        .unwrap_err();
    assert_eq!(refused.code, Code::RefusedByRule);
    assert!(refused.message.contains("NPC-AML/40"), "{refused}");
    assert_eq!(book.merchant(&merchant).status, MerchantStatus::Suspended);
    // Taken off the list, it is served again, with the decision that says so.
    learn(&mut book, &merchant, listed(false));
    book.ask(&operator(), Request::SetMerchantStatus(again()))
        .unwrap();
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
    let refused = book
        .ask(&operator(), Request::CreateMerchant(terms))
        .unwrap_err();
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
    set_status(&mut book, &suspended, MerchantStatus::Suspended);
    book.receive(4_000);
    given_back(&mut book, &suspended, &first, "suspended");
    assert_eq!(book.payout(&second).status, PayoutStatus::Created);
    assert_eq!(in_transit(&mut book, &served), 4_000);
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
    let mut book = Book::under(app_with(
        onboarding,
        r#"actions = ["payout", "open_account", "refund"]"#,
    ));
    let (merchant, payout) = waiting(&mut book, "m1");
    let endpoint = SetWebhook {
        merchant: merchant.clone(),
        url: "https://shop.example/hooks".into(),
        secret_vault_id: "vlt_2".into(),
        enabled: true,
    };
    book.ask(&as_merchant(&merchant), Request::SetWebhook(endpoint))
        .unwrap();
    let listed = Profile {
        listed: Some(true),
        ..Profile::default()
    };
    learn(&mut book, &merchant, listed);
    assert_eq!(book.merchant(&merchant).status, MerchantStatus::Active);
    book.receive(4_000);
    given_back(&mut book, &merchant, &payout, "NPC-AML/40");
    let told = |delivery: &Delivery| {
        delivery.event_type == EventType::PayoutFailed && delivery.object == payout
    };
    assert!(book.all::<Delivery>().iter().any(told));
}

/// A merchant with 9,940 fen settled, whom a sign of risk holds, and a payout of 4,000 that is held.
fn held(book: &mut Book) -> (String, String, RiskSignal) {
    book.receive(100_000);
    let mut terms = merchant_terms("m1");
    terms.automatic_payout = false;
    let merchant = book.open_merchant_with(terms);
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
    let endpoint = SetWebhook {
        merchant: merchant.clone(),
        url: "https://shop.example/hooks".into(),
        secret_vault_id: "vlt_2".into(),
        enabled: true,
    };
    book.ask(&as_merchant(&merchant), Request::SetWebhook(endpoint))
        .unwrap();
    let command = CreatePayout {
        merchant: merchant.clone(),
        payout_number: "p1".into(),
        amount: fen(4_000),
        purpose: "goods".into(),
        payee: None,
    };
    let payout = match book.ask(&as_merchant(&merchant), Request::CreatePayout(command)) {
        Ok(Reply::Payout { payout, .. }) => payout.id.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(book.payout(&payout).status, PayoutStatus::Held);
    (merchant, payout, signal)
}

#[test]
fn a_held_payout_that_is_not_allowed_any_more_is_given_back_when_the_sign_is_cleared() {
    for (forbid, why) in [
        (
            (|book: &mut Book, merchant: &str| {
                set_status(book, merchant, MerchantStatus::Suspended);
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
                let command = SetMerchantStatus {
                    merchant: merchant.into(),
                    status: MerchantStatus::Active,
                    reason: "looked into".into(),
                };
                let refused = book
                    .ask(&operator(), Request::SetMerchantStatus(command))
                    .unwrap_err();
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
        let told = |delivery: &Delivery| {
            delivery.event_type == EventType::PayoutFailed && delivery.object == payout
        };
        assert!(book.all::<Delivery>().iter().any(told));
    }
}

/// A main merchant, a receiver, and an order of 10,000 whose half goes to the receiver.
fn planned(book: &mut Book) -> (String, String, String) {
    let main = book.open_merchant("main");
    let seller = book.open_merchant("seller");
    let plan = SplitPlan {
        receivers: vec![Receiver {
            merchant: seller.clone(),
            kind: ReceiverKind::Seller,
            share: Share::Proportion(Rate::from_ppm(500_000).unwrap()),
        }],
    };
    let payment = book.order_split(&main, "o1", 10_000, Some(plan));
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
            |book, main| set_status(book, main, MerchantStatus::Suspended),
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
