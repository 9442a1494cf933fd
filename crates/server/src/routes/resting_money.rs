//! The monitor of money that rests.

use crate::api::resting_money::RestingMoneyView;
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::Params;
use crate::pagination::{read_body, scan};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use calendar::BusinessDate;
use compliance::risk::{EMBEDDED_FIGURES, Rests, RiskFigures};
use domain::payout::{Payout, PayoutStatus};
use domain::settlement::{Bucket, Settlement};
use engine::store::{Queries, Scan, StoreError};
use engine::{Record, index_time};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(resting_money))
}

const MERCHANTS_MAX: usize = 1_000;
const ROWS: usize = 500;

/// As of when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RestingQuery {
    /// Count days up to this date; otherwise up to the running business date.
    #[param(value_type = Option<String>, format = Date)]
    as_of: Option<BusinessDate>,
}

/// See how much money rests, and how long
///
/// Takings that are not settled, and settled money that no payout has taken. Reads every open bucket and
/// the last settlement of every merchant: meant for a look a day, not for each page of a console.
#[utoipa::path(get, path = "/v1/compliance/resting-money", tag = "compliance", params(RestingQuery),
    responses((status = 200, description = "What rests, the worst first.", body = RestingMoneyView)))]
async fn resting_money(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<RestingQuery>,
) -> Result<Json<RestingMoneyView>, Problem> {
    caller.require(&[Role::Operator, Role::Finance])?;
    let (name, text) = EMBEDDED_FIGURES;
    let figures =
        RiskFigures::load(name, text).map_err(|error| Problem::internal(&error.to_string()))?;
    let (rests, running) = state
        .read_all(|shards| {
            let mut rests = Vec::new();
            let mut running = None;
            for shard in shards {
                running = running.max(shard.head()?.map(|head| head.business_date));
                takings(shard.as_ref(), &mut rests)?;
                settled(shard.as_ref(), &mut rests)?;
            }
            Ok((rests, running))
        })
        .await?;
    let Some(day) = query.as_of.or(running) else {
        return Err(Problem::unavailable("not_set_up", "the book is empty"));
    };
    let report = figures.resting(rests, day);
    Ok(Json(RestingMoneyView::new(report, day, MERCHANTS_MAX)))
}

/// Calls `see` with every record of an index, the greatest first, until it says that it has seen enough.
fn each<R: Record>(
    queries: &dyn Queries,
    index: &str,
    below: &str,
    mut see: impl FnMut(R) -> bool,
) -> Result<(), StoreError> {
    let mut after: Option<(String, String)> = None;
    loop {
        let found = queries.list(&Scan {
            from: below.to_owned(),
            to: format!("{below}~"),
            ..scan::<R>(index, after.take(), ROWS)
        })?;
        let last = found.len() < ROWS;
        for row in found {
            let record = read_body(&row)?;
            after = Some((row.value, row.key));
            if !see(record) {
                return Ok(());
            }
        }
        if last {
            return Ok(());
        }
    }
}

/// Open buckets.
fn takings(queries: &dyn Queries, rests: &mut Vec<Rests>) -> Result<(), StoreError> {
    each(queries, "due", "", |bucket: Bucket| {
        rests.push(Rests {
            owner: bucket.merchant,
            amount: bucket.net.amount(),
            since: bucket.business_date,
        });
        true
    })
}

/// What settlements left with merchants that ask for their payouts themselves.
fn settled(queries: &dyn Queries, rests: &mut Vec<Rests>) -> Result<(), StoreError> {
    let mut merchants: Vec<String> = Vec::new();
    each(
        queries,
        "time",
        "",
        |merchant: domain::merchant::Merchant| {
            merchants.push(merchant.id);
            true
        },
    )?;
    for merchant in merchants {
        let below = format!("{merchant}/");
        let mut newest: Option<Settlement> = None;
        // What was carried over has rested since the first of the settlements that carried it.
        let mut since: Option<BusinessDate> = None;
        each(queries, "merchant", &below, |settlement: Settlement| {
            let carried = settlement.carried_forward.is_positive();
            if carried {
                since = Some(settlement.business_date);
            }
            newest.get_or_insert(settlement);
            carried
        })?;
        let (Some(newest), Some(since)) = (newest, since) else {
            continue;
        };
        let mut left = newest.carried_forward.amount();
        let from = index_time(newest.created_at);
        each(queries, "merchant", &below, |payout: Payout| {
            let later = index_time(payout.created_at) >= from;
            // What the settlement itself paid out was never carried over.
            if later && newest.payout.as_deref() != Some(payout.id.as_str()) {
                let asked = payout.amount.amount();
                let came_back = match payout.status {
                    PayoutStatus::Failed => asked,
                    // What the channel had not paid did not come back with the rest.
                    PayoutStatus::Returned => payout
                        .paid_amount
                        .map_or(asked, |paid| asked.min(paid.amount())),
                    _ => 0,
                };
                left = left.saturating_sub(asked - came_back);
            }
            later
        })?;
        rests.push(Rests {
            owner: merchant,
            amount: left,
            since,
        });
    }
    Ok(())
}
