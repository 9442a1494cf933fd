//! Bills of the channel taken into the books, over HTTP and with bills that the sandbox does not write.

use crate::support::bill::{self, Line};
use crate::support::town::Town;
use crate::support::{Answer, CHECKER, FINANCE, SHOP};
use calendar::BusinessDate;
use channels::Channel;
use sandbox::wechat::{Difference, PlantOrder, WechatSettings};
use sandbox::{Fault, FaultSwitch, Trigger};
use serde_json::{Value, json};
use server::reconciliation::Reconciled;

pub const HOUR: i64 = 3_600;

pub fn first_day() -> BusinessDate {
    BusinessDate::new(2026, 11, 20).unwrap()
}

impl Town {
    pub async fn paid(&mut self, number: &str, amount: i64) -> String {
        let id = self.order(number, amount).await;
        let notification = self.pay(&id).await;
        self.forward(&notification).await.expect(204);
        id
    }

    async fn take(&self, date: BusinessDate) -> Answer {
        let body = json!({"channel": "wechat", "date": date.to_string(), "take": true});
        let key = format!("take-{}", self.clock.now());
        let path = "/v1/reconciliations";
        self.rig.post(path, FINANCE, &key, &body).await
    }

    fn plant(&self, difference: Difference) {
        let order = PlantOrder {
            merchant_id: self.channel_merchant(),
            bill_date: first_day(),
            number: None,
            difference,
        };
        self.sandbox.with_wechat(|core| core.plant(&order)).unwrap();
    }

    /// Takes a bill of these lines as if the channel had given it.
    pub async fn take_lines(&self, date: BusinessDate, lines: &[Line]) -> Reconciled {
        let merchant = self.channel_merchant();
        let text = self.sandbox.with_wechat(|core| {
            let books = core.books(&merchant).unwrap();
            bill::bill(&merchant, lines, |order| {
                let trade = books.trades.get(order);
                let payment = trade.and_then(|trade| trade.payment());
                payment.map_or("4200".to_owned(), |paid| paid.transaction_id.clone())
            })
        });
        let reconciliations = self.rig.server.state().reconciliations();
        reconciliations
            .reconcile(Channel::Wechat, date, merchant.clone(), Some(text), true)
            .await
            .unwrap()
    }

    pub async fn cases(&self, kind: &str) -> Vec<Value> {
        let path = format!("/v1/cases?kind={kind}");
        let listed = self.rig.get(&path, FINANCE).await.expect(200).body;
        listed["items"].as_array().unwrap().clone()
    }

    /// What the second person is answered who approves an adjustment of the only case of a kind.
    pub async fn adjusted(&self, kind: &str, amount: i64) -> u16 {
        let cases = self.cases(kind).await;
        let [case] = cases.as_slice() else {
            panic!("{cases:?}")
        };
        let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
        let explain = json!({"explanation": "the payer showed the slip"});
        let explanation = format!("{path}/explanation");
        let explained = self.rig.post(&explanation, FINANCE, kind, &explain);
        explained.await.expect(200);
        let adjust = json!({"adjustment_number": "a-1", "debit": "suspense",
            "credit": {"merchant": self.rig.shop}, "amount": {"amount": amount, "currency": "CNY"}});
        let adjust_key = format!("adjust-{kind}");
        let adjustments = format!("{path}/adjustments");
        let proposed = self.rig.post(&adjustments, FINANCE, &adjust_key, &adjust);
        let proposed = proposed.await.expect(202).body;
        let approve = format!(
            "/v1/proposals/{}/approve",
            proposed["proposal"].as_str().unwrap()
        );
        self.rig.press(&approve, CHECKER, kind).await.status
    }

    async fn clearing(&self) -> Value {
        let path = "/v1/clearings";
        self.rig.get(path, FINANCE).await.expect(200).body["items"][0].clone()
    }

    pub async fn refund_status(&self, refund: &str) -> Value {
        let path = format!("/v1/refunds/{refund}");
        self.rig.get(&path, SHOP).await.expect(200).body["status"].clone()
    }
}

pub fn found(reconciled: &Reconciled) -> Vec<&'static str> {
    let differences = &reconciled.reconciliation.differences;
    differences
        .iter()
        .map(|difference| difference.finding.name())
        .collect()
}

