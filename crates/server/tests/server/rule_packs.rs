//! Rule packs are the book's: stored, activated by two people, and what decides from then on.

use crate::support::regulation::{YUAN, app, micro, onboard, order, profile, refused_by, rig};
use crate::support::{self, CHECKER, FINANCE, OPERATOR, Rig};
use compliance::Packs;
use domain::chart::SetUp;
use domain::{Command, QingyuanApp, Request, Settings};
use engine::runtime::SimulatedClock;
use engine::{Actor, Envelope, Verdict};
use serde_json::{Value, json};
use server::book::{BookRules, set_up};
use std::sync::Arc;

const PACK: &str = "pbc-2017-296.toml";
const FIGURE: &str = "figures = { day_yuan = 1000 }\nraised_by = [\"merchant.kind=micro_merchant\"";

/// The pack of the barcode norm with another figure for micro merchants.
fn raised(figure: &str) -> String {
    let (_, text) = compliance::EMBEDDED
        .iter()
        .find(|(name, _)| *name == PACK)
        .unwrap();
    assert!(text.contains(FIGURE));
    text.replace(FIGURE, &FIGURE.replace("1000", figure))
}

async fn active(rig: &Rig) -> Value {
    let sets = rig.get("/v1/rules/packs", OPERATOR).await.expect(200);
    let sets = sets.body["items"].as_array().unwrap().clone();
    let now = |set: &&Value| {
        let active = set["active"].as_array().unwrap();
        active.iter().any(|entry| entry["now"] == true)
    };
    let found: Vec<&Value> = sets.iter().filter(now).collect();
    assert_eq!(found.len(), 1, "{sets:?}");
    found[0].clone()
}

async fn upload(rig: &Rig, key: &str, base: &str, text: &str) -> support::Answer {
    let body = json!({"base": base, "packs": [{"name": PACK, "text": text}]});
    rig.post("/v1/rules/packs", OPERATOR, key, &body).await
}

#[tokio::test]
async fn a_changed_figure_decides_once_two_people_activate_it() {
    let rig = rig((2026, 11, 20), (10, 0, 0), &[]).await;
    let first = active(&rig).await;
    let before = first["hash"].as_str().unwrap().to_owned();
    assert_eq!(first["active"][0]["activated_by"], "li.na");
    assert_eq!(first["active"][0]["approved_by"], Value::Null);
    assert!(first["packs"].as_array().unwrap().len() > 30);

    let merchant = onboard(&rig, "m-1", profile(micro)).await.expect(201).id();
    let small = order(&rig, &merchant, "o-1", 1_000 * YUAN, Some("credit_card"));
    let small = small.await.expect(201);
    let above = order(&rig, &merchant, "o-2", 1, Some("credit_card")).await;
    refused_by(above, "PBC-2017-296/norm/micro");

    let stored = upload(&rig, "u-1", &before, &raised("1001"))
        .await
        .expect(201);
    let after = stored.body["hash"].as_str().unwrap().to_owned();
    assert_ne!(after, before);
    assert_eq!(stored.body["active"], json!([]));
    upload(&rig, "u-2", &before, &raised("1001"))
        .await
        .expect(200);
    // Stored is not active.
    let above = order(&rig, &merchant, "o-3", 1, Some("credit_card")).await;
    refused_by(above, "PBC-2017-296/norm/micro");

    let wanted = json!({"packs": after});
    let path = "/v1/rules/activations";
    let asked = rig.post(path, FINANCE, "a-1", &wanted).await.expect(202);
    let proposal = asked.body["proposals"][0].as_str().unwrap().to_owned();
    assert_eq!(asked.body["active"], json!([]));
    // Neither the same person nor one without the role decides.
    rig.post(path, FINANCE, "a-2", &wanted).await.expect(202);
    rig.press(
        &format!("/v1/proposals/{proposal}/approve"),
        OPERATOR,
        "p-1",
    )
    .await
    .expect(403);
    assert_eq!(active(&rig).await["hash"], before.as_str());
    let done = rig.post(path, CHECKER, "a-3", &wanted).await.expect(200);
    let activation = done.body["active"][0].clone();
    assert_eq!(activation["activated_by"], "wang.fang");
    assert_eq!(activation["approved_by"], "zhao.min");
    // A repeat changes nothing, under the same key and under another.
    for key in ["a-3", "a-4"] {
        let again = rig.post(path, CHECKER, key, &wanted).await.expect(200);
        assert_eq!(again.body["active"][0]["id"], activation["id"]);
    }
    assert_eq!(active(&rig).await["hash"], after.as_str());

    let allowed = order(&rig, &merchant, "o-4", YUAN, Some("credit_card"));
    let allowed = allowed.await.expect(201);
    assert_eq!(allowed.body["decision"]["packs"], after[..16]);
    let fen = order(&rig, &merchant, "o-5", 1, Some("credit_card")).await;
    let refused = refused_by(fen, "PBC-2017-296/norm/micro");
    assert_eq!(refused.body["packs"], after.as_str());
    // What was decided keeps its decision.
    let path = format!("/v1/payments/{}", small.id());
    let shown = rig.get(&path, OPERATOR).await.expect(200);
    assert_eq!(shown.body["decision"]["rules"]["packs"], before.as_str());

    let checked = json!({"facts": {"as_of": "2026-11-20", "service": "code_payment"}});
    let checked = rig.post("/v1/compliance/check", OPERATOR, "c", &checked);
    assert_eq!(checked.await.expect(200).body["packs"], after.as_str());
    rig.stop().await;
}

