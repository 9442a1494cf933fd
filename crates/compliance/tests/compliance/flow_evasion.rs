//! What is left out of a drawing, renamed in it or said only once does not make a forbidden model
//! allowed.

use crate::support::flows::{self, PAID_IN, example, fired, leg, missing};
use compliance::Verdict;
use compliance::flow::FlowAnswer;

const PARTIES: &str = r#"
as_of = 2018-05-04
lifecycle = "new"
change = "none"
[party.buyers]
kind = "natural_person"
[party.friend]
kind = "natural_person"
[party.pay]
kind = "npi"
licences = ["internet_payment"]
[party.pay2]
kind = "npi"
licences = ["internet_payment"]
[party.prepaid]
kind = "npi"
licences = ["prepaid"]
[party.cards]
kind = "npi"
licences = ["card_acquiring"]
[party.bank]
kind = "bank"
[party.bank2]
kind = "bank"
[party.platform]
kind = "platform"
[party.platform2]
kind = "platform"
[party.aggregator]
kind = "aggregator"
touches_sensitive = false
[party.sellers]
kind = "merchant"
online = true
[party.shop]
kind = "merchant"
physical = true
province = "zhejiang"
"#;

fn judged(drawing: &str) -> FlowAnswer {
    flows::judged(&format!("{PARTIES}{drawing}"))
}

fn signs(acquirer: &str, merchant: &str) -> String {
    format!(
        "[[contract]]\nkind = \"acquiring\"\nbetween = [\"{acquirer}\", \"{merchant}\"]\nchecked_by = \"{acquirer}\"\n"
    )
}

fn contract(kind: &str, first: &str, second: &str, more: &str) -> String {
    format!("[[contract]]\nkind = \"{kind}\"\nbetween = [\"{first}\", \"{second}\"]\n{more}\n")
}

fn verdict(drawing: &str) -> &'static str {
    judged(drawing).verdict.word()
}

/// The answer asks, and among others for this fact.
#[track_caller]
fn asks(drawing: &str, fact: &str) {
    let answer = judged(drawing);
    let missing = missing(&answer);
    assert_eq!(answer.verdict, Verdict::Ask, "{drawing} {missing:?}");
    assert!(missing.contains(&fact), "{drawing} {missing:?}");
}

/// The answer refuses, and among others by this rule.
#[track_caller]
fn denies(drawing: &str, rule: &str) {
    let answer = judged(drawing);
    let fired = fired(&answer);
    assert_eq!(answer.verdict, Verdict::Deny, "{drawing} {fired:?}");
    assert!(fired.contains(&rule), "{drawing} {fired:?}");
}

const ROUTE: &str = "route = [\"bank\", \"unionpay\", \"bank2\"]";

/// The payee has not got what an unlicensed party holds for it.
#[test]
fn money_for_a_payee_in_the_books_of_an_unlicensed_holder_is_others_money() {
    let signed = signs("pay", "sellers");
    let held = "holder = \"platform\"\naccount = \"own\"\n";
    let out = leg("pay", "sellers", 100, held);
    denies(&format!("{signed}{PAID_IN}{out}"), "PBC-2017-217/test-pool");
    let own = leg(
        "pay",
        "sellers",
        100,
        &format!("{held}goods_of = \"platform\""),
    );
    assert_ne!(verdict(&format!("{signed}{PAID_IN}{own}")), "allow");
    let direct = leg("buyers", "sellers", 100, &format!("{held}{ROUTE}"));
    denies(&direct, "PBC-2017-217/test-pool");
    // On the sellers' own account it is theirs.
    let paid = leg("pay", "sellers", 100, "");
    assert_eq!(verdict(&format!("{signed}{PAID_IN}{paid}")), "allow");
}

/// A middle party that keeps money has to say what it is paid for.
#[test]
fn money_that_ends_at_a_middle_party_without_a_word_on_the_goods_is_asked_about() {
    for middle in ["platform", "aggregator"] {
        let direct = leg(
            "buyers",
            middle,
            100,
            &format!("account = \"own\"\n{ROUTE}"),
        );
        asks(&direct, "title_holder");
        let way = "account = \"reserve\"\nroute = [\"pay\", \"nucc\", \"bank\"]";
        let through = format!(
            "{}{}{}",
            signs("pay", middle),
            leg("buyers", "pay", 100, way),
            leg("pay", middle, 100, "")
        );
        asks(&through, "title_holder");
    }
    // A fee that the sellers paid does not speak for the buyers' money beside it.
    let own = format!("account = \"own\"\ngoods_of = \"platform\"\n{ROUTE}");
    let fee = leg("sellers", "platform", 1000, &own);
    let other = leg(
        "buyers",
        "platform",
        1000,
        &format!("account = \"own\"\n{ROUTE}"),
    );
    let back = leg(
        "platform",
        "sellers",
        1000,
        "purpose = \"refund\"\nroute = [\"bank2\", \"unionpay\", \"bank\"]",
    );
    asks(&format!("{fee}{other}{back}"), "goods");
    // What it is paid for goods of its own is its own.
    let sale = leg("buyers", "platform", 100, &own);
    assert_eq!(verdict(&sale), "allow");
}

