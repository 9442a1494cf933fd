//! Signs of risk in the running book: counted, shown with a case, held, decided by people.

use crate::support::*;
use channels::answer::{Instrument, OrderState, Payer};
use channels::operation::Channel;
use compliance::risk::{Measure, RiskFigures, Sign};
use domain::case::{Case, CaseKind, CaseStatus, CloseCase};
use domain::payout::{CancelPayout, Payout, PayoutStatus};
use domain::risk::{
    DecideSignal, MerchantRisk, PayerActivity, RiskSetting, RiskSignal, SignalDecision,
    SignalStatus,
};
use domain::webhook::{Delivery, EventType};
use domain::{Code, QingyuanApp, Rejection, Reply, Request, Settings, reference_of};
use engine::{Actor, Verdict};
use std::sync::Arc;

/// A payment by a payer whom the channel names.
fn paid_by(book: &mut Book, merchant: &str, number: &str, amount: i64, payer: Payer) -> String {
    paid_with(book, merchant, (number, amount), payer, None)
}

/// The same by the credit card of one payer.
fn paid_by_card(book: &mut Book, merchant: &str, number: &str, amount: i64) -> String {
    let card = Some(Instrument::CreditCard);
    paid_with(book, merchant, (number, amount), payer("one"), card)
}

fn paid_with(
    book: &mut Book,
    merchant: &str,
    (number, amount): (&str, i64),
    payer: Payer,
    instrument: Option<Instrument>,
) -> String {
    let id = book.order(merchant, number, amount);
    book.register(&id);
    let state = OrderState::Paid {
        channel_number: format!("wx-{id}"),
        amount: fen(amount),
        paid_at: book.now(),
        instrument,
        payer: Some(payer),
    };
    let statement = channels::answer::Answer::Order {
        order: reference_of(&id),
        state,
    };
    book.notify(Channel::Wechat, statement);
    id
}

fn payer(name: &str) -> Payer {
    Payer::of(name)
}

fn signals(book: &Book) -> Vec<RiskSignal> {
    book.list("time", "", "~")
}

pub fn ask_payout(book: &mut Book, merchant: &str, number: &str, amount: i64) -> Payout {
    let payout = book.payout_request(merchant, number, amount).unwrap();
    book.payout(&payout)
}

pub fn clear(signal: &str) -> Request {
    decision(signal, SignalDecision::Clear)
}

fn decision(signal: &str, decision: SignalDecision) -> Request {
    Request::DecideSignal(DecideSignal {
        signal: signal.into(),
        decision,
        reason: "saw the delivery notes".into(),
    })
}

/// Twenty payments of 10.00, each by another payer.
fn twenty_payments(book: &mut Book, merchant: &str, day: &str) -> Vec<String> {
    (0..20)
        .map(|number| {
            let name = format!("{day}-{number}");
            paid_by(book, merchant, &name, 1_001, payer(&name))
        })
        .collect()
}

/// A merchant with 99.40 settled, and so much in the reserve.
fn settled(received: i64) -> (Book, String) {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.receive(received);
    paid_by(&mut book, &merchant, "first", 10_000, payer("first"));
    book.turn_day();
    (book, merchant)
}

/// Ten refunds of twenty payments: the merchant's payouts are held.
fn ten_refunds(book: &mut Book, merchant: &str) -> RiskSignal {
    let payments = twenty_payments(book, merchant, "a");
    for payment in payments.iter().take(10) {
        book.refund_request(payment, &format!("r-{payment}"), 1_001)
            .unwrap();
    }
    signals(book).pop().expect("a signal")
}

pub fn held() -> (Book, String, RiskSignal) {
    let (mut book, merchant) = settled(100_000);
    let signal = ten_refunds(&mut book, &merchant);
    (book, merchant, signal)
}

