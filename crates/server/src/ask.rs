//! From a request to a command, and from its outcome to an answer.

use crate::auth::Caller;
use crate::book::{Route, route};
use crate::extract::{IdempotencyKey, OptionalIdempotencyKey};
use crate::problem::{Problem, Receipt};
use crate::state::AppState;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::{Code, Command, Rejection, Reply, Request};
use engine::{Denial, Envelope, Idempotency, ShardCode, SubmitError, VaultEntry, Verdict, Work};
use serde::Serialize;

/// A request on its way to the shard.
pub struct Ask<'a> {
    state: &'a AppState,
    shard: ShardCode,
    envelope: Envelope<Command>,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// The command's reply; `None` where it waits for a second person.
    pub outcome: Outcome,
    receipt: Receipt,
}

/// How a request ended that was not refused.
#[derive(Debug)]
pub enum Outcome {
    /// Done.
    Reply(Reply),
    /// Waits for approval under this number.
    Proposed(String),
    /// A proposal was declined.
    Declined,
}

/// A request that waits for a second person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Proposed {
    /// Number of the proposal; a person with the right role approves it.
    #[schema(example = "prp_0001KABCDEFGHJKMNPQRSTVWXY")]
    pub proposal: String,
}

impl<'a> Ask<'a> {
    /// A request by the caller, to the shard of the object that it names.
    pub fn new(state: &'a AppState, caller: &Caller, request: Request) -> Ask<'a> {
        let command = Command::Request(request);
        let shard = state.book().shard_for(&route(&command));
        let mut envelope = Envelope::new(caller.actor(), command);
        envelope.idempotency = caller.nonce().map(|(nonce, signature)| Idempotency {
            scope: format!("{} nonce", caller.credential().id),
            key: nonce.to_owned(),
            body_hash: signature.to_owned(),
        });
        Ask {
            state,
            shard,
            envelope,
        }
    }

    /// To this shard instead.
    pub fn at(mut self, shard: ShardCode) -> Ask<'a> {
        self.shard = shard;
        self
    }

    /// A decision on a proposal.
    pub fn decide(
        state: &'a AppState,
        caller: &Caller,
        proposal: String,
        approve: bool,
    ) -> Ask<'a> {
        let shard = state.book().shard_for(&Route::Key(proposal.clone()));
        Ask {
            state,
            shard,
            envelope: Envelope {
                actor: caller.actor(),
                work: Work::Decide { proposal, approve },
                idempotency: None,
                vault: Vec::new(),
            },
        }
    }

    /// Under the key of the request.
    pub fn keyed(self, caller: &Caller, key: IdempotencyKey, body: &[u8]) -> Ask<'a> {
        self.maybe_keyed(caller, OptionalIdempotencyKey(Some(key.0)), body)
    }

    /// Under the key of the request, where it has one.
    pub fn maybe_keyed(
        mut self,
        caller: &Caller,
        key: OptionalIdempotencyKey,
        body: &[u8],
    ) -> Ask<'a> {
        if let Some(key) = key.0 {
            self.envelope.idempotency = Some(Idempotency {
                scope: format!("{} {}", caller.credential().id, key.route),
                key: key.key,
                body_hash: caller.body_hash(body),
            });
        }
        self
    }

    /// With personal data for the vault.
    pub fn sealing(mut self, entries: impl IntoIterator<Item = VaultEntry>) -> Ask<'a> {
        self.envelope.vault.extend(entries);
        self
    }

    /// Submits it and waits until its outcome is durable.
    ///
    /// # Errors
    /// What the domain or the engine refused, or 503.
    pub async fn submit(self) -> Result<Done, Problem> {
        let submitted = self.state.book().submit(self.shard, self.envelope).await;
        let outcome = submitted.map_err(|error| submit_problem(&error))?;
        let receipt = Receipt {
            journal_seq: outcome.journal_seq,
            replayed: outcome.replayed,
        };
        let refused = |mut problem: Problem| {
            problem.receipt = Some(Box::new(receipt));
            Err(problem)
        };
        let outcome = match outcome.result {
            Verdict::Done(reply) => Outcome::Reply(reply),
            Verdict::Proposed(proposal) => Outcome::Proposed(proposal),
            Verdict::Noted => Outcome::Declined,
            Verdict::Refused(rejection) => return refused(rejection_problem(rejection)),
            Verdict::Denied(denial) => return refused(denial_problem(denial)),
        };
        Ok(Done { outcome, receipt })
    }

    /// Submits it to every shard, one after another; the answer is that of the last. Of what fails half-way the same
    /// request again does the rest.
    ///
    /// # Errors
    /// As [`Ask::submit`].
    pub async fn submit_to_all(self) -> Result<Done, Problem> {
        let mut last = None;
        for shard in self.state.book().shards() {
            let ask = Ask {
                state: self.state,
                shard,
                envelope: self.envelope.clone(),
            };
            last = Some(ask.submit().await?);
        }
        last.ok_or_else(|| Problem::internal("the book has no shard"))
    }

    /// Submits what makes an object: 201, or 200 where an earlier request had made it. `show` says
    /// which, and gives `None` for a reply of another command.
    ///
    /// # Errors
    /// As [`Ask::submit`].
    pub async fn create<T: Serialize>(
        self,
        show: impl FnOnce(Reply) -> Option<(bool, T)>,
    ) -> Result<Response, Problem> {
        self.submit().await?.created(show)
    }

    /// Submits what changes an object.
    ///
    /// # Errors
    /// As [`Ask::submit`].
    pub async fn change<T: Serialize>(
        self,
        show: impl FnOnce(Reply) -> Option<(bool, T)>,
    ) -> Result<Response, Problem> {
        self.submit().await?.changed(show)
    }
}

