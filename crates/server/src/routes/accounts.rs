//! Accounts: balances come from the writer, histories from the database.

use super::groups;
use crate::api::accounts::{
    AccountView, EntryView, NewAccountBody, NewAccounts, OpenedAccountView, OpenedAccounts,
    StatementView, balance_of,
};
use crate::ask::{Ask, submit_problem};
use crate::auth::Caller;
use crate::config::Role;
use crate::extract::{Body, Ids, LargeBody, OptionalIdempotencyKey, Params};
use crate::pagination::{self, Page, PageRequest, cursor};
use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use calendar::BusinessDate;
use domain::merchant::Merchant;
use domain::transfer::{ACCOUNTS_MAX, ClientAccount, CloseAccount, NewClientAccount, OpenAccounts};
use domain::{Reply, Request};
use engine::store::{Queries, StoreError, StoredAccount};
use engine::{ShardCode, statement};
use ledger::{AccountId, AccountState};
use money::Money;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What a client's account is called in the books.
const CLIENT_PREFIX: &str = "client:";

/// Routes of this module.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(open_account, list_accounts))
        .routes(routes!(open_accounts))
        .routes(routes!(get_account))
        .routes(routes!(close_account))
        .routes(routes!(account_statement))
}

fn shown(account: Arc<ClientAccount>) -> (bool, OpenedAccountView) {
    (false, Arc::unwrap_or_clone(account).into())
}

/// Open an account
#[utoipa::path(post, path = "/v1/accounts", tag = "ledger", request_body = NewAccountBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Opened, or opened so earlier.", body = OpenedAccountView)))]
async fn open_account(
    State(state): State<AppState>,
    caller: Caller,
    key: OptionalIdempotencyKey,
    body: Body<NewAccountBody>,
) -> Result<Response, Problem> {
    let shard = shard_of(&state, body.value.group.as_deref())?;
    let code = [body.value.code.clone()];
    groups::only_here::<ClientAccount>(&state, shard, code, "account").await?;
    let accounts = vec![NewClientAccount::from(body.value)];
    let view = |reply| match reply {
        Reply::Accounts(accounts) => accounts.into_iter().next().map(shown),
        _ => None,
    };
    Ask::new(
        &state,
        &caller,
        Request::OpenAccounts(OpenAccounts { accounts }),
    )
    .at(shard)
    .maybe_keyed(&caller, key, &body.bytes)
    .create(view)
    .await
    .map_err(|problem| problem.without_prefix("accounts[0]."))
}

/// Open many accounts, all or none
#[utoipa::path(post, path = "/v1/accounts/batch", tag = "ledger", request_body = NewAccounts,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, description = "Opened, or opened so earlier.", body = OpenedAccounts)))]
async fn open_accounts(
    State(state): State<AppState>,
    caller: Caller,
    key: OptionalIdempotencyKey,
    LargeBody(body): LargeBody<NewAccounts>,
) -> Result<Response, Problem> {
    // Before anything is looked for: the domain, which knows the bound too, is asked last.
    if !(1..=ACCOUNTS_MAX).contains(&body.value.accounts.len()) {
        let detail = format!("open 1 to {ACCOUNTS_MAX} accounts at a time");
        return Err(Problem::invalid("accounts", detail));
    }
    let shard = shard_of(&state, body.value.group.as_deref())?;
    for (index, account) in body.value.accounts.iter().enumerate() {
        if account.group.is_some() && account.group != body.value.group {
            let detail = "the accounts of a batch have one group, that of the batch";
            return Err(Problem::invalid(format!("accounts[{index}].group"), detail));
        }
    }
    let codes = body
        .value
        .accounts
        .iter()
        .map(|account| account.code.clone());
    groups::only_here::<ClientAccount>(&state, shard, codes, "account").await?;
    let accounts = body.value.accounts.into_iter().map(NewClientAccount::from);
    let request = Request::OpenAccounts(OpenAccounts {
        accounts: accounts.collect(),
    });
    let view = |reply| match reply {
        Reply::Accounts(opened) => {
            let accounts = opened.into_iter().map(Arc::unwrap_or_clone);
            let accounts = accounts.map(OpenedAccountView::from).collect();
            Some((false, OpenedAccounts { accounts }))
        }
        _ => None,
    };
    Ask::new(&state, &caller, request)
        .at(shard)
        .maybe_keyed(&caller, key, &body.bytes)
        .create(view)
        .await
}

