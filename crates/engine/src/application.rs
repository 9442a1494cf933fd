//! The seam between the engine and what runs on it.

use crate::actor::{Actor, ApprovalRule};
use crate::effect::{EffectNews, EffectRecord};
use crate::record::RecordKey;
use crate::tx::Tx;
use crate::vault::Fingerprint;
use jiff::Timestamp;
use ledger::{AccountId, PostError, TransferId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::sync::Arc;

/// Everything a command may be made of.
pub trait Value: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {}
impl<T: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static> Value for T {}

/// The business on top of the engine: pure functions over the transaction they are given.
///
/// A function may be run again with the same admission when a row had to be loaded, so it must
/// depend on nothing but its arguments.
pub trait Application: Send + Sync + 'static {
    /// A request or a fact.
    type Command: Value;
    /// What a command answers.
    type Reply: Value;
    /// Why a request is refused. Facts are never refused: their functions return [`Interrupt`].
    type Rejection: Value;
    /// What has to happen outside.
    type Effect: Value;
    /// A verified final statement about an effect.
    type Answer: Value;

    /// Names rows the command will surely read, so that a batch loads them in one query.
    fn declare(&self, _command: &Self::Command, _keys: &mut Keys) {}

    /// Takes fingerprints of the personal data that came with a command into it, by vault id, before
    /// anything else sees the command: records can then tell whether two sealed texts are the same.
    fn stamp(
        &self,
        _command: &mut Self::Command,
        _fingerprint: &dyn Fn(&str) -> Option<Fingerprint>,
    ) {
    }

    /// Role check at the door of the engine.
    fn authorise(&self, actor: &Actor, command: &Self::Command) -> Result<(), Self::Rejection>;

    /// Names the second person a command of an actor needs, if any. Asked in the transaction in which the command
    /// would run, so that the books may decide; reads only.
    fn needs_approval(
        &self,
        _actor: &Actor,
        _command: &Self::Command,
        _tx: &mut Tx<'_>,
    ) -> Result<Option<ApprovalRule>, Interrupt> {
        Ok(None)
    }

    /// Runs a command.
    fn execute(
        &self,
        actor: &Actor,
        command: &Self::Command,
        tx: &mut Tx<'_>,
    ) -> Result<Self::Reply, Stop<Self::Rejection>>;

    /// Takes the news about an effect into the books. `answer` is given with [`EffectNews::Answered`] and
    /// [`EffectNews::Late`]. It is as old as the question (`asked_at`), which may be much older than the command: "not
    /// known" says nothing of what arrived since.
    fn effect_news(
        &self,
        record: &EffectRecord,
        effect: &Self::Effect,
        news: EffectNews,
        answer: Option<&Self::Answer>,
        asked_at: Timestamp,
        tx: &mut Tx<'_>,
    ) -> Result<(), Interrupt>;
}

/// What must be in memory before a command can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A record.
    Record(RecordKey),
    /// An account.
    Account(AccountId),
    /// Whether a transfer id is in use.
    Transfer(TransferId),
}

/// Why a command function came back without a result. Never constructed by applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interrupt {
    /// A row is loaded and the command runs again.
    Load(Need),
    /// The command cannot be carried out by this release or on these rows: it is undone and
    /// answered 5xx. Carries the reason.
    Broken(String),
}

/// How a request may end other than by a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop<R> {
    /// Refused for a reason of the application.
    Refused(R),
    /// Interrupted by the engine.
    Interrupted(Interrupt),
}

impl<R> From<Interrupt> for Stop<R> {
    fn from(interrupt: Interrupt) -> Self {
        Stop::Interrupted(interrupt)
    }
}

/// How a posting may end other than by being posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostStop {
    /// A ledger rule forbids it; nothing of it was posted.
    Refused(PostError),
    /// Interrupted by the engine.
    Interrupted(Interrupt),
}

impl<R: From<PostError>> From<PostStop> for Stop<R> {
    fn from(stop: PostStop) -> Self {
        match stop {
            PostStop::Refused(error) => Stop::Refused(R::from(error)),
            PostStop::Interrupted(interrupt) => Stop::Interrupted(interrupt),
        }
    }
}

impl From<Interrupt> for PostStop {
    fn from(interrupt: Interrupt) -> Self {
        PostStop::Interrupted(interrupt)
    }
}

