//! Rules as the evaluator sees them.

use crate::fact::{FactId, Facts};
use calendar::BusinessDate;
use cedar_policy::Expression;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// English and 中文.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// 中文。
    pub zh: String,
}

/// What a rule that applies does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Forbids.
    Deny,
    /// Allows until the deadline.
    Migrate,
    /// Allows within a figure.
    Limit,
    /// Something was required and is not there.
    Require,
    /// To be reported or watched.
    Flag,
    /// Lifts or widens another rule.
    Relax,
    /// Only says what a word means.
    Define,
}

/// How far the content of a rule can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Certain in content.
    High,
    /// Probably right.
    Medium,
    /// Uncertain: the rule asks instead of refusing.
    Low,
}

/// Whom a rule binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The payer's bank or payment institution.
    AccountSide,
    /// Who serves the merchant.
    Acquirer,
    /// Who clears between institutions.
    ClearingBody,
    /// Who brings buyers and sellers together, and its outsourcers.
    Platform,
}

impl Bearer {
    /// Every role.
    pub const ALL: [Bearer; 4] = [
        Bearer::AccountSide,
        Bearer::Acquirer,
        Bearer::ClearingBody,
        Bearer::Platform,
    ];

    /// Its word in packs and facts.
    pub fn word(self) -> &'static str {
        match self {
            Bearer::AccountSide => "account_side",
            Bearer::Acquirer => "acquirer",
            Bearer::ClearingBody => "clearing_body",
            Bearer::Platform => "platform",
        }
    }
}

/// The action of a live system at which a rule's facts must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The names say it.
pub enum Action {
    BarcodePayment,
    OnlinePayment,
    SignMandate,
    DirectDebit,
    OpenAccount,
    OnboardMerchant,
    AddChannelLink,
    Split,
    Hold,
    Release,
    Settle,
    Payout,
    Refund,
    TopUp,
    Withdraw,
    Transfer,
    LaunchProduct,
    HoldReserves,
    KeepData,
    Freeze,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 20] = [
        Action::BarcodePayment,
        Action::OnlinePayment,
        Action::SignMandate,
        Action::DirectDebit,
        Action::OpenAccount,
        Action::OnboardMerchant,
        Action::AddChannelLink,
        Action::Split,
        Action::Hold,
        Action::Release,
        Action::Settle,
        Action::Payout,
        Action::Refund,
        Action::TopUp,
        Action::Withdraw,
        Action::Transfer,
        Action::LaunchProduct,
        Action::HoldReserves,
        Action::KeepData,
        Action::Freeze,
    ];

    /// The actions in which a service of the vocabulary consists.
    pub fn of_service(service: &str) -> &'static [Action] {
        match service {
            "code_payment" => &[Action::BarcodePayment],
            "code_acquiring" => &[Action::BarcodePayment, Action::OnboardMerchant],
            "card_acquiring" => &[Action::OnboardMerchant],
            "online_payment" | "quick_pay" => &[Action::OnlinePayment],
            "direct_debit" | "central_collection" => &[Action::DirectDebit],
            "account_open" => &[Action::OpenAccount],
            "split" => &[Action::Split],
            "escrow" => &[Action::Hold, Action::Release],
            "settlement" => &[Action::Settle],
            "payout" => &[Action::Payout],
            "refund" => &[Action::Refund],
            "topup" => &[Action::TopUp],
            "withdraw" => &[Action::Withdraw],
            "transfer" => &[Action::Transfer],
            _ => &[],
        }
    }
}

/// How well a reading is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everybody agreed.
    Consensus,
    /// Most agreed.
    Majority,
    /// Readings differ.
    Disputed,
    /// One voice.
    Single,
    /// Asked, never answered.
    Unanswered,
}

impl Standing {
    /// Whether anybody may rely on it without asking again.
    pub fn settled(self) -> bool {
        self == Standing::Consensus
    }

    /// In words.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Standing::Consensus => ("consensus", "一致"),
            Standing::Majority => ("majority view, not settled", "多数意见，未成定论"),
            Standing::Disputed => ("disputed", "有争议"),
            Standing::Single => ("one voice, not settled", "个别意见，未成定论"),
            Standing::Unanswered => ("unanswered", "尚无答案"),
        }
    }
}

