//! Back notifications (后台通知): form posts, sent only when a payout has succeeded.

use super::codes::{Meaning, meaning};
use super::message::{BIZ_PAYOUT, SUB_TYPE, TXN_PAYOUT};
use super::parse::{check_currency, succeeded};
use super::verification::verify;
use super::{Fields, UnionpayConnector};
use crate::answer::{Answer, Notification};
use crate::connector::NotificationError;
use crate::operation::ChannelReference;
use jiff::Timestamp;

impl UnionpayConnector {
    pub(super) fn read_notification(
        &self,
        body: &[u8],
        at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        let fields = Fields::from_form(body).map_err(|error| malformed(error.to_string()))?;
        verify(&self.config, &fields, at)?;
        let merchant = fields.get("merId").unwrap_or_default();
        if merchant != self.config.merchant_id {
            return Err(NotificationError::ForeignMerchant {
                field: "merId",
                found: merchant.chars().take(64).collect(),
            });
        }
        let kind =
            ["txnType", "txnSubType", "bizType"].map(|name| fields.get(name).unwrap_or_default());
        if kind != [TXN_PAYOUT, SUB_TYPE, BIZ_PAYOUT] {
            return Err(NotificationError::UnknownEvent {
                event: kind.map(|part| format!("{part:.16}")).join("/"),
            });
        }
        let code = fields.get("respCode").unwrap_or_default();
        if meaning(code) != Meaning::Success {
            return Err(NotificationError::UnknownEvent {
                event: format!("respCode {code:.16}"),
            });
        }
        check_currency(&fields).map_err(malformed)?;
        let state = succeeded(&fields).map_err(malformed)?;
        let number = |name| {
            fields
                .get(name)
                .ok_or_else(|| malformed(format!("{name} is missing")))
        };
        Ok(Notification {
            id: number("queryId")?.to_owned(),
            answer: Answer::Payout {
                payout: ChannelReference(number("orderId")?.to_owned()),
                state,
            },
        })
    }
}

fn malformed(reason: String) -> NotificationError {
    NotificationError::Malformed { reason }
}
