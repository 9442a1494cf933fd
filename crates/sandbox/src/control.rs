//! Endpoints under `/sandbox/`: what payers and test drivers do. Not part of any channel's
//! protocol, and not authenticated; the sandbox listens on the loopback interface only.

use crate::channels_side::ChannelsSide;
use crate::clock::Clock;
use crate::delivery;
use crate::fault::FaultSwitch;
use crate::wechat::{AutoPay, PayError, PlantError, PlantOrder};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the endpoints need.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) side: Arc<ChannelsSide>,
    pub(crate) client: reqwest::Client,
}

/// The endpoints.
pub(crate) fn router(control: Control) -> Router {
    Router::new()
        .route("/sandbox/wechat/pay", post(pay))
        .route("/sandbox/wechat/auto-pay", post(auto_pay))
        .route("/sandbox/wechat/books", get(wechat_books))
        .route("/sandbox/wechat/differences", post(plant).get(planted))
        .route(
            "/sandbox/wechat/faults",
            post(wechat_fault)
                .get(wechat_faults)
                .delete(clear_wechat_faults),
        )
        .route("/sandbox/unionpay/books", get(unionpay_books))
        .route(
            "/sandbox/unionpay/faults",
            post(unionpay_fault)
                .get(unionpay_faults)
                .delete(clear_unionpay_faults),
        )
        .route("/sandbox/tick", post(tick))
        .route("/sandbox/advance", post(advance))
        .with_state(control)
}

/// A problem as the endpoints answer it.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<PayError> for Problem {
    fn from(error: PayError) -> Self {
        let status = match error {
            PayError::NoSuchOrder => StatusCode::NOT_FOUND,
            PayError::AlreadyPaid | PayError::Closed => StatusCode::CONFLICT,
        };
        Problem(status, error.to_string())
    }
}

impl From<PlantError> for Problem {
    fn from(error: PlantError) -> Self {
        Problem(StatusCode::CONFLICT, error.to_string())
    }
}

/// Which order is paid: by the scanned code, or by the merchant's number.
#[derive(Deserialize)]
struct PayOrder {
    code_url: Option<String>,
    merchant_id: Option<String>,
    out_trade_no: Option<String>,
}

async fn pay(
    State(control): State<Control>,
    Json(order): Json<PayOrder>,
) -> Result<Json<Value>, Problem> {
    let now = control.side.now();
    let payment = control.side.wechat.with_core(|core| {
        let by_code = order
            .code_url
            .as_deref()
            .and_then(|code| core.order_of_code(code));
        let (merchant_id, number) = by_code
            .or_else(|| order.merchant_id.clone().zip(order.out_trade_no.clone()))
            .or_else(|| {
                // Without a merchant the number must belong to some order; the first one counts.
                let number = order.out_trade_no.clone()?;
                let owner = core
                    .merchant_ids()
                    .find(|id| {
                        core.books(id)
                            .is_some_and(|books| books.trades.contains_key(&number))
                    })?
                    .to_owned();
                Some((owner, number))
            })
            .ok_or(PayError::NoSuchOrder)?;
        core.pay(&merchant_id, &number, now)
    })?;
    Ok(Json(json!(payment)))
}

#[derive(Deserialize)]
struct AutoPayOrder {
    merchant_id: String,
    auto_pay: Option<AutoPay>,
}

async fn auto_pay(State(control): State<Control>, Json(order): Json<AutoPayOrder>) -> StatusCode {
    control
        .side
        .wechat
        .with_core(|core| core.set_auto_pay(&order.merchant_id, order.auto_pay));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct OfMerchant {
    merchant_id: String,
}

async fn wechat_books(
    State(control): State<Control>,
    Query(of): Query<OfMerchant>,
) -> Result<Json<Value>, Problem> {
    control
        .side
        .wechat
        .with_core(|core| core.books(&of.merchant_id).map(|books| json!(books)))
        .map(Json)
        .ok_or_else(|| Problem(StatusCode::NOT_FOUND, "no such merchant".to_owned()))
}

async fn unionpay_books(
    State(control): State<Control>,
    Query(of): Query<OfMerchant>,
) -> Json<Value> {
    let books = control.side.unionpay.with_core(|core| {
        let payouts: Vec<Value> = core.payouts(&of.merchant_id).map(|p| json!(p)).collect();
        json!({"payouts": payouts, "totals": core.totals(&of.merchant_id)})
    });
    Json(books)
}

async fn plant(
    State(control): State<Control>,
    Json(order): Json<PlantOrder>,
) -> Result<Json<Value>, Problem> {
    let planted = control.side.wechat.with_core(|core| core.plant(&order))?;
    Ok(Json(json!(planted)))
}

async fn planted(State(control): State<Control>) -> Json<Value> {
    Json(control.side.wechat.with_core(|core| json!(core.planted())))
}

async fn wechat_fault(
    State(control): State<Control>,
    Json(switch): Json<FaultSwitch>,
) -> StatusCode {
    control
        .side
        .wechat
        .with_core(|core| core.faults_mut().switch_on(switch));
    StatusCode::NO_CONTENT
}

async fn wechat_faults(State(control): State<Control>) -> Json<Value> {
    Json(control.side.wechat.with_core(|core| {
        let faults = core.faults();
        json!({"switches": faults.switches(), "struck": faults.struck()})
    }))
}

async fn clear_wechat_faults(State(control): State<Control>) -> StatusCode {
    control
        .side
        .wechat
        .with_core(|core| core.faults_mut().clear());
    StatusCode::NO_CONTENT
}

async fn unionpay_fault(
    State(control): State<Control>,
    Json(switch): Json<FaultSwitch>,
) -> StatusCode {
    control
        .side
        .unionpay
        .with_core(|core| core.faults_mut().switch_on(switch));
    StatusCode::NO_CONTENT
}

async fn unionpay_faults(State(control): State<Control>) -> Json<Value> {
    Json(control.side.unionpay.with_core(|core| {
        let faults = core.faults();
        json!({"switches": faults.switches(), "struck": faults.struck()})
    }))
}

async fn clear_unionpay_faults(State(control): State<Control>) -> StatusCode {
    control
        .side
        .unionpay
        .with_core(|core| core.faults_mut().clear());
    StatusCode::NO_CONTENT
}

async fn tick(State(control): State<Control>) -> Json<Value> {
    let attempts = delivery::deliver_in_turn(&control.side, &control.client).await;
    Json(json!({"attempts": attempts}))
}

#[derive(Deserialize)]
struct Advance {
    millis: u64,
}

async fn advance(
    State(control): State<Control>,
    Json(step): Json<Advance>,
) -> Result<Json<Value>, Problem> {
    let Clock::Simulated(clock) = &control.side.clock else {
        let reason = "the clock is the machine's; start the sandbox with a simulated one";
        return Err(Problem(StatusCode::CONFLICT, reason.to_owned()));
    };
    clock.advance(step.millis);
    let attempts = delivery::deliver_in_turn(&control.side, &control.client).await;
    Ok(Json(json!({"now": clock.now(), "attempts": attempts})))
}