/// The period over which a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// One payment.
    Single,
    /// Shanghai day.
    Day,
    /// Calendar month.
    Month,
    /// Calendar year.
    Year,
    /// Since opening.
    Lifetime,
}

/// A law, notice, standard, or a set of industry facts.
#[derive(Debug, Clone, Serialize)]
pub struct Instrument {
    /// Stable key.
    pub key: String,
    /// 名称。
    pub zh: String,
    /// Name.
    pub en: String,
    /// First day on which it was known.
    #[serde(skip)]
    pub issued: BusinessDate,
    /// Practice of a channel or scheme, not law.
    pub industry: bool,
}

/// A question asked about a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The practitioners' case that asked it, where it is one of those that are numbered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The question.
    pub question: Text,
    /// The answer.
    pub answer: Text,
    /// How well it is settled.
    pub standing: Standing,
    /// Where the answer comes from.
    pub source: String,
}

/// Facts of which one must be stated for a clause to matter in a check.
#[derive(Debug, Clone)]
pub struct Term {
    /// The fact.
    pub fact: FactId,
    /// The word it must be; none: stated at all.
    pub word: Option<String>,
}

/// A condition, compiled and validated.
#[derive(Debug, Clone)]
pub struct Condition {
    pub(crate) expression: Expression,
}

/// One clause of a rule.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Any of these, each a conjunction.
    pub raised_by: Vec<Vec<Term>>,
    /// What must hold.
    pub condition: Condition,
    /// Facts it reads.
    pub reads: Vec<FactId>,
    /// Verdict in place of the effect's.
    pub verdict: Option<crate::Verdict>,
    /// What a clause that asks wants to know.
    pub asks: Vec<String>,
    /// Asked at live actions too; otherwise in checks only.
    pub live: bool,
    /// Widens the limits it lifts to this percentage.
    pub scale_percent: Option<i64>,
}

/// A figure that counts.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Kind of key the counter hangs on.
    pub bucket: String,
    /// Over which period.
    pub period: Period,
    /// Fen, or the fact that states it.
    pub figure: Result<i64, FactId>,
    /// The counter: the first of these that is stated.
    pub used: Vec<FactId>,
    /// A refund gives the room back; otherwise only a payment that never came does.
    pub refund_gives_back: bool,
}

/// A rule's own case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The facts, `as_of` included.
    pub facts: Facts,
    /// Whether the rule fires.
    pub fires: bool,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Stable id.
    pub id: String,
    /// Position of its instrument.
    pub instrument: usize,
    /// Instrument and, where certain, article.
    pub citation: Text,
    /// Practice of a channel or scheme, not law.
    pub industry: bool,
    /// Article as printed, shown only where it is certain.
    pub article: Option<String>,
    /// First day in force.
    pub from: BusinessDate,
    /// Last day in force.
    pub to: Option<BusinessDate>,
    /// Whom it binds.
    pub bearer: Vec<Bearer>,
    /// When its facts must be known.
    pub actions: Vec<Action>,
    /// Services it is about; empty: any.
    pub services: Vec<String>,
    /// What it does.
    pub effect: Effect,
    /// How far to trust it.
    pub confidence: Confidence,
    /// What it says.
    pub says: Text,
    /// What to do about it.
    pub remedy: Text,
    /// Its figures, as written.
    pub figures: BTreeMap<String, toml::Value>,
    /// Last day of a migration.
    pub deadline: Option<BusinessDate>,
    /// Who bears losses.
    pub loss_bearer: Option<String>,
    /// Its conditions.
    pub clauses: Vec<Clause>,
    /// Its counter.
    pub limit: Option<Limit>,
    /// Rules it lifts.
    pub lifts: Vec<String>,
    /// Its own cases.
    pub cases: Vec<Case>,
    /// Readings.
    pub notes: Vec<Arc<Note>>,
}

impl Rule {
    /// Whether it is in force on a day.
    pub fn in_force(&self, day: BusinessDate) -> bool {
        self.from <= day && self.to.is_none_or(|last| day <= last)
    }
}

impl std::fmt::Display for Rule {
    /// Its id.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.id)
    }
}
