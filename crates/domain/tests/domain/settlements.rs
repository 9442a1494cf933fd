//! Settlement, payouts and the turn of a day.

use crate::support::*;
use calendar::SettlementCycle;
use channels::operation::{Channel, Operation};
use domain::case::CaseKind;
use domain::closing::{DayClose, Figure, TurnDay};
use domain::merchant::{BankAccount, MerchantStatus, Profile, UpdateMerchant};
use domain::payout::{CreatePayout, PayoutStatus, ResolvedPayout, SmallPayouts};
use domain::settlement::Bucket;
use domain::{Answer, Code, Reply, Request, reference_of};
use engine::{Actor, EffectRecord, EffectReport, EffectState, Verdict};

#[test]
fn takings_are_settled_on_the_next_business_day_and_paid_out() {
    let mut book = Book::new();
    book.receive(11_928);
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    book.paid(&merchant, "o2", 2_000);
    book.turn_day();
    let settled = book.settlements_of(&merchant);
    assert_eq!(settled.len(), 1);
    let settlement = settled.first().unwrap();
    assert_eq!(
        (settlement.net, settlement.paid_out),
        (fen(11_928), fen(11_928))
    );
    assert!(settlement.carried_forward.is_zero());
    assert_eq!(
        (book.payable(&merchant), book.payouts_in_transit(&merchant)),
        (0, 11_928)
    );
    let payout = settlement.payout.clone().unwrap();
    book.notify(Channel::Unionpay, payout_done(&payout, 11_928));
    let reserve = book.chart().reserve;
    assert_eq!(book.payouts_in_transit(&merchant), 0);
    assert_eq!(book.balance(reserve), 0);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn a_weekend_is_no_business_day() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let friday = "2026-03-06".parse().unwrap();
    book.pass(4 * 86_400);
    book.ask(&operator(), Request::TurnDay(TurnDay { to: Some(friday) }))
        .unwrap();
    book.paid(&merchant, "o1", 10_000);
    book.turn_day(); // Saturday
    book.turn_day(); // Sunday
    assert!(book.settlements_of(&merchant).is_empty());
    book.turn_day(); // Monday
    assert_eq!(book.settlements_of(&merchant).len(), 1);
}

#[test]
fn same_day_takings_are_settled_at_the_turn_and_what_comes_in_meanwhile_is_left() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    let same_day = |cycle| {
        Request::UpdateMerchant(UpdateMerchant {
            merchant: merchant.clone(),
            settlement_cycle: Some(cycle),
            profile: Some(Profile {
                trading_days: Some(90),
                ..Profile::default()
            }),
            ..UpdateMerchant::default()
        })
    };
    // Open to merchants of ninety days, whichever way it is written.
    for cycle in [
        SettlementCycle::CalendarDays(0),
        SettlementCycle::BusinessDays(0),
    ] {
        let refused = book.ask(&operator(), same_day(cycle)).unwrap_err();
        assert_eq!(refused.code, Code::RefusedByRule, "{refused:?}");
    }
    book.pass(90 * 86_400);
    book.ask(&operator(), same_day(SettlementCycle::CalendarDays(0)))
        .unwrap();
    book.paid(&merchant, "o1", 10_000);
    book.close_day();
    // After the turn, before its settlement ran: already the next date's takings.
    book.paid(&merchant, "o2", 5_000);
    book.fire_settlement();
    let settled = book.settlements_of(&merchant);
    assert_eq!(settled.first().unwrap().paid_out, fen(9_940));
    assert_eq!(book.payable(&merchant), 4_970);
    book.pass(86_400);
    book.turn_day();
    assert_eq!(book.payable(&merchant), 0);
}