/// The same money is not first for the sellers' goods and then for the platform's.
#[test]
fn goods_that_change_their_owner_on_the_way_need_a_documented_purchase() {
    let signed = signs("pay", "platform");
    let renamed = leg("pay", "platform", 100, "goods_of = \"platform\"");
    let drawing = format!("{signed}{PAID_IN}{renamed}");
    asks(&drawing, "title_holder");
    let bought = |documents: &str| {
        let contract = contract("purchase", "platform", "sellers", documents);
        format!("{signed}{contract}{PAID_IN}{renamed}")
    };
    asks(&bought(""), "title_holder");
    denies(&bought("documents = false"), "PBC-2017-217/no-support");
    // The detour by another institution does not hide it.
    let detour = format!(
        "{signed}{PAID_IN}{}{}",
        leg(
            "pay",
            "pay2",
            100,
            "account = \"reserve\"\ngoods_of = \"platform\"\nroute = [\"pay\", \"nucc\", \"pay2\"]"
        ),
        leg("pay2", "platform", 100, "")
    );
    assert_ne!(verdict(&detour), "allow");
}

#[test]
fn own_goods_of_a_platform_need_a_documented_purchase_from_each_it_pays() {
    let sale = |contracts: &str| {
        let first = PAID_IN.replace("sellers", "platform");
        let paid = leg("pay", "platform", 100, "");
        let on = leg("platform", "sellers", 95, "");
        format!("{}{contracts}{first}{paid}{on}", signs("pay", "platform"))
    };
    asks(&sale(""), "title_holder");
    for kind in ["purchase", "credit_sale"] {
        let bought = |documents: &str| sale(&contract(kind, "platform", "sellers", documents));
        asks(&bought(""), "title_holder");
        denies(&bought("documents = false"), "PBC-2017-217/test-pool");
        assert_eq!(verdict(&bought("documents = true")), "allow", "{kind}");
    }
    // Bought from somebody else than it pays.
    let other = contract("purchase", "platform", "shop", "documents = true");
    asks(&sale(&other), "title_holder");
}

#[test]
fn a_chain_of_platforms_that_each_call_the_goods_their_own_is_asked_about() {
    let goods =
        |owner: &str, route: &str| format!("account = \"own\"\ngoods_of = \"{owner}\"\n{route}");
    let chain = format!(
        "{}{}{}",
        leg("buyers", "platform", 100, &goods("platform", ROUTE)),
        leg("platform", "platform2", 99, &goods("platform2", ROUTE)),
        leg("platform2", "sellers", 98, &goods("sellers", ROUTE)),
    );
    asks(&chain, "title_holder");
}

/// One word in two parties is no proof that the one may collect for the other.
#[test]
fn a_common_group_lets_nobody_collect_without_a_documented_sweeping_contract() {
    let grouped = |drawing: &str| {
        let mut text = format!("{PARTIES}{drawing}");
        for party in ["platform", "sellers"] {
            let head = format!("[party.{party}]\n");
            text = text.replacen(&head, &format!("{head}group = \"g\"\n"), 1);
        }
        flows::judged(&text).verdict.word()
    };
    let more = format!("account = \"own\"\ngoods_of = \"sellers\"\n{ROUTE}");
    let direct = leg("buyers", "platform", 100, &more);
    let through = format!(
        "{}{PAID_IN}{}",
        signs("pay", "sellers"),
        leg("pay", "platform", 100, "")
    );
    let sweeping = |documents: &str| contract("sweeping", "platform", "sellers", documents);
    for drawing in [&direct, &through] {
        assert_eq!(grouped(drawing), "ask", "{drawing}");
        let unsaid = format!("{}{drawing}", sweeping(""));
        assert_eq!(grouped(&unsaid), "ask", "{unsaid}");
        let refuted = format!("{}{drawing}", sweeping("documents = false"));
        assert_eq!(grouped(&refuted), "deny", "{refuted}");
        let shown = format!("{}{drawing}", sweeping("documents = true"));
        assert_eq!(grouped(&shown), "allow", "{shown}");
        // Another subsidiary's contract is not this one's.
        let other = contract("sweeping", "platform", "shop", "documents = true");
        assert_ne!(grouped(&format!("{other}{drawing}")), "allow", "{drawing}");
    }
}