/// Rows declared before a batch runs.
#[derive(Debug, Default)]
pub struct Keys {
    pub(crate) records: Vec<RecordKey>,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) transfers: Vec<TransferId>,
}

impl Keys {
    /// A record by its key.
    pub fn record<R: crate::Record>(&mut self, key: &str) {
        self.records.push(RecordKey::of::<R>(key));
    }

    /// An account.
    pub fn account(&mut self, id: AccountId) {
        self.accounts.push(id);
    }

    /// An account that will be opened or looked up under a name.
    pub fn account_name(&mut self, name: &str) {
        self.record::<crate::tx::AccountName>(name);
    }

    /// A transfer id that a client chose.
    pub fn transfer(&mut self, id: TransferId) {
        self.transfers.push(id);
    }
}

/// Makes a repeated request harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Credential and route, so that two clients' keys never meet.
    pub scope: String,
    /// The client's key.
    pub key: String,
    /// Hash of the request body, to notice another request under the same key.
    pub body_hash: String,
}

/// Clear text to be sealed into the vault in the command's own batch.
#[derive(Clone)]
pub struct VaultEntry {
    /// Id under which commands and records refer to it.
    pub id: String,
    /// What is protected.
    pub clear_text: zeroize::Zeroizing<Vec<u8>>,
}

impl Debug for VaultEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VaultEntry({})", self.id)
    }
}

/// A command with everything the engine needs to run it.
#[derive(Debug, Clone)]
pub struct Envelope<C> {
    /// Who asks.
    pub actor: Actor,
    /// What.
    pub work: Work<C>,
    /// Under which key, where the caller gave one.
    pub idempotency: Option<Idempotency>,
    /// Personal data that the command refers to.
    pub vault: Vec<VaultEntry>,
}

/// What can be submitted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work<C> {
    /// A command of the application.
    Command(C),
    /// A checker's decision on a proposal.
    Decide {
        /// The proposal.
        proposal: String,
        /// Approve or decline.
        approve: bool,
    },
}

impl<C> Envelope<C> {
    /// A command without idempotency key or personal data.
    pub fn new(actor: Actor, command: C) -> Envelope<C> {
        Envelope {
            actor,
            work: Work::Command(command),
            idempotency: None,
            vault: Vec::new(),
        }
    }
}

/// What a submitted command came to, durable when seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome<Reply, Rejection> {
    /// Journal number of the command that was run; a reader can wait for it.
    pub journal_seq: u64,
    /// Answered from the idempotency record of an earlier request.
    pub replayed: bool,
    /// The result.
    pub result: Verdict<Reply, Rejection>,
}

/// Reply, refusal or waiting for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict<Reply, Rejection> {
    /// Done.
    Done(Reply),
    /// Refused by the application.
    Refused(Rejection),
    /// Waits for a second person's approval of this proposal.
    Proposed(String),
    /// Refused by the engine.
    Denied(Denial),
    /// Engine work without a reply of its own, or a proposal declined.
    Noted,
}

/// Refusals that the engine makes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "denial", rename_all = "snake_case")]
pub enum Denial {
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used before with another request body")]
    KeyReused,
    /// No proposal of that id.
    #[error("there is no proposal {proposal}")]
    NoSuchProposal {
        /// The id asked for.
        proposal: String,
    },
    /// Somebody decided it before.
    #[error("the proposal {proposal} was decided already")]
    ProposalDecided {
        /// Its id.
        proposal: String,
    },
    /// Maker and checker are the same person.
    #[error("a proposal cannot be decided by the one who made it")]
    MakerIsChecker,
    /// The checker lacks the role.
    #[error("deciding this needs the role {role}")]
    RoleMissing {
        /// The role needed.
        role: String,
    },
    /// The command failed inside: it was undone, a retry will not help.
    #[error("the command could not be carried out and was undone: {reason}")]
    Broken {
        /// For operators.
        reason: String,
    },
}

/// Why there is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The commit failed or its outcome is unknown; ask again with the same idempotency key.
    #[error("the store is not available right now; retry with the same idempotency key: {0}")]
    Unavailable(Arc<str>),
    /// The shard stops here, or no server holds it at this moment; nothing was done.
    #[error("the shard is changing hands; retry")]
    Moving,
    /// Its queue is full; nothing was done.
    #[error("the engine takes no commands right now; retry")]
    Busy,
}
