//! Merchants and who may do what.

use crate::support;
use crate::support::*;
use channels::answer::OrderState;
use channels::operation::Channel;
use compliance::Bearer;
use domain::case::CaseKind;
use domain::chart::{Chart, SetUp};
use domain::merchant::{
    AccountOwner, BankAccount, CreateMerchant, MerchantStatus, Profile, UpdateMerchant,
};
use domain::payment::PaymentStatus;
use domain::signing_key::{AddSigningKey, KeyAlgorithm, RevokeSigningKey};
use domain::{Code, Command, Due, Fact, Rejection, Reply, Request, Settings};
use engine::{Actor, Verdict};
use money::{Currency, FeeSchedule};

#[test]
fn the_chart_is_set_up_once_and_nothing_works_without_it() {
    let mut book = Book::without_chart();
    let refused = book.create_merchant(merchant_terms("m1")).unwrap_err();
    assert_eq!(refused.code, Code::NotSetUp);
    let Reply::Chart(first) = book
        .ask(&operator(), Request::SetUp(support::set_up()))
        .unwrap()
    else {
        panic!()
    };
    let Reply::Chart(again) = book
        .ask(&operator(), Request::SetUp(support::set_up()))
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(first, again);
    assert_eq!(book.all::<Chart>().len(), 1);
    let other = Request::SetUp(SetUp {
        currency: Currency::USD,
        ..SetUp::default()
    });
    assert_eq!(
        book.ask(&operator(), other).unwrap_err().field.as_deref(),
        Some("currency")
    );
}

#[test]
fn an_external_number_names_one_merchant_and_the_differing_field_is_named() {
    let mut book = Book::new();
    let first = book.open_merchant("m1");
    let (merchant, repeated) = book.create_merchant(merchant_terms("m1")).unwrap();
    assert_eq!((merchant.id, repeated), (first, true));
    let mut other = merchant_terms("m1");
    other.fee_schedule = FeeSchedule::FREE;
    let refused = book.create_merchant(other).unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "fee_schedule");
}

#[test]
fn a_clear_account_number_is_not_taken_into_the_books() {
    let mut book = Book::new();
    for masked in ["6222021234567890123", "622202123456*", "6222021234"] {
        let mut terms = merchant_terms("m1");
        terms.settlement_account = Some(BankAccount {
            vault_id: "vlt_1".into(),
            masked: masked.into(),
            ..bank_account()
        });
        let refused = book.create_merchant(terms).unwrap_err();
        assert_eq!(
            refused.field.as_deref(),
            Some("settlement_account"),
            "{masked}"
        );
        assert!(
            !refused.message.contains("6222"),
            "an error repeats no personal data"
        );
    }
}

#[test]
fn terms_change_for_what_comes_after() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    let command = UpdateMerchant {
        merchant: merchant.clone(),
        fee_schedule: Some(FeeSchedule::FREE),
        automatic_payout: Some(false),
        ..UpdateMerchant::default()
    };
    book.ask(&operator(), Request::UpdateMerchant(command))
        .unwrap();
    book.paid(&merchant, "o2", 10_000);
    assert_eq!(book.payable(&merchant), 19_940);
    assert!(!book.merchant(&merchant).automatic_payout);
    assert_eq!(
        book.merchant(&merchant).name,
        "Test merchant",
        "what is absent stays"
    );
}

/// First six and last four digits are the same for many accounts.
#[test]
fn another_settlement_account_with_the_same_mask_is_another_merchant() {
    let mut book = Book::new();
    let mut open = |vault_id: &str, number: &str| {
        let mut terms = merchant_terms("m1");
        let account = terms.settlement_account.as_mut().unwrap();
        account.vault_id = vault_id.into();
        let request = Request::CreateMerchant(terms);
        book.ask_sealing(&operator(), request, vault_id, number)
    };
    open("vlt_1", "6222021111111234").unwrap();
    let repeated = open("vlt_2", "6222021111111234").unwrap();
    assert!(matches!(repeated, Reply::Merchant { repeated: true, .. }));
    let refused = open("vlt_3", "6222022222221234").unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "settlement_account");
}

#[test]
fn a_new_settlement_account_needs_a_second_person() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let account = BankAccount {
        vault_id: "vlt_2".into(),
        ..bank_account()
    };
    let change = || {
        Request::UpdateMerchant(UpdateMerchant {
            merchant: merchant.clone(),
            settlement_account: Some(account.clone()),
            ..UpdateMerchant::default()
        })
    };
    book.propose(&operator(), change());
    let before = book.merchant(&merchant);
    assert_eq!(before.settlement_account, Some(bank_account()));
    book.ask_approved(&operator(), change()).unwrap();
    let after = book.merchant(&merchant);
    assert_eq!(after.settlement_account, Some(account));
}

