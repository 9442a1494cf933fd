//! How WeChat Pay declines a request.

use serde_json::{Value, json};

/// A declined request: HTTP status, `code` and `message`, and the numeric detail that ends the
/// `Request-Id` (wire reference: errors).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Stable code, e.g. `ORDER_NOT_EXIST`.
    pub code: &'static str,
    /// Text for people.
    pub message: String,
    /// Detailed numeric code.
    pub detail_code: u32,
    /// The `detail` object, where there is one.
    pub detail: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        code: &'static str,
        detail_code: u32,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            detail_code,
            detail: None,
        }
    }

    /// A parameter is missing or malformed.
    pub(crate) fn parameter(field: &str, issue: &str) -> Self {
        Self {
            detail: Some(json!({"field": field, "issue": issue, "location": "body"})),
            ..Self::new(
                400,
                "PARAM_ERROR",
                268_435_461,
                format!("参数错误: {field} {issue}"),
            )
        }
    }

    /// The request contradicts the rules or an earlier request.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_REQUEST", 268_435_461, message)
    }

    /// The number was used before with other parameters.
    pub(crate) fn reentry() -> Self {
        Self::new(
            400,
            "INVALID_REQUEST",
            268_498_688,
            "请求重入时参数与首次请求不一致",
        )
    }

    pub(crate) fn order_paid() -> Self {
        Self::new(400, "ORDERPAID", 268_449_538, "订单已支付")
    }

    pub(crate) fn order_closed() -> Self {
        Self::new(400, "ORDER_CLOSED", 268_447_914, "订单已关闭")
    }

    pub(crate) fn order_not_exist() -> Self {
        Self::new(404, "ORDER_NOT_EXIST", 268_512_771, "订单不存在")
    }

    pub(crate) fn resource_not_exists(message: &str) -> Self {
        Self::new(404, "RESOURCE_NOT_EXISTS", 268_512_771, message)
    }

    pub(crate) fn system_error() -> Self {
        Self::new(
            500,
            "SYSTEM_ERROR",
            268_435_457,
            "系统异常，请查询后使用相同参数重试",
        )
    }

    pub(crate) fn rate_limited() -> Self {
        Self::new(
            429,
            "FREQUENCY_LIMITED",
            268_447_840,
            "频率超限，请降低频率后重试",
        )
    }

    /// The JSON body.
    pub fn body(&self) -> Value {
        let mut body = json!({"code": self.code, "message": self.message});
        if let (Some(detail), Some(object)) = (&self.detail, body.as_object_mut()) {
            object.insert("detail".to_owned(), detail.clone());
        }
        body
    }
}
