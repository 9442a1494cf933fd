//! From an HTTP request to the channel's answer, as values: authentication, routing, faults,
//! signature.

use super::announcement::Announcement;
use super::authorization::{Authorization, sign_error};
use super::bills::BillQuery;
use super::core::WechatCore;
use super::merchant::{MerchantKeys, SerialMode, WechatMerchant};
use super::refusal::Refusal;
use super::request::{self, CloseOrder};
use super::seal::{self, Signing};
use crate::error::SandboxError;
use crate::exchange::{Exchange, Outgoing, WholeRequest, answer, header, percent_decoded};
use crate::fault::{ApiOperation, Fault};
use crate::keys::SandboxKeys;
use crate::outbox::Attempt;
use crate::shared::{locked, read, write};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

const JSON: &str = "application/json; charset=utf-8";

/// WeChat Pay as seen over HTTP.
pub(crate) struct WechatGateway {
    core: Mutex<WechatCore>,
    merchants: RwLock<BTreeMap<String, Arc<MerchantKeys>>>,
    keys: Arc<SandboxKeys>,
}

enum Reply {
    Json(Value),
    NoContent,
    /// Unsigned by design.
    File(Vec<u8>),
}

#[derive(Debug, PartialEq, Eq)]
enum Call {
    CreateOrder,
    QueryOrder(String),
    QueryTransaction(String),
    CloseOrder(String),
    Refund,
    QueryRefund(String),
    Certificates,
    TradeBill,
    DownloadBill,
}

/// What a caller is, once authenticated.
struct Caller {
    merchant_id: String,
    keys: Arc<MerchantKeys>,
    mode: SerialMode,
}

impl WechatGateway {
    pub(crate) fn new(core: WechatCore, keys: Arc<SandboxKeys>) -> Self {
        Self {
            core: Mutex::new(core),
            merchants: RwLock::new(BTreeMap::new()),
            keys,
        }
    }

    pub(crate) fn register(&self, merchant: &WechatMerchant) -> Result<(), SandboxError> {
        let keys = Arc::new(merchant.keys()?);
        write(&self.merchants).insert(merchant.merchant_id.clone(), keys);
        locked(&self.core).register(merchant.terms());
        Ok(())
    }

    pub(crate) fn with_core<R>(&self, act: impl FnOnce(&mut WechatCore) -> R) -> R {
        act(&mut locked(&self.core))
    }

    pub(crate) fn exchange(&self, request: &WholeRequest, now: Timestamp) -> Exchange {
        let caller = match self.authenticate(request, now) {
            Ok(caller) => caller,
            Err(refusal) => return self.unsigned(&refusal),
        };
        let call = route(request.method().as_str(), request.uri().path());
        let Some(call) = call else {
            let refusal = Refusal::resource_not_exists("请求的资源不存在");
            return self.signed(&caller, Signing::Honest, Err(refusal), now);
        };
        let operation = Some(call.operation());
        let id = caller.merchant_id.as_str();
        let mut core = locked(&self.core);
        match core.strike(id, operation, Fault::is_before_processing) {
            Some(Fault::DropBeforeProcessing { hang_millis }) => {
                return Exchange::Break { hang_millis };
            }
            Some(Fault::RateLimited) => return unsigned_refusal(&Refusal::rate_limited(), "0"),
            Some(_) => return unsigned_refusal(&Refusal::system_error(), "0"),
            None => {}
        }
        let result = self.perform(&mut core, &caller, &call, request, now);
        match core.strike(id, operation, Fault::is_after_processing) {
            Some(Fault::DropAfterProcessing { hang_millis }) => {
                return Exchange::Break { hang_millis };
            }
            Some(_) => return unsigned_refusal(&Refusal::system_error(), "0"),
            None => {}
        }
        let signing = match core.strike(id, operation, is_of_signature) {
            Some(Fault::ProbeAnswer) => Signing::Probe,
            Some(_) => Signing::Forged,
            None => Signing::Honest,
        };
        drop(core);
        self.signed(&caller, signing, result, now)
    }