/// The shard of a group; accounts without one are kept together in the first.
fn shard_of(state: &AppState, group: Option<&str>) -> Result<ShardCode, Problem> {
    match group {
        None => Ok(ShardCode::FIRST),
        Some(group) if (1..=64).contains(&group.len()) => Ok(state.book().shard_of_group(group)),
        Some(_) => Err(Problem::invalid("group", "group must have 1 to 64 bytes")),
    }
}

/// Close an empty account for ever
#[utoipa::path(post, path = "/v1/accounts/{id}/close", tag = "ledger",
    params(("id" = u64, Path, description = "Number of the account.")),
    responses((status = 200, description = "Closed.", body = OpenedAccountView)))]
async fn close_account(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<u64>,
) -> Result<Response, Problem> {
    let (account, _) = visible(&state, &caller, id).await?;
    let shard = state.book().shard_of_account(id);
    let code = account.name.strip_prefix(CLIENT_PREFIX).map(str::to_owned);
    let code = code.ok_or_else(|| {
        Problem::forbidden(format!(
            "account {id} is the institution's: it closes with its owner"
        ))
    })?;
    let view = |reply| match reply {
        Reply::Account(account) => Some(shown(account)),
        _ => None,
    };
    Ask::new(
        &state,
        &caller,
        Request::CloseAccount(CloseAccount { code }),
    )
    .at(shard.unwrap_or(ShardCode::FIRST))
    .change(view)
    .await
}

/// An account that the caller may see: operators and finance all, a ledger client those of clients,
/// a merchant its own.
async fn visible(
    state: &AppState,
    caller: &Caller,
    id: u64,
) -> Result<(StoredAccount, AccountState), Problem> {
    let missing = || Problem::not_found("account", &id.to_string());
    let number = AccountId(id);
    let shard = state.book().shard_of_account(id).ok_or_else(missing)?;
    let stored = state
        .read(shard, move |queries| queries.account(number))
        .await?;
    let stored = stored.ok_or_else(missing)?;
    let permitted = match caller.credential().role {
        Role::Operator | Role::Finance => true,
        Role::Ledger => stored.name.starts_with(CLIENT_PREFIX),
        Role::Merchant => {
            let own = caller.confined_to().unwrap_or_default();
            let merchant = pagination::find::<Merchant>(state, own).await?;
            merchant.is_some_and(|merchant| merchant.accounts.all().contains(&number))
        }
    };
    if !permitted {
        return Err(missing());
    }
    let current = state.book().account(number).await;
    let current = current.map_err(|error| submit_problem(&error))?;
    let current = current.ok_or_else(missing)?;
    Ok((stored, current))
}

/// Get an account with its balance of this moment
#[utoipa::path(get, path = "/v1/accounts/{id}", tag = "ledger",
    params(("id" = u64, Path, description = "Number of the account.")),
    responses((status = 200, description = "The account.", body = AccountView)))]
async fn get_account(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<u64>,
) -> Result<Json<AccountView>, Problem> {
    let (stored, current) = visible(&state, &caller, id).await?;
    Ok(Json(AccountView::new(id, stored.name, &current)))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountQuery {
    /// Only the client's account with this code.
    code: Option<String>,
    /// Items of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// List accounts by number
///
/// Balances are those last written to the account table, which may be behind; ask for a single
/// account to have the balance of this moment. A ledger client gets the accounts of clients.
#[utoipa::path(get, path = "/v1/accounts", tag = "ledger", params(AccountQuery),
    responses((status = 200, description = "A page, smallest number first.", body = Page<AccountView>)))]
