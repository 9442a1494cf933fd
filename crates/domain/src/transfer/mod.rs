//! The plain ledger: accounts, transfers and holds of clients that keep their own books here.
//!
//! Whose account is whose: the institution's and the merchants' accounts are marked, one bit each, in
//! [`crate::chart::BusinessAccounts`], one record for 4,096 numbers. A batch of transfers asks for the few
//! blocks it names and tests bits; there is no look-up per transfer beyond the ledger's own. Codes
//! below [`Movement::FIRST_CLIENT_CODE`] are the institution's, so that a statement can never show a
//! client's transfer as, say, a payment received.

mod command;
mod compact;
mod hold;
mod record;

pub use command::{
    CaptureHold, CloseAccount, HeldTrade, NewClientAccount, OpenAccounts, PlaceHold, PostTransfers,
    ReleaseHold, ReverseTransfer,
};
pub use compact::CompactTransfer;
pub(crate) use hold::{capture, place, release};
pub use record::{ClientAccount, PlacedHold, Reversal, TradeHold};

use crate::chart::{Movement, Ownership};
use crate::context::Context;
use crate::rejection::{Code, Refusable, Rejection, broken};
use crate::text;
use engine::{Interrupt, PostStop, Posted, Tx};
use ledger::{AccountId, NewAccount, PostError, Transfer, reversal_of};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Transfers of one command.
pub const TRANSFERS_MAX: usize = 8_192;

/// Accounts opened by one command; each is three rows.
pub const ACCOUNTS_MAX: usize = 2_000;

/// What became of a batch of transfers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TransfersPosted {
    /// Posted by this command.
    pub posted: u32,
    /// Posted before under the same ids with the same content.
    pub repeated: u32,
    /// Refused, each for itself; empty when linked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedTransfer>,
}

/// A transfer that was refused, by its place in the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTransfer {
    /// Position, from 0.
    pub index: u32,
    /// Stable code.
    pub code: Code,
    /// For people.
    pub message: String,
}

/// Opens accounts, all or none.
pub(crate) fn open(
    cx: &mut Context<'_, '_>,
    command: &OpenAccounts,
) -> Refusable<Vec<Arc<ClientAccount>>> {
    let count = command.accounts.len();
    if count == 0 || count > ACCOUNTS_MAX {
        return Err(Rejection::field(
            "accounts",
            format!("open 1 to {ACCOUNTS_MAX} accounts at a time"),
        )
        .into());
    }
    let mut opened = Vec::with_capacity(count);
    for (index, new) in command.accounts.iter().enumerate() {
        text::number(&format!("accounts[{index}].code"), &new.code)?;
        opened.push(open_one(cx.tx, index, new)?);
    }
    Ok(opened)
}

fn open_one(
    tx: &mut Tx<'_>,
    index: usize,
    new: &NewClientAccount,
) -> Refusable<Arc<ClientAccount>> {
    if let Some(known) = tx.get::<ClientAccount>(&new.code)? {
        let differs = [
            ("kind", known.kind == new.kind),
            ("currency", known.currency == new.currency),
            (
                "may_go_negative",
                known.may_go_negative == new.may_go_negative,
            ),
        ]
        .into_iter()
        .find_map(|(field, same)| (!same).then_some(field));
        return match differs {
            Some(field) => Err(Rejection::already_exists(
                "account",
                &format!("accounts[{index}].{field}"),
            )
            .into()),
            None => Ok(known),
        };
    }
    let account = NewAccount {
        name: ClientAccount::ledger_name(&new.code),
        kind: new.kind,
        currency: new.currency,
        may_go_negative: new.may_go_negative,
    };
    let id = tx
        .open_account(&account)?
        .map_err(|_| broken("a client account exists without its record"))?;
    let created_at = tx.now();
    tx.put(ClientAccount {
        code: new.code.clone(),
        account: id.0,
        kind: new.kind,
        currency: new.currency,
        may_go_negative: new.may_go_negative,
        closed: false,
        created_at,
        business_date: tx.business_date(),
    })?;
    Ok(tx.expect(&new.code)?)
}

/// Closes an empty account.
pub(crate) fn close(
    cx: &mut Context<'_, '_>,
    command: &CloseAccount,
) -> Refusable<Arc<ClientAccount>> {
    let known = cx.tx.get::<ClientAccount>(&command.code)?;
    let known = known.ok_or_else(|| Rejection::not_found("account", &command.code))?;
    if known.closed {
        return Ok(known);
    }
    cx.tx.close_account(AccountId(known.account))?;
    cx.tx.put(ClientAccount {
        closed: true,
        ..(*known).clone()
    })?;
    Ok(cx.tx.expect(&command.code)?)
}

/// Posts a batch.
pub(crate) fn post(
    cx: &mut Context<'_, '_>,
    command: &PostTransfers,
) -> Refusable<TransfersPosted> {
    let count = command.transfers.len();
    if count == 0 || count > TRANSFERS_MAX {
        return Err(Rejection::field(
            "transfers",
            format!("post 1 to {TRANSFERS_MAX} transfers at a time"),
        )
        .into());
    }
    if let Some(reference) = &command.reference {
        text::plain("reference", reference, 64)?;
    }
    if command.linked {
        linked(cx, command)
    } else {
        each(cx, command)
    }
}