impl Done {
    /// Whether this is the answer of an earlier request.
    pub fn is_replay(&self) -> bool {
        self.receipt.replayed
    }

    /// The answer to a request that makes an object; see [`Ask::create`].
    ///
    /// # Errors
    /// As [`Done::answer`].
    pub fn created<T: Serialize>(
        self,
        show: impl FnOnce(Reply) -> Option<(bool, T)>,
    ) -> Result<Response, Problem> {
        self.answer(|reply| {
            let (repeated, body) = show(reply)?;
            let status = if repeated {
                StatusCode::OK
            } else {
                StatusCode::CREATED
            };
            Some((status, body))
        })
    }

    /// The answer to a request that changes an object.
    ///
    /// # Errors
    /// As [`Done::answer`].
    pub fn changed<T: Serialize>(
        self,
        show: impl FnOnce(Reply) -> Option<(bool, T)>,
    ) -> Result<Response, Problem> {
        self.answer(|reply| show(reply).map(|(_, body)| (StatusCode::OK, body)))
    }

    /// An answer that was put together from several commands, under the receipt of the last.
    pub fn answer_as<T: Serialize>(self, status: StatusCode, body: T) -> Response {
        let mut response = (status, Json(body)).into_response();
        self.receipt.write(response.headers_mut());
        response
    }

    /// The answer.
    ///
    /// # Errors
    /// 500 when the reply is that of another command.
    pub fn answer<T: Serialize>(
        self,
        show: impl FnOnce(Reply) -> Option<(StatusCode, T)>,
    ) -> Result<Response, Problem> {
        let mut response = match self.outcome {
            Outcome::Reply(reply) => match show(reply) {
                Some((status, body)) => (status, Json(body)).into_response(),
                None => return Err(Problem::internal("the reply is that of another command")),
            },
            Outcome::Proposed(proposal) => {
                (StatusCode::ACCEPTED, Json(Proposed { proposal })).into_response()
            }
            Outcome::Declined => StatusCode::NO_CONTENT.into_response(),
        };
        self.receipt.write(response.headers_mut());
        Ok(response)
    }
}

/// What the engine could not take.
pub(crate) fn submit_problem(error: &SubmitError) -> Problem {
    match error {
        SubmitError::Busy => Problem::unavailable(
            "busy",
            "the server takes no more requests right now; send it again with the same Idempotency-Key",
        ),
        SubmitError::Moving => Problem::unavailable(
            "shard_moving",
            "no server writes this shard at this moment; send it again with the same Idempotency-Key",
        ),
        SubmitError::Unavailable(reason) => {
            tracing::warn!(%reason, "a commit failed");
            Problem::unavailable(
                "store_unavailable",
                "the store is not available; whether this request took effect is not known. Send it again with the same Idempotency-Key",
            )
        }
    }
}

/// What the domain refused.
pub(crate) fn rejection_problem(rejection: Rejection) -> Problem {
    let status = match rejection.code {
        Code::InvalidField
        | Code::InsufficientFunds
        | Code::LimitExceeded
        | Code::PostingRefused
        | Code::RefusedByRule
        | Code::FactsMissing => StatusCode::UNPROCESSABLE_ENTITY,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::StateConflict | Code::NotSetUp => StatusCode::CONFLICT,
        Code::Forbidden => StatusCode::FORBIDDEN,
    };
    let code = serde_json::to_value(rejection.code).unwrap_or_default();
    let mut problem = Problem::new(
        status,
        code.as_str().unwrap_or("refused").to_owned(),
        rejection.message,
    );
    problem.field = rejection.field;
    problem.details = rejection.details;
    problem.rules = rejection.rules;
    problem
}

/// What the engine refused.
fn denial_problem(denial: Denial) -> Problem {
    let text = denial.to_string();
    match denial {
        Denial::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            text,
        )
        .at("Idempotency-Key"),
        Denial::NoSuchProposal { .. } => Problem::new(StatusCode::NOT_FOUND, "not_found", text),
        Denial::ProposalDecided { .. } => {
            Problem::new(StatusCode::CONFLICT, "state_conflict", text)
        }
        Denial::MakerIsChecker => Problem::new(StatusCode::FORBIDDEN, "maker_is_checker", text),
        Denial::RoleMissing { .. } => Problem::forbidden(text),
        Denial::Broken { reason } => Problem::internal(&reason),
    }
}
