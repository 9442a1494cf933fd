//! Sorts PostgreSQL's errors by what the shard has to do about them.

use crate::store::StoreError;
use std::error::Error as _;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// An error of a statement. Only what the very same statement would meet again is `Refused`; in all other cases the
/// outcome counts as unknown.
pub(super) fn from_postgres(place: &str, error: &Error) -> StoreError {
    let Some(told) = error.as_db_error() else {
        return StoreError::Unavailable(format!("{place}: {}", with_sources(error)));
    };
    let text = format!("{place}: {} ({})", told.message(), told.code().code());
    match told.code().code().get(..2) {
        // Bad values, broken constraints, one key twice in a statement, a key longer than an index takes.
        Some("21" | "22" | "23" | "54") => StoreError::Refused(text),
        _ if *told.code() == SqlState::DATA_CORRUPTED
            || *told.code() == SqlState::INDEX_CORRUPTED =>
        {
            StoreError::Damaged {
                place: place.to_owned(),
                problem: told.message().to_owned(),
            }
        }
        _ => StoreError::Unavailable(text),
    }
}

/// The fence's own error.
pub(super) fn is_fence(error: &Error) -> bool {
    error.code() == Some(&SqlState::DIVISION_BY_ZERO)
}

/// A value in a column that no release wrote.
pub(super) fn damaged(place: &str, problem: &str) -> StoreError {
    StoreError::Damaged {
        place: place.to_owned(),
        problem: problem.to_owned(),
    }
}

/// The driver's texts name only the step; what went wrong is in its source.
fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The first failure of a pipelined transaction: what follows it is refused because of it.
pub(super) fn first_failure(answers: Vec<Result<u64, Error>>) -> Option<Error> {
    answers.into_iter().find_map(Result::err)
}

/// Whether the server itself said that the transaction is undone: an error of a statement before COMMIT or of
/// COMMIT's own checks. Everything else leaves its outcome open.
pub(super) fn without_effect(error: &Error) -> bool {
    error
        .code()
        .is_some_and(|code| matches!(code.code().get(..2), Some("21" | "22" | "23" | "54")))
}
