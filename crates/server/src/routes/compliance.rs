//! Questions to the rules: nothing is kept, nothing of the book is read.

use crate::api::compliance::{ComplianceAnswer, ComplianceCheck, Language, Picture};
use crate::auth::Caller;
use crate::extract::Body;
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use calendar::BusinessDate;
use compliance::flow::{
    Fault, Flow, FlowError, Lang, answer_json, compare, comparison_json, flow_from_node, judge,
    mermaid, svg,
};
use compliance::{FactError, Node, Packs, decision_json, facts_from_node};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(check_compliance))
}

/// Judge a business model or facts
///
/// Draw parties, contracts and legs of money as in a flow file, or state bare facts. The answer
/// names the shapes (second clearing, direct link, big merchant, …) and judges leg by leg by the rules in
/// force on the day: verdict, clauses, what to do, what must still be known, and readings that are not
/// settled. A missing fact is asked for, never allowed. It is no legal advice.
#[utoipa::path(
    post,
    path = "/v1/compliance/check",
    tag = "compliance",
    request_body = ComplianceCheck,
    responses((status = 200, description = "Judged, whatever the verdict.", body = ComplianceAnswer))
)]
async fn check_compliance(
    State(state): State<AppState>,
    _caller: Caller,
    body: Body<ComplianceCheck>,
) -> Result<Json<ComplianceAnswer>, Problem> {
    // Hundreds of policies may be evaluated: not among the threads that serve others.
    tokio::task::spawn_blocking(move || {
        let packs = state.active_rules()?;
        answer(&body.value, &packs)
    })
    .await
    .map_err(|error| Problem::internal(&error.to_string()))?
    .map(Json)
}

fn answer(asked: &ComplianceCheck, packs: &Packs) -> Result<ComplianceAnswer, Problem> {
    match (&asked.flow, &asked.facts) {
        (Some(_), Some(_)) => Err(Problem::invalid("facts", "send a flow or facts, not both")),
        (None, None) => Err(Problem::missing_field("flow")),
        (Some(node), None) => judge_flow(asked, node, packs),
        (None, Some(node)) => judge_facts(asked, node, packs),
    }
}

fn judge_facts(
    asked: &ComplianceCheck,
    node: &Node,
    packs: &Packs,
) -> Result<ComplianceAnswer, Problem> {
    let foreign = [
        ("as_of", asked.as_of.is_some()),
        ("compare", asked.compare.is_some()),
        ("picture", asked.picture.is_some()),
        ("lang", asked.lang.is_some()),
    ];
    if let Some((name, _)) = foreign.into_iter().find(|(_, there)| *there) {
        return Err(Problem::invalid(
            name,
            format!("{name} belongs to a flow; the day of facts is their own `as_of`"),
        ));
    }
    let facts = facts_from_node(node).map_err(|error| fact_problem(&error))?;
    Ok(ComplianceAnswer {
        answer: decision_json(&packs.check(&facts)),
        picture: None,
    })
}

fn judge_flow(
    asked: &ComplianceCheck,
    node: &Node,
    packs: &Packs,
) -> Result<ComplianceAnswer, Problem> {
    let flow = flow_from_node(node).map_err(|error| flow_problem(&error, false))?;
    let as_of = day("as_of", asked.as_of.as_deref())?;
    if let Some(other) = day("compare", asked.compare.as_deref())? {
        if asked.picture.is_some() {
            return Err(Problem::invalid("picture", "a comparison has no picture"));
        }
        let first = as_of
            .or(flow.as_of)
            .ok_or_else(|| Problem::missing_field("as_of"))?;
        let found =
            compare(&flow, packs, first, other).map_err(|error| flow_problem(&error, true))?;
        return Ok(ComplianceAnswer {
            answer: object(comparison_json(&flow, &found)),
            picture: None,
        });
    }
    let answer = judge(&flow, packs, as_of)
        .map_err(|error| flow_problem(&error, as_of.is_some() || flow.as_of.is_none()))?;
    Ok(ComplianceAnswer {
        answer: object(answer_json(&flow, &answer)),
        picture: asked
            .picture
            .map(|picture| draw(&flow, &answer, picture, asked.lang)),
    })
}

fn draw(
    flow: &Flow,
    answer: &compliance::flow::FlowAnswer,
    picture: Picture,
    lang: Option<Language>,
) -> String {
    let lang = match lang {
        Some(Language::Zh) => Lang::Zh,
        Some(Language::En) | None => Lang::En,
    };
    match picture {
        Picture::Mermaid => mermaid(flow, answer, lang),
        Picture::Svg => svg(flow, answer, lang),
    }
}

fn object(value: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    match value {
        serde_json::Value::Object(object) => object,
        _ => serde_json::Map::new(),
    }
}

fn day(name: &str, text: Option<&str>) -> Result<Option<BusinessDate>, Problem> {
    text.map(|text| {
        text.parse::<BusinessDate>().map_err(|_| {
            Problem::invalid(
                name,
                format!("{name} must be a day, for instance 2018-05-04"),
            )
        })
    })
    .transpose()
}

/// A flow that cannot be judged; `asked`: the day in question is that of the request.
fn flow_problem(error: &FlowError, asked: bool) -> Problem {
    let field = match error.path.as_str() {
        "as_of" if asked => "as_of".to_owned(),
        "" => "flow".to_owned(),
        path => format!("flow.{path}"),
    };
    let code = match error.fault {
        Fault::Missing => "missing_field",
        Fault::Unknown => "unknown_field",
        Fault::Invalid => "invalid_field",
    };
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        code,
        format!("{}; expected {}", error.reason, error.expected),
    )
    .at(field)
}

fn fact_problem(error: &FactError) -> Problem {
    let code = match error {
        FactError::UnknownFact { .. } => "unknown_field",
        _ => "invalid_field",
    };
    let field = error
        .path()
        .map_or_else(|| "facts".to_owned(), |path| format!("facts.{path}"));
    // What follows the place of a file that there is not.
    let text = error.to_string();
    let detail = text.strip_prefix("line 0: ").unwrap_or(&text).to_owned();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).at(field)
}
