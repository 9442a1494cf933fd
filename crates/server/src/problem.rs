//! Problems (RFC 9457): how every refusal looks.
//!
//! A handler returns a [`Problem`]; the outermost layer writes it, because only that layer knows
//! the request's id and path.

use crate::api::decisions::{ClauseSchema, MissingFactSchema};
use axum::http::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use calendar::BusinessDate;
use domain::regulation::{Clause, Lacking, RuleRefusal};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const SEQUENCE: HeaderName = HeaderName::from_static("x-journal-sequence");

/// A refusal or failure. Texts never repeat personal data or secrets of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code; part of the API.
    pub code: Cow<'static, str>,
    /// What was wrong and what to do.
    pub detail: String,
    /// Field of the request, `amount.currency` or `transfers.3.debit`.
    pub field: Option<String>,
    /// Further values.
    pub details: BTreeMap<String, String>,
    /// What the rules of regulation have against the request.
    pub rules: Option<Box<RuleRefusal>>,
    /// Seconds after which to try again.
    pub retry_after: Option<u16>,
    /// The command that was refused, where it came to the journal. In a box: a problem is passed up
    /// through many results and should be small.
    pub receipt: Option<Box<Receipt>>,
}

/// Where a command stands in the journal, told in the headers of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Row of the journal.
    pub journal_seq: u64,
    /// The answer is that of an earlier request under the same key.
    pub replayed: bool,
}

impl Receipt {
    /// Writes `X-Journal-Sequence` and, for a replay, `Idempotency-Replayed`.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(SEQUENCE, HeaderValue::from(self.journal_seq));
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
    }
}

/// A problem as it is sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// `urn:qingyuan:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:qingyuan:problem:invalid_field")]
    pub kind: String,
    /// The code in words.
    #[schema(example = "Invalid field")]
    pub title: String,
    /// HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// Stable code to program against.
    #[schema(example = "invalid_field")]
    pub code: &'a str,
    /// What was wrong and what to do; for people, may change.
    #[schema(example = "amount must be above zero")]
    pub detail: &'a str,
    /// Field of the request that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "amount.amount")]
    pub field: Option<&'a str>,
    /// Further values by name, e.g. the index of the refused transfer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: &'a BTreeMap<String, String>,
    /// With `refused_by_rule`: the clauses that forbid it.
    #[serde(skip_serializing_if = "<[Clause]>::is_empty")]
    #[schema(value_type = Vec<ClauseSchema>)]
    pub clauses: &'a [Clause],
    /// With `facts_missing`: what to state first.
    #[serde(skip_serializing_if = "<[Lacking]>::is_empty")]
    #[schema(value_type = Vec<MissingFactSchema>)]
    pub missing_facts: &'a [Lacking],
    /// The day by whose rules it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<BusinessDate>,
    /// Hash of the rule packs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packs: Option<&'a str>,
    /// Id of this request; quote it when you ask about it.
    #[schema(example = "req_5c1f9b0e7a3d2481")]
    pub request_id: &'a str,
    /// Path of the request.
    #[schema(example = "/v1/payments")]
    pub instance: &'a str,
}

impl Problem {
    /// A problem without field.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Problem {
        Problem {
            status,
            code: code.into(),
            detail: detail.into(),
            field: None,
            details: BTreeMap::new(),
            rules: None,
            retry_after: None,
            receipt: None,
        }
    }

    /// Names the field.
    pub fn at(mut self, field: impl Into<String>) -> Problem {
        self.field = Some(field.into());
        self
    }

    /// Names the field relative to an object inside the command.
    pub(crate) fn without_prefix(mut self, prefix: &str) -> Problem {
        if let Some(field) = &self.field
            && let Some(inner) = field.strip_prefix(prefix)
        {
            self.field = Some(inner.to_owned());
        }
        self
    }

    /// Adds a value.
    pub fn with(mut self, name: &str, value: impl ToString) -> Problem {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }

    /// 401.
    pub fn unauthorized() -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send a valid API key: Authorization: Bearer …",
        )
    }

    /// 403.
    pub fn forbidden(detail: String) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404 for an object.
    pub fn not_found(what: &str, id: &str) -> Problem {
        let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
        Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no {what} {shown}"),
        )
    }

    /// 422 for a field's content.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail).at(field)
    }

    /// 422 for a field that is not there.
    pub fn missing_field(field: &str) -> Problem {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "missing_field",
            format!("the field {field} is required"),
        )
        .at(field)
    }

    /// 400 for a query parameter.
    pub fn parameter(field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail).at(field)
    }

    /// 503: nothing is wrong with the request; send it again with the same idempotency key.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after = Some(1);
        problem
    }

    /// 500. The reason goes to the log, never to the client.
    pub fn internal(reason: &str) -> Problem {
        tracing::error!(reason, "a request failed inside");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "something failed inside; nothing was changed. Quote the request_id when you report it",
        )
    }

    /// Writes the body and headers.
    pub(crate) fn render(&self, mut response: Response, request_id: &str, path: &str) -> Response {
        let rules = self.rules.as_deref();
        let body = ProblemBody {
            kind: format!("urn:qingyuan:problem:{}", self.code),
            title: title(&self.code),
            status: self.status.as_u16(),
            code: &self.code,
            detail: &self.detail,
            field: self.field.as_deref(),
            details: &self.details,
            clauses: rules.map_or(&[], |rules| &rules.clauses),
            missing_facts: rules.map_or(&[], |rules| &rules.missing),
            as_of: rules.map(|rules| rules.as_of),
            packs: rules.map(|rules| rules.packs.as_str()),
            request_id,
            instance: path,
        };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let allow = response.headers_mut().remove(ALLOW);
        let mut rendered = (self.status, bytes).into_response();
        let headers = rendered.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(allow) = allow {
            headers.insert(ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(receipt) = &self.receipt {
            receipt.write(headers);
        }
        if [StatusCode::REQUEST_TIMEOUT, StatusCode::PAYLOAD_TOO_LARGE].contains(&self.status) {
            // What is left of the body is not read.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        rendered
    }
}

/// `invalid_field` as `Invalid field`.
fn title(code: &str) -> String {
    let mut title = code.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

/// Carries the problem through to the outermost layer.
#[derive(Clone)]
pub(crate) struct PendingProblem(pub Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response
            .extensions_mut()
            .insert(PendingProblem(Arc::new(self)));
        response
    }
}