#[tokio::test]
async fn a_refund_that_the_bill_does_not_call_a_success_is_not_booked_as_one() {
    let mut town = Town::start().await;
    let payment = town.paid("A-1", 10_000).await;
    let mut refunds = Vec::new();
    for (number, fault, hours) in [
        ("R-1", Some(Fault::RefundClosed), 1),
        ("R-2", Some(Fault::RefundAbnormal), 1),
        ("R-3", None, 48),
    ] {
        town.sandbox.with_wechat(|core| {
            core.set_refund_millis(hours * 3_600_000);
            if let Some(fault) = fault {
                core.faults_mut().switch_on(FaultSwitch {
                    merchant_id: None,
                    operation: None,
                    fault,
                    trigger: Trigger::Next(1),
                });
            }
        });
        refunds.push(town.refund(&payment, number, 1_000).await);
        town.rig.work().await;
    }
    // Nobody is told how they ended, and nobody asks.
    town.advance(24 * HOUR + HOUR);
    let taken = town.take(first_day()).await.expect(200).body;
    assert_eq!(
        (&taken["lines"], &taken["taken"]["facts"]),
        (&json!(4), &json!(0))
    );
    let differences = taken["differences"].as_array().unwrap();
    let mut shown: Vec<_> = differences
        .iter()
        .map(|found| ["finding", "our_reference"].map(|field| found[field].as_str().unwrap()))
        .collect();
    // The third is under way on both sides. The bill has them in the order of their numbers, which are drawn.
    let mut expected = [0, 1].map(|at| {
        let refund: &String = &refunds[at];
        ["status_differs", refund.strip_prefix("ref_").unwrap()]
    });
    shown.sort_unstable();
    expected.sort_unstable();
    assert_eq!(shown, expected);
    for refund in &refunds {
        assert_eq!(town.refund_status(refund).await, "processing");
    }
    let cases = town.cases("reconciliation").await;
    let mut reasons: Vec<_> = cases
        .iter()
        .map(|case| {
            (
                case["amount"]["amount"].as_i64(),
                case["reason"].as_str().unwrap(),
            )
        })
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    for (reason, word) in reasons.iter().zip(["FAIL", "CHANGE"]) {
        assert_eq!(reason.0, Some(0), "nothing of it stands in the books");
        assert!(reason.1.contains("10.00"), "{reason:?}");
        assert!(
            cases
                .iter()
                .any(|case| case["reason"].as_str().unwrap().contains(word)),
            "{reasons:?}"
        );
    }
    // Nothing was deducted.
    assert_eq!(taken["pays_over"]["refunds"]["amount"], 0);
    assert_eq!(town.clearing().await["refunds"]["amount"], 0);
    town.stop().await;
}

#[tokio::test]
async fn what_a_bill_settles_is_cleared_and_the_rest_has_a_case() {
    let mut town = Town::start().await;
    let whole = town.paid("A-1", 20_000).await;
    let couponed = town.paid("A-2", 10_000).await;
    let refund = town.refund(&couponed, "R-1", 1_000).await;
    town.advance(25 * HOUR);
    let lines = [
        Line {
            fee_e5: 120_000,
            ..Line::payment("2026-11-20 10:00:00", &whole, 20_000)
        },
        Line {
            moved: 9_000,
            fee_e5: 54_000,
            ..Line::payment("2026-11-20 10:00:00", &couponed, 10_000)
        },
        Line {
            moved: 900,
            fee_e5: -5_400,
            ..Line::refund("2026-11-20 11:00:00", &refund, 1_000)
        },
    ];
    let taken = town.take_lines(first_day(), &lines).await;
    // Lines agree by what orders are about; only the refund is news.
    assert_eq!(found(&taken), ["theirs_only"]);
    let pays_over = taken.pays_over;
    assert_eq!(
        [
            pays_over.settled,
            pays_over.refunds,
            pays_over.fee,
            pays_over.net
        ]
        .map(|m| m.amount()),
        [29_000, 900, 169, 27_931]
    );
    let clearing = town.clearing().await;
    let figures = ["gross", "refunds", "channel_fee", "net", "unsettled"]
        .map(|name| clearing[name]["amount"].as_i64().unwrap());
    assert_eq!(figures, [29_000, 900, 169, 27_931, 900]);
    let case = clearing["case"].as_str().unwrap();
    assert!(taken.taken.unwrap().cases.iter().any(|taken| taken == case));
    let opened = town.cases("reconciliation").await;
    let case = opened.iter().find(|opened| opened["id"] == case).unwrap();
    assert_eq!(case["object"], "20261120/wechat/unsettled");
    assert_eq!(
        case["amount"]["amount"], 1_100,
        "1,000 of the order and 100 of the refund"
    );
    // The receivable keeps nothing: 30,000 taken, 1,000 refunded, 900 not settled.
    town.stop().await;
}