#[test]
fn refunds_flag_first_and_hold_when_there_are_more() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let payments = twenty_payments(&mut book, &merchant, "a");
    let refund = |book: &mut Book, from: usize, to: usize| {
        for payment in payments.get(from..to).unwrap() {
            book.refund_request(payment, &format!("r-{payment}"), 1_001)
                .unwrap();
        }
    };
    refund(&mut book, 0, 3);
    assert_eq!(signals(&book), []);
    refund(&mut book, 3, 4);
    let flagged = signals(&book);
    assert_eq!(flagged.len(), 1);
    let flagged = flagged.first().unwrap();
    assert_eq!(
        (flagged.sign, flagged.measure, flagged.status),
        (Sign::RefundAbuse, Measure::Flag, SignalStatus::Open)
    );
    assert_eq!(flagged.seen, ["refunds 4 of 20 >= 200 per mille"]);
    let case = book.record::<Case>(&flagged.case).unwrap();
    assert_eq!(
        (case.kind, case.owner.as_str(), case.object.as_str()),
        (CaseKind::RiskSignal, "operator", flagged.id.as_str())
    );
    assert!(
        case.reason
            .contains("refund_abuse flags: refunds 4 of 20 >= 200")
    );
    assert!(!book.record::<MerchantRisk>(&merchant).unwrap().holds());
    // Each further refund says nothing new, until it holds.
    refund(&mut book, 4, 9);
    assert_eq!(signals(&book), std::slice::from_ref(flagged));
    refund(&mut book, 9, 10);
    let holding = signals(&book);
    assert_eq!(holding.len(), 1);
    let holding = holding.first().unwrap();
    assert_eq!(
        (holding.id.as_str(), holding.measure),
        (flagged.id.as_str(), Measure::Hold)
    );
    let case = book.record::<Case>(&holding.case).unwrap();
    assert!(
        case.reason
            .contains("holds payouts: refunds 10 of 20 >= 500")
    );
    assert!(book.record::<MerchantRisk>(&merchant).unwrap().holds());
}

#[test]
fn a_held_payout_is_not_sent_and_goes_on_when_two_people_clear_the_sign() {
    let (mut book, merchant, signal) = held();
    book.set_webhook(&merchant, "https://shop.example/hooks")
        .unwrap();
    let payout = ask_payout(&mut book, &merchant, "p1", 4_000);
    assert_eq!((payout.status, payout.effect), (PayoutStatus::Held, None));
    let told = book.all::<Delivery>();
    assert_eq!(told.len(), 1);
    assert_eq!(told.first().unwrap().event_type, EventType::PayoutHeld);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000);
    // Money that arrives in the reserve sends nothing that is held.
    book.receive(50_000);
    assert_eq!(book.payout(&payout.id).status, PayoutStatus::Held);

    let clear = decision(&signal.id, SignalDecision::Clear);
    let proposal = book.propose(&operator(), clear.clone());
    assert_eq!(book.payout(&payout.id).status, PayoutStatus::Held);
    let alone = book.approve(&Actor::new("olga", "finance"), &proposal);
    assert!(matches!(alone, Verdict::Denied(_)), "{alone:?}");
    let decided = book.approve(&checker(), &proposal);
    assert!(matches!(decided, Verdict::Done(_)), "{decided:?}");
    book.fire_timers();
    let sent = book.payout(&payout.id);
    assert_eq!(sent.status, PayoutStatus::Created);
    assert!(sent.effect.is_some());

    let cleared = book.record::<RiskSignal>(&signal.id).unwrap();
    assert_eq!(cleared.status, SignalStatus::Cleared);
    let decided = cleared.decisions.first().unwrap();
    assert_eq!(
        (decided.by.as_str(), decided.reason.as_str()),
        ("olga", "saw the delivery notes")
    );
    let case = book.record::<Case>(&signal.case).unwrap();
    assert_eq!(case.status, CaseStatus::Closed);
    // Cleared is cleared for the day; and the same decision again needs nobody.
    let again = book.ask(&operator(), clear).unwrap();
    assert!(matches!(again, Reply::RiskSignal(_)));
    let next = ask_payout(&mut book, &merchant, "p2", 1_000);
    assert_eq!(next.status, PayoutStatus::Created);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_payout_that_waits_for_the_reserve_is_held_by_a_sign_that_came_meanwhile() {
    let (mut book, merchant) = settled(0);
    let first = ask_payout(&mut book, &merchant, "p1", 4_000);
    assert_eq!(first.status, PayoutStatus::WaitingForReserve);
    let signal = ten_refunds(&mut book, &merchant);
    // Another merchant waits behind it.
    let other = book.open_on_request("m2");
    paid_by(&mut book, &other, "o1", 10_000, payer("other"));
    book.turn_day();
    let second = ask_payout(&mut book, &other, "p1", 4_000);
    book.receive(100_000);
    book.fire_timers();
    let held = book.payout(&first.id);
    assert_eq!((held.status, held.effect), (PayoutStatus::Held, None));
    assert_eq!(book.payout(&second.id).status, PayoutStatus::Created);
    book.ask_approved(&operator(), decision(&signal.id, SignalDecision::Clear))
        .unwrap();
    book.fire_timers();
    assert_eq!(book.payout(&first.id).status, PayoutStatus::Created);
}

