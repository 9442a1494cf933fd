//! Which rows a command will surely read, so that a batch loads them in one query.

use crate::chart::{BusinessAccounts, Chart};
use crate::command::{BillLine, Command, Due, Fact, Request};
use crate::launch::{Launch, Product};
use crate::merchant::{ExternalNumber, Merchant};
use crate::payment::{ChannelTrade, OrderNumber, Payment};
use crate::payout::{Payout, PayoutNumber, SmallPayouts};
use crate::refund::{Refund, RefundNumber};
use crate::reserve::Reserve;
use crate::risk::{MerchantRisk, PayerActivity};
use crate::rule_packs::ActiveRules;
use crate::transfer::{ClientAccount, CompactTransfer};
use crate::webhook::WebhookEndpoint;
use channels::answer::{Answer as Statement, OrderState};
use channels::operation::{Channel, ChannelReference};
use engine::Keys;
use ledger::{AccountId, TransferId};
use std::collections::BTreeSet;

/// Declares what is known from the command alone.
pub(crate) fn declare(command: &Command, keys: &mut Keys) {
    match command {
        Command::Request(request) => declare_request(request, keys),
        Command::Fact(fact) => declare_fact(fact, keys),
    }
}

fn declare_request(request: &Request, keys: &mut Keys) {
    match request {
        Request::CreateMerchant(command) => {
            keys.record::<ActiveRules>(ActiveRules::KEY);
            keys.record::<ExternalNumber>(&command.external_number);
        }
        Request::CreatePayment(command) => {
            merchant(keys, &command.merchant);
            keys.record::<OrderNumber>(&format!("{}/{}", command.merchant, command.order_number));
        }
        Request::ClosePayment(command) => keys.record::<Payment>(&command.payment),
        Request::QueryPayment(command) => keys.record::<Payment>(&command.payment),
        Request::ExecuteSplit(command) => {
            merchant(keys, &command.merchant);
            keys.record::<Payment>(&command.payment);
        }
        Request::CreateRefund(command) => {
            merchant(keys, &command.merchant);
            keys.record::<Payment>(&command.payment);
            keys.record::<MerchantRisk>(&command.merchant);
            keys.record::<RefundNumber>(&format!("{}/{}", command.merchant, command.refund_number));
        }
        Request::CreatePayout(command) => {
            merchant(keys, &command.merchant);
            keys.record::<MerchantRisk>(&command.merchant);
            keys.record::<SmallPayouts>(&command.merchant);
            keys.record::<Reserve>(Reserve::KEY);
            keys.record::<PayoutNumber>(&PayoutNumber::key_of(
                &command.merchant,
                &command.payout_number,
            ));
        }
        Request::OpenAccounts(command) => {
            for account in &command.accounts {
                keys.record::<ClientAccount>(&account.code);
                keys.account_name(&ClientAccount::ledger_name(&account.code));
            }
        }
        Request::PostTransfers(command) => transfers(keys, &command.transfers),
        Request::CaptureHold(command) => transfers(keys, std::slice::from_ref(&command.transfer)),
        Request::ReverseTransfer(command) => {
            transfers(keys, std::slice::from_ref(&command.original))
        }
        _ => {}
    }
}

fn merchant(keys: &mut Keys, id: &str) {
    for product in Product::ALL {
        keys.record::<Launch>(product.name());
    }
    keys.record::<Chart>(Chart::KEY);
    keys.record::<ActiveRules>(ActiveRules::KEY);
    keys.record::<Merchant>(id);
    keys.record::<WebhookEndpoint>(id);
}

fn transfers(keys: &mut Keys, transfers: &[CompactTransfer]) {
    let mut accounts = BTreeSet::new();
    for transfer in transfers {
        keys.transfer(TransferId(transfer.id));
        accounts.insert(transfer.debit);
        accounts.insert(transfer.credit);
    }
    let mut blocks = BTreeSet::new();
    for account in accounts {
        keys.account(AccountId(account));
        blocks.insert(BusinessAccounts::key_of(AccountId(account)));
    }
    for block in blocks {
        keys.record::<BusinessAccounts>(&block);
    }
}

fn declare_fact(fact: &Fact, keys: &mut Keys) {
    match fact {
        Fact::Notified {
            channel,
            notification,
        } => match &notification.answer {
            Statement::Order { order, state } => {
                let number = match state {
                    OrderState::Paid {
                        channel_number,
                        payer,
                        ..
                    } => {
                        if let Some(payer) = payer {
                            keys.record::<PayerActivity>(&PayerActivity::key_of(*channel, payer));
                        }
                        Some(channel_number)
                    }
                    _ => None,
                };
                trade(keys, *channel, order, number);
            }
            Statement::Refund { refund, .. } => keys.record::<Refund>(&format!("ref_{}", refund.0)),
            Statement::Payout { payout, .. } => keys.record::<Payout>(&format!("pot_{}", payout.0)),
            _ => {}
        },
        Fact::BillLine { channel, line } => match line {
            BillLine::Payment {
                order,
                channel_number,
                ..
            } => trade(keys, *channel, order, Some(channel_number)),
            BillLine::Refund { refund, .. } => keys.record::<Refund>(&format!("ref_{}", refund.0)),
            BillLine::Payout { payout, .. } => keys.record::<Payout>(&format!("pot_{}", payout.0)),
        },
        Fact::Due(Due::Payment { payment }) => keys.record::<Payment>(payment),
        Fact::Due(
            Due::Payout { payout } | Due::WaitingPayout { payout } | Due::HeldPayout { payout },
        ) => keys.record::<Payout>(payout),
        Fact::Due(Due::Reserve) => keys.record::<Reserve>(Reserve::KEY),
        Fact::Due(Due::HeldPayouts { merchant }) => keys.record::<MerchantRisk>(merchant),
        Fact::Due(Due::MerchantSettlement { merchant }) => keys.record::<Merchant>(merchant),
        Fact::Due(Due::Settlement | Due::RiskSweep) => {}
    }
}

fn trade(
    keys: &mut Keys,
    channel: Channel,
    order: &ChannelReference,
    channel_number: Option<&String>,
) {
    keys.record::<Payment>(&format!("pay_{}", order.0));
    if let Some(number) = channel_number {
        keys.record::<ChannelTrade>(&ChannelTrade::key_of(channel, number));
    }
}
