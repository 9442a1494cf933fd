//! Which shard a command belongs to: the one that keeps the object it names.
//!
//! Ids and channel references carry the code of their shard, account numbers carry its number. What
//! is new without an owner (a merchant, a client's account) belongs to a group, and the group decides:
//! members of a group are kept together, so that splits and transfers among them stay in one shard.

use channels::answer::Answer as Statement;
use domain::{BillLine, Command, Due, Fact, Request};
use engine::ShardCode;

/// Characters of an id behind its prefix: shard code and time-ordered part.
const ID_BODY: usize = 28;

/// What decides on the shard of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// An id of an object, or a key that begins with one.
    Key(String),
    /// A channel reference.
    Reference(String),
    /// An account number.
    Account(u64),
    /// Nothing: the first shard.
    First,
    /// Not the command: the id in it names no shard, and whoever submits it has looked for the one that has the object.
    /// A book of one shard has nothing to look for.
    Sought,
}

/// The shard in an id (`pay_00…`), or in a key of which the part before the first slash is one.
pub(super) fn shard_in(key: &str) -> Option<ShardCode> {
    let id = key.split('/').next().unwrap_or(key);
    let (prefix, body) = id.split_once('_')?;
    if prefix.is_empty() {
        return None;
    }
    shard_in_reference(body)
}

/// The shard in a channel reference that this system made.
pub(super) fn shard_in_reference(reference: &str) -> Option<ShardCode> {
    if reference.len() != ID_BODY {
        return None;
    }
    reference.get(..2)?.parse().ok()
}

/// What decides on the shard of a command that somebody or something submits. Commands about a whole
/// shard (day turn, clearing) and those of a new object's group are sent to their shard by name.
pub fn route(command: &Command) -> Route {
    match command {
        Command::Request(request) => of_request(request),
        Command::Fact(fact) => of_fact(fact),
    }
}

fn of_request(request: &Request) -> Route {
    let key = |id: &String| Route::Key(id.clone());
    match request {
        Request::UpdateMerchant(command) => key(&command.merchant),
        Request::SetMerchantStatus(command) => key(&command.merchant),
        Request::AddSigningKey(command) => key(&command.merchant),
        Request::RevokeSigningKey(command) => key(&command.key),
        Request::SetWebhook(command) => key(&command.merchant),
        Request::ResendWebhook(command) => key(&command.event),
        Request::CreatePayment(command) => key(&command.merchant),
        Request::ClosePayment(command) => key(&command.payment),
        Request::QueryPayment(command) => key(&command.payment),
        Request::AcceptUnderpayment(command) => key(&command.payment),
        Request::ExecuteSplit(command) => key(&command.payment),
        Request::CreateRefund(command) => key(&command.payment),
        Request::ResolveRefund(command) => key(&command.refund),
        Request::CreatePayout(command) => key(&command.merchant),
        Request::CancelPayout(command) => key(&command.payout),
        Request::ResolvePayout(command) => key(&command.payout),
        Request::ReturnPayout(command) => key(&command.payout),
        Request::AdjustDifference(command) => key(&command.case),
        Request::OpenCase(command) => key(&command.object),
        Request::AssignCase(command) => key(&command.case),
        Request::ExplainCase(command) => key(&command.case),
        Request::CloseCase(command) => key(&command.case),
        Request::DecideSignal(command) => key(&command.signal),
        Request::PostTransfers(command) => command
            .transfers
            .first()
            .map_or(Route::First, |transfer| Route::Account(transfer.debit)),
        Request::PlaceHold(command) => Route::Account(command.account),
        Request::CaptureHold(_) | Request::ReleaseHold(_) => Route::Sought,
        Request::ReverseTransfer(command) => Route::Account(command.original.debit),
        Request::SetUp(_)
        | Request::StoreRules(_)
        | Request::ActivateRules(_)
        | Request::CreateMerchant(_)
        | Request::TurnDay(_)
        | Request::ResumeSettlement(_)
        | Request::ConfirmClearing(_)
        | Request::OpenAccounts(_)
        | Request::CloseAccount(_)
        | Request::ProposeLaunch(_)
        | Request::ApproveLaunch(_) => Route::First,
    }
}

fn of_fact(fact: &Fact) -> Route {
    let reference =
        |reference: &channels::operation::ChannelReference| Route::Reference(reference.0.clone());
    match fact {
        Fact::Notified { notification, .. } => match &notification.answer {
            Statement::Order { order, .. } => reference(order),
            Statement::Refund { refund, .. } => reference(refund),
            Statement::Payout { payout, .. } => reference(payout),
            Statement::OrderCreated { .. }
            | Statement::BillLocation { .. }
            | Statement::NoBill
            | Statement::Bill { .. } => Route::First,
        },
        Fact::BillLine { line, .. } => match line {
            BillLine::Payment { order, .. } => reference(order),
            BillLine::Refund { refund, .. } => reference(refund),
            BillLine::Payout { payout, .. } => reference(payout),
        },
        Fact::Due(Due::Payment { payment }) => Route::Key(payment.clone()),
        Fact::Due(
            Due::Payout { payout } | Due::WaitingPayout { payout } | Due::HeldPayout { payout },
        ) => Route::Key(payout.clone()),
        Fact::Due(Due::HeldPayouts { merchant } | Due::MerchantSettlement { merchant }) => {
            Route::Key(merchant.clone())
        }
        Fact::Due(Due::Reserve | Due::Settlement | Due::RiskSweep) => Route::First,
    }
}

#[cfg(test)]
mod tests {
    use super::{shard_in, shard_in_reference};
    use engine::ShardCode;

    #[test]
    fn ids_and_keys_that_begin_with_one_name_their_shard() {
        let seven = ShardCode::new(7);
        let id = "mch_070JZ0000000000000000000ABCD";
        assert_eq!(id.len(), 4 + 28);
        assert_eq!(shard_in(id), seven);
        assert_eq!(shard_in(&format!("{id}/order_1_2")), seven);
        assert_eq!(shard_in_reference(&id[4..]), seven);
    }

    #[test]
    fn nothing_else_does() {
        for text in [
            "",
            "2026-11-25",
            "20261125/wechat/4200001",
            "mch_07",
            "_070JZ0000000000000000000ABCD",
            "mch_LO0JZ0000000000000000000ABCD",
            "070JZ0000000000000000000ABCD",
        ] {
            assert_eq!(shard_in(text), None, "{text}");
        }
    }
}
