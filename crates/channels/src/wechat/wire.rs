//! JSON bodies, request and response. Unknown fields are ignored, as the channel adds some.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct OrderBody<'a> {
    pub appid: &'a str,
    pub mchid: &'a str,
    pub description: &'a str,
    pub out_trade_no: &'a str,
    pub time_expire: String,
    pub notify_url: &'a str,
    pub amount: OrderAmount,
}

#[derive(Serialize)]
pub(super) struct OrderAmount {
    pub total: i64,
    pub currency: &'static str,
}

#[derive(Serialize)]
pub(super) struct CloseBody<'a> {
    pub mchid: &'a str,
}

#[derive(Serialize)]
pub(super) struct RefundBody<'a> {
    pub out_trade_no: &'a str,
    pub out_refund_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    pub notify_url: &'a str,
    pub amount: RefundAmount,
}

#[derive(Serialize)]
pub(super) struct RefundAmount {
    pub refund: i64,
    pub total: i64,
    pub currency: &'static str,
}

#[derive(Deserialize)]
pub(super) struct OrderCreated {
    pub code_url: String,
}

/// Answer to an order query, and the decrypted resource of `TRANSACTION.SUCCESS`.
#[derive(Deserialize)]
pub(super) struct Transaction {
    pub appid: String,
    pub mchid: String,
    pub out_trade_no: String,
    pub transaction_id: Option<String>,
    pub trade_state: String,
    pub trade_state_desc: Option<String>,
    pub bank_type: Option<String>,
    pub success_time: Option<String>,
    pub payer: Option<TransactionPayer>,
    pub amount: Option<TransactionAmount>,
}

#[derive(Deserialize)]
pub(super) struct TransactionPayer {
    pub openid: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct TransactionAmount {
    pub total: Option<i64>,
    pub currency: Option<String>,
}

/// Answer to a refund request or query, and the decrypted resource of `REFUND.*`.
#[derive(Deserialize)]
pub(super) struct RefundObject {
    /// Only in notifications.
    pub mchid: Option<String>,
    pub refund_id: Option<String>,
    pub out_refund_no: String,
    pub out_trade_no: Option<String>,
    /// In responses; notifications say `refund_status`.
    #[serde(alias = "refund_status")]
    pub status: String,
    pub success_time: Option<String>,
    pub amount: Option<RefundObjectAmount>,
}

#[derive(Deserialize)]
pub(super) struct RefundObjectAmount {
    pub total: Option<i64>,
    pub refund: Option<i64>,
    pub currency: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct BillLocation {
    pub hash_type: String,
    pub hash_value: String,
    pub download_url: String,
}

#[derive(Deserialize)]
pub(super) struct ErrorBody {
    pub code: String,
    #[serde(default)]
    pub message: String,
}

/// A notification as it arrives.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub id: String,
    pub event_type: String,
    pub resource: Resource,
}

#[derive(Deserialize)]
pub(super) struct Resource {
    pub algorithm: String,
    pub ciphertext: String,
    #[serde(default)]
    pub associated_data: Option<String>,
    pub nonce: String,
}