    /// Makes the HTTP request of a notification's attempt.
    pub(crate) fn outgoing(
        &self,
        attempt: &Attempt<Announcement>,
        now: Timestamp,
    ) -> Option<Outgoing> {
        let announcement = &attempt.item;
        let merchant = read(&self.merchants)
            .get(&announcement.merchant_id)
            .cloned()?;
        let (resource_nonce, nonce) =
            self.with_core(|core| (core.random.text(12), core.random.text(32)));
        let signing = if announcement.probe && attempt.earlier_attempts == 0 {
            Signing::Probe
        } else {
            Signing::Honest
        };
        seal::notification(
            &self.keys,
            &merchant,
            announcement,
            signing,
            (&resource_nonce, &nonce),
            now,
        )
        .ok()
    }

    fn authenticate(&self, request: &WholeRequest, now: Timestamp) -> Result<Caller, Refusal> {
        let headers = request.headers();
        for name in ["accept", "user-agent"] {
            if header(headers, name).is_empty() {
                return Err(Refusal::parameter(name, "header is missing"));
            }
        }
        let authorization = Authorization::read(header(headers, "authorization"))?;
        let keys = read(&self.merchants)
            .get(&authorization.merchant_id)
            .cloned()
            .ok_or_else(|| sign_error("mchid", "is unknown"))?;
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        authorization.check(&keys, request.method().as_str(), path, request.body(), now)?;
        let mode = seal::chosen_mode(header(headers, "wechatpay-serial"), &self.keys, &keys);
        Ok(Caller {
            merchant_id: authorization.merchant_id,
            keys,
            mode,
        })
    }

    fn perform(
        &self,
        core: &mut WechatCore,
        caller: &Caller,
        call: &Call,
        request: &WholeRequest,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let id = caller.merchant_id.as_str();
        let body = request.body();
        match call {
            Call::CreateOrder => core
                .create_order(id, request::parse(body)?, now)
                .map(Reply::Json),
            Call::QueryOrder(number) => {
                check_query_merchant(request, id)?;
                core.query_order(id, number, now).map(Reply::Json)
            }
            Call::QueryTransaction(number) => {
                check_query_merchant(request, id)?;
                core.query_transaction(id, number, now).map(Reply::Json)
            }
            Call::CloseOrder(number) => {
                let close: CloseOrder = request::parse(body)?;
                core.close_order(id, &close.mchid, number, now)
                    .map(|()| Reply::NoContent)
            }
            Call::Refund => core.refund(id, request::parse(body)?, now).map(Reply::Json),
            Call::QueryRefund(number) => core.query_refund(id, number, now).map(Reply::Json),
            Call::Certificates => self.certificates(core, caller),
            Call::TradeBill => {
                let bill: BillQuery = query(request)?;
                let location = core.trade_bill(id, &bill, now)?;
                Ok(Reply::Json(json!({
                    "hash_type": "SHA1",
                    "hash_value": location.sha1,
                    "download_url": download_url(request, &location.token),
                })))
            }
            Call::DownloadBill => {
                let download: DownloadQuery = query(request)?;
                core.download_bill(id, &download.token, now)
                    .map(Reply::File)
            }
        }
    }

    fn certificates(&self, core: &mut WechatCore, caller: &Caller) -> Result<Reply, Refusal> {
        if caller.keys.serial_mode == SerialMode::PublicKey {
            return Err(Refusal::resource_not_exists(
                "商户使用微信支付公钥，无平台证书",
            ));
        }
        let nonce = core.random.text(12);
        seal::certificates(&self.keys, &caller.keys, &nonce)
            .map(Reply::Json)
            .map_err(|_| Refusal::system_error())
    }

    fn signed(
        &self,
        caller: &Caller,
        signing: Signing,
        result: Result<Reply, Refusal>,
        now: Timestamp,
    ) -> Exchange {
        let (status, detail_code, body) = match result {
            Ok(Reply::Json(value)) => (200, 0, value.to_string().into_bytes()),
            Ok(Reply::NoContent) => (204, 0, Vec::new()),
            Ok(Reply::File(content)) => {
                let kind = ("Content-Type", "application/octet-stream".to_owned());
                return answer(200, &[kind, request_id("0", 0)], content);
            }
            Err(refusal) => (
                refusal.status,
                refusal.detail_code,
                refusal.body().to_string().into_bytes(),
            ),
        };
        let (nonce, trace) = self.with_core(|core| (core.random.text(32), core.random.digits(12)));
        let signature =
            seal::signature_headers(&self.keys, caller.mode, signing, &nonce, &body, now);
        let Ok(mut headers) = signature else {
            return unsigned_refusal(&Refusal::system_error(), &trace);
        };
        headers.push(request_id(&trace, detail_code));
        if status != 204 {
            headers.push(("Content-Type", JSON.to_owned()));
        }
        answer(status, &headers, body)
    }