#[test]
fn a_settlement_of_a_held_merchant_makes_a_held_payout() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.receive(100_000);
    let payments = twenty_payments(&mut book, &merchant, "a");
    for payment in payments.iter().take(10) {
        book.refund_request(payment, &format!("r-{payment}"), 1_001)
            .unwrap();
    }
    book.turn_day();
    let payouts = book.all::<Payout>();
    assert_eq!(payouts.len(), 1);
    let payout = payouts.first().unwrap();
    assert_eq!(payout.status, PayoutStatus::Held);
    // Nobody cleared it: the next day holds as well, and its own counts begin anew.
    let risk = book.record::<MerchantRisk>(&merchant).unwrap();
    assert!(risk.holds());
    let payment = paid_by(&mut book, &merchant, "next", 500, payer("next"));
    let risk = book.record::<MerchantRisk>(&merchant).unwrap();
    assert!(risk.holds());
    assert_eq!((risk.payments, risk.amount, risk.refunds), (1, 500, 0));
    book.refund_request(&payment, "r-next", 500).unwrap();
    assert_eq!(signals(&book).len(), 1);
    // People may give the money back instead.
    let cancel = Request::CancelPayout(CancelPayout {
        payout: payout.id.clone(),
        reason: "merchant under investigation".into(),
    });
    let before = book.payable(&merchant);
    book.ask_approved(&finance(), cancel).unwrap();
    assert_eq!(book.payout(&payout.id).status, PayoutStatus::Failed);
    assert_eq!(book.payable(&merchant), before + payout.amount.amount());
}

#[test]
fn a_suspicion_that_is_confirmed_keeps_the_hold_and_its_case() {
    let (mut book, merchant, signal) = held();
    let refused = book.ask(
        &as_merchant(&merchant),
        decision(&signal.id, SignalDecision::Clear),
    );
    assert_eq!(refused.unwrap_err().code, Code::Forbidden);
    let close = Request::CloseCase(CloseCase {
        case: signal.case.clone(),
        resolution: "nothing".into(),
    });
    let around: Rejection = book.ask(&operator(), close).unwrap_err();
    assert_eq!(around.code, Code::StateConflict);
    // Nothing is freed, so nobody else is needed.
    book.ask(&operator(), decision(&signal.id, SignalDecision::Confirm))
        .unwrap();
    let confirmed = book.record::<RiskSignal>(&signal.id).unwrap();
    assert_eq!(confirmed.status, SignalStatus::Confirmed);
    assert!(book.record::<MerchantRisk>(&merchant).unwrap().holds());
    assert_eq!(book.case_kinds(), [CaseKind::RiskSignal]);
    // It may still turn out to be innocent; the other way round it may not.
    book.ask_approved(&operator(), decision(&signal.id, SignalDecision::Clear))
        .unwrap();
    let wrong = book.ask(&operator(), decision(&signal.id, SignalDecision::Confirm));
    assert_eq!(wrong.unwrap_err().code, Code::StateConflict);
    let unknown = book.ask(&operator(), decision("rsk_none", SignalDecision::Clear));
    assert_eq!(unknown.unwrap_err().code, Code::NotFound);
}

#[test]
fn one_payer_who_pays_too_often_is_seen_across_merchants() {
    let mut book = Book::new();
    let (one, two) = (book.open_merchant("m1"), book.open_merchant("m2"));
    for number in 0..9 {
        paid_by(&mut book, &one, &format!("a{number}"), 501, payer("hasty"));
        paid_by(
            &mut book,
            &two,
            &format!("b{number}"),
            501,
            payer(&format!("calm{number}")),
        );
    }
    assert_eq!(signals(&book), []);
    paid_by(&mut book, &two, "b9", 501, payer("hasty"));
    let seen = signals(&book);
    assert_eq!(seen.len(), 1);
    let seen = seen.first().unwrap();
    assert_eq!(
        (seen.sign, seen.measure, seen.merchant.as_str()),
        (Sign::Velocity, Measure::Flag, two.as_str())
    );
    assert_eq!(seen.payer.as_deref(), Some(payer("hasty").mark.as_str()));
    assert_eq!(seen.seen, ["payments 10 >= 10"]);
    // An hour later it counts no more, and the payers' records are removed.
    book.pass(3_600);
    paid_by(&mut book, &one, "a10", 501, payer("hasty"));
    assert_eq!(signals(&book).len(), 1);
    assert_eq!(book.all::<PayerActivity>().len(), 10);
    book.pass(3 * 3_600);
    book.fire_timers();
    assert_eq!(book.all::<PayerActivity>(), []);
}

