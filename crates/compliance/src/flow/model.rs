//! A business model as drawn on a whiteboard: parties, contracts, and legs of money.

use crate::decision::Verdict;
use crate::fact::{Facts, Word};
use crate::pack::Text;
use calendar::BusinessDate;

/// Position of a party in its flow.
pub type PartyId = usize;

/// A business model.
#[derive(Debug, Clone)]
pub struct Flow {
    /// What it is.
    pub title: Text,
    /// The day it is judged at unless another is asked for.
    pub as_of: Option<BusinessDate>,
    /// Line of that day.
    pub as_of_line: usize,
    /// `new` or `existing`.
    pub lifecycle: Option<Word>,
    /// What is being added.
    pub change: Option<Word>,
    /// Whoever takes part, in the order written.
    pub parties: Vec<Party>,
    /// What they agreed.
    pub contracts: Vec<Contract>,
    /// Money, step by step.
    pub legs: Vec<MoneyLeg>,
    /// Facts about the whole that the drawing does not show.
    pub facts: Stated,
    /// What its author expects to be answered.
    pub expect: Vec<Expectation>,
}

/// What is expected of the answer at one day.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The day.
    pub as_of: BusinessDate,
    /// The verdict of the whole.
    pub verdict: Verdict,
    /// Rules of which one must have been looked at; empty: any.
    pub rules: Vec<Word>,
    /// Verdicts of the legs; empty: any.
    pub legs: Vec<Verdict>,
    /// Shapes that must be recognised.
    pub shapes: Vec<Word>,
    /// Facts that must be asked for.
    pub missing: Vec<Word>,
    /// Last day of the migration.
    pub deadline: Option<BusinessDate>,
}

/// Facts of the vocabulary stated beside the drawing.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// The facts.
    pub facts: Facts,
    /// Line and field they stand at.
    pub line: usize,
    /// The field: `leg[0].facts`.
    pub path: String,
}

/// Somebody who takes part.
#[derive(Debug, Clone)]
pub struct Party {
    /// Name in the file.
    pub id: String,
    /// Name for people.
    pub name: Text,
    /// Word of `actor.kind`.
    pub kind: Word,
    /// Licences, words of `actor.licences`; `None`: not stated.
    pub licences: Option<Vec<Word>>,
    /// Provinces of card acquiring.
    pub acquiring_regions: Option<Vec<Word>>,
    /// Corporate group.
    pub group: Option<Word>,
    /// A shop.
    pub physical: Option<bool>,
    /// An online merchant.
    pub online: Option<bool>,
    /// Its province.
    pub province: Option<Word>,
    /// A payment institution that others attach as a wallet.
    pub wallet: bool,
    /// The part of a bank that takes part: `mall`, `depository`.
    pub system: Option<Word>,
    /// What it offers customers: `wallet`, `wealth`, `credit`…
    pub offers: Vec<Word>,
    /// Whether in its own name.
    pub own_name: Option<bool>,
    /// Data it keeps.
    pub data_stored: Option<Vec<Word>>,
    /// Whether it reaches sensitive data.
    pub touches_sensitive: Option<bool>,
    /// Further facts.
    pub facts: Stated,
    /// Line in the file.
    pub line: usize,
}

/// Kinds of contracts; the first party of each is the one named first here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractKind {
    /// Acquirer and merchant.
    Acquiring,
    /// Licensed institution and its agent.
    Agency,
    /// Principal and outsourcer.
    Outsourcing,
    /// Owner and user of a channel.
    Channel,
    /// Owner and caller of a payment interface.
    Interface,
    /// Buyer and seller of goods that are sold on.
    Purchase,
    /// Buyer and seller of goods said to be sold on credit.
    CreditSale,
    /// Depository and client.
    Depository,
    /// Collector and payer of a direct debit.
    Mandate,
    /// Parent and subsidiary that pool their money.
    Sweeping,
}

impl ContractKind {
    /// Every kind with its word and what its two parties are.
    pub const ALL: [(ContractKind, &'static str, &'static str); 10] = [
        (
            ContractKind::Acquiring,
            "acquiring",
            "the acquirer, then the merchant",
        ),
        (
            ContractKind::Agency,
            "agency",
            "the licensed institution, then its agent",
        ),
        (
            ContractKind::Outsourcing,
            "outsourcing",
            "the principal, then the outsourcer",
        ),
        (
            ContractKind::Channel,
            "channel",
            "the owner of the channel, then its user",
        ),
        (
            ContractKind::Interface,
            "interface",
            "the owner of the interface, then its caller",
        ),
        (
            ContractKind::Purchase,
            "purchase",
            "the buyer, then the seller",
        ),
        (
            ContractKind::CreditSale,
            "credit_sale",
            "the buyer, then the seller",
        ),
        (
            ContractKind::Depository,
            "depository",
            "the depository, then its client",
        ),
        (
            ContractKind::Mandate,
            "mandate",
            "the collector, then the payer",
        ),
        (
            ContractKind::Sweeping,
            "sweeping",
            "the parent, then the subsidiary",
        ),
    ];

