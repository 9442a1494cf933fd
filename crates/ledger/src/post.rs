//! The steps that change accounts. Each either changes everything it names and appends its rows,
//! or reports an error; the caller then restores the states it saved in [`Accounts::set`].

use crate::{
    AccountId, AccountState, HoldId, HoldState, LedgerError, NewAccount, PostError, Row, RowKind,
    Side, Touch,
};
use calendar::BusinessDate;
use money::Money;
use std::sync::Arc;

/// 128-bit id of a transfer, unique for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(pub u128);

/// One movement between two accounts of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Unique id.
    pub id: TransferId,
    /// Account debited.
    pub debit: AccountId,
    /// Account credited.
    pub credit: AccountId,
    /// Amount, above zero, in both accounts' currency.
    pub amount: Money,
    /// What kind of movement.
    pub code: u16,
}

/// Transfers that all happen or none.
#[derive(Debug, Clone, Copy)]
pub struct Posting<'a> {
    /// The transfers, applied in order.
    pub transfers: &'a [Transfer],
    /// Business object they belong to.
    pub reference: Option<&'a Arc<str>>,
}

/// Where the next row goes.
#[derive(Debug)]
pub struct RowContext<'a> {
    /// Last sequence number given out.
    pub seq: &'a mut u64,
    /// Business date of the rows.
    pub date: BusinessDate,
    /// Rows are appended here.
    pub rows: &'a mut Vec<Row>,
}

/// Why a view has no state to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<M> {
    /// There is no such account.
    Absent,
    /// The view cannot say without loading it first.
    Missing(M),
}

/// The caller's accounts.
pub trait Accounts {
    /// What the view reports when an account is not in memory.
    type Miss;
    /// State of an account.
    fn state(&mut self, id: AccountId) -> Result<AccountState, Lookup<Self::Miss>>;
    /// Replaces a state; the view remembers the old one for undoing.
    fn set(&mut self, id: AccountId, state: AccountState);
}

/// Failure of a step: refused by a rule, or interrupted for a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepError<M> {
    /// A rule forbids it.
    Refused(LedgerError),
    /// The account must be loaded first.
    Missing(M),
}

impl<M> From<LedgerError> for StepError<M> {
    fn from(error: LedgerError) -> Self {
        StepError::Refused(error)
    }
}

fn load<A: Accounts>(
    accounts: &mut A,
    id: AccountId,
    date: BusinessDate,
) -> Result<AccountState, StepError<A::Miss>> {
    let state = accounts.state(id).map_err(|lookup| match lookup {
        Lookup::Absent => StepError::Refused(LedgerError::UnknownAccount(id)),
        Lookup::Missing(miss) => StepError::Missing(miss),
    })?;
    if state.closed {
        return Err(LedgerError::AccountClosed(id).into());
    }
    if date < state.day {
        return Err(LedgerError::DateBackwards.into());
    }
    Ok(state)
}

/// Opens an account under a number that is not in use.
pub fn open_account<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    id: AccountId,
    new: &NewAccount,
) -> AccountState {
    *context.seq += 1;
    let seq = *context.seq;
    let state = AccountState::opened(new, seq, context.date);
    context.rows.push(Row {
        seq,
        kind: RowKind::Open,
        id: 0,
        hold: 0,
        amount: 0,
        date: context.date,
        code: 0,
        attributes: attributes(new),
        reference: Some(Arc::from(new.name.as_str())),
        debit: Touch {
            account: id.0,
            ..Touch::default()
        },
        credit: Touch::default(),
    });
    accounts.set(id, state);
    state
}

/// Kind, overdraft flag and currency packed for the opening row.
fn attributes(new: &NewAccount) -> u32 {
    u32::from(new.kind.code())
        | u32::from(new.may_go_negative) << 4
        | u32::from(new.currency.numeric()) << 8
}

/// Reads what an opening row says of its account; `None` when the row is not one or is damaged.
pub fn opened_account(row: &Row) -> Option<NewAccount> {
    if row.kind != RowKind::Open {
        return None;
    }
    Some(NewAccount {
        name: row.reference.as_deref()?.to_owned(),
        kind: crate::AccountKind::from_code((row.attributes & 0xf) as u8)?,
        currency: money::Currency::from_numeric((row.attributes >> 8) as u16)?,
        may_go_negative: row.attributes & 0x10 != 0,
    })
}

/// Applies a posting; on an error the caller undoes what was set.
pub fn post<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    posting: Posting<'_>,
) -> Result<(), (usize, StepError<A::Miss>)> {
    for (index, transfer) in posting.transfers.iter().enumerate() {
        apply(accounts, context, transfer, posting.reference, None)
            .map_err(|error| (index, error))?;
    }
    Ok(())
}

/// Posts a transfer out of a hold, whole or in part.
pub fn capture_hold<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    hold_id: HoldId,
    hold: &mut HoldState,
    transfer: &Transfer,
    reference: Option<&Arc<str>>,
) -> Result<(), StepError<A::Miss>> {
    let draws = match hold.side {
        Side::Debit => transfer.debit == hold.account,
        Side::Credit => transfer.credit == hold.account,
    };
    if !draws {
        return Err(LedgerError::HoldMismatch.into());
    }
    if transfer.amount.amount() > hold.remaining {
        return Err(LedgerError::HoldExhausted.into());
    }
    apply(
        accounts,
        context,
        transfer,
        reference,
        Some((hold_id, hold.side)),
    )?;
    hold.remaining -= transfer.amount.amount();
    Ok(())
}