    fn unsigned(&self, refusal: &Refusal) -> Exchange {
        let trace = self.with_core(|core| core.random.digits(12));
        unsigned_refusal(refusal, &trace)
    }
}

#[derive(Deserialize)]
struct DownloadQuery {
    token: String,
}

impl Call {
    fn operation(&self) -> ApiOperation {
        match self {
            Call::CreateOrder => ApiOperation::CreateOrder,
            Call::QueryOrder(_) | Call::QueryTransaction(_) => ApiOperation::QueryOrder,
            Call::CloseOrder(_) => ApiOperation::CloseOrder,
            Call::Refund => ApiOperation::Refund,
            Call::QueryRefund(_) => ApiOperation::QueryRefund,
            Call::Certificates => ApiOperation::Certificates,
            Call::TradeBill => ApiOperation::TradeBill,
            Call::DownloadBill => ApiOperation::DownloadBill,
        }
    }
}

fn route(method: &str, path: &str) -> Option<Call> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let number = |text: &str| percent_decoded(text).filter(|number| !number.is_empty());
    match (method, segments.as_slice()) {
        ("POST", ["v3", "pay", "transactions", "native"]) => Some(Call::CreateOrder),
        ("GET", ["v3", "pay", "transactions", "out-trade-no", n]) => {
            number(n).map(Call::QueryOrder)
        }
        ("GET", ["v3", "pay", "transactions", "id", n]) => number(n).map(Call::QueryTransaction),
        ("POST", ["v3", "pay", "transactions", "out-trade-no", n, "close"]) => {
            number(n).map(Call::CloseOrder)
        }
        ("POST", ["v3", "refund", "domestic", "refunds"]) => Some(Call::Refund),
        ("GET", ["v3", "refund", "domestic", "refunds", n]) => number(n).map(Call::QueryRefund),
        ("GET", ["v3", "certificates"]) => Some(Call::Certificates),
        ("GET", ["v3", "bill", "tradebill"]) => Some(Call::TradeBill),
        ("GET", ["v3", "billdownload", "file"]) => Some(Call::DownloadBill),
        _ => None,
    }
}

fn query<T: serde::de::DeserializeOwned>(request: &WholeRequest) -> Result<T, Refusal> {
    let pairs = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let object: serde_json::Map<String, Value> = pairs
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    serde_json::from_value(Value::Object(object))
        .map_err(|error| Refusal::parameter("query", &error.to_string()))
}

fn check_query_merchant(request: &WholeRequest, merchant_id: &str) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct MerchantQuery {
        mchid: String,
    }
    let given: MerchantQuery = query(request)?;
    request::check_merchant(&given.mchid, merchant_id)
}

/// Begins with the address under which the caller reached this side.
fn download_url(request: &WholeRequest, token: &str) -> String {
    let host = header(request.headers(), "host");
    format!("http://{host}/v3/billdownload/file?token={token}")
}

/// Gateway errors are unsigned in practice; merchants must not draw conclusions from them.
fn unsigned_refusal(refusal: &Refusal, trace: &str) -> Exchange {
    let headers = [
        request_id(trace, refusal.detail_code),
        ("Content-Type", JSON.to_owned()),
    ];
    let body = refusal.body().to_string().into_bytes();
    answer(refusal.status, &headers, body)
}

fn request_id(trace: &str, detail_code: u32) -> (&'static str, String) {
    ("Request-Id", format!("08{trace}-{detail_code}"))
}

fn is_of_signature(fault: &Fault) -> bool {
    matches!(fault, Fault::ProbeAnswer | Fault::ForgedAnswer)
}

#[cfg(test)]
mod tests {
    use super::{Call, route};

    #[test]
    fn order_numbers_in_paths_are_decoded() {
        assert_eq!(
            route("GET", "/v3/pay/transactions/out-trade-no/a%2Ab%7cc"),
            Some(Call::QueryOrder("a*b|c".to_owned()))
        );
    }

    #[test]
    fn unknown_paths_and_broken_encodings_lead_nowhere() {
        assert_eq!(route("GET", "/v3/pay/transactions/out-trade-no/%zz"), None);
        assert_eq!(route("GET", "/v3/pay/transactions/native"), None);
        assert_eq!(route("POST", "/v3/refund/domestic/refunds/"), None);
    }
}
