//! Rule packs: what is stored, what decides, and how that is changed by two people.

mod activation;

use crate::api::rules::{
    ActivationAnswer, ActivationView, NewActivation, PackUpload, RuleSetView, UploadedPack,
};
use crate::ask::{Ask, Done, Outcome};
use crate::auth::Caller;
use crate::book::rules::{record, texts_of};
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, TextBody};
use crate::pagination::{Page, read_body, scan};
use crate::problem::Problem;
use crate::state::AppState;
use activation::{Open, open_proposal, removed_rules};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use compliance::BrokenCase;
use domain::rule_packs::{
    ActivateRules, ActiveRules, GivenPack, RulePack, RuleSet, StoreRules, text_hash,
};
use domain::{Reply, Request};
use engine::ShardCode;
use engine::store::{Queries, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_packs, upload_packs))
        .routes(routes!(activate_packs))
}

/// Those who look after rules.
const KEEPERS: [Role; 2] = [Role::Operator, Role::Finance];
/// Sets in a list.
const SETS_MAX: usize = 200;

/// List rule packs
///
/// Sets of packs that the book keeps, the latest 200, newest first, and which of them decide since when and
/// by whose word. Decisions carry the hash of the set that they were made by.
#[utoipa::path(get, path = "/v1/rules/packs", tag = "rules",
    responses((status = 200, description = "The sets.", body = Page<RuleSetView>)))]
async fn list_packs(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Page<RuleSetView>>, Problem> {
    caller.require(&KEEPERS)?;
    let mut active = active_by_set(&state).await?;
    let sets = state
        .read(ShardCode::FIRST, |queries| {
            let found = queries.list(&scan::<RuleSet>("all", None, SETS_MAX))?;
            found.iter().map(read_body::<RuleSet>).collect()
        })
        .await;
    let sets: Vec<RuleSet> = sets?;
    let items = sets.into_iter().map(|set| {
        let active = active.remove(&set.hash).unwrap_or_default();
        RuleSetView::of(set, active)
    });
    Ok(Json(Page {
        items: items.collect(),
        next: None,
    }))
}

/// Where each set decides, or will.
async fn active_by_set(state: &AppState) -> Result<BTreeMap<String, Vec<ActivationView>>, Problem> {
    let found = state
        .read_all(|shards| {
            let shards = shards.iter();
            shards
                .map(|queries| record::<ActiveRules>(queries.as_ref(), ActiveRules::KEY))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let now = state.book().clock().now();
    let mut by_set: BTreeMap<String, Vec<ActivationView>> = BTreeMap::new();
    for (shard, active) in state.book().shards().zip(found) {
        let Some(active) = active else { continue };
        for activation in active.at(now).into_iter().chain(active.after(now)) {
            let view = ActivationView::of(activation.clone(), shard, now);
            by_set
                .entry(activation.packs.clone())
                .or_default()
                .push(view);
        }
    }
    Ok(by_set)
}

/// Store rule packs
///
/// A set that cannot be used is refused with `broken_pack`: `details` names file, line and reason. So is one
/// whose rules do not keep their own cases: `details` names rule, case and reason. Nothing is decided by a
/// stored set before it is activated.
#[utoipa::path(post, path = "/v1/rules/packs", tag = "rules", request_body = PackUpload,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Stored.", body = RuleSetView),
              (status = 200, description = "The same set was stored already.", body = RuleSetView)))]
async fn upload_packs(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: TextBody<PackUpload>,
) -> Result<Response, Problem> {
    caller.require(&KEEPERS)?;
    let TextBody(Body { value, bytes }) = body;
    check_names(&value.packs)?;
    let texts = whole_set(&state, value).await?;
    let library = state.library()?;
    let compiled = tokio::task::spawn_blocking(move || -> Result<Vec<GivenPack>, Problem> {
        let named: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (name.as_str(), &**text))
            .collect();
        // The library keeps it, so that no shard has to stop for it.
        let packs = library.compile(&named).map_err(broken_pack)?;
        // A rule that is not what its author tried it out to be is not kept.
        if let Some(case) = packs.broken_cases().first() {
            return Err(broken_case(case));
        }
        let texts = texts.into_iter();
        Ok(texts
            .map(|(name, text)| GivenPack {
                name,
                hash: text_hash(&text),
                text: Some(text),
            })
            .collect())
    })
    .await;
    let given = compiled.map_err(|error| Problem::internal(&error.to_string()))??;
    let mut last = None;
    for shard in state.book().shards() {
        let packs = only_new(&state, shard, given.clone()).await?;
        let request = Request::StoreRules(StoreRules { packs });
        let done = Ask::new(&state, &caller, request)
            .at(shard)
            .keyed(&caller, key.clone(), &bytes)
            .submit()
            .await?;
        last = Some(done);
    }
    let done: Done = last.ok_or_else(|| Problem::internal("the book has no shard"))?;
    let mut active = active_by_set(&state).await?;
    done.created(|reply| match reply {
        Reply::RuleSet { set, repeated } => {
            let active = active.remove(&set.hash).unwrap_or_default();
            Some((repeated, RuleSetView::of(Arc::unwrap_or_clone(set), active)))
        }
        _ => None,
    })
}

