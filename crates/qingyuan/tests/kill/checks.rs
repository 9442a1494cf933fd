//! What has to hold when the load is over.

use crate::World;
use crate::channels::{UNIONPAY_MERCHANT, WECHAT_MERCHANT};
use crate::load::{OPERATOR, RECEIVED};
use crate::promises::{Promise, What};
use crate::support::database::{all, balances, rows};
use domain::payment::{Payment, PaymentStatus};
use domain::payout::Payout;
use domain::refund::{Refund, RefundStatus};
use domain::{Effect, Subject, reference_of};
use engine::store::{Queries, Scan};
use engine::{EffectRecord, EffectState};
use ledger::RowKind;
use sandbox::unionpay::PayoutState;
use sandbox::wechat::RefundState;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Code of the transfers that filled the client's accounts.
pub const FILLING: u16 = 1_999;

/// Everything as the API lists it, by id.
pub struct Listed {
    payments: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
    payouts: BTreeMap<String, Value>,
    /// Payouts that wait for the arrival bound.
    waiting: BTreeSet<String>,
}

/// A request that comes again is answered as the first time under its key; under another key by the
/// object that is there.
pub async fn late_repeats_change_nothing(world: &World) {
    let (client, all) = (&world.load.client, world.load.promises.all());
    for promise in all.iter().step_by(9) {
        let (again, _) = client.post_until_answered(&promise.call).await;
        assert_eq!(again.status, promise.answer.status, "{promise:?}");
        if promise.answer.accepted() {
            assert!(again.replayed, "{promise:?}");
            assert_eq!(again.body, promise.answer.body);
        } else {
            // Only the number of the request differs: the funds missing then are missing still.
            for field in ["code", "detail", "details"] {
                assert_eq!(again.body[field], promise.answer.body[field], "{promise:?}");
            }
        }
        // What was refused in a batch may be possible by now: under another key it is another request.
        let refused = &promise.answer.body["refused"];
        if !promise.answer.accepted()
            || promise.what == What::Day
            || refused
                .as_array()
                .is_some_and(|refused| !refused.is_empty())
        {
            continue;
        }
        let mut call = promise.call.clone();
        call.key += "-again";
        let (again, unanswered) = client.post_until_answered(&call).await;
        assert!(again.accepted(), "{promise:?}: {again:?}");
        // What was not answered may have been done all the same.
        assert!(!again.replayed || unanswered > 0, "{promise:?}: {again:?}");
        match promise.what {
            What::Batch => {
                assert_eq!(again.body["posted"], 0, "{promise:?}: {again:?}");
                assert_eq!(again.body["repeated"], promise.answer.body["posted"]);
            }
            _ => {
                assert_eq!(again.status, 200, "{promise:?}: {again:?}");
                assert_eq!(again.body["id"], promise.answer.body["id"]);
            }
        }
    }
}

