//! What is new belongs to a group, and the group decides on the shard.

use crate::pagination;
use crate::problem::Problem;
use crate::state::AppState;
use axum::http::StatusCode;
use domain::transfer::CompactTransfer;
use engine::store::{Queries, StoreError};
use engine::{Record, ShardCode};
use serde::Deserialize;
use std::sync::Arc;
use tokio::task::JoinSet;
use utoipa::IntoParams;

/// Shards that are asked at a time whether they know some numbers.
const ASKED_AT_A_TIME: usize = 4;

/// Refuses numbers that objects of other shards have. Two requests at the same moment under
/// different groups are not noticed: a number is unique within its group, and known elsewhere.
///
/// # Errors
/// 409 naming `group`, 503 when the store cannot be read.
pub(super) async fn only_here<R: Record>(
    state: &AppState,
    shard: ShardCode,
    numbers: impl IntoIterator<Item = String>,
    what: &str,
) -> Result<(), Problem> {
    let others: Vec<ShardCode> = state
        .book()
        .shards()
        .filter(|other| *other != shard)
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let numbers = numbers.into_iter();
    let numbers: Arc<[String]> = numbers.filter(|key| pagination::may_exist(key)).collect();
    let mut looks = JoinSet::new();
    for some in others.chunks(others.len().div_ceil(ASKED_AT_A_TIME)) {
        let (state, some, numbers) = (state.clone(), some.to_vec(), numbers.clone());
        looks.spawn(async move {
            let look = move |shards: &[Arc<dyn Queries>]| first_known::<R>(shards, &some, &numbers);
            state.read_all(look).await
        });
    }
    while let Some(look) = looks.join_next().await {
        let look = look.map_err(|error| Problem::internal(&error.to_string()))?;
        if let Some(number) = look? {
            let detail = format!("a {what} of the number {number} was opened in another group");
            let conflict = Problem::new(StatusCode::CONFLICT, "already_exists", detail);
            return Err(conflict.at("group"));
        }
    }
    Ok(())
}

/// The first of some numbers that one of some shards knows.
fn first_known<R: Record>(
    shards: &[Arc<dyn Queries>],
    some: &[ShardCode],
    numbers: &[String],
) -> Result<Option<String>, StoreError> {
    for shard in some {
        let Some(queries) = shards.get(usize::from(shard.number())) else {
            continue;
        };
        for number in numbers {
            if queries.record(R::KIND, number)?.is_some() {
                return Ok(Some(number.clone()));
            }
        }
    }
    Ok(None)
}

/// Which one is meant of transfers whose id a client used in two groups.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Among {
    /// Number of an account of the group that it belongs to; needed where another group has one of
    /// the same id.
    account: Option<u64>,
}

impl Among {
    /// Finds the one object in the shards that may be meant.
    ///
    /// # Errors
    /// 409 when several have it, 503 when the store cannot be read.
    pub(super) async fn find<T: Send + 'static>(
        &self,
        state: &AppState,
        what: &str,
        look: impl Fn(&dyn Queries) -> Result<Option<T>, StoreError> + Send + 'static,
    ) -> Result<Option<(ShardCode, T)>, Problem> {
        let book = state.book();
        let shards: Vec<ShardCode> = match self.account {
            Some(account) => book.shard_of_account(account).into_iter().collect(),
            None => book.shards().collect(),
        };
        let found = state
            .read_all(move |queries| {
                let mut found = Vec::new();
                for shard in shards {
                    let Some(queries) = queries.get(usize::from(shard.number())) else {
                        continue;
                    };
                    if let Some(object) = look(queries.as_ref())? {
                        found.push((shard, object));
                    }
                }
                Ok(found)
            })
            .await?;
        if found.len() > 1 {
            let detail = format!(
                "{} groups have a {what} of this id: name the one that is meant by one of its accounts (?account=)",
                found.len()
            );
            return Err(Problem::new(StatusCode::CONFLICT, "ambiguous", detail).at("account"));
        }
        Ok(found.into_iter().next())
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