#[tokio::test]
async fn an_activation_waits_for_its_time() {
    let rig = rig((2026, 11, 20), (10, 0, 0), &[]).await;
    let before = active(&rig).await["hash"].as_str().unwrap().to_owned();
    let stored = upload(&rig, "u", &before, &raised("5")).await.expect(201);
    let after = stored.body["hash"].clone();
    let wanted = json!({"packs": after, "from": "2026-12-01T00:00:00+08:00"});
    for (token, status) in [(OPERATOR, 202), (CHECKER, 200)] {
        rig.post("/v1/rules/activations", token, "a", &wanted)
            .await
            .expect(status);
    }
    assert_eq!(active(&rig).await["hash"], before.as_str());
    let merchant = onboard(&rig, "m-1", profile(micro)).await.expect(201).id();
    let taken = order(&rig, &merchant, "o-1", 6 * YUAN, Some("credit_card")).await;
    assert_eq!(taken.expect(201).body["decision"]["packs"], before[..16]);
    let day = calendar::BusinessDate::new(2026, 12, 1).unwrap();
    rig.clock.set(calendar::instant_at(day, 0, 0, 0));
    let above = order(&rig, &merchant, "o-2", 6 * YUAN, Some("credit_card")).await;
    let refused = refused_by(above, "PBC-2017-296/norm/micro");
    assert_eq!(refused.body["packs"], after);
    assert_eq!(active(&rig).await["hash"], after);
    rig.stop().await;
}

