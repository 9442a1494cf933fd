//! Payments.

use crate::api::enums;
use crate::api::payments::{NewPayment, PaymentView};
use crate::ask::{Ask, Outcome, Proposed};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, IdempotencyKey, Ids, Params, PreferWait};
use crate::pagination::{self, Page, PageRequest, Range};
use crate::problem::Problem;
use crate::routes::{self, creation_times, decisions, listed_merchant};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use domain::payment::{
    AcceptUnderpayment, ClosePayment, CreatePayment, OrderNumber, Payment, PaymentStatus,
    QueryPayment,
};
use domain::split::SplitPlan;
use domain::{Reply, Request};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_payment, list_payments))
        .routes(routes!(get_payment))
        .routes(routes!(close_payment))
        .routes(routes!(query_payment))
        .routes(routes!(accept_underpayment))
}

fn view(reply: Reply) -> Option<(bool, PaymentView)> {
    match reply {
        Reply::Payment { payment, repeated } => {
            Some((repeated, Arc::unwrap_or_clone(payment).into()))
        }
        _ => None,
    }
}

/// A payment that the caller may see.
pub(super) async fn visible(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<Payment, Problem> {
    routes::visible::<Payment>(state, caller, "payment", id, |found| &found.merchant).await
}

/// Whose payment it is: a merchant's own (the shard checks that), or as the books say.
pub(super) async fn owner(state: &AppState, caller: &Caller, id: &str) -> Result<String, Problem> {
    match caller.confined_to() {
        Some(own) => Ok(own.to_owned()),
        None => Ok(visible(state, caller, id).await?.merchant),
    }
}

/// Take an order
///
/// Answered as soon as the order is in the books. With `Prefer: wait=N` the answer waits up to N
/// seconds, ten at most, until the channel has registered the order (`code_url`) or declined it, and
/// shows the payment as it then is; `Preference-Applied` names the wait that was granted.
#[utoipa::path(post, path = "/v1/payments", tag = "payments", request_body = NewPayment,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters"),
           ("Prefer" = Option<String>, Header, description = "`wait=N` (RFC 7240): wait up to N seconds for the QR code, 10 at most")),
    responses((status = 201, description = "Taken; the order is being registered at the channel.", body = PaymentView,
                  headers(("Preference-Applied" = Option<String>, description = "The wait that was granted."))),
              (status = 200, description = "The same order was taken earlier.", body = PaymentView)))]
async fn create_payment(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    PreferWait(wait): PreferWait,
    body: Body<NewPayment>,
) -> Result<Response, Problem> {
    let new = body.value;
    let request = Request::CreatePayment(CreatePayment {
        merchant: caller.merchant(new.merchant)?,
        order_number: new.order_number,
        amount: new.amount.0,
        channel: new.channel,
        description: new.description,
        source: new.source,
        expires_at: new.expires_at,
        split_plan: new.split_plan.map(SplitPlan::from),
        metadata: new.metadata,
    });
    let mut done = Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .submit()
        .await?;
    let Some(wait) = wait else {
        return done.created(view);
    };
    if let Outcome::Reply(Reply::Payment { payment, .. }) = &mut done.outcome {
        *payment = registered(&state, payment.clone(), wait).await;
    }
    let mut response = done.created(view)?;
    let applied = HeaderValue::try_from(format!("wait={}", wait.as_secs()));
    let applied = applied.map_err(|error| Problem::internal(&error.to_string()))?;
    response.headers_mut().insert("preference-applied", applied);
    Ok(response)
}

/// Pauses between looks at a payment: short at first, because most channels answer at once.
const LOOK_PAUSES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(5)..=Duration::from_millis(200);

/// The payment once the channel has registered or declined its order, or as it is when the time is
/// over. It is in the books already: what cannot be read now changes nothing of that.
async fn registered(state: &AppState, payment: Arc<Payment>, wait: Duration) -> Arc<Payment> {
    // The answer must be out before the time for the whole request is over.
    let wait = wait.min(state.limits().request_timeout() / 2);
    let until = tokio::time::Instant::now() + wait;
    let (mut latest, mut pause) = (payment, *LOOK_PAUSES.start());
    loop {
        match pagination::find::<Payment>(state, &latest.id).await {
            Ok(Some(found)) => latest = Arc::new(found),
            Ok(None) => {}
            Err(_) => return latest,
        }
        let open = [PaymentStatus::Created, PaymentStatus::Unknown].contains(&latest.status);
        let now = tokio::time::Instant::now();
        if !open || now >= until {
            return latest;
        }
        tokio::time::sleep_until(until.min(now + pause)).await;
        pause = (pause * 2).min(*LOOK_PAUSES.end());
    }
}