#[test]
fn a_negative_sum_is_carried_forward_and_made_good_by_later_takings() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.refund_returns_fee = false;
    let merchant = book.open_merchant_with(terms);
    let payment = book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    assert_eq!(book.payable(&merchant), 0);
    // The refund is covered by today's takings, which are due only tomorrow.
    book.paid(&merchant, "o2", 10_000);
    book.refund_request(&payment, "r1", 9_000).unwrap();
    book.turn_day();
    let settled = book.settlements_of(&merchant);
    let last = settled.last().unwrap();
    assert_eq!((last.net, last.paid_out), (fen(940), fen(940)));
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn every_merchant_is_settled_though_a_step_takes_only_some() {
    let mut book = Book::new();
    let merchants: Vec<String> = (0..120)
        .map(|n| book.open_merchant(&format!("m{n}")))
        .collect();
    for merchant in &merchants {
        let payment = book.order(merchant, "o1", 1_000);
        book.pay(&payment, 1_000);
    }
    book.set_status(&merchants[3], MerchantStatus::Suspended)
        .unwrap();
    book.turn_day();
    for (index, merchant) in merchants.iter().enumerate() {
        let expected = usize::from(index != 3);
        assert_eq!(
            book.settlements_of(merchant).len(),
            expected,
            "merchant {index}"
        );
    }
    let left = book.list::<Bucket>("due", "", "~");
    assert_eq!(left.len(), 1, "only the suspended merchant's");
    book.ask(&operator(), Request::ResumeSettlement(Default::default()))
        .unwrap();
    book.fire_settlement();
    assert!(
        merchants
            .iter()
            .all(|merchant| book.settlements_of(merchant).len() <= 1),
        "nobody is settled twice"
    );
}

#[test]
fn a_merchant_without_an_account_keeps_its_money_and_gets_a_case() {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.settlement_account = None;
    let merchant = book.open_merchant_with(terms);
    book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.case_kinds(), [CaseKind::NoSettlementAccount]);
    assert_eq!(
        book.settlements_of(&merchant)
            .first()
            .unwrap()
            .carried_forward,
        fen(9_940)
    );
}

#[test]
fn only_settled_money_can_be_paid_out() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 10_000);
    let early = book.payout_request(&merchant, "p1", 1).unwrap_err();
    assert_refused(&early, Code::InsufficientFunds, "amount");
    book.turn_day();
    assert_eq!(book.payable(&merchant), 9_940);
    book.paid(&merchant, "o2", 10_000);
    let more = book.payout_request(&merchant, "p1", 9_941).unwrap_err();
    assert_eq!(
        more.details.get("available").map(String::as_str),
        Some("9940")
    );
    let payout = book.payout_request(&merchant, "p1", 9_940).unwrap();
    assert_eq!(
        book.payout_request(&merchant, "p1", 9_940).unwrap(),
        payout,
        "the same again"
    );
    let other = book.payout_request(&merchant, "p1", 9_000).unwrap_err();
    assert_refused(&other, Code::AlreadyExists, "amount");
    assert_eq!(book.payouts_of(&merchant).len(), 1);
}

/// A merchant with 9,940 fen settled and this account on file.
fn settled_to(number: &str) -> (Book, String) {
    let mut book = Book::new();
    let mut terms = merchant_terms("m1");
    terms.automatic_payout = false;
    let request = Request::CreateMerchant(terms);
    let made = book.ask_sealing(&operator(), request, "vlt_1", number);
    let Ok(Reply::Merchant { merchant, .. }) = made else {
        panic!("{made:?}")
    };
    book.paid(&merchant.id, "o1", 10_000);
    book.turn_day();
    (book, merchant.id.clone())
}

fn payout_to(merchant: &str, number: &str, amount: i64, vault_id: &str) -> CreatePayout {
    let payee = BankAccount {
        vault_id: vault_id.into(),
        ..bank_account()
    };
    CreatePayout {
        payee: Some(payee),
        ..payout_command(merchant, number, amount)
    }
}

/// One person would otherwise send the money of many merchants to one account, below every limit.
#[test]
fn a_payout_to_an_account_that_is_not_on_file_needs_a_second_person() {
    let (mut book, merchant) = settled_to("6222021111111234");
    let ask = |book: &mut Book, command: &CreatePayout, number: &str, actor: &Actor| {
        let vault_id = command.payee.as_ref().unwrap().vault_id.clone();
        let request = Request::CreatePayout(command.clone());
        book.submit_sealing(actor, request, &vault_id, number)
    };
    let known = payout_to(&merchant, "p1", 1_000, "vlt_11");
    let sent = ask(&mut book, &known, "6222021111111234", &operator());
    assert!(matches!(sent, Verdict::Done(_)), "{sent:?}");
    // The same mask, another account.
    let other = payout_to(&merchant, "p2", 1, "vlt_12");
    let asked = ask(&mut book, &other, "6222022222221234", &operator());
    let Verdict::Proposed(proposal) = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(book.payouts_of(&merchant).len(), 1);
    let alone = book.approve(&operator(), &proposal);
    assert!(matches!(alone, Verdict::Denied(_)), "{alone:?}");
    let done = book.approve(&checker(), &proposal);
    assert!(matches!(done, Verdict::Done(_)), "{done:?}");
    // A repeat is answered; what two people answer for is not part of the day's sum.
    let again = payout_to(&merchant, "p2", 1, "vlt_13");
    let repeated = ask(&mut book, &again, "6222022222221234", &operator());
    assert!(matches!(repeated, Verdict::Done(_)), "{repeated:?}");
    let sum = book.record::<SmallPayouts>(&merchant).unwrap().sum;
    assert_eq!((book.payouts_of(&merchant).len(), sum), (2, fen(1_000)));
    // A merchant cannot vouch for an account: its payee is the one on file, and needs nobody.
    let mut own = payout_to(&merchant, "p3", 1_000, "vlt_14");
    own.payee.as_mut().unwrap().owner = None;
    let sent = ask(&mut book, &own, "6222021111111234", &as_merchant(&merchant));
    assert!(matches!(sent, Verdict::Done(_)), "{sent:?}");
}