fn check_names(packs: &[UploadedPack]) -> Result<(), Problem> {
    if packs.is_empty() {
        return Err(Problem::invalid("packs", "send at least one pack"));
    }
    for (index, pack) in packs.iter().enumerate() {
        let stem = pack.name.strip_suffix(".toml").unwrap_or_default();
        let letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if stem.is_empty() || pack.name.len() > 64 || !stem.bytes().all(letter) {
            return Err(Problem::invalid(
                format!("packs[{index}].name"),
                "a name has at most 64 lower-case letters, digits and hyphens and ends in .toml",
            ));
        }
        if packs
            .iter()
            .take(index)
            .any(|known| known.name == pack.name)
        {
            return Err(Problem::invalid(
                format!("packs[{index}].name"),
                "a pack of this name is there already",
            ));
        }
    }
    Ok(())
}

/// The packs that were sent, over those of the set that they are added to.
async fn whole_set(
    state: &AppState,
    sent: PackUpload,
) -> Result<BTreeMap<String, Arc<str>>, Problem> {
    let mut whole = BTreeMap::new();
    if let Some(base) = sent.base {
        let hash = base.clone();
        let known = state.read(ShardCode::FIRST, move |queries| {
            if !known_set(queries, &hash)? {
                return Ok(None);
            }
            texts_of(queries, &hash).map(Some)
        });
        let Some((set, texts)) = known.await? else {
            return Err(Problem::invalid("base", "no set of this hash is stored"));
        };
        let named = set.packs.into_iter().zip(texts);
        whole.extend(named.map(|(pack, text)| (pack.name, text.text.clone())));
    }
    let sent = sent.packs.into_iter();
    whole.extend(sent.map(|pack| (pack.name, Arc::from(pack.text))));
    Ok(whole)
}

/// Whether a set is stored; a text that is no hash names none.
fn known_set(queries: &dyn Queries, hash: &str) -> Result<bool, StoreError> {
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_hash && record::<RuleSet>(queries, hash)?.is_some())
}

/// Without the texts that a shard keeps already: they would stand in its journal once more.
async fn only_new(
    state: &AppState,
    shard: ShardCode,
    mut packs: Vec<GivenPack>,
) -> Result<Vec<GivenPack>, Problem> {
    state
        .read(shard, move |queries| {
            for pack in &mut packs {
                if record::<RulePack>(queries, &pack.hash)?.is_some() {
                    pack.text = None;
                }
            }
            Ok(packs)
        })
        .await
}

fn broken_pack(error: compliance::PackError) -> Problem {
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "broken_pack",
        error.to_string(),
    )
    .at("packs");
    problem.details = BTreeMap::from([
        ("file".to_owned(), error.file),
        ("line".to_owned(), error.line.to_string()),
        ("reason".to_owned(), error.reason),
    ]);
    problem
}

fn broken_case(case: &BrokenCase) -> Problem {
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "broken_pack",
        case.to_string(),
    )
    .at("packs");
    let list = if case.fires { "fires" } else { "quiet" };
    problem.details = BTreeMap::from([
        ("rule".to_owned(), case.rule.clone()),
        ("case".to_owned(), format!("{list} {}", case.number)),
        ("reason".to_owned(), case.to_string()),
    ]);
    problem
}

/// Activate rule packs
///
/// Two people are needed: the first request proposes it in every shard, the same request by a second
/// person of the role `finance` carries it out (as does an approval of each proposal). Requests that come
/// from then on are decided by the new set; what was decided keeps its decision. Where a shard could not be
/// reached, the same request again does the rest. A set is proposed once at a time: the same request by the
/// same person names the open proposals, and one for another time is refused. `removed` names the rules that
/// decide now and would not any more.
#[utoipa::path(post, path = "/v1/rules/activations", tag = "rules", request_body = NewActivation,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Activated in all shards.", body = ActivationAnswer),
              (status = 202, description = "Waits for a second person.", body = ActivationAnswer)))]
async fn activate_packs(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewActivation>,
) -> Result<Response, Problem> {
    caller.require(&KEEPERS)?;
    let wanted = ActivateRules {
        packs: body.value.packs.clone(),
        from: body.value.from,
    };
    let hash = wanted.packs.clone();
    let known = state.read(ShardCode::FIRST, move |queries| known_set(queries, &hash));
    if !known.await? {
        return Err(Problem::not_found("packs", &wanted.packs));
    }
    let removed = removed_rules(&state, wanted.packs.clone()).await?;
    let now = state.book().clock().now();
    let (mut proposals, mut active, mut last) = (Vec::new(), Vec::new(), None);
    for shard in state.book().shards() {
        let ask = match open_proposal(&state, shard, &caller, wanted.clone()).await? {
            Open::Waits(proposal) => {
                proposals.push(proposal);
                continue;
            }
            Open::Decidable(proposal) => Ask::decide(&state, &caller, proposal, true),
            Open::None => {
                Ask::new(&state, &caller, Request::ActivateRules(wanted.clone())).at(shard)
            }
        };
        let done = ask
            .keyed(&caller, key.clone(), &body.bytes)
            .submit()
            .await?;
        match &done.outcome {
            Outcome::Proposed(proposal) => proposals.push(proposal.clone()),
            Outcome::Reply(Reply::RuleActivation { activation, .. }) => {
                active.push(ActivationView::of((**activation).clone(), shard, now));
            }
            _ => return Err(Problem::internal("the reply is that of another command")),
        }
        last = Some(done);
    }
    let status = if proposals.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let answer = ActivationAnswer {
        packs: wanted.packs,
        removed,
        proposals,
        active,
    };
    Ok(match last {
        Some(done) => done.answer_as(status, answer),
        // Every shard has it proposed already: nothing was asked of any.
        None => (status, Json(answer)).into_response(),
    })
}
