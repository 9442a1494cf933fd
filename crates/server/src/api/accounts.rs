//! Accounts, their balances and entries.

use super::enums;
use super::money::MoneySchema;
use calendar::BusinessDate;
use domain::chart::Movement;
use domain::transfer::{ClientAccount, NewClientAccount};
use engine::ids::id_text;
use engine::statement::Entry;
use jiff::Timestamp;
use ledger::{AccountKind, AccountState, RowKind, Side, Touch};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};

/// A new account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "wallet:1001", "kind": "liability", "currency": "CNY"}))]
pub struct NewAccountBody {
    /// Your own code, unique for ever: 1 to 64 letters, digits or `-_.:`. The same code with the
    /// same content answers the same account.
    pub code: String,
    /// Kind; decides the side on which the balance grows.
    #[schema(schema_with = enums::account_kind)]
    pub kind: AccountKind,
    /// ISO 4217 code.
    #[schema(value_type = String, example = "CNY")]
    pub currency: Currency,
    /// Whether it may be overdrawn.
    #[serde(default)]
    pub may_go_negative: bool,
    /// Accounts of one group are kept together: transfers connect accounts of one group only. Absent
    /// is a group too. Not for the accounts of a batch, which has one group.
    #[serde(default)]
    pub group: Option<String>,
}

impl From<NewAccountBody> for NewClientAccount {
    fn from(body: NewAccountBody) -> NewClientAccount {
        NewClientAccount {
            code: body.code,
            kind: body.kind,
            currency: body.currency,
            may_go_negative: body.may_go_negative,
        }
    }
}

/// New accounts, opened all or none.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"accounts": [{"code": "wallet:1001", "kind": "liability", "currency": "CNY"}]}))]
pub struct NewAccounts {
    /// 1 to 2,000.
    pub accounts: Vec<NewAccountBody>,
    /// Group of all of them.
    #[serde(default)]
    pub group: Option<String>,
}

/// An account as it was opened.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenedAccount)]
pub struct OpenedAccountView {
    /// Number, used in transfers.
    #[schema(example = 42)]
    pub id: u64,
    /// Your own code.
    #[schema(example = "wallet:1001")]
    pub code: String,
    /// Kind.
    #[schema(schema_with = enums::account_kind)]
    pub kind: AccountKind,
    /// ISO 4217 code.
    #[schema(value_type = String, example = "CNY")]
    pub currency: Currency,
    /// Whether it may be overdrawn.
    pub may_go_negative: bool,
    /// Takes no more postings.
    pub closed: bool,
    /// Opened at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Business date of its opening.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
}

impl From<ClientAccount> for OpenedAccountView {
    fn from(account: ClientAccount) -> OpenedAccountView {
        OpenedAccountView {
            id: account.account,
            code: account.code,
            kind: account.kind,
            currency: account.currency,
            may_go_negative: account.may_go_negative,
            closed: account.closed,
            created_at: account.created_at,
            business_date: account.business_date,
        }
    }
}

/// Accounts as they were opened.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OpenedAccounts {
    /// In the order asked.
    pub accounts: Vec<OpenedAccountView>,
}

/// An account. All amounts are as the writer knows them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// Number.
    #[schema(example = 42)]
    pub id: u64,
    /// Name in the books; a client's account is `client:` and its code.
    #[schema(example = "client:wallet:1001")]
    pub name: String,
    /// Kind.
    #[schema(schema_with = enums::account_kind)]
    pub kind: AccountKind,
    /// ISO 4217 code.
    #[schema(value_type = String, example = "CNY")]
    pub currency: Currency,
    /// Posted balance on the normal side; below nothing when overdrawn.
    #[schema(value_type = MoneySchema)]
    pub balance: Money,
    /// Balance less what holds reserve.
    #[schema(value_type = MoneySchema)]
    pub available: Money,
    /// Sum of all debits in minor units.
    pub debits_posted: i64,
    /// Sum of all credits in minor units.
    pub credits_posted: i64,
    /// Debits announced by open holds.
    pub debits_held: i64,
    /// Credits announced by open holds.
    pub credits_held: i64,
    /// May be overdrawn.
    pub may_go_negative: bool,
    /// Takes no more postings.
    pub closed: bool,
    /// Place of its last change in the book's sequence.
    pub head_seq: u64,
    /// Business date of its last change.
    #[schema(value_type = String, format = Date)]
    pub last_date: BusinessDate,
}