#[tokio::test]
async fn a_broken_pack_is_refused_with_file_line_and_reason() {
    let rig = Rig::start().await;
    let base = active(&rig).await["hash"].as_str().unwrap().to_owned();
    let broken = raised("1000").replace("context.merchant.kind", "context.merchant.kimd");
    let answer = upload(&rig, "u-1", &base, &broken).await;
    let answer = answer.expect_problem(422, "broken_pack", "packs");
    let details = &answer.body["details"];
    assert_eq!(details["file"], PACK);
    let line: usize = details["line"].as_str().unwrap().parse().unwrap();
    let text = broken.lines().nth(line - 1).unwrap();
    assert!(text.starts_with("id = "), "{line}: {text}");
    assert!(
        details["reason"].as_str().unwrap().contains("kimd"),
        "{details}"
    );

    let wrong = [
        (json!({"packs": []}), "packs"),
        (
            json!({"packs": [{"name": "../a.toml", "text": ""}]}),
            "packs[0].name",
        ),
        (
            json!({"packs": [{"name": "a.toml", "text": "\u{7}"}]}),
            "packs[0].text",
        ),
        (
            json!({"base": "0", "packs": [{"name": "a.toml", "text": ""}]}),
            "base",
        ),
    ];
    for (number, (body, field)) in wrong.iter().enumerate() {
        rig.post("/v1/rules/packs", OPERATOR, &format!("w-{number}"), body)
            .await
            .expect_problem(422, "invalid_field", field);
    }
    let unknown = json!({"packs": "0".repeat(64)});
    rig.post("/v1/rules/activations", OPERATOR, "a", &unknown)
        .await
        .expect_problem(404, "not_found", "");
    let sets = rig.get("/v1/rules/packs", FINANCE).await.expect(200);
    assert_eq!(sets.body["items"].as_array().unwrap().len(), 1);
    for role in [support::SHOP, support::LEDGER] {
        rig.get("/v1/rules/packs", role).await.expect(403);
    }
    rig.stop().await;
}

/// A house rule with a condition and the facts that it is to fire on.
fn house(when: &str, fires: &str) -> String {
    format!(
        r#"[instrument]
key = "HOUSE"
zh = "内部规则"
en = "House rules"
issued = "2018-01-01"

[[rule]]
id = "HOUSE/1"
from = "2018-01-01"
bearer = ["acquirer"]
actions = ["payout"]
effect = "deny"
confidence = "high"
says = {{ en = "No.", zh = "不得。" }}
remedy = {{ en = "Ask", zh = "申请" }}
raised_by = ["amount"]
when = '''{when}'''
fires = [{fires}]
"#
    )
}

