//! Notifications (`TRANSACTION.SUCCESS`, `REFUND.*`).

use super::WechatConnector;
use super::parse::{json, order_answer, refund_answer};
use super::wire::{Envelope, RefundObject, Resource, Transaction};
use crate::answer::{Answer, Notification, OrderState, RefundState};
use crate::connector::NotificationError;
use crate::crypto::{aead_aes_256_gcm_decrypt, base64_decode};
use jiff::Timestamp;

const ALGORITHM: &str = "AEAD_AES_256_GCM";

impl WechatConnector {
    pub(super) fn read_notification(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        self.keys.verify(headers, body, at)?;
        let envelope: Envelope = json(body).map_err(malformed)?;
        if envelope.id.is_empty() {
            return Err(malformed("id is empty".to_owned()));
        }
        let answer = match envelope.event_type.as_str() {
            "TRANSACTION.SUCCESS" => {
                let plain = self.open(&envelope.resource)?;
                self.payment(json(&plain).map_err(malformed)?)?
            }
            "REFUND.SUCCESS" | "REFUND.ABNORMAL" | "REFUND.CLOSED" => {
                let plain = self.open(&envelope.resource)?;
                self.refund_event(&envelope.event_type, json(&plain).map_err(malformed)?)?
            }
            other => {
                return Err(NotificationError::UnknownEvent {
                    event: other.chars().take(64).collect(),
                });
            }
        };
        Ok(Notification {
            id: envelope.id,
            answer,
        })
    }

    fn open(&self, resource: &Resource) -> Result<Vec<u8>, NotificationError> {
        if resource.algorithm != ALGORITHM {
            return Err(malformed("resource.algorithm is not known".to_owned()));
        }
        let sealed = base64_decode(&resource.ciphertext)
            .map_err(|_| malformed("resource.ciphertext is not base64".to_owned()))?;
        let associated = resource.associated_data.as_deref().unwrap_or_default();
        aead_aes_256_gcm_decrypt(
            &self.config.api_v3_key,
            resource.nonce.as_bytes(),
            associated.as_bytes(),
            &sealed,
        )
        .map_err(|_| NotificationError::CannotDecrypt)
    }

    fn payment(&self, transaction: Transaction) -> Result<Answer, NotificationError> {
        self.own("mchid", &transaction.mchid, &self.config.merchant_id)?;
        self.own("appid", &transaction.appid, &self.config.app_id)?;
        let answer = order_answer(transaction).map_err(malformed)?;
        match &answer {
            Answer::Order {
                state: OrderState::Paid { .. },
                ..
            } => Ok(answer),
            _ => Err(malformed("the event and the trade_state differ".to_owned())),
        }
    }

    fn refund_event(&self, event: &str, object: RefundObject) -> Result<Answer, NotificationError> {
        let merchant = object.mchid.as_deref().unwrap_or_default();
        self.own("mchid", merchant, &self.config.merchant_id)?;
        let answer = refund_answer(object).map_err(malformed)?;
        let agrees = match &answer {
            Answer::Refund { state, .. } => matches!(
                (event, state),
                ("REFUND.SUCCESS", RefundState::Succeeded { .. })
                    | ("REFUND.ABNORMAL", RefundState::Abnormal)
                    | ("REFUND.CLOSED", RefundState::Closed)
            ),
            _ => false,
        };
        if agrees {
            return Ok(answer);
        }
        Err(malformed(
            "the event and the refund_status differ".to_owned(),
        ))
    }

    fn own(&self, field: &'static str, found: &str, own: &str) -> Result<(), NotificationError> {
        if found == own {
            return Ok(());
        }
        Err(NotificationError::ForeignMerchant {
            field,
            found: found.chars().take(64).collect(),
        })
    }
}

fn malformed(reason: String) -> NotificationError {
    NotificationError::Malformed { reason }
}
