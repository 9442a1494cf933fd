//! What is new belongs to a group, and the group decides on the shard.

use crate::pagination;
use crate::problem::Problem;
use crate::state::AppState;
use axum::http::StatusCode;
use domain::transfer::CompactTransfer;
use engine::{Record, ShardCode};

/// Refuses a number that an object of another shard has. Two requests at the same moment under
/// different groups are not noticed: a number is unique within its group, and known elsewhere.
///
/// # Errors
/// 409 naming `group`, 503 when the store cannot be read.
pub(super) async fn only_here<R: Record>(
    state: &AppState,
    shard: ShardCode,
    number: &str,
    what: &str,
) -> Result<(), Problem> {
    if state.book().shard_count() == 1 {
        return Ok(());
    }
    match pagination::find_in_shards::<R>(state, number).await? {
        Some((found, _)) if found != shard => Err(Problem::new(
            StatusCode::CONFLICT,
            "already_exists",
            format!("a {what} of that number was opened in another group"),
        )
        .at("group")),
        _ => Ok(()),
    }
}

/// Refuses transfers between shards: a posting is one command of one shard.
///
/// # Errors
/// 422 naming the transfer; `name` gives the field of an index.
pub(super) fn in_one_shard(
    state: &AppState,
    transfers: &[CompactTransfer],
    name: impl Fn(usize) -> String,
) -> Result<(), Problem> {
    let book = state.book();
    if book.shard_count() == 1 {
        return Ok(());
    }
    let first = transfers.first().map(|transfer| transfer.debit);
    let first = first.and_then(|account| book.shard_of_account(account));
    for (index, transfer) in transfers.iter().enumerate() {
        let sides = [("debit", transfer.debit), ("credit", transfer.credit)];
        for (side, account) in sides {
            let shard = book.shard_of_account(account);
            if shard.is_some() && first.is_some() && shard != first {
                let detail = format!(
                    "account {account} is kept in another shard: transfers connect accounts of one group"
                );
                let field = format!("{}{side}", name(index));
                return Err(
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "cross_shard", detail).at(field),
                );
            }
        }
    }
    Ok(())
}