/// Waits until nothing is left to be done, payouts that wait for the arrival bound apart.
pub async fn come_to_rest(world: &World) -> Listed {
    let deadline = Instant::now() + Duration::from_secs(180);
    let waiting = loop {
        let readers = world.readers();
        let state = tokio::task::spawn_blocking(move || {
            let mut waiting = BTreeSet::new();
            for queries in readers {
                waiting.append(&mut open_ends(queries.as_ref())?);
            }
            Ok::<_, String>(waiting)
        });
        match state.await.unwrap() {
            Ok(waiting) => break waiting,
            Err(open) => assert!(Instant::now() < deadline, "still open: {open}"),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    };
    let mut listed = Listed {
        payments: BTreeMap::new(),
        refunds: BTreeMap::new(),
        payouts: BTreeMap::new(),
        waiting,
    };
    for merchant in &world.load.merchants {
        for (path, into) in [
            ("payments", &mut listed.payments),
            ("refunds", &mut listed.refunds),
            ("payouts", &mut listed.payouts),
        ] {
            let path = format!("/v1/{path}?merchant={merchant}");
            for item in world.load.client.list(OPERATOR, &path).await {
                let id = item["id"].as_str().unwrap().to_owned();
                assert!(into.insert(id, item).is_none(), "listed twice");
            }
        }
    }
    listed
}

/// Payouts that wait for the arrival bound when everything else is done; otherwise what is not.
fn open_ends(queries: &dyn Queries) -> Result<BTreeSet<String>, String> {
    let scan = Scan {
        kind: "effect".into(),
        index: "due".into(),
        from: String::new(),
        to: "~".into(),
        after: None,
        descending: false,
        limit: 10_000,
    };
    let mut waiting = BTreeSet::new();
    for found in queries.list(&scan).unwrap() {
        let record: EffectRecord = serde_json::from_slice(&found.body).unwrap();
        let effect: Effect = serde_json::from_value(record.body.clone()).unwrap();
        let not_found_yet = record.state == EffectState::MaybeSent
            && record.last_problem.as_deref() == Some("not found yet");
        match effect {
            Effect::Channel {
                subject: Subject::Payout { payout },
                ..
            } if not_found_yet => waiting.insert(payout),
            _ => return Err(format!("{record:?}")),
        };
    }
    let payments = all::<Payment>(queries);
    let open = |payment: &&Payment| payment.status != PaymentStatus::Succeeded;
    if let Some(payment) = payments.iter().find(open) {
        return Err(format!("{payment:?}"));
    }
    let refunds = all::<Refund>(queries);
    let open = |refund: &&Refund| refund.status != RefundStatus::Succeeded;
    if let Some(refund) = refunds.iter().find(open) {
        return Err(format!("{refund:?}"));
    }
    let open = |payout: &&Payout| payout.status.is_open() && !waiting.contains(&payout.id);
    match all::<Payout>(queries).iter().find(open) {
        Some(payout) => Err(format!("{payout:?}")),
        None => Ok(waiting),
    }
}

/// Checks everything; the server has ended. Gives the figures.
pub fn all_hold(world: &World, listed: &Listed) -> String {
    let promises = &world.load.promises;
    kept(
        &promises.accepted(What::Payment),
        &listed.payments,
        &[
            "merchant",
            "order_number",
            "amount",
            "channel",
            "description",
            "expires_at",
            "metadata",
            "created_at",
        ],
    );
    kept(
        &promises.accepted(What::Refund),
        &listed.refunds,
        &[
            "merchant",
            "payment",
            "refund_number",
            "amount",
            "reason",
            "created_at",
        ],
    );
    let (settled, asked): (BTreeMap<_, _>, BTreeMap<_, _>) = listed
        .payouts
        .clone()
        .into_iter()
        .partition(|(_, payout)| payout["settlement"].is_string());
    kept(
        &promises.accepted(What::Payout),
        &asked,
        &[
            "merchant",
            "payout_number",
            "amount",
            "purpose",
            "payee",
            "created_at",
        ],
    );
    once(&listed.payments, "order_number", "/paid/channel_number");
    once(&listed.refunds, "refund_number", "/channel_number");
    once(&listed.payouts, "payout_number", "/channel_number");
    wechat_agrees(world, listed);
    unionpay_agrees(world, listed);
    waiting_are_explained(world, listed);
    let transfers = ledger_agrees(world);
    in_transit(world, listed);
    let verified = world.verified();
    assert_eq!(verified["verified"], true);
    assert_eq!(verified["trial_balance"], json!({"CNY": 0}));
    format!(
        "{} payments, {} refunds, {} payouts ({} by settlement, {} waiting for the arrival bound), {transfers} transfers \
         of the ledger client, {} journal rows verified",
        listed.payments.len(),
        listed.refunds.len(),
        listed.payouts.len(),
        settled.len(),
        listed.waiting.len(),
        verified["journal_rows"],
    )
}

/// Every object acknowledged is there with the same content, and no other is.
fn kept(promises: &[Promise], listed: &BTreeMap<String, Value>, fields: &[&str]) {
    let mut promised = BTreeSet::new();
    for promise in promises {
        let id = promise.answer.text("id");
        let found = listed
            .get(id)
            .unwrap_or_else(|| panic!("lost: {promise:?}"));
        for field in fields {
            assert_eq!(
                found[field], promise.answer.body[field],
                "{field} of {promise:?}"
            );
        }
        promised.insert(id);
    }
    assert!(!promised.is_empty());
    let there: BTreeSet<&str> = listed.keys().map(String::as_str).collect();
    assert_eq!(there, promised, "nobody asked for the difference");
}

/// No merchant's number and no number of the channel belongs to two objects.
fn once(listed: &BTreeMap<String, Value>, number: &str, channel_number: &str) {
    let mut numbers = BTreeSet::new();
    let mut at_channel = BTreeSet::new();
    for object in listed.values() {
        let owned = (object["merchant"].to_string(), object[number].to_string());
        assert!(numbers.insert(owned), "{object}");
        if let Some(number) = object.pointer(channel_number).and_then(Value::as_str) {
            assert!(at_channel.insert(number), "{object}");
        }
    }
}

fn fen(object: &Value) -> i64 {
    object["amount"]["amount"].as_i64().unwrap()
}

/// Amounts by our number at the channel.
fn ours<'a>(objects: impl IntoIterator<Item = (&'a String, &'a Value)>) -> BTreeMap<String, i64> {
    let pair = |(id, object): (&String, &Value)| (reference_of(id).0, fen(object));
    objects.into_iter().map(pair).collect()
}

