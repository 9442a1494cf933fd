//! Which requests need a second person.
//!
//! A repeat of what was done already needs nobody: it changes nothing and is answered (or refused)
//! like every other repeat.

use crate::authorise::{is_merchant, is_system};
use crate::clearing::{self, Adjustment};
use crate::command::{Command, Request};
use crate::context::Settings;
use crate::payout::{self, CreatePayout, PayoutNumber};
use crate::risk;
use crate::rule_packs;
use crate::signing_key;
use engine::{Actor, ApprovalRule, Interrupt, Tx};

/// The second person that a command of an actor needs, if any.
pub(crate) fn needed(
    settings: &Settings,
    actor: &Actor,
    command: &Command,
    tx: &mut Tx<'_>,
) -> Result<Option<ApprovalRule>, Interrupt> {
    let Command::Request(request) = command else {
        return Ok(None);
    };
    let reason = match request {
        Request::CreatePayout(command) => payout(settings, actor, command, tx)?,
        Request::UpdateMerchant(command) if command.settlement_account.is_some() => {
            Some("a new settlement account")
        }
        // Whoever holds the key acts as the merchant, so one person's word does not make it the merchant's.
        Request::AddSigningKey(command) if !is_merchant(actor) => {
            signing_key::adds(tx, command)?.then_some("a key in the name of a merchant")
        }
        // The reconciliation has compared the bill with the books; a person only says what came in.
        Request::ConfirmClearing(command) if !is_system(actor) => {
            clearing::books(tx, actor, command)?
                .then_some("money that a channel is said to have paid over")
        }
        Request::AdjustDifference(command) => {
            let key = Adjustment::key_of(&command.case, &command.adjustment_number);
            let known = tx.get::<Adjustment>(&key)?.is_some();
            (!known).then_some("a correction of the books")
        }
        Request::ActivateRules(command) => {
            rule_packs::changes(command, tx)?.then_some("a change of the rules that decide")
        }
        Request::AcceptUnderpayment(_) => Some("a payment of less than was asked for"),
        Request::CancelPayout(_) => Some("a payout that is stopped"),
        Request::ResolvePayout(_) | Request::ReturnPayout(_) => {
            Some("a person's word instead of the channel's on a payout")
        }
        Request::DecideSignal(command) if risk::frees_money(tx, command)? => {
            Some("payouts that a sign of risk holds")
        }
        Request::ResolveRefund(_) => Some("a person's word instead of the channel's on a refund"),
        _ => None,
    };
    Ok(reason.map(|reason| ApprovalRule {
        role: "finance",
        reason,
    }))
}

fn payout(
    settings: &Settings,
    actor: &Actor,
    command: &CreatePayout,
    tx: &mut Tx<'_>,
) -> Result<Option<&'static str>, Interrupt> {
    let Some(reason) = payout::needs_second_person(settings, tx, actor, command)? else {
        return Ok(None);
    };
    let key = PayoutNumber::key_of(&command.merchant, &command.payout_number);
    let known = tx.get::<PayoutNumber>(&key)?.is_some();
    Ok((!known).then_some(reason))
}