/// Its payouts would be refused later, by the same clause and with money waiting.
#[test]
fn a_listed_persons_account_is_not_taken_on_file() {
    let mut book = Book::new();
    let account = |listed: bool| BankAccount {
        owner: Some(AccountOwner::Designated),
        documented: Some(true),
        listed: Some(listed),
        ..bank_account()
    };
    let terms = |number: &str, listed: bool| CreateMerchant {
        settlement_account: Some(account(listed)),
        ..merchant_terms(number)
    };
    let refused = |refusal: Rejection| {
        let rules = serde_json::to_string(&refusal.rules).unwrap();
        assert_eq!(refusal.code, Code::RefusedByRule);
        assert!(rules.contains("NPC-AML/40"), "{rules}");
    };
    refused(book.create_merchant(terms("m1", true)).unwrap_err());
    let merchant = book.open_merchant_with(terms("m1", false));
    let change = UpdateMerchant {
        merchant: merchant.clone(),
        settlement_account: Some(account(true)),
        ..UpdateMerchant::default()
    };
    let answer = book.ask_approved(&operator(), Request::UpdateMerchant(change));
    refused(answer.unwrap_err());
    let kept = book.merchant(&merchant);
    assert_eq!(kept.settlement_account, Some(account(false)));
    assert_eq!(kept.status, MerchantStatus::Active);
}

/// Whoever may know the secret part would be let in again.
#[test]
fn a_revoked_key_stays_revoked_for_its_merchant() {
    let mut book = Book::new();
    let (merchant, other) = (book.open_merchant("m1"), book.open_merchant("m2"));
    let add = |book: &mut Book, merchant: &str, public_key: &str| {
        let command = AddSigningKey {
            merchant: merchant.to_owned(),
            name: "one".into(),
            algorithm: KeyAlgorithm::Ed25519,
            public_key: public_key.into(),
        };
        match book.ask(&as_merchant(merchant), Request::AddSigningKey(command)) {
            Ok(Reply::SigningKey { key, .. }) => Ok(key.id.clone()),
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => Err((refusal.code, refusal.field)),
        }
    };
    let key = add(&mut book, &merchant, "first").unwrap();
    let revoke = RevokeSigningKey {
        merchant: merchant.clone(),
        key: key.clone(),
    };
    let revoke = Request::RevokeSigningKey(revoke);
    book.ask(&as_merchant(&merchant), revoke.clone()).unwrap();
    let refused = (Code::AlreadyExists, Some("public_key".to_owned()));
    assert_eq!(add(&mut book, &merchant, "first"), Err(refused));
    book.ask(&as_merchant(&merchant), revoke).unwrap();
    assert_ne!(add(&mut book, &merchant, "second").unwrap(), key);
    add(&mut book, &other, "first").unwrap();
}

#[test]
fn a_suspended_merchant_takes_no_orders_but_facts_and_refunds_go_on() {
    let (mut book, merchant, open) = Book::with_order();
    book.set_status(&merchant, MerchantStatus::Suspended)
        .unwrap();
    let refused = book.create_payment(order(&merchant, "o2", 1)).unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
    book.pay(&open, 10_000);
    assert_eq!(book.payment(&open).status, PaymentStatus::Succeeded);
    book.refund_request(&open, "r1", 5_000).unwrap();
    book.set_status(&merchant, MerchantStatus::Active).unwrap();
    book.order(&merchant, "o2", 1);
}

