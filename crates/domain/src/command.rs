//! Everything that can be submitted to a shard.

use crate::case::{AssignCase, CloseCase, ExplainCase, OpenCase};
use crate::chart::SetUp;
use crate::clearing::{AdjustDifference, ConfirmClearing};
use crate::closing::{ResumeSettlement, TurnDay};
use crate::launch::{ApproveLaunch, ProposeLaunch};
use crate::merchant::{CreateMerchant, SetMerchantStatus, UpdateMerchant};
use crate::payment::{AcceptUnderpayment, ClosePayment, CreatePayment, QueryPayment};
use crate::payout::{CancelPayout, CreatePayout, ResolvePayout, ReturnPayout};
use crate::refund::{CreateRefund, ResolveRefund};
use crate::risk::DecideSignal;
use crate::rule_packs::{ActivateRules, StoreRules};
use crate::signing_key::{AddSigningKey, RevokeSigningKey};
use crate::split::ExecuteSplit;
use crate::transfer::{
    CaptureHold, CloseAccount, OpenAccounts, PlaceHold, PostTransfers, ReleaseHold, ReverseTransfer,
};
use crate::webhook::{ResendWebhook, SetWebhook};
use channels::answer::Notification;
use channels::operation::{Channel, ChannelReference};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// A request, which may be refused, or a fact, which happened already.
///
/// Written with the variant's name as the only key: other forms would be copied while they are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Somebody asks.
    Request(Request),
    /// Something happened.
    Fact(Fact),
}

/// What can be asked. A repeated request with a natural number answers what it made the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each variant is its content, documented there
pub enum Request {
    SetUp(SetUp),
    StoreRules(StoreRules),
    ActivateRules(ActivateRules),
    CreateMerchant(CreateMerchant),
    UpdateMerchant(UpdateMerchant),
    SetMerchantStatus(SetMerchantStatus),
    AddSigningKey(AddSigningKey),
    RevokeSigningKey(RevokeSigningKey),
    SetWebhook(SetWebhook),
    ResendWebhook(ResendWebhook),
    CreatePayment(CreatePayment),
    ClosePayment(ClosePayment),
    QueryPayment(QueryPayment),
    AcceptUnderpayment(AcceptUnderpayment),
    ExecuteSplit(ExecuteSplit),
    CreateRefund(CreateRefund),
    ResolveRefund(ResolveRefund),
    CreatePayout(CreatePayout),
    CancelPayout(CancelPayout),
    ResolvePayout(ResolvePayout),
    ReturnPayout(ReturnPayout),
    TurnDay(TurnDay),
    ResumeSettlement(ResumeSettlement),
    ConfirmClearing(ConfirmClearing),
    AdjustDifference(AdjustDifference),
    OpenCase(OpenCase),
    AssignCase(AssignCase),
    ExplainCase(ExplainCase),
    CloseCase(CloseCase),
    DecideSignal(DecideSignal),
    ProposeLaunch(ProposeLaunch),
    ApproveLaunch(ApproveLaunch),
    OpenAccounts(OpenAccounts),
    CloseAccount(CloseAccount),
    PostTransfers(PostTransfers),
    PlaceHold(PlaceHold),
    CaptureHold(CaptureHold),
    ReleaseHold(ReleaseHold),
    ReverseTransfer(ReverseTransfer),
}

/// What happened. Never refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A channel sent a verified notification.
    Notified {
        /// The channel.
        channel: Channel,
        /// What it says.
        notification: Notification,
    },
    /// A channel's bill has a line that the books do not have, or not like this.
    BillLine {
        /// The channel.
        channel: Channel,
        /// What it says.
        line: BillLine,
    },
    /// A time came.
    Due(Due),
}

/// A line of a channel's bill, as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillLine {
    /// An order was paid.
    Payment {
        /// The order.
        order: ChannelReference,
        /// The channel's own number.
        channel_number: String,
        /// What was paid.
        amount: Money,
        /// When.
        #[serde(with = "calendar::rfc3339")]
        paid_at: Timestamp,
    },
    /// A refund was made.
    Refund {
        /// The refund.
        refund: ChannelReference,
        /// The channel's own number.
        channel_number: String,
        /// What was given back.
        amount: Money,
        /// When.
        #[serde(with = "calendar::rfc3339")]
        refunded_at: Timestamp,
    },
    /// A payout was made.
    Payout {
        /// The payout.
        payout: ChannelReference,
        /// The channel's own number.
        channel_number: String,
        /// What was paid.
        amount: Money,
        /// The channel's clearing date, `MMDD`.
        settle_date: Option<String>,
    },
}

/// Times that the domain set itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// A payment is to be asked after or closed.
    Payment {
        /// The payment.
        payment: String,
    },
    /// A payout should be at its end.
    Payout {
        /// The payout.
        payout: String,
    },
    /// Payouts that wait for the reserve go on.
    Reserve,
    /// Payers whose hour is over are not counted any more.
    RiskSweep,
    /// No sign of risk holds a merchant's payouts any more.
    HeldPayouts {
        /// The merchant.
        merchant: String,
    },
    /// Settlement goes on.
    Settlement,
    /// A merchant whose settlement broke is settled by itself.
    MerchantSettlement {
        /// The merchant.
        merchant: String,
    },
    /// A payout whose turn came and that broke is looked at by itself.
    WaitingPayout {
        /// The payout.
        payout: String,
    },
    /// A held payout that broke when it was to go on does so by itself.
    HeldPayout {
        /// The payout.
        payout: String,
    },
}