#[tokio::test]
async fn a_condition_nested_without_bound_is_refused_and_the_server_goes_on() {
    let rig = Rig::start().await;
    for (number, condition) in [
        format!("{}true{}", "(".repeat(150), ")".repeat(150)),
        format!("true{}", " && true".repeat(8_000)),
        "if true then ".repeat(3_000),
    ]
    .iter()
    .enumerate()
    {
        let pack = json!({"name": "house.toml", "text": house(condition, "{ amount = 1 }")});
        let body = json!({"packs": [pack]});
        let key = format!("u-{number}");
        let answer = rig.post("/v1/rules/packs", OPERATOR, &key, &body).await;
        let answer = answer.expect_problem(422, "broken_pack", "packs");
        let reason = answer.body["details"]["reason"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(reason.contains("more than"), "{reason}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn rules_that_do_not_keep_their_own_cases_are_refused_by_rule_and_case() {
    let rig = Rig::start().await;
    let text = house("context.amount > 100", "{ amount = 2 }, { amount = 1 }");
    let body = json!({"packs": [{"name": "house.toml", "text": text}]});
    let answer = rig.post("/v1/rules/packs", OPERATOR, "u", &body).await;
    let answer = answer.expect_problem(422, "broken_pack", "packs");
    assert_eq!(answer.body["details"]["rule"], "HOUSE/1");
    assert_eq!(answer.body["details"]["case"], "fires 2");
    let sets = rig.get("/v1/rules/packs", FINANCE).await.expect(200);
    assert_eq!(sets.body["items"].as_array().unwrap().len(), 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_proposal_names_the_rules_that_would_go_and_without_rules_nothing_is_allowed() {
    let rig = rig((2026, 11, 20), (10, 0, 0), &[]).await;
    let head = house("", "").split("[[rule]]").next().unwrap().to_owned();
    let body = json!({"packs": [{"name": "house.toml", "text": head}]});
    let stored = rig.post("/v1/rules/packs", OPERATOR, "u", &body).await;
    let wanted = json!({"packs": stored.expect(201).body["hash"]});
    let path = "/v1/rules/activations";
    let asked = rig.post(path, FINANCE, "a", &wanted).await.expect(202);
    let removed = asked.body["removed"].as_array().unwrap();
    assert!(removed.contains(&json!("NPC-AML/40")) && removed.len() > 100);
    rig.post(path, CHECKER, "b", &wanted).await.expect(200);
    let listed = profile(|profile| profile.listed = Some(true));
    let refused = onboard(&rig, "m-1", listed).await;
    support::regulation::lacks(refused, "a rule about onboard_merchant");
    rig.stop().await;
}

#[tokio::test]
async fn a_set_has_one_open_proposal_however_often_it_is_asked_for() {
    let rig = rig((2026, 11, 20), (10, 0, 0), &[]).await;
    let before = active(&rig).await["hash"].as_str().unwrap().to_owned();
    let stored = upload(&rig, "u", &before, &raised("5")).await.expect(201);
    let wanted = json!({"packs": stored.body["hash"]});
    let path = "/v1/rules/activations";
    let first = rig.post(path, FINANCE, "a-1", &wanted).await.expect(202);
    let again = rig.post(path, FINANCE, "a-2", &wanted).await.expect(202);
    assert_eq!(first.body["proposals"], again.body["proposals"]);
    let later = json!({"packs": wanted["packs"], "from": "2026-12-01T00:00:00+08:00"});
    rig.post(path, FINANCE, "a-3", &later)
        .await
        .expect_problem(409, "state_conflict", "from");
    rig.post(path, CHECKER, "a-4", &wanted).await.expect(200);
    // None is left that could be approved when something else decides.
    let open = rig.get("/v1/proposals", CHECKER).await.expect(200);
    assert_eq!(open.body["items"], json!([]));
    rig.stop().await;
}

/// The files of a server are of no account once a book has begun.
#[tokio::test]
async fn a_server_with_other_packs_decides_by_those_of_the_book() {
    let begun = app(&[(FIGURE, &FIGURE.replace("1000", "7"))]);
    let time = support::start_time();
    let other = QingyuanApp::new(
        Settings::sample(),
        Arc::new(Packs::load(compliance::EMBEDDED).unwrap()),
    )
    .unwrap();
    let rig = Rig::at(time, begun.clone())
        .await
        .restarted(other.clone())
        .await;
    assert_eq!(active(&rig).await["hash"], begun.packs().hash());
    assert_ne!(begun.packs().hash(), other.packs().hash());
    let merchant = onboard(&rig, "m-1", profile(micro)).await.expect(201).id();
    let above = order(&rig, &merchant, "o-1", 8 * YUAN, Some("credit_card")).await;
    let refused = refused_by(above, "PBC-2017-296/norm/micro");
    assert_eq!(refused.body["packs"], begun.packs().hash());
    rig.stop().await;
}

/// A book of a release that kept packs in files: nobody decides for it by what he happens to have.
#[test]
fn a_shard_without_active_packs_is_not_opened_before_somebody_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimulatedClock::at(support::start_time()));
    let app = QingyuanApp::sample().unwrap();
    let running = support::shard(directory.path(), clock, app.clone());
    let engine = &running.engine;
    let ask = |request| {
        let envelope = Envelope::new(Actor::system(), Command::Request(request));
        engine.submit_blocking(envelope).unwrap().result
    };
    let chart_only = ask(Request::SetUp(SetUp::default()));
    assert!(matches!(chart_only, Verdict::Done(_)), "{chart_only:?}");
    let queries = engine.queries().as_ref();
    let active = || queries.record("active_rules", "rules").unwrap();
    let open = |adopt| {
        let rules = BookRules {
            adopt,
            ..BookRules::of(&app)
        };
        set_up(engine, queries, &rules)
    };
    let refused = open(false).unwrap_err();
    assert!(refused.contains("--activate-rules"), "{refused}");
    assert_eq!(active(), None);
    open(true).unwrap();
    let first = active().unwrap();
    let text = String::from_utf8(first.clone()).unwrap();
    assert!(text.contains(app.packs().hash()), "{text}");
    // From then on it is opened like every other, and nothing is activated again.
    open(false).unwrap();
    open(true).unwrap();
    assert_eq!(active().unwrap(), first);
    running.stop();
}