/// Close an unpaid order
///
/// The channel is asked to close it; its word ends the payment.
#[utoipa::path(post, path = "/v1/payments/{id}/close", tag = "payments",
    params(("id" = String, Path, description = "The payment."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, description = "Being closed.", body = PaymentView)))]
async fn close_payment(
    State(state): State<AppState>,
    caller: Caller,
    Ids(payment): Ids<String>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    let merchant = owner(&state, &caller, &payment).await?;
    let request = Request::ClosePayment(ClosePayment { merchant, payment });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, b"")
        .change(view)
        .await
}

/// Ask the channel how an open payment stands
#[utoipa::path(post, path = "/v1/payments/{id}/query", tag = "payments",
    params(("id" = String, Path, description = "The payment.")),
    responses((status = 200, description = "Being asked.", body = PaymentView)))]
async fn query_payment(
    State(state): State<AppState>,
    caller: Caller,
    Ids(payment): Ids<String>,
) -> Result<Response, Problem> {
    let merchant = owner(&state, &caller, &payment).await?;
    let request = Request::QueryPayment(QueryPayment { merchant, payment });
    Ask::new(&state, &caller, request).change(view).await
}

/// Why less is accepted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "agreed with the merchant by telephone"}))]
struct Acceptance {
    /// On what this rests.
    reason: String,
}

/// Accept a payment of less than the order asked for
#[utoipa::path(post, path = "/v1/payments/{id}/accept-underpayment", tag = "payments", request_body = Acceptance,
    params(("id" = String, Path, description = "The payment."),
           ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 202, description = "Waits for a second person.", body = Proposed)))]
async fn accept_underpayment(
    State(state): State<AppState>,
    caller: Caller,
    Ids(payment): Ids<String>,
    key: IdempotencyKey,
    body: Body<Acceptance>,
) -> Result<Response, Problem> {
    let request = Request::AcceptUnderpayment(AcceptUnderpayment {
        payment,
        reason: body.value.reason,
    });
    Ask::new(&state, &caller, request)
        .keyed(&caller, key, &body.bytes)
        .change(view)
        .await
}

/// Get a payment
#[utoipa::path(get, path = "/v1/payments/{id}", tag = "payments",
    params(("id" = String, Path, description = "The payment.")),
    responses((status = 200, description = "The payment.", body = PaymentView)))]
async fn get_payment(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<PaymentView>, Problem> {
    let mut shown = PaymentView::from(visible(&state, &caller, &id).await?);
    decisions::with_rules(&state, &mut shown.decision).await?;
    decisions::with_rules(&state, &mut shown.split_decision).await?;
    Ok(Json(shown))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PaymentQuery {
    /// Whose; a merchant's key may leave it out.
    merchant: Option<String>,
    /// Only this one, by the merchant's own number.
    order_number: Option<String>,
    /// Only with this standing.
    #[param(schema_with = enums::payment_status, required = false)]
    status: Option<PaymentStatus>,
    /// Created at or after: a date or an RFC 3339 time.
    created_from: Option<String>,
    /// Created before.
    created_to: Option<String>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List payments of a merchant
#[utoipa::path(get, path = "/v1/payments", tag = "payments", params(PaymentQuery),
    responses((status = 200, description = "A page, newest first.", body = Page<PaymentView>)))]
async fn list_payments(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<PaymentQuery>,
) -> Result<Json<Page<PaymentView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Merchant])?;
    let merchant = listed_merchant(&caller, query.merchant)?;
    if let Some(number) = query.order_number {
        let further = [
            ("status", query.status.is_some()),
            ("created_from", query.created_from.is_some()),
            ("created_to", query.created_to.is_some()),
            ("after", query.after.is_some()),
        ];
        if let Some((name, _)) = further.into_iter().find(|(_, given)| *given) {
            let detail = "order_number names one payment: leave the other conditions out";
            return Err(Problem::parameter(name, detail));
        }
        return by_number(&state, &merchant, &number).await;
    }
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let (from, to) = creation_times(query.created_from.as_deref(), query.created_to.as_deref())?;
    let range = Range::between("merchant", from, to).below(&merchant);
    let keep = move |payment: &Payment| query.status.is_none_or(|status| payment.status == status);
    pagination::list(&state, range, page, keep, PaymentView::from).await
}

async fn by_number(
    state: &AppState,
    merchant: &str,
    number: &str,
) -> Result<Json<Page<PaymentView>>, Problem> {
    let key = format!("{merchant}/{number}");
    let mut items = Vec::new();
    if let Some(taken) = pagination::find::<OrderNumber>(state, &key).await? {
        let payment: Payment = pagination::get(state, "payment", &taken.payment).await?;
        items.push(payment.into());
    }
    Ok(Json(Page { items, next: None }))
}