#[tokio::test]
async fn fees_of_fractions_of_a_fen_are_rounded_once() {
    let mut town = Town::start().await;
    let mut lines = Vec::new();
    for number in ["A-1", "A-2", "A-3"] {
        let payment = town.paid(number, 100).await;
        lines.push(Line {
            fee_e5: 600,
            ..Line::payment("2026-11-20 10:00:00", &payment, 100)
        });
    }
    let taken = town.take_lines(first_day(), &lines).await;
    assert_eq!(taken.reconciliation.structural_errors, []);
    assert_eq!(taken.reconciliation.theirs.fees.amount(), 2);
    assert!(taken.taken.expect("a bill that agrees is taken").cleared);
    let clearing = town.clearing().await;
    assert_eq!(
        (
            &clearing["channel_fee"]["amount"],
            &clearing["net"]["amount"]
        ),
        (&json!(2), &json!(298))
    );
    town.stop().await;
}

#[tokio::test]
async fn a_refund_told_of_with_its_payments_time_is_found_on_the_bills_date() {
    let mut town = Town::start().await;
    let payment = town.paid("A-1", 10_000).await;
    town.advance(24 * HOUR);
    let refund = town.refund(&payment, "R-1", 1_000).await;
    town.advance(24 * HOUR);
    let (first, second) = (first_day(), first_day().next());
    let of_first = [Line::payment("2026-11-20 10:00:00", &payment, 10_000)];
    let of_second = [Line::refund("2026-11-20 10:00:00", &refund, 1_000)];
    let taken = town.take_lines(second, &of_second).await;
    assert_eq!(
        (found(&taken), taken.taken.unwrap().facts),
        (vec!["theirs_only"], 1)
    );
    assert_eq!(town.refund_status(&refund).await, "succeeded");
    for (date, lines) in [(first, &of_first), (second, &of_second)] {
        let again = town.take_lines(date, lines).await;
        assert_eq!(found(&again), [""; 0], "{date}");
    }
    town.stop().await;
}

#[tokio::test]
async fn money_of_a_foreign_line_is_adjusted_in_one_case_only() {
    let mut town = Town::start().await;
    town.paid("A-1", 10_000).await;
    town.plant(Difference::ForeignLine { amount_fen: 8_800 });
    town.advance(25 * HOUR);
    let taken = town.take(first_day()).await.expect(200).body;
    assert_eq!(taken["taken"]["facts"], 1);
    for (kind, approved) in [("unknown_payment", 200), ("reconciliation", 422)] {
        assert_eq!(town.adjusted(kind, 8_800).await, approved, "{kind}");
    }
    town.stop().await;
}