#[test]
fn credit_payments_of_one_payer_wanted_at_once_hold_the_payout_that_asks() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.receive(10_000_000);
    book.paid(&merchant, "before", 100_000);
    book.turn_day();
    paid_by_card(&mut book, &merchant, "o1", 600_001);
    paid_by(&mut book, &merchant, "o2", 400_001, payer("two"));
    assert_eq!(signals(&book), []);
    paid_by_card(&mut book, &merchant, "o3", 1_200_001);
    let seen = signals(&book).pop().unwrap();
    assert_eq!((seen.sign, seen.measure), (Sign::CashOut, Measure::Flag));
    assert_eq!(
        seen.seen,
        [
            "fen by credit card 1800002 of 2200003",
            "fen of one payer 1800002 of 2200003"
        ]
    );
    book.pass(30 * 60 + 59);
    let payout = ask_payout(&mut book, &merchant, "p1", 50_000);
    assert_eq!(payout.status, PayoutStatus::Held);
    let seen = signals(&book).pop().unwrap();
    assert_eq!(
        (seen.measure, seen.object.as_str(), seen.seen.len()),
        (Measure::Hold, payout.id.as_str(), 3)
    );
}

#[test]
fn a_payout_that_is_not_hasty_is_not_held() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.receive(10_000_000);
    book.paid(&merchant, "before", 100_000);
    book.turn_day();
    paid_by_card(&mut book, &merchant, "o1", 1_500_001);
    book.pass(31 * 60);
    let payout = ask_payout(&mut book, &merchant, "p1", 50_000);
    assert_eq!(payout.status, PayoutStatus::Created);
}

#[test]
fn trade_at_night_is_judged_by_the_channels_time_of_payment() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    // From ten in the morning to two at night, and to five in the morning.
    book.pass(16 * 3_600);
    paid_by(&mut book, &merchant, "o1", 500_001, payer("one"));
    let seen = signals(&book).pop().unwrap();
    assert_eq!(
        (seen.sign, seen.measure),
        (Sign::NightWindow, Measure::Hold)
    );
    let other = book.open_merchant("m2");
    book.pass(3 * 3_600);
    paid_by(&mut book, &other, "o2", 500_001, payer("two"));
    assert_eq!(signals(&book).len(), 1);
}

#[test]
fn many_payers_need_bounded_room_and_the_largest_is_not_lost() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    for number in 0..60 {
        paid_by(
            &mut book,
            &merchant,
            &format!("s{number}"),
            99,
            payer(&format!("p{number}")),
        );
    }
    for number in 0..5 {
        paid_by(
            &mut book,
            &merchant,
            &format!("l{number}"),
            99_999,
            payer("large"),
        );
    }
    let risk = book.record::<MerchantRisk>(&merchant).unwrap();
    assert!(risk.payers.len() <= 16, "{}", risk.payers.len());
    let total = 60 * 99 + 5 * 99_999;
    assert_eq!((risk.payments, risk.amount), (65, total));
    let large = risk.payers.get(&payer("large").mark).copied().unwrap();
    assert!(
        large <= 5 * 99_999 && large >= 5 * 99_999 - total / 17,
        "{large}"
    );
}

#[test]
fn figures_are_the_institutions_own_or_none() {
    let (name, text) = compliance::risk::EMBEDDED_FIGURES;
    let text = text.replacen("flag_payments = 10", "flag_payments = 2", 1);
    let own = RiskFigures::load(name, &text).unwrap();
    for (setting, expected) in [
        (RiskSetting::Own(Arc::new(own)), 1),
        (RiskSetting::Embedded, 0),
        (RiskSetting::Off, 0),
    ] {
        let off = setting == RiskSetting::Off;
        let settings = Settings {
            risk: setting,
            ..Settings::sample()
        };
        let mut book = Book::under(QingyuanApp::with_embedded_rules(settings).unwrap());
        let merchant = book.open_merchant("m1");
        paid_by(&mut book, &merchant, "o1", 501, payer("one"));
        paid_by(&mut book, &merchant, "o2", 501, payer("one"));
        assert_eq!(signals(&book).len(), expected);
        assert_eq!(book.all::<MerchantRisk>().is_empty(), off);
        assert_eq!(book.all::<PayerActivity>().is_empty(), off);
    }
}