/// A direct link is not allowed by leaving the way out, whatever else is known of the leg.
#[test]
fn a_way_that_is_left_out_or_cut_short_is_asked_for() {
    let signed = signs("pay", "sellers");
    let paid = leg("pay", "sellers", 100, "days = 3");
    for until in ["", "until = \"confirmation\"\n"] {
        let with = |way: &str| {
            let more = format!("account = \"reserve\"\ngoods_of = \"sellers\"\n{until}{way}");
            format!("{signed}{}{paid}", leg("buyers", "pay", 100, &more))
        };
        asks(&with(""), "route");
        asks(&with("source = \"bank_account\""), "route");
        asks(&with("route = [\"pay\"]"), "route");
        asks(
            &with("route = [\"pay\"]\nsource = \"bank_account\""),
            "route",
        );
    }
}

#[test]
fn an_outsourcing_contract_that_does_not_say_what_is_asked_for_its_functions() {
    let drawing = |functions: &str| {
        let outsourced = contract("outsourcing", "bank", "aggregator", functions);
        let more = "account = \"sub_account\"\ngoods_of = \"sellers\"\nroute = [\"bank\", \"unionpay\", \"bank2\"]";
        format!(
            "{}{outsourced}{}{}",
            signs("bank", "sellers"),
            leg("buyers", "bank", 100, more),
            leg("bank", "sellers", 99, "")
        )
    };
    asks(&drawing(""), "outsourced");
    asks(&drawing(""), "core_functions");
    assert_eq!(verdict(&drawing("functions = [\"software\"]")), "allow");
}

/// The name of a service does not change who may be paid.
#[test]
fn a_part_for_somebody_nobody_signed_is_refused_by_any_name() {
    let signed = signs("pay", "sellers");
    let seller = leg("pay", "sellers", 60, "");
    for service in [
        "",
        "service = \"split\"",
        "service = \"transfer\"",
        "service = \"withdraw\"",
    ] {
        let more = format!("{service}\nroute = [\"pay\", \"nucc\", \"bank\"]");
        let part = leg("pay", "friend", 40, &more);
        denies(
            &format!("{signed}{PAID_IN}{seller}{part}"),
            "PBC-2013-9/kyc",
        );
    }
}

#[test]
fn customers_money_that_leaves_the_reserve_for_an_institution_is_asked_about() {
    let signed = signs("pay", "sellers");
    let way = "account = \"own\"\nroute = [\"pay\", \"nucc\", \"bank2\"]";
    let invested = leg(
        "pay",
        "bank2",
        100,
        &format!("{way}\npurpose = \"investment\""),
    );
    denies(
        &format!("{signed}{PAID_IN}{invested}"),
        "PBC-2013-6/segregate",
    );
    let unsaid = leg("pay", "bank2", 100, way);
    asks(&format!("{signed}{PAID_IN}{unsaid}"), "reserve_use");
    // The owner's bank is on its way.
    let on = leg(
        "bank2",
        "sellers",
        100,
        "route = [\"bank2\", \"unionpay\", \"bank\"]",
    );
    let drawing = format!("{}{signed}{PAID_IN}{unsaid}{on}", signs("bank2", "sellers"));
    assert!(!missing(&judged(&drawing)).contains(&"reserve_use"));
}

/// Who pays more than it got advances the rest, and whose money that is has to be said.
#[test]
fn money_that_never_came_in_is_asked_for_as_an_advance() {
    let signed = format!("{}{}", signs("pay", "sellers"), signs("pay", "platform"));
    let alone = leg("pay", "sellers", 100, "goods_of = \"sellers\"");
    asks(&format!("{signed}{alone}"), "funding");
    let named = leg(
        "pay",
        "sellers",
        100,
        "goods_of = \"sellers\"\nservice = \"payout\"",
    );
    asks(&format!("{signed}{named}"), "funding");
    let more = leg("pay", "sellers", 101, "");
    asks(&format!("{signed}{PAID_IN}{more}"), "funding");
    let parts = |commission: u32| {
        let seller = leg("pay", "sellers", 95, "");
        let part = leg("pay", "platform", commission, "purpose = \"commission\"");
        format!("{signed}{PAID_IN}{seller}{part}")
    };
    asks(&parts(6), "funding");
    assert_eq!(verdict(&parts(5)), "allow");
}

/// A licence for cards is none for payments from bank accounts.
#[test]
fn a_service_outside_the_licence_is_refused_or_asked_about() {
    let drawing = |npi: &str| {
        format!(
            "{}{PAID_IN}{}",
            signs("pay", "sellers"),
            leg("pay", "sellers", 100, "")
        )
        .replace("\"pay\"", &format!("\"{npi}\""))
    };
    asks(&drawing("cards"), "outside_licence");
    assert_eq!(verdict(&drawing("pay")), "allow");
}

/// A refusal has no day until which it may run.
#[test]
fn only_a_migration_has_a_deadline() {
    let of_example = |name: &str| flows::judged(&example(name));
    let denied = of_example("leased-channel");
    assert_eq!(denied.verdict, Verdict::Deny);
    assert_eq!(denied.deadline, None);
    for part in &denied.parts {
        assert!(part.verdict == Verdict::Migrate || part.deadline.is_none());
    }
    assert!(of_example("bank-wallet-direct").deadline.is_some());
}