/// First six and last four digits are the same for many accounts: a repeat to another of them would
/// be answered as paid.
#[test]
fn a_repeat_to_another_account_with_the_same_mask_is_refused() {
    let (mut book, merchant) = settled_to("6222021111111234");
    let mut pay = |vault_id: &str, number: &str| {
        let request = Request::CreatePayout(payout_to(&merchant, "p1", 4_000, vault_id));
        book.ask_sealing(&operator(), request, vault_id, number)
    };
    pay("vlt_11", "6222021111111234").unwrap();
    let repeated = pay("vlt_12", "6222021111111234").unwrap();
    assert!(matches!(repeated, Reply::Payout { repeated: true, .. }));
    let refused = pay("vlt_13", "6222022222221234").unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "payee");
    let found = book.payouts_of(&merchant);
    let kept = serde_json::to_string(&found.first().unwrap().payee).unwrap();
    assert!(kept.contains("fingerprint") && !kept.contains("1111111"));
}

#[test]
fn a_large_payout_needs_a_second_person() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 8_000_000);
    book.turn_day();
    let command = Request::CreatePayout(payout_command(&merchant, "p1", 5_000_001));
    book.propose(&as_merchant(&merchant), command.clone());
    assert!(book.payouts_of(&merchant).is_empty());
    book.ask_approved(&as_merchant(&merchant), command).unwrap();
    assert_eq!(book.payouts_of(&merchant).len(), 1);
}

/// Somebody with a merchant's key takes out in parts what he may not take out at once.
#[test]
fn a_large_payout_in_small_parts_needs_a_second_person_too() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 20_000_000);
    book.turn_day();
    book.payout_request(&merchant, "p1", 2_500_000).unwrap();
    book.payout_request(&merchant, "p2", 2_500_000).unwrap();
    let third = Request::CreatePayout(payout_command(&merchant, "p3", 1));
    book.propose(&as_merchant(&merchant), third.clone());
    // A repeat of one that went out is answered all the same.
    book.payout_request(&merchant, "p2", 2_500_000).unwrap();
    assert_eq!(book.payouts_of(&merchant).len(), 2);
    book.ask_approved(&as_merchant(&merchant), third).unwrap();
    // What two people agreed to counts for nobody; another day is another sum.
    let large = Request::CreatePayout(payout_command(&merchant, "p4", 6_000_000));
    book.ask_approved(&as_merchant(&merchant), large).unwrap();
    book.turn_day();
    book.payout_request(&merchant, "p5", 5_000_000).unwrap();
    assert_eq!(book.payouts_of(&merchant).len(), 5);
}

#[test]
fn an_unknown_payout_keeps_its_money_in_transit_and_is_asked_after() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.unknown(&payout);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Unknown);
    assert_eq!(
        (book.payable(&merchant), book.payouts_in_transit(&merchant)),
        (5_940, 4_000)
    );
    let (effect, _) = book.effect_about(&payout);
    assert_eq!(effect.state, EffectState::MaybeSent, "queried, not sent");
    book.report(&effect.id, EffectReport::NotFound);
    book.report(
        &effect.id,
        EffectReport::NotSent {
            reason: "no connection".into(),
        },
    );
    assert_eq!(
        book.payouts_in_transit(&merchant),
        4_000,
        "neither is a failure"
    );
    book.report(&effect.id, EffectReport::Pending);
    assert_eq!(book.payout(&payout).status, PayoutStatus::Processing);
    book.answer(&payout, payout_done(&payout, 4_000));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
    assert_eq!(book.payouts_in_transit(&merchant), 0);
}

