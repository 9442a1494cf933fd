//! Routes by resource. Each handler reads its request, asks the shard or the database, and shows
//! the answer; what they have in common is in the extractors, [`crate::ask`] and
//! [`crate::pagination`].

pub mod accounts;
pub mod cases;
pub mod closing;
pub mod compliance;
pub mod decisions;
pub mod events;
mod groups;
pub mod holds;
pub mod launches;
pub mod merchants;
pub mod payments;
pub mod payouts;
pub mod proposals;
pub mod reconciliations;
pub mod refunds;
pub mod resting_money;
pub mod risk;
pub mod rules;
pub mod settlements;
pub mod signing_keys;
pub mod splits;
pub mod system;
pub mod transfers;
pub mod webhook_endpoints;

use crate::auth::Caller;
use crate::config::Role;
use crate::pagination;
use crate::problem::Problem;
use crate::state::AppState;
use calendar::BusinessDate;
use engine::Record;
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;

/// Every route of `/v1`.
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(crate::openapi::base())
        .merge(merchants::router())
        .merge(signing_keys::router())
        .merge(payments::router())
        .merge(refunds::router())
        .merge(splits::router())
        .merge(payouts::router())
        .merge(settlements::router())
        .merge(resting_money::router())
        .merge(risk::router())
        .merge(launches::router())
        .merge(closing::router())
        .merge(compliance::router())
        .merge(rules::router())
        .merge(reconciliations::router())
        .merge(accounts::router())
        .merge(transfers::router())
        .merge(holds::router())
        .merge(decisions::router())
        .merge(cases::router())
        .merge(proposals::router())
        .merge(webhook_endpoints::router())
        .merge(events::router())
}

/// An object of a merchant, for those who may see it: that merchant, and who sees what all merchants have.
async fn visible<R: Record>(
    state: &AppState,
    caller: &Caller,
    what: &'static str,
    id: &str,
    merchant: impl Fn(&R) -> &str,
) -> Result<R, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let object: R = pagination::get(state, what, id).await?;
    caller.may_see(Some(merchant(&object)), what, id)?;
    Ok(object)
}

/// Reads between which times listed objects were created.
fn creation_times(
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    Ok((
        time_parameter("created_from", from)?,
        time_parameter("created_to", to)?,
    ))
}

/// Reads a time out of a query: RFC 3339, or a date for its beginning in Shanghai.
fn time_parameter(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // A plus sign that was not percent-encoded arrives as a space.
    let text = text.replace(' ', "+");
    let parsed = match text.parse::<BusinessDate>() {
        Ok(date) => Ok(calendar::instant_at(date, 0, 0, 0)),
        Err(_) => calendar::parse_rfc3339(&text),
    };
    parsed.map(Some).map_err(|_| {
        Problem::parameter(
            name,
            format!("{name} must be a date or an RFC 3339 time with offset"),
        )
    })
}

/// The merchant whose objects are listed.
fn listed_merchant(caller: &Caller, named: Option<String>) -> Result<String, Problem> {
    match caller.merchant(named) {
        Err(problem) if problem.code == "missing_field" => Err(Problem::parameter(
            "merchant",
            "name the merchant whose objects to list",
        )),
        other => other,
    }
}

/// The merchant whose objects are listed; none where those of all are: no merchant asks, and none is named.
fn listed_merchant_if_any(
    caller: &Caller,
    named: Option<String>,
) -> Result<Option<String>, Problem> {
    if caller.confined_to().is_none() && named.is_none() {
        return Ok(None);
    }
    listed_merchant(caller, named).map(Some)
}
