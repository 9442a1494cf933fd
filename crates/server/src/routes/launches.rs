//! Products that were declared as new. Each shard of a book keeps the declaration, so that its commands
//! can ask it; what fails half-way is repeated.

use crate::api::launches::{LaunchList, LaunchView, NewLaunch};
use crate::ask::Ask;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, Ids};
use crate::pagination;
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::launch::{ApproveLaunch, Launch, Product};
use domain::{Reply, Request};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(propose_launch, list_launches))
        .routes(routes!(get_launch))
        .routes(routes!(approve_launch))
}

const READERS: [Role; 2] = [Role::Operator, Role::Finance];

fn view(reply: Reply) -> Option<(bool, LaunchView)> {
    match reply {
        Reply::Launch { launch, repeated } => Some((repeated, Arc::unwrap_or_clone(launch).into())),
        _ => None,
    }
}

fn product(name: &str) -> Result<Product, Problem> {
    Product::ALL
        .into_iter()
        .find(|product| product.name() == name)
        .ok_or_else(|| Problem::not_found("launch", name))
}

/// Declare a product as new
///
/// From then on what uses it is refused, until the rules let it begin (a new kind of product is reported
/// thirty days before, with evidence), a second person has approved, and its day has come. Proposing
/// again states anew what was reported, and wants a new approval.
#[utoipa::path(post, path = "/v1/launches", tag = "launches", request_body = NewLaunch,
    responses((status = 201, description = "Declared.", body = LaunchView),
              (status = 200, description = "The same was declared earlier.", body = LaunchView)))]
async fn propose_launch(
    State(state): State<AppState>,
    caller: Caller,
    body: Body<NewLaunch>,
) -> Result<Response, Problem> {
    let request = Request::ProposeLaunch(body.value.into());
    let ask = Ask::new(&state, &caller, request);
    ask.submit_to_all().await?.created(view)
}

/// Approve a new product
///
/// By another person than the one who proposed it, and only if the rules let it begin on its day.
#[utoipa::path(post, path = "/v1/launches/{product}/approval", tag = "launches",
    params(("product" = String, Path, description = "The product.")),
    responses((status = 200, description = "Approved.", body = LaunchView)))]
async fn approve_launch(
    State(state): State<AppState>,
    caller: Caller,
    Ids(name): Ids<String>,
) -> Result<Response, Problem> {
    let product = product(&name)?;
    let request = Request::ApproveLaunch(ApproveLaunch { product });
    let ask = Ask::new(&state, &caller, request);
    ask.submit_to_all().await?.changed(view)
}

/// Get a new product
#[utoipa::path(get, path = "/v1/launches/{product}", tag = "launches",
    params(("product" = String, Path, description = "The product.")),
    responses((status = 200, description = "What was declared.", body = LaunchView)))]
async fn get_launch(
    State(state): State<AppState>,
    caller: Caller,
    Ids(name): Ids<String>,
) -> Result<Json<LaunchView>, Problem> {
    caller.require(&READERS)?;
    let launch: Launch = pagination::get(&state, "launch", &name).await?;
    Ok(Json(launch.into()))
}

/// List new products
#[utoipa::path(get, path = "/v1/launches", tag = "launches",
    responses((status = 200, description = "All that were declared.", body = LaunchList)))]
async fn list_launches(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<LaunchList>, Problem> {
    caller.require(&READERS)?;
    let mut items = Vec::new();
    for product in Product::ALL {
        let launch = pagination::find::<Launch>(&state, product.name()).await?;
        items.extend(launch.map(LaunchView::from));
    }
    Ok(Json(LaunchList { items }))
}