#[tokio::test]
async fn a_difference_that_people_closed_is_not_opened_by_the_same_bill() {
    let mut town = Town::start().await;
    town.paid("A-1", 10_000).await;
    town.paid("A-2", 10_000).await;
    town.plant(Difference::DropLine);
    town.advance(25 * HOUR);
    let taken = town.take(first_day()).await.expect(200).body;
    let case = taken["taken"]["cases"][0].as_str().unwrap().to_owned();
    assert_eq!(taken["taken"]["cases"], json!([case]));
    let path = format!("/v1/cases/{case}");
    let explain = json!({"explanation": "the channel forgot it"});
    let explanation = format!("{path}/explanation");
    let explained = town.rig.post(&explanation, FINANCE, "explain", &explain);
    explained.await.expect(200);
    let adjust = json!({"adjustment_number": "a-1", "debit": "differences",
        "credit": {"receivable": "wechat"}, "amount": {"amount": 10_000, "currency": "CNY"}});
    let adjustments = format!("{path}/adjustments");
    let adjusted = town
        .rig
        .post_approved(&adjustments, FINANCE, "adjust", &adjust);
    adjusted.await;
    let close = json!({"resolution": "the channel pays it over with the next bill"});
    let closing = format!("{path}/close");
    let closed = town.rig.post(&closing, FINANCE, "close", &close);
    closed.await.expect(200);
    town.advance(HOUR);
    let again = town.take(first_day()).await.expect(200).body;
    assert_eq!(again["differences"][0]["finding"], "ours_only");
    assert_eq!(again["taken"]["cases"], json!([]), "none is open");
    assert_eq!(again["taken"]["cleared"], json!(true));
    assert_eq!(town.cases("reconciliation").await, [] as [Value; 0]);
    let known = town.rig.get(&path, FINANCE).await.expect(200).body;
    assert_eq!(known["status"], "closed");
    let of_object = format!("/v1/cases?object={}", known["object"].as_str().unwrap());
    let all = town.rig.get(&of_object, FINANCE).await.expect(200).body;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
    town.stop().await;
}

#[tokio::test]
async fn a_bills_texts_keep_no_clearing_from_being_booked() {
    let mut town = Town::start().await;
    let payment = town.paid("A-1", 10_000).await;
    town.sandbox
        .with_wechat(|core| core.set_refund_millis(48 * 3_600_000));
    let refund = town.refund(&payment, "R-1", 1_000).await;
    town.rig.work().await;
    town.advance(25 * HOUR);
    let at = "2026-11-20 10:00:00";
    let number = refund.strip_prefix("ref_").unwrap().to_owned();
    let mut lines = vec![
        Line::payment(at, &payment, 10_000),
        Line {
            refund: Some((number, "\u{1}GONE")),
            moved: 0,
            ..Line::refund(at, &refund, 1_000)
        },
    ];
    // Of 300 characters, of which the last tells one from the other.
    for last in ["1", "2"] {
        let foreign = format!("pay_{}{last}", "9".repeat(299));
        lines.push(Line::payment(at, &foreign, 8_800));
    }
    for repeated in [false, true] {
        let taken = town.take_lines(first_day(), &lines).await.taken.unwrap();
        assert!(taken.cleared);
        assert_eq!(taken.cases.len(), 3, "repeated: {repeated}");
        let cases = town.cases("reconciliation").await;
        assert_eq!(cases.len(), 3, "{cases:?}");
        for case in &cases {
            assert_eq!(case["status"], "open");
            let object = case["object"].as_str().unwrap();
            assert!(object.chars().count() <= 200, "{object}");
        }
        let of_refund = cases.iter().find(|case| {
            let reason = case["reason"].as_str().unwrap();
            reason.contains("\u{fffd}GONE")
        });
        assert!(of_refund.is_some(), "{cases:?}");
    }
    town.stop().await;
}

#[tokio::test]
async fn a_bill_that_the_channel_cannot_have_says_nothing() {
    let at_any_time = WechatSettings {
        bill_ready_hour: None,
        ..WechatSettings::default()
    };
    let mut town = Town::with(at_any_time).await;
    town.paid("A-1", 10_000).await;
    town.plant(Difference::DropLine);
    // Ten on the day itself, half past nine on the next.
    for seconds in [0, 23 * HOUR + HOUR / 2] {
        town.advance(seconds);
        let refused = town.take(first_day()).await;
        let refused = refused.expect_problem(503, "bill_unavailable", "");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("2026-11-21T10:00:00+08:00"), "{detail}");
        assert_eq!(town.cases("reconciliation").await, [] as [Value; 0]);
    }
    town.advance(HOUR);
    let taken = town.take(first_day()).await.expect(200).body;
    assert_eq!(taken["differences"][0]["finding"], "ours_only");
    town.advance(100 * 24 * HOUR);
    let refused = town.take(first_day()).await;
    refused.expect_problem(400, "invalid_parameter", "date");
    town.stop().await;
}