#[test]
fn a_verified_failure_returns_the_money_and_it_can_be_paid_again_under_another_number() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.unknown(&payout);
    book.answer(&payout, payout_failed(&payout));
    let failed = book.payout(&payout);
    assert_eq!(
        (failed.status, failed.refusal.unwrap().code.as_str()),
        (PayoutStatus::Failed, "61")
    );
    assert_eq!(
        (book.payable(&merchant), book.payouts_in_transit(&merchant)),
        (9_940, 0)
    );
    book.payout_request(&merchant, "p2", 9_940).unwrap();
}

#[test]
fn a_declined_payout_is_no_failure_until_the_channel_says_so() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.answer_with(&payout, Answer::Refused(refusal()));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Declined);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000);
    assert!(matches!(
        book.effect_about(&payout).1,
        Operation::QueryPayout { .. }
    ));
    book.answer(&payout, payout_failed(&payout));
    assert_eq!(book.payouts_in_transit(&merchant), 0);
    assert_eq!(book.payable(&merchant), 9_940);
}

#[test]
fn a_declined_payout_that_the_channel_does_not_know_is_decided_by_two_people() {
    for (outcome, payable, reserve) in [
        (ResolvedPayout::NotPaid, 9_940, RECEIVED),
        (ResolvedPayout::Paid, 5_940, RECEIVED - 4_000),
    ] {
        let (mut book, merchant, payout) = Book::with_payout();
        book.answer_with(&payout, Answer::Refused(refusal()));
        book.answer_with(&payout, Answer::Absent);
        let (effect, _) = book.effect_about(&payout);
        assert!(
            effect.next_at.duration_since(book.now()).as_secs() > 1_700,
            "asked again after the arrival bound"
        );
        assert_eq!(book.payouts_in_transit(&merchant), 4_000);
        book.answer_with(&payout, Answer::Absent);
        assert_eq!(book.payout(&payout).status, PayoutStatus::Stranded);
        assert_eq!(book.case_kinds(), [CaseKind::PayoutDeclined]);
        book.resolve_payout(&payout, outcome).unwrap();
        let chart = book.chart();
        assert_eq!(
            (book.payable(&merchant), book.balance(chart.reserve)),
            (payable, reserve)
        );
        assert_eq!(book.payouts_in_transit(&merchant), 0);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn people_cannot_decide_a_payout_that_is_still_asked_after() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.unknown(&payout);
    let refused = book
        .resolve_payout(&payout, ResolvedPayout::NotPaid)
        .unwrap_err();
    assert_eq!(refused.code, Code::StateConflict);
    assert_eq!(book.payouts_in_transit(&merchant), 4_000);
}

#[test]
fn success_after_failure_is_our_loss_with_a_case_once() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.answer(&payout, payout_failed(&payout));
    book.notify(Channel::Unionpay, payout_done(&payout, 4_000));
    book.notify(Channel::Unionpay, payout_done(&payout, 4_000));
    let chart = book.chart();
    assert_eq!(book.balance(chart.differences), -4_000);
    assert_eq!(book.balance(chart.reserve), RECEIVED - 4_000);
    assert_eq!(book.payable(&merchant), 9_940);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    assert_eq!(book.trial_balance(), 0);
}

#[test]
fn failure_after_success_is_a_contradiction_and_a_bounce_is_booked_by_two_people() {
    let (mut book, merchant, payout) = Book::with_payout();
    book.answer(&payout, payout_done(&payout, 4_000));
    book.notify(Channel::Unionpay, payout_failed(&payout));
    assert_eq!(book.payout(&payout).status, PayoutStatus::Succeeded);
    assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
    book.return_payout(&payout).unwrap();
    assert_eq!(book.payout(&payout).status, PayoutStatus::Returned);
    let reserve = book.chart().reserve;
    assert_eq!(
        (book.payable(&merchant), book.balance(reserve)),
        (9_940, RECEIVED)
    );
    book.payout_request(&merchant, "p2", 9_940).unwrap();
}