fn apply<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    transfer: &Transfer,
    reference: Option<&Arc<str>>,
    captured: Option<(HoldId, Side)>,
) -> Result<(), StepError<A::Miss>> {
    let amount = transfer.amount.amount();
    if amount <= 0 {
        return Err(LedgerError::AmountNotPositive.into());
    }
    if transfer.debit == transfer.credit {
        return Err(LedgerError::SameAccount.into());
    }
    let mut debit = load(accounts, transfer.debit, context.date)?;
    let mut credit = load(accounts, transfer.credit, context.date)?;
    let currency = transfer.amount.currency();
    if debit.currency != currency || credit.currency != currency {
        return Err(LedgerError::CurrencyMismatch.into());
    }
    // The held amount is freed first: captured money must not be asked for twice.
    match captured {
        Some((_, Side::Debit)) => debit.hold(Side::Debit, -amount)?,
        Some((_, Side::Credit)) => credit.hold(Side::Credit, -amount)?,
        None => {}
    }
    debit.post(Side::Debit, amount)?;
    credit.post(Side::Credit, amount)?;
    *context.seq += 1;
    let seq = *context.seq;
    let debit_touch = Touch::advance(transfer.debit, &mut debit, seq, context.date);
    let credit_touch = Touch::advance(transfer.credit, &mut credit, seq, context.date);
    accounts.set(transfer.debit, debit);
    accounts.set(transfer.credit, credit);
    context.rows.push(Row {
        seq,
        kind: if captured.is_some() {
            RowKind::Capture
        } else {
            RowKind::Transfer
        },
        id: transfer.id.0,
        hold: captured.map_or(0, |(hold, _)| hold.0),
        amount,
        date: context.date,
        code: transfer.code,
        attributes: 0,
        reference: reference.cloned(),
        debit: debit_touch,
        credit: credit_touch,
    });
    Ok(())
}

/// Reserves an amount on one side of an account.
pub fn place_hold<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    id: HoldId,
    account: AccountId,
    side: Side,
    amount: Money,
    reference: Option<&Arc<str>>,
) -> Result<HoldState, StepError<A::Miss>> {
    if !amount.is_positive() {
        return Err(LedgerError::AmountNotPositive.into());
    }
    let mut state = load(accounts, account, context.date)?;
    if state.currency != amount.currency() {
        return Err(LedgerError::CurrencyMismatch.into());
    }
    state.hold(side, amount.amount())?;
    let hold = HoldState {
        account,
        side,
        amount: amount.amount(),
        remaining: amount.amount(),
    };
    single(
        accounts,
        context,
        RowKind::Hold,
        (id.0, 0),
        &hold,
        amount.amount(),
        state,
        reference,
    );
    Ok(hold)
}

/// Gives up what is left of a hold; a finished hold is left as it is.
pub fn release_hold<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    id: HoldId,
    hold: &mut HoldState,
    reference: Option<&Arc<str>>,
) -> Result<i64, StepError<A::Miss>> {
    let rest = hold.remaining;
    if rest == 0 {
        return Ok(0);
    }
    let mut state = load(accounts, hold.account, context.date)?;
    state.hold(hold.side, -rest)?;
    hold.remaining = 0;
    single(
        accounts,
        context,
        RowKind::Release,
        (0, id.0),
        hold,
        rest,
        state,
        reference,
    );
    Ok(rest)
}

#[allow(clippy::too_many_arguments)] // one row's columns; a struct would only rename them
fn single<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    kind: RowKind,
    (id, hold_id): (u128, u128),
    hold: &HoldState,
    amount: i64,
    mut state: AccountState,
    reference: Option<&Arc<str>>,
) {
    *context.seq += 1;
    let seq = *context.seq;
    let touch = Touch::advance(hold.account, &mut state, seq, context.date);
    accounts.set(hold.account, state);
    let (debit, credit) = match hold.side {
        Side::Debit => (touch, Touch::default()),
        Side::Credit => (Touch::default(), touch),
    };
    context.rows.push(Row {
        seq,
        kind,
        id,
        hold: hold_id,
        amount,
        date: context.date,
        code: 0,
        attributes: 0,
        reference: reference.cloned(),
        debit,
        credit,
    });
}

/// Closes an empty account for ever.
pub fn close_account<A: Accounts>(
    accounts: &mut A,
    context: &mut RowContext<'_>,
    id: AccountId,
) -> Result<(), StepError<A::Miss>> {
    let mut state = load(accounts, id, context.date)?;
    if state.balance() != 0 || state.debits_held != 0 || state.credits_held != 0 {
        return Err(LedgerError::NotEmpty(id).into());
    }
    state.closed = true;
    *context.seq += 1;
    let seq = *context.seq;
    let debit = Touch::advance(id, &mut state, seq, context.date);
    accounts.set(id, state);
    context.rows.push(Row {
        seq,
        kind: RowKind::Close,
        id: 0,
        hold: 0,
        amount: 0,
        date: context.date,
        code: 0,
        attributes: 0,
        reference: None,
        debit,
        credit: Touch::default(),
    });
    Ok(())
}

/// The transfer that undoes another: the sides swapped, under its own id.
pub fn reversal_of(original: &Transfer, id: TransferId) -> Transfer {
    Transfer {
        id,
        debit: original.credit,
        credit: original.debit,
        ..*original
    }
}

impl PostError {
    /// Wraps a refused step of a posting; an interruption is handed back.
    pub fn from_step<M>(index: usize, error: StepError<M>) -> Result<PostError, M> {
        match error {
            StepError::Refused(error) => Ok(PostError { index, error }),
            StepError::Missing(miss) => Err(miss),
        }
    }
}