/// WeChat's books name the same paid orders and refunds with the same amounts.
fn wechat_agrees(world: &World, listed: &Listed) {
    world.sandbox.with_wechat(|core| {
        let books = core.books(WECHAT_MERCHANT).unwrap();
        let paid = books
            .trades
            .values()
            .filter(|trade| trade.payment().is_some());
        let paid: BTreeMap<String, i64> = paid
            .map(|trade| (trade.out_trade_no.clone(), trade.total_fen))
            .collect();
        assert_eq!(ours(&listed.payments), paid);
        assert_eq!(
            books.trades.len(),
            paid.len(),
            "an order that we do not know"
        );
        let refunds = books.refunds.values();
        let made: BTreeMap<String, i64> = refunds
            .filter(|refund| matches!(refund.state, RefundState::Succeeded { .. }))
            .map(|refund| (refund.out_refund_no.clone(), refund.refund_fen))
            .collect();
        assert_eq!(ours(&listed.refunds), made);
        assert_eq!(books.refunds.len(), made.len());
    });
}

/// UnionPay's books name exactly the payouts that succeeded, each once.
fn unionpay_agrees(world: &World, listed: &Listed) {
    let succeeded = |(_, payout): &(&String, &Value)| payout["status"] == "succeeded";
    let ours = ours(listed.payouts.iter().filter(succeeded));
    world.sandbox.with_unionpay(|core| {
        let mut executed = BTreeMap::new();
        for payout in core.payouts(UNIONPAY_MERCHANT) {
            assert!(
                matches!(payout.state, PayoutState::Succeeded { .. }),
                "{payout:?}"
            );
            let twice = executed.insert(payout.key.order_id.clone(), payout.amount_fen);
            assert_eq!(twice, None, "paid out twice: {payout:?}");
        }
        // A payout that UnionPay executed is found by asking, so those that wait are not among them.
        assert_eq!(ours, executed);
    });
}