impl AccountView {
    /// An account with its name.
    pub fn new(id: u64, name: String, state: &AccountState) -> AccountView {
        AccountView {
            id,
            name,
            kind: state.kind,
            currency: state.currency,
            balance: Money::new(state.balance(), state.currency),
            available: Money::new(state.available(), state.currency),
            debits_posted: state.debits_posted,
            credits_posted: state.credits_posted,
            debits_held: state.debits_held,
            credits_held: state.credits_held,
            may_go_negative: state.may_go_negative,
            closed: state.closed,
            head_seq: state.head_seq,
            last_date: state.day,
        }
    }
}

/// One change of an account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Entry)]
pub struct EntryView {
    /// Place in the book's sequence.
    pub seq: u64,
    /// Business date.
    #[schema(value_type = String, format = Date)]
    pub date: BusinessDate,
    /// `open`, `transfer`, `hold`, `capture`, `release` or `close`.
    #[schema(example = "transfer")]
    pub kind: &'static str,
    /// Id of the transfer or hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The hold that a capture or release draws on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// Side of this account.
    #[schema(schema_with = enums::side)]
    pub side: Side,
    /// Amount.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// The account on the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<u64>,
    /// What kind of movement.
    pub code: u16,
    /// The same in words, for the institution's own movements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<&'static str>,
    /// Business object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Balance after it, on the normal side.
    #[schema(value_type = MoneySchema)]
    pub balance: Money,
}

/// A day of an account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Statement)]
pub struct StatementView {
    /// The account.
    pub account: u64,
    /// Business date.
    #[schema(value_type = String, format = Date)]
    pub date: BusinessDate,
    /// Balance before the day.
    #[schema(value_type = MoneySchema)]
    pub opening: Money,
    /// Balance after the day, or now on the running date.
    #[schema(value_type = MoneySchema)]
    pub closing: Money,
    /// Newest first.
    pub entries: Vec<EntryView>,
    /// Give it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Balance of a touched account on its normal side.
pub fn balance_of(touch: &Touch, state: &AccountState) -> Money {
    // Cumulative totals are not negative, so their difference fits.
    let amount = match state.kind.normal_side() {
        Side::Debit => touch.debits_posted - touch.credits_posted,
        Side::Credit => touch.credits_posted - touch.debits_posted,
    };
    Money::new(amount, state.currency)
}

impl EntryView {
    /// An entry of an account.
    pub fn new(entry: Entry, state: &AccountState) -> EntryView {
        let row = entry.row;
        let other = match entry.side {
            Side::Debit => row.credit.account,
            Side::Credit => row.debit.account,
        };
        EntryView {
            seq: row.seq,
            date: row.date,
            kind: kind_name(row.kind),
            id: (row.id != 0).then(|| id_text(row.id)),
            hold: (row.hold != 0).then(|| id_text(row.hold)),
            side: entry.side,
            amount: Money::new(row.amount, state.currency),
            counterpart: (other != 0).then_some(other),
            code: row.code,
            movement: Movement::from_code(row.code).map(Movement::english),
            reference: row.reference.map(|reference| reference.to_string()),
            balance: balance_of(&entry.touch, state),
        }
    }
}

/// Name of a row's kind.
pub fn kind_name(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Open => "open",
        RowKind::Transfer => "transfer",
        RowKind::Hold => "hold",
        RowKind::Capture => "capture",
        RowKind::Release => "release",
        RowKind::Close => "close",
    }
}