#[test]
fn a_merchant_is_closed_only_empty_and_stays_closed() {
    let (mut book, merchant, payment) = Book::with_payment();
    let with_money = book
        .set_status(&merchant, MerchantStatus::Closed)
        .unwrap_err();
    assert_eq!(with_money.code, Code::StateConflict);
    let refund = book.refund_request(&payment, "r1", 10_000).unwrap();
    assert!(
        book.set_status(&merchant, MerchantStatus::Closed).is_err(),
        "a refund is on its way"
    );
    let done = refund_done(&refund, 10_000, book.now());
    book.answer(&refund, done);
    let open = book.order(&merchant, "o2", 100);
    let with_order = book
        .set_status(&merchant, MerchantStatus::Closed)
        .unwrap_err();
    assert_eq!(with_order.details.get("payment"), Some(&open));
    book.notify(Channel::Wechat, order_is(&open, OrderState::Closed));
    book.set_status(&merchant, MerchantStatus::Closed).unwrap();
    assert!(book.set_status(&merchant, MerchantStatus::Active).is_err());
    // Money for a closed merchant is still money that arrived.
    book.pay(&open, 100);
    let suspense = book.chart().suspense;
    assert_eq!(book.balance(suspense), 100);
    assert_eq!(book.payment(&open).status, PaymentStatus::UnderReview);
    assert_eq!(book.case_kinds(), [CaseKind::AccountClosed]);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn roles_do_only_what_is_theirs() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let terms = || Request::CreateMerchant(merchant_terms("m9"));
    for actor in [
        as_merchant(&merchant),
        finance(),
        ledger_client(),
        Actor::new("x", "nobody"),
    ] {
        assert_eq!(
            book.ask(&actor, terms()).unwrap_err().code,
            Code::Forbidden,
            "{actor:?}"
        );
    }
    let fact = Command::Fact(Fact::Due(Due::Settlement));
    for actor in [
        as_merchant(&merchant),
        operator(),
        finance(),
        ledger_client(),
    ] {
        let verdict = book.submit(&actor, fact.clone());
        assert!(
            matches!(verdict, Verdict::Refused(_)),
            "only the system states facts: {verdict:?}"
        );
    }
}

/// Limits per owner are counted where its merchants are; of two groups each would have the whole figure.
#[test]
fn an_owner_is_stated_with_a_group_only() {
    let mut book = Book::new();
    let owned = |number: &str, group: Option<&str>| {
        let mut terms = merchant_terms(number);
        terms.profile.owner = Some("owner-1".into());
        terms.group = group.map(str::to_owned);
        Request::CreateMerchant(terms)
    };
    let refused = book.ask(&operator(), owned("m1", None)).unwrap_err();
    assert_refused(&refused, Code::InvalidField, "profile.owner");
    book.ask(&operator(), owned("m1", Some("family"))).unwrap();
    let alone = book.open_merchant("m2");
    let command = UpdateMerchant {
        merchant: alone,
        profile: Some(Profile {
            owner: Some("owner-1".into()),
            ..Profile::default()
        }),
        ..UpdateMerchant::default()
    };
    let refused = book
        .ask(&operator(), Request::UpdateMerchant(command))
        .unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("profile.owner"));
}

#[test]
fn an_identity_number_in_clear_is_no_reference_to_an_owner() {
    let mut book = Book::new();
    let owned = |owner: &str| {
        let mut terms = merchant_terms(owner);
        terms.profile.owner = Some(owner.into());
        terms.group = Some("family".into());
        Request::CreateMerchant(terms)
    };
    for number in [
        "110101199003070011",
        "11010119900307002X",
        "11010119900307002x",
    ] {
        let refused = book.ask(&operator(), owned(number)).unwrap_err();
        assert_refused(&refused, Code::InvalidField, "profile.owner");
        assert!(!refused.message.contains(number), "it is not repeated");
    }
    for no_identity_number in [
        "11010119900307",
        // Its check character is another one.
        "110101199003070012",
        // No dates, with right check characters; the last is a unified social credit code.
        "110101199013070015",
        "110101199002290012",
        "914403007084611360",
    ] {
        book.ask(&operator(), owned(no_identity_number)).unwrap();
    }
}

#[test]
fn a_number_that_is_taken_is_told_before_what_is_asked_of_new_profiles() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    book.open_merchant_with(terms.clone());
    terms.profile.owner = Some("110101199003070011".into());
    let refused = book.create_merchant(terms).unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "profile");
}

/// The part an institution plays is what its settings say.
#[test]
fn rules_are_told_the_role_that_the_institution_has() {
    let by_list = "when = '''context.party_on_list'''\nfires = [\n    {party_on_list=true},\n]\n\
        quiet = [\n    {party_on_list=false},\n]\n\n[[rule]]\nid = \"NPC-AML/45\"";
    let by_role = by_list
        .replace("context.party_on_list", "context.role == \"account_side\"")
        .replace("party_on_list=true", "role=\"account_side\"")
        .replace("party_on_list=false", "role=\"acquirer\"");
    for (role, refused) in [(Bearer::Acquirer, false), (Bearer::AccountSide, true)] {
        let mut settings = Settings::sample();
        settings.institution.role = role;
        let mut book = Book::under(app_with_rules(by_list, &by_role, settings));
        let asked = book.create_merchant(merchant_terms("m1"));
        let by_rule = asked.is_err_and(|refusal| refusal.message.contains("NPC-AML/40"));
        assert_eq!(by_rule, refused, "{role:?}");
    }
}