    /// Its word in files.
    pub fn word(self) -> &'static str {
        ContractKind::ALL
            .iter()
            .find(|(kind, _, _)| *kind == self)
            .map_or("", |(_, word, _)| word)
    }
}

/// An agreement between two parties.
#[derive(Debug, Clone)]
pub struct Contract {
    /// What it is about.
    pub kind: ContractKind,
    /// Who gives.
    pub first: PartyId,
    /// Who takes.
    pub second: PartyId,
    /// Who checked the merchant: `None`: not stated; `Some(None)`: nobody.
    pub checked_by: Option<Option<PartyId>>,
    /// Functions given away; `None`: not stated.
    pub functions: Option<Vec<Word>>,
    /// The channel is passed on.
    pub resold: Option<bool>,
    /// Whose page the payer sees.
    pub page: Option<PartyId>,
    /// Title, invoices and risk are documented.
    pub documents: Option<bool>,
    /// Further facts.
    pub facts: Stated,
    /// Line in the file.
    pub line: usize,
}

/// Where money rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The holder's own account.
    Own,
    /// A payment institution's customer reserve.
    Reserve,
    /// A bank's sub-account of the payee.
    SubAccount,
}

impl Account {
    /// Every account with its word.
    pub const ALL: [(Account, &'static str); 3] = [
        (Account::Own, "own"),
        (Account::Reserve, "reserve"),
        (Account::SubAccount, "sub_account"),
    ];
}

/// A stop on the way of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hop {
    /// A party.
    Party(PartyId),
    /// A clearing body that needs no introduction.
    Clearing(&'static str),
}

/// A code that is scanned.
#[derive(Debug, Clone)]
pub struct Code {
    /// Who issues it.
    pub issuer: Option<PartyId>,
    /// `static` or `dynamic`.
    pub kind: Option<Word>,
    /// `payer_scans` or `payee_scans`.
    pub scan: Option<Word>,
}

/// Whose goods are paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoodsOf {
    /// This party's.
    Party(PartyId),
    /// Nobody can say.
    Unknown,
}

/// One step of money.
#[derive(Debug, Clone)]
pub struct MoneyLeg {
    /// Who pays.
    pub from: PartyId,
    /// Who is to get it.
    pub to: PartyId,
    /// In whose books it rests.
    pub holder: PartyId,
    /// In which account there.
    pub account: Option<Account>,
    /// Fen.
    pub amount: Option<i64>,
    /// What for.
    pub purpose: Option<Word>,
    /// What the payee is to the payer: `employee`, `supplier`…
    pub relation: Option<Word>,
    /// Word of `service`, when stated.
    pub service: Option<Word>,
    /// Where the payer's money comes from, word of `source`.
    pub source: Option<Word>,
    /// How many days it rests after the payer's confirmation.
    pub days: Option<i64>,
    /// It rests until the payer confirms.
    pub until_confirmation: bool,
    /// Whose goods are paid for.
    pub goods_of: Option<GoodsOf>,
    /// Way of the message, and of the money unless that is stated.
    pub route: Option<Vec<Hop>>,
    /// Way of the money.
    pub funds_route: Option<Vec<Hop>>,
    /// The code scanned.
    pub code: Option<Code>,
    /// Money of an advance: `own` or `reserve`.
    pub funding: Option<Word>,
    /// Further facts.
    pub facts: Stated,
    /// Line in the file.
    pub line: usize,
}

impl Party {
    /// Bank, payment institution or clearing body.
    pub fn is_institution(&self) -> bool {
        matches!(self.kind.as_ref(), "bank" | "npi" | "clearing_org")
    }

    /// May hold others' money: an institution that has a licence.
    pub fn is_licensed(&self) -> bool {
        self.is_institution()
            && self
                .licences
                .as_ref()
                .is_none_or(|licences| !licences.is_empty())
    }
}

impl MoneyLeg {
    /// Whether it collects money for somebody else of the group, or is said to.
    pub fn is_sweep(&self) -> bool {
        matches!(self.purpose.as_deref(), Some("sweep" | "sweeping"))
    }
}

impl Flow {
    /// A party by its position.
    pub fn party(&self, id: PartyId) -> &Party {
        // Positions come from reading this very flow.
        &self.parties[id]
    }

    /// Contracts of a kind.
    pub fn contracts_of(&self, kind: ContractKind) -> impl Iterator<Item = (usize, &Contract)> {
        self.contracts
            .iter()
            .enumerate()
            .filter(move |(_, contract)| contract.kind == kind)
    }
}