#[test]
fn another_amount_is_booked_as_it_happened_with_the_difference() {
    for (actual, difference) in [(3_900, 100), (4_100, -100)] {
        let (mut book, merchant, payout) = Book::with_payout();
        book.answer(&payout, payout_done(&payout, actual));
        let chart = book.chart();
        assert_eq!(book.payouts_in_transit(&merchant), 0);
        assert_eq!(
            (book.balance(chart.differences), book.balance(chart.reserve)),
            (difference, RECEIVED - actual)
        );
        assert_eq!(book.case_kinds(), [CaseKind::Contradiction]);
        assert_eq!(book.trial_balance(), 0);
    }
}

#[test]
fn a_payout_that_is_not_ours_goes_to_suspense_once() {
    let mut book = Book::new();
    for _ in 0..2 {
        book.bill_payout("pot_00UNKNOWN", "upq-9", 900);
    }
    let chart = book.chart();
    assert_eq!(
        (book.balance(chart.suspense), book.balance(chart.reserve)),
        (-900, -900)
    );
    assert_eq!(book.case_kinds(), [CaseKind::UnknownPayout]);
}

#[test]
fn a_payout_identifies_itself_with_the_same_fields_in_every_attempt() {
    let (book, _, payout) = Book::with_payout();
    let (effect, operation) = book.effect_about(&payout);
    let Operation::Payout {
        payout: number,
        submitted_at,
        payee,
        ..
    } = operation
    else {
        panic!()
    };
    assert_eq!(number, reference_of(&payout));
    assert_eq!(submitted_at.subsec_nanosecond(), 0);
    assert_eq!(
        payee, "vlt_1",
        "the account number itself is only in the vault"
    );
    let stored: EffectRecord = book.record(&effect.id).unwrap();
    assert!(!stored.body.to_string().contains("6222"), "not even masked");
}

#[test]
fn the_business_date_runs_ahead_of_the_calendar_by_a_day_at_most() {
    let mut book = Book::new();
    let mut turn = |to: Option<&str>| {
        let to = to.map(|date| date.parse().unwrap());
        book.ask(&operator(), Request::TurnDay(TurnDay { to }))
    };
    for far in ["9999-12-31", "2026-03-04"] {
        let refused = turn(Some(far)).unwrap_err();
        assert_refused(&refused, Code::InvalidField, "to");
    }
    turn(None).unwrap();
    let refused = turn(None).unwrap_err();
    assert_eq!((refused.code, refused.field), (Code::StateConflict, None));
    book.pass(86_400);
    book.close_day();
}

#[test]
fn a_day_is_closed_with_its_figures_and_never_backwards() {
    let mut book = Book::new();
    let merchant = book.open_merchant("m1");
    book.paid(&merchant, "o1", 10_000);
    book.order(&merchant, "o2", 500);
    let backwards = TurnDay {
        to: Some(first_day()),
    };
    let refused = book
        .ask(&operator(), Request::TurnDay(backwards))
        .unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("to"));
    let merchant_turns = book
        .ask(
            &as_merchant(&merchant),
            Request::TurnDay(TurnDay::default()),
        )
        .unwrap_err();
    assert_eq!(merchant_turns.code, Code::Forbidden);
    book.turn_day();
    let close: DayClose = book.record("2026-03-02").unwrap();
    let tally = |figure| close.figures.get(&figure).copied().unwrap();
    assert_eq!(tally(Figure::PaymentsCreated).count, 2);
    assert_eq!(tally(Figure::PaymentsSucceeded).amount, Some(fen(10_000)));
    assert_eq!(tally(Figure::Fees).amount, Some(fen(60)));
    assert_eq!(close.closed_by, "olga");
    let receivable = close
        .balances
        .iter()
        .find(|balance| balance.name == "CHN:wechat")
        .unwrap();
    assert_eq!(receivable.balance, fen(10_000));
}

#[test]
fn the_channels_word_after_two_peoples_books_only_what_differs() {
    for (actual, difference, cases) in [(4_000, 0, 1), (4_300, -300, 2), (3_800, 200, 2)] {
        let (mut book, _, payout) = Book::with_payout();
        book.say_paid(&payout);
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        book.notify(Channel::Unionpay, payout_done(&payout, actual));
        let chart = book.chart();
        assert_eq!(book.balance(chart.reserve), RECEIVED - actual);
        assert_eq!(book.balance(chart.differences), difference);
        assert_eq!(book.cases().len(), cases);
        assert!(book.payout(&payout).channel_number.is_some());
        assert_eq!(book.trial_balance(), 0);
    }
}
