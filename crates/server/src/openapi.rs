//! The API's description (OpenAPI 3.1), collected from the handlers.

use crate::problem::ProblemBody;
use crate::webhook;
use domain::webhook::EventType;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
};
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
    let mut api = OpenApi::new(info, Paths::new());
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
    let mut parts = Vec::new();
    ProblemBody::schemas(&mut parts);
    components.schemas.extend(parts);
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

/// What is sent to merchants' endpoints, one entry for each type of event.
fn webhooks() -> Paths {
    let header = |name: &str, description: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(Object::with_type(Type::String)))
            .build()
    };
    let mut paths = Paths::new();
    for event_type in EventType::ALL {
        let (schema, description) = webhook::described(event_type);
        let text = |description: &str| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(description))
        };
        let name = text("What happened.").enum_values(Some([event_type.name()]));
        let timestamp = text("When it happened.")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        let id = text("`evt_…`, the same in each delivery; also the header `webhook-id`.");
        let body = ObjectBuilder::new()
            .property("id", id)
            .required("id")
            .property("type", name)
            .required("type")
            .property("timestamp", timestamp)
            .required("timestamp")
            .property("data", Ref::from_schema_name(schema))
            .required("data");
        let request = RequestBodyBuilder::new()
            .content("application/json", Content::new(Some(body)))
            .required(Some(Required::True))
            .build();
        let operation = OperationBuilder::new()
            .tag("webhooks")
            .operation_id(Some(format!("webhook.{}", event_type.name())))
            .summary(Some(event_type.name()))
            .description(Some(description))
            .parameter(header("webhook-id", "Id of the event; drop repeats by it."))
            .parameter(header(
                "webhook-timestamp",
                "When this attempt was signed, in seconds since 1970.",
            ))
            .parameter(header(
                "webhook-signature",
                "`v1,` and HMAC-SHA256 in base64 (Standard Webhooks).",
            ))
            .request_body(Some(request))
            .response(
                "2XX",
                ResponseBuilder::new().description("Taken. Anything else is tried again."),
            )
            .build();
        let item = PathItem::new(HttpMethod::Post, operation);
        paths.paths.insert(event_type.name().to_owned(), item);
    }
    paths
}

/// Adds to every operation what all have in common, the credential and the problem answer, and what
/// is no operation of this server, the webhooks.
pub fn complete(api: &mut OpenApi) {
    api.webhooks = Some(webhooks());
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
