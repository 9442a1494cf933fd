//! The API's description (OpenAPI 3.1), collected from the handlers.

use crate::problem::ProblemBody;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

const DESCRIPTION: &str = "Collects, books, splits, settles, pays out and reconciles money.

Amounts are whole minor units with a currency. Times are RFC 3339 with offset; business dates are days in Asia/Shanghai. \
Unknown fields are refused. Every refusal is `application/problem+json` with a stable `code`; every answer carries `X-Request-Id`, and every answer to a command \
the number of that command in the journal, `X-Journal-Sequence`.

Requests that move money need an `Idempotency-Key`. A repeat under the same key is answered as the first one was, with \
`Idempotency-Replayed: true`; another body under the same key is refused. Besides, every order, refund, payout and transfer \
has a number that is unique for ever.

After `503` send the same request again with the same key: nothing is known to have happened, and nothing happens twice.";

/// An empty description with what concerns the whole API.
pub fn base() -> OpenApi {
    let info = utoipa::openapi::InfoBuilder::new()
        .title("Qingyuan 清源")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    let mut api = OpenApi::new(info, utoipa::openapi::Paths::new());
    let mut components = Components::new();
    let bearer = SecurityScheme::Http(
        Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key."))
            .build(),
    );
    components.add_security_scheme("key", bearer);
    components
        .schemas
        .insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components
        .responses
        .insert("Problem".to_owned(), RefOr::T(problem_response()));
    api.components = Some(components);
    api
}

fn problem_response() -> Response {
    let schema = Ref::from_schema_name(ProblemBody::name());
    ResponseBuilder::new()
        .description("Refused or failed; `code` says why.")
        .content(
            "application/problem+json",
            Content::new(Some(RefOr::Ref(schema))),
        )
        .header("X-Request-Id", Header::default())
        .build()
}

/// Adds to every operation what all have in common: the credential and the problem answer.
pub fn complete(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            complete_operation(path, operation);
        }
    }
}

fn complete_operation(path: &str, operation: &mut Operation) {
    let problem = RefOr::Ref(Ref::from_response_name("Problem"));
    operation
        .responses
        .responses
        .insert("default".to_owned(), problem);
    if path.starts_with("/v1/") {
        let none: [&str; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new("key", none)]);
    }
}