fn linked(cx: &mut Context<'_, '_>, command: &PostTransfers) -> Refusable<TransfersPosted> {
    let mut ownership = Ownership::default();
    let mut transfers = Vec::with_capacity(command.transfers.len());
    for (index, compact) in command.transfers.iter().enumerate() {
        if let Some(rejection) = forbidden(cx.tx, &mut ownership, compact)? {
            return Err(rejection.with("index", index).into());
        }
        transfers.push(compact.transfer(command.currency));
    }
    let count = u32::try_from(transfers.len()).map_err(broken)?;
    Ok(
        match cx.tx.post(&transfers, command.reference.as_deref())? {
            Posted::New => TransfersPosted {
                posted: count,
                ..TransfersPosted::default()
            },
            Posted::Already => TransfersPosted {
                repeated: count,
                ..TransfersPosted::default()
            },
        },
    )
}

fn each(cx: &mut Context<'_, '_>, command: &PostTransfers) -> Refusable<TransfersPosted> {
    let mut ownership = Ownership::default();
    let mut outcome = TransfersPosted::default();
    for (index, compact) in (0u32..).zip(&command.transfers) {
        let result = match forbidden(cx.tx, &mut ownership, compact)? {
            Some(rejection) => Err(rejection),
            None => {
                let transfer = [compact.transfer(command.currency)];
                match cx.tx.post(&transfer, command.reference.as_deref()) {
                    Ok(posted) => Ok(posted),
                    Err(PostStop::Refused(PostError { error, .. })) => {
                        // Its place in the batch, not in the posting of one.
                        Err(Rejection::from(PostError {
                            index: index as usize,
                            error,
                        }))
                    }
                    Err(PostStop::Interrupted(interrupt)) => return Err(interrupt.into()),
                }
            }
        };
        match result {
            Ok(Posted::New) => outcome.posted += 1,
            Ok(Posted::Already) => outcome.repeated += 1,
            Err(rejection) => outcome.refused.push(RefusedTransfer {
                index,
                code: rejection.code,
                message: rejection.message,
            }),
        }
    }
    Ok(outcome)
}

/// Why a client may not make this transfer, whatever the ledger says.
fn forbidden(
    tx: &mut Tx<'_>,
    ownership: &mut Ownership,
    compact: &CompactTransfer,
) -> Result<Option<Rejection>, Interrupt> {
    if compact.id == 0 {
        return Ok(Some(Rejection::field("id", "a transfer id is above zero")));
    }
    if compact.code < Movement::FIRST_CLIENT_CODE {
        let message = format!(
            "codes below {} are the institution's",
            Movement::FIRST_CLIENT_CODE
        );
        return Ok(Some(Rejection::field("code", message)));
    }
    for (field, account) in [("debit", compact.debit), ("credit", compact.credit)] {
        if ownership.is_business(tx, AccountId(account))? {
            return Ok(Some(
                Rejection::new(
                    Code::Forbidden,
                    format!("account {account} is not a client's"),
                )
                .at(field),
            ));
        }
    }
    Ok(None)
}

/// Refuses what a client may not do with a single transfer.
pub(crate) fn permit(tx: &mut Tx<'_>, compact: &CompactTransfer) -> Refusable<()> {
    match forbidden(tx, &mut Ownership::default(), compact)? {
        Some(rejection) => Err(rejection.into()),
        None => Ok(()),
    }
}

/// Undoes a transfer by its mirror image.
pub(crate) fn reverse(
    cx: &mut Context<'_, '_>,
    command: &ReverseTransfer,
) -> Refusable<Arc<Reversal>> {
    text::plain("reason", &command.reason, 200)?;
    let id = engine::ids::parse_id_text(&command.reversal_id)
        .ok_or_else(|| Rejection::field("reversal_id", "a transfer id has 26 characters"))?;
    if id == 0 {
        return Err(Rejection::field("reversal_id", "a transfer id is above zero").into());
    }
    permit(cx.tx, &command.original)?;
    let original = command.original.transfer(command.currency);
    let key = Reversal::key_of(&original);
    if let Some(known) = cx.tx.get::<Reversal>(&key)? {
        let differs = [
            ("reversal_id", known.reversal == command.reversal_id),
            ("reason", known.reason == command.reason),
        ];
        let differs = differs.into_iter().find(|(_, same)| !same);
        return match differs {
            None => Ok(known),
            Some((field, _)) => {
                Err(Rejection::already_exists("reversal of this transfer", field).into())
            }
        };
    }
    // Posting it again tells whether it is in the books with this content; if it was not, the
    // refusal undoes it.
    if cx.tx.post(std::slice::from_ref(&original), None)? == Posted::New {
        return Err(Rejection::not_found("transfer", &key).at("original").into());
    }
    let reversal: Transfer = reversal_of(&original, ledger::TransferId(id));
    if cx.tx.post(std::slice::from_ref(&reversal), Some(&key))? == Posted::Already {
        return Err(Rejection::already_exists("transfer", "reversal_id").into());
    }
    let created_at = cx.tx.now();
    cx.tx.put(Reversal {
        original: key.clone(),
        reversal: command.reversal_id.clone(),
        reason: command.reason.clone(),
        created_at,
    })?;
    Ok(cx.tx.expect(&key)?)
}