async fn list_accounts(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<AccountQuery>,
) -> Result<Json<Page<AccountView>>, Problem> {
    caller.require(&[Role::Operator, Role::Finance, Role::Ledger])?;
    if let Some(code) = query.code {
        return by_code(&state, &caller, &code).await;
    }
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let (after, limit) = (page.after_number()?.unwrap_or(0), page.limit());
    let clients_only = caller.credential().role == Role::Ledger;
    let mut found = state
        .read_all(move |shards| accounts_after(shards, after, limit + 1))
        .await?;
    let next = page.cut(&mut found, |last| cursor("", &last.id.0.to_string()));
    let items = found
        .into_iter()
        .filter(|account| !clients_only || account.name.starts_with(CLIENT_PREFIX))
        .map(|account| AccountView::new(account.id.0, account.name, &account.state))
        .collect();
    Ok(Json(Page { items, next }))
}

/// Accounts by number through all shards, which follow each other in it.
fn accounts_after(
    shards: &[Arc<dyn Queries>],
    after: u64,
    limit: usize,
) -> Result<Vec<StoredAccount>, StoreError> {
    let mut found: Vec<StoredAccount> = Vec::new();
    for (code, queries) in (0..).filter_map(ShardCode::new).zip(shards) {
        let end = ShardCode::new(code.number() + 1).map_or(u64::MAX, ShardCode::account_base);
        let wanted = limit - found.len();
        if end > after && wanted > 0 {
            let from = AccountId(after.max(code.account_base()));
            for account in queries.accounts_after(from, wanted)? {
                found.push(account.checked()?);
            }
        }
    }
    Ok(found)
}

async fn by_code(
    state: &AppState,
    caller: &Caller,
    code: &str,
) -> Result<Json<Page<AccountView>>, Problem> {
    let mut items = Vec::new();
    if let Some(account) = pagination::find_number::<ClientAccount>(state, code).await? {
        let (stored, current) = visible(state, caller, account.account).await?;
        items.push(AccountView::new(account.account, stored.name, &current));
    }
    Ok(Json(Page { items, next: None }))
}

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatementQuery {
    /// Business date; the account's last one if absent.
    #[param(value_type = Option<String>, format = Date)]
    date: Option<BusinessDate>,
    /// Entries of the page, 1 to 200.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Get an account's statement of a business date
#[utoipa::path(get, path = "/v1/accounts/{id}/statement", tag = "ledger",
    params(("id" = u64, Path, description = "Number of the account."), StatementQuery),
    responses((status = 200, description = "Opening, closing and a page of entries, newest first.", body = StatementView)))]
async fn account_statement(
    State(state): State<AppState>,
    caller: Caller,
    Ids(id): Ids<u64>,
    Params(query): Params<StatementQuery>,
) -> Result<Json<StatementView>, Problem> {
    let (_, current) = visible(&state, &caller, id).await?;
    let page = PageRequest::new(query.limit, query.after.as_deref())?;
    let before = page.after_number()?;
    let date = query.date.unwrap_or(current.day);
    let limit = page.limit();
    let shard = state
        .book()
        .shard_of_account(id)
        .unwrap_or(ShardCode::FIRST);
    let day = state
        .read(shard, move |queries| {
            statement::day(queries, AccountId(id), &current, date, before, limit)
        })
        .await?;
    let Some(day) = day else {
        return Err(Problem::not_found(
            "entry of the account on",
            &date.to_string(),
        ));
    };
    let opening = match &day.opening {
        Some(touch) => balance_of(touch, &current),
        None => Money::zero(current.currency),
    };
    Ok(Json(StatementView {
        account: id,
        date: day.date,
        opening,
        closing: balance_of(&day.closing, &current),
        entries: day
            .entries
            .into_iter()
            .map(|entry| EntryView::new(entry, &current))
            .collect(),
        next: day.next_before.map(|seq| cursor("", &seq.to_string())),
    }))
}