/// Payouts may wait for the arrival bound where a server died just after taking them, and nowhere else.
fn waiting_are_explained(world: &World, listed: &Listed) {
    for (id, payout) in &listed.payouts {
        let status = payout["status"].as_str().unwrap();
        if !listed.waiting.contains(id) {
            assert_eq!(status, "succeeded", "{payout}");
            continue;
        }
        assert!(matches!(status, "created" | "unknown"), "{payout}");
        let taken: jiff::Timestamp = payout["created_at"].as_str().unwrap().parse().unwrap();
        let just_before = |kill: &jiff::Timestamp| {
            let before = kill.duration_since(taken);
            !before.is_negative() && before.unsigned_abs() <= World::TAKEN_BEFORE_A_KILL
        };
        assert!(
            world.kills.iter().any(just_before),
            "nobody was killed: {payout}"
        );
    }
    assert!(
        listed.waiting.len() <= 2 * world.kills.len(),
        "{:?}",
        listed.waiting
    );
}

/// The client's transfers in the ledger are those acknowledged, each once; gives their number.
fn ledger_agrees(world: &World) -> usize {
    let mut expected = BTreeMap::new();
    for promise in world.load.promises.accepted(What::Transfer) {
        let body = &promise.call.body;
        let content = (body["debit"].as_u64(), body["credit"].as_u64(), fen(body));
        let id = body["id"].as_str().unwrap().to_owned();
        assert_eq!(expected.insert(id, content), None);
    }
    for promise in world.load.promises.accepted(What::Batch) {
        let refused: BTreeSet<u64> = promise.answer.body["refused"]
            .as_array()
            .unwrap()
            .iter()
            .map(|refused| refused["index"].as_u64().unwrap())
            .collect();
        let transfers = promise.call.body["transfers"].as_array().unwrap();
        assert_eq!(
            promise.answer.body["posted"],
            transfers.len() - refused.len()
        );
        for (index, body) in (0..).zip(transfers) {
            let content = (
                body["debit"].as_u64(),
                body["credit"].as_u64(),
                body["amount"].as_i64().unwrap(),
            );
            if !refused.contains(&index) {
                let id = body["id"].as_str().unwrap().to_owned();
                assert_eq!(expected.insert(id, content), None);
            }
        }
    }
    let mut there = BTreeMap::new();
    let readers = world.readers();
    for row in readers.iter().flat_map(|queries| rows(queries.as_ref())) {
        if row.kind == RowKind::Transfer && row.code >= 1_000 && row.code != FILLING {
            let content = (
                Some(row.debit.account),
                Some(row.credit.account),
                row.amount,
            );
            let twice = there.insert(engine::ids::id_text(row.id), content);
            assert_eq!(twice, None, "posted twice: {row:?}");
        }
    }
    assert!(!expected.is_empty());
    assert_eq!(expected, there);
    there.len()
}

/// What is in transit is what waits; what left the reserve is what was paid out; what WeChat owes is
/// what was paid less what was given back.
fn in_transit(world: &World, listed: &Listed) {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for queries in world.readers() {
        for (name, balance) in balances(queries.as_ref()) {
            *sums.entry(name).or_default() += balance;
        }
    }
    let balances = sums;
    let sum = |objects: &BTreeMap<String, Value>, keep: &dyn Fn(&str, &Value) -> bool| -> i64 {
        let kept = objects.iter().filter(|(id, object)| keep(id, object));
        kept.map(|(_, object)| fen(object)).sum()
    };
    for merchant in &world.load.merchants {
        let waiting = sum(&listed.payouts, &|id, payout| {
            payout["merchant"] == **merchant && listed.waiting.contains(id)
        });
        assert_eq!(balances[&format!("TRN:{merchant}")], waiting);
        assert_eq!(balances[&format!("RFD:{merchant}")], 0);
    }
    let paid_out = sum(&listed.payouts, &|id, _| !listed.waiting.contains(id));
    let received = RECEIVED * world.load.merchants.len() as i64;
    assert_eq!(balances["RSV"], received - paid_out);
    let paid = sum(&listed.payments, &|_, _| true);
    assert_eq!(
        balances["CHN:wechat"],
        paid - sum(&listed.refunds, &|_, _| true) - received
    );
    for name in ["SUS", "DIF"] {
        assert_eq!(balances[name], 0, "{name}");
    }
}
