//! Who may ask for what: roles, and merchants only for themselves.
//!
//! | role | principal | may |
//! |---|---|---|
//! | `merchant` | id of the merchant | everything about its own objects |
//! | `operator` | a person | merchants, payments, days, cases |
//! | `finance` | a person | clearing, differences, decisions on money, cases |
//! | `ledger` | a client | the plain ledger |
//! | `system` | the engine, connectors, reconciliation | facts, set-up, days, clearing, cases |

use crate::command::{Command, Request};
use crate::rejection::{Code, Rejection};
use engine::Actor;

/// Role of a merchant's credential.
const MERCHANT: &str = "merchant";
const OPERATOR: &str = "operator";
const FINANCE: &str = "finance";
const LEDGER: &str = "ledger";
const SYSTEM: &str = "system";

/// Whether a merchant asks for itself.
pub(crate) fn is_merchant(actor: &Actor) -> bool {
    *actor.role == *MERCHANT
}

/// Whether the program itself acts: connectors, timers, the reconciliation.
pub(crate) fn is_system(actor: &Actor) -> bool {
    *actor.role == *SYSTEM
}

/// Refuses what the actor's role does not cover.
pub(crate) fn authorise(actor: &Actor, command: &Command) -> Result<(), Rejection> {
    let role = &*actor.role;
    let request = match command {
        Command::Fact(_) => return require(role, &[SYSTEM]),
        Command::Request(request) => request,
    };
    if is_merchant(actor) {
        return match owner(request) {
            Some(merchant) if *merchant == *actor.principal => states_no_payee(request),
            // Not "forbidden": whether another merchant exists is not told.
            Some(merchant) => Err(Rejection::not_found("merchant", merchant)),
            None => Err(forbidden(role)),
        };
    }
    require(role, roles(request))
}

/// Whose an account is, and whether its owner is listed, is found out by the institution: rules that
/// protect payers would otherwise rest on the word of whom they bind.
fn states_no_payee(request: &Request) -> Result<(), Rejection> {
    let Request::CreatePayout(command) = request else {
        return Ok(());
    };
    let stated = command.payee.as_ref().and_then(|payee| {
        [
            ("payee.owner", payee.owner.is_some()),
            ("payee.documented", payee.documented.is_some()),
            ("payee.listed", payee.listed.is_some()),
        ]
        .into_iter()
        .find_map(|(field, stated)| stated.then_some(field))
    });
    match stated {
        None => Ok(()),
        Some(field) => Err(Rejection::new(
            Code::Forbidden,
            "only the institution states whose a payee's account is: leave the field out"
                .to_owned(),
        )
        .at(field)),
    }
}

fn require(role: &str, roles: &[&str]) -> Result<(), Rejection> {
    if roles.contains(&role) {
        Ok(())
    } else {
        Err(forbidden(role))
    }
}

fn forbidden(role: &str) -> Rejection {
    Rejection::new(
        Code::Forbidden,
        format!("the role {role:.32} may not do this"),
    )
}

/// The merchant that a request of a merchant is about.
fn owner(request: &Request) -> Option<&str> {
    Some(match request {
        Request::AddSigningKey(command) => &command.merchant,
        Request::RevokeSigningKey(command) => &command.merchant,
        Request::SetWebhook(command) => &command.merchant,
        Request::ResendWebhook(command) => &command.merchant,
        Request::CreatePayment(command) => &command.merchant,
        Request::ClosePayment(command) => &command.merchant,
        Request::QueryPayment(command) => &command.merchant,
        Request::ExecuteSplit(command) => &command.merchant,
        Request::CreateRefund(command) => &command.merchant,
        Request::CreatePayout(command) => &command.merchant,
        _ => return None,
    })
}

/// Roles other than the merchant's own.
fn roles(request: &Request) -> &'static [&'static str] {
    match request {
        Request::SetUp(_) | Request::TurnDay(_) | Request::ResumeSettlement(_) => {
            &[OPERATOR, SYSTEM]
        }
        Request::StoreRules(_) | Request::ActivateRules(_) => &[OPERATOR, FINANCE],
        Request::CreateMerchant(_)
        | Request::UpdateMerchant(_)
        | Request::SetMerchantStatus(_)
        | Request::AddSigningKey(_)
        | Request::RevokeSigningKey(_)
        | Request::SetWebhook(_)
        | Request::ResendWebhook(_)
        | Request::CreatePayment(_)
        | Request::ClosePayment(_)
        | Request::QueryPayment(_)
        | Request::ExecuteSplit(_)
        | Request::CreateRefund(_)
        | Request::CreatePayout(_)
        | Request::ProposeLaunch(_) => &[OPERATOR],
        Request::AcceptUnderpayment(_)
        | Request::ResolveRefund(_)
        | Request::CancelPayout(_)
        | Request::ResolvePayout(_)
        | Request::ReturnPayout(_)
        | Request::ApproveLaunch(_)
        | Request::AdjustDifference(_) => &[FINANCE],
        Request::ConfirmClearing(_) => &[FINANCE, SYSTEM],
        Request::OpenCase(_) => &[OPERATOR, FINANCE, SYSTEM],
        Request::AssignCase(_)
        | Request::ExplainCase(_)
        | Request::CloseCase(_)
        | Request::DecideSignal(_) => &[OPERATOR, FINANCE],
        Request::OpenAccounts(_)
        | Request::CloseAccount(_)
        | Request::PostTransfers(_)
        | Request::PlaceHold(_)
        | Request::CaptureHold(_)
        | Request::ReleaseHold(_)
        | Request::ReverseTransfer(_) => &[LEDGER],
    }
}
