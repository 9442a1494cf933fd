//! From an HTTP request to UnionPay's signed answer, as values.

use super::core::{BackNotification, CoreAnswer, UnionpayCore, put};
use super::message::{self, Fields};
use super::request::{self, Declined};
use super::response;
use crate::error::SandboxError;
use crate::exchange::{Exchange, Outgoing, WholeRequest, answer};
use crate::fault::{ApiOperation, Fault};
use crate::keys::SandboxKeys;
use crate::outbox::Attempt;
use crate::shared::{locked, read, write};
use channels::crypto::Certificate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

/// A merchant to be registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnionpayMerchant {
    /// `merId`: 15 letters and digits.
    pub merchant_id: String,
    /// PEM of the merchant's signing certificate.
    pub certificate_pem: String,
}

/// UnionPay as seen over HTTP.
pub(crate) struct UnionpayGateway {
    core: Mutex<UnionpayCore>,
    merchants: RwLock<BTreeMap<String, Arc<Certificate>>>,
    keys: Arc<SandboxKeys>,
}

impl UnionpayGateway {
    pub(crate) fn new(core: UnionpayCore, keys: Arc<SandboxKeys>) -> Self {
        Self {
            core: Mutex::new(core),
            merchants: RwLock::new(BTreeMap::new()),
            keys,
        }
    }

    pub(crate) fn register(&self, merchant: &UnionpayMerchant) -> Result<(), SandboxError> {
        let id = &merchant.merchant_id;
        if id.len() != 15 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(SandboxError::Merchant {
                merchant_id: id.clone(),
                reason: "merchant_id must be 15 letters and digits".to_owned(),
            });
        }
        let certificate = Arc::new(Certificate::from_pem(&merchant.certificate_pem)?);
        write(&self.merchants).insert(id.clone(), certificate);
        locked(&self.core).register(id);
        Ok(())
    }

    pub(crate) fn with_core<R>(&self, act: impl FnOnce(&mut UnionpayCore) -> R) -> R {
        act(&mut locked(&self.core))
    }

    pub(crate) fn exchange(&self, http: &WholeRequest, now: Timestamp) -> Exchange {
        let operation = match (http.method().as_str(), http.uri().path()) {
            ("POST", "/gateway/api/backTransReq.do") => ApiOperation::Payout,
            ("POST", "/gateway/api/queryTrans.do") => ApiOperation::QueryPayout,
            _ => return answer(404, &[], Vec::new()),
        };
        let fields = message::read_form(http.body());
        if let Err(declined) = self.authenticate(&fields) {
            return self.signed(&fields, declined.into(), false);
        }
        let merchant_id = fields.get("merId").map_or("", String::as_str);
        let mut core = locked(&self.core);
        match core.strike(merchant_id, Some(operation), Fault::is_before_processing) {
            Some(Fault::DropBeforeProcessing { hang_millis }) => {
                return Exchange::Break { hang_millis };
            }
            Some(Fault::RateLimited) => {
                drop(core);
                return self.signed(&fields, Declined("06").into(), false);
            }
            Some(_) => return server_error(),
            None => {}
        }
        let result = self.perform(&mut core, operation, &fields, now);
        match core.strike(merchant_id, Some(operation), Fault::is_after_processing) {
            Some(Fault::DropAfterProcessing { hang_millis }) => {
                return Exchange::Break { hang_millis };
            }
            Some(_) => return server_error(),
            None => {}
        }
        let forged = |fault: &Fault| matches!(fault, Fault::ForgedAnswer);
        let forged = core.strike(merchant_id, Some(operation), forged).is_some();
        drop(core);
        self.signed(&fields, result.unwrap_or_else(CoreAnswer::from), forged)
    }

    /// Makes the HTTP request of a notification's attempt.
    pub(crate) fn outgoing(&self, attempt: &Attempt<BackNotification>) -> Option<Outgoing> {
        let mut fields = attempt.item.fields.clone();
        self.sign(&mut fields).ok()?;
        Some(Outgoing {
            url: attempt.item.back_url.clone(),
            headers: vec![(
                "Content-Type".to_owned(),
                "application/x-www-form-urlencoded;charset=UTF-8".to_owned(),
            )],
            body: message::write_form(&fields).into_bytes(),
        })
    }

    fn authenticate(&self, fields: &Fields) -> Result<(), Declined> {
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let merchant = read(&self.merchants).get(field("merId")).cloned();
        let certificate = merchant.ok_or(Declined("31"))?;
        let genuine = field("signMethod") == "01"
            && field("certId") == certificate.serial_decimal()
            && message::verify(fields, certificate.public_key()).is_ok();
        if genuine { Ok(()) } else { Err(Declined("11")) }
    }

    fn perform(
        &self,
        core: &mut UnionpayCore,
        operation: ApiOperation,
        fields: &Fields,
        now: Timestamp,
    ) -> Result<CoreAnswer, Declined> {
        if operation == ApiOperation::Payout {
            let order = request::payout_order(fields, &self.keys.unionpay_encryption)?;
            return Ok(core.payout(order, now));
        }
        request::check_product(fields, "00", "00")?;
        Ok(core.query(&request::order_key(fields)?, now))
    }

    fn signed(&self, request: &Fields, core_answer: CoreAnswer, forged: bool) -> Exchange {
        let mut fields = request::echo(request);
        fields.extend(core_answer.fields);
        put(&mut fields, "respCode", &core_answer.resp_code);
        put(
            &mut fields,
            "respMsg",
            &response::message(&core_answer.resp_code),
        );
        put(&mut fields, "version", "5.1.0");
        put(&mut fields, "encoding", "UTF-8");
        if self.sign(&mut fields).is_err() {
            return server_error();
        }
        if forged {
            put(&mut fields, "respMsg", "forged");
        }
        let kind = ("Content-Type", "text/html;charset=UTF-8".to_owned());
        answer(200, &[kind], message::write_raw(&fields).into_bytes())
    }

    fn sign(&self, fields: &mut Fields) -> Result<(), channels::crypto::CryptoError> {
        let signer = &self.keys.unionpay_sign;
        put(fields, "signMethod", "01");
        put(fields, "signPubKeyCert", signer.certificate_pem());
        message::sign(fields, signer.private_key())
    }
}

impl From<Declined> for CoreAnswer {
    fn from(declined: Declined) -> Self {
        CoreAnswer {
            resp_code: declined.0.to_owned(),
            fields: Fields::new(),
        }
    }
}

fn server_error() -> Exchange {
    answer(500, &[], Vec::new())
}
