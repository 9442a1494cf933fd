//! What commands answer: the object as it is after the command.

use crate::case::Case;
use crate::chart::Chart;
use crate::clearing::Clearing;
use crate::closing::DayClose;
use crate::launch::Launch;
use crate::merchant::Merchant;
use crate::payment::Payment;
use crate::payout::Payout;
use crate::refund::Refund;
use crate::risk::RiskSignal;
use crate::rule_packs::{RuleActivation, RuleSet};
use crate::signing_key::SigningKey;
use crate::split::Split;
use crate::transfer::{ClientAccount, PlacedHold, Reversal, TransfersPosted};
use crate::webhook::{Delivery, WebhookEndpoint};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Answer of a command. `repeated` says that an earlier request had made it: a value, not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A fact was taken into the books; or there is nothing to say.
    Taken,
    /// The chart of accounts.
    Chart(Arc<Chart>),
    /// A set of rule packs.
    RuleSet {
        /// It.
        set: Arc<RuleSet>,
        /// Stored earlier.
        repeated: bool,
    },
    /// An activation of a set.
    RuleActivation {
        /// It.
        activation: Arc<RuleActivation>,
        /// Activated earlier.
        repeated: bool,
    },
    /// A merchant.
    Merchant {
        /// It.
        merchant: Arc<Merchant>,
        /// Made earlier.
        repeated: bool,
    },
    /// A key of a merchant.
    SigningKey {
        /// It.
        key: Arc<SigningKey>,
        /// Made earlier.
        repeated: bool,
    },
    /// A webhook endpoint.
    WebhookEndpoint(Arc<WebhookEndpoint>),
    /// A delivery of an event.
    Delivery(Arc<Delivery>),
    /// A payment.
    Payment {
        /// It.
        payment: Arc<Payment>,
        /// Made earlier.
        repeated: bool,
    },
    /// A split.
    Split {
        /// It.
        split: Arc<Split>,
        /// Made earlier.
        repeated: bool,
    },
    /// A refund.
    Refund {
        /// It.
        refund: Arc<Refund>,
        /// Made earlier.
        repeated: bool,
    },
    /// A payout.
    Payout {
        /// It.
        payout: Arc<Payout>,
        /// Made earlier.
        repeated: bool,
    },
    /// A clearing.
    Clearing {
        /// It.
        clearing: Arc<Clearing>,
        /// Made earlier.
        repeated: bool,
    },
    /// The date that was closed.
    DayClose(Arc<DayClose>),
    /// A case.
    Case(Arc<Case>),
    /// A sign of risk.
    RiskSignal(Arc<RiskSignal>),
    /// A product that was declared as new.
    Launch {
        /// It.
        launch: Arc<Launch>,
        /// Declared earlier.
        repeated: bool,
    },
    /// Client accounts, in the order asked.
    Accounts(Vec<Arc<ClientAccount>>),
    /// A client account.
    Account(Arc<ClientAccount>),
    /// Transfers.
    Transfers(TransfersPosted),
    /// A hold.
    Hold {
        /// It, after the command.
        hold: PlacedHold,
        /// Captured earlier by the same transfer.
        repeated: bool,
    },
    /// A reversal.
    Reversal(Arc<Reversal>),
}

pub(crate) fn merchant((merchant, repeated): (Arc<Merchant>, bool)) -> Reply {
    Reply::Merchant { merchant, repeated }
}

pub(crate) fn rule_set((set, repeated): (Arc<RuleSet>, bool)) -> Reply {
    Reply::RuleSet { set, repeated }
}

pub(crate) fn rule_activation((activation, repeated): (Arc<RuleActivation>, bool)) -> Reply {
    Reply::RuleActivation {
        activation,
        repeated,
    }
}

pub(crate) fn signing_key((key, repeated): (Arc<SigningKey>, bool)) -> Reply {
    Reply::SigningKey { key, repeated }
}

pub(crate) fn payment((payment, repeated): (Arc<Payment>, bool)) -> Reply {
    Reply::Payment { payment, repeated }
}

pub(crate) fn split((split, repeated): (Arc<Split>, bool)) -> Reply {
    Reply::Split { split, repeated }
}

pub(crate) fn refund((refund, repeated): (Arc<Refund>, bool)) -> Reply {
    Reply::Refund { refund, repeated }
}

pub(crate) fn payout((payout, repeated): (Arc<Payout>, bool)) -> Reply {
    Reply::Payout { payout, repeated }
}

pub(crate) fn launch((launch, repeated): (Arc<Launch>, bool)) -> Reply {
    Reply::Launch { launch, repeated }
}

pub(crate) fn clearing((clearing, repeated): (Arc<Clearing>, bool)) -> Reply {
    Reply::Clearing { clearing, repeated }
}

pub(crate) fn hold((hold, repeated): (PlacedHold, bool)) -> Reply {
    Reply::Hold { hold, repeated }
}
