//! A batch: what one database transaction writes.

use crate::contents::Contents;
use crate::ids::ShardCode;
use crate::leaf;
use crate::merkle::{self, Hash, MerkleTree};
use crate::record::RecordKey;
use calendar::BusinessDate;
use jiff::Timestamp;
use ledger::{AccountId, AccountState, NewAccount, Row};
use std::sync::Arc;

/// The shard's row: everything that a successor must know before it reads anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardHead {
    /// Number of the last batch.
    pub batch_seq: u64,
    /// Last journal row.
    pub journal_seq: u64,
    /// Last ledger row.
    pub ledger_seq: u64,
    /// Lowest ledger row that may not be in the account checkpoints yet.
    pub low_seq: u64,
    /// Highest account number given out.
    pub last_account: u64,
    /// Number of transfers and captures.
    pub transfers: u64,
    /// Greatest transfer id ever stored.
    pub greatest_id: u128,
    /// Latest time a command saw; time never goes back.
    pub now: Timestamp,
    /// Business date (会计日) of postings; only a journaled command moves it.
    pub business_date: BusinessDate,
    /// Head of the hash chain.
    pub head_hash: Hash,
    /// Sums over records, index entries and secrets; `None` after a batch of a release that had none.
    pub contents: Option<Contents>,
}

impl ShardHead {
    /// Head of an empty shard.
    pub fn empty(shard: ShardCode, business_date: BusinessDate) -> ShardHead {
        ShardHead {
            batch_seq: 0,
            journal_seq: 0,
            ledger_seq: 0,
            low_seq: 1,
            last_account: shard.account_base(),
            transfers: 0,
            greatest_id: 0,
            now: Timestamp::UNIX_EPOCH,
            business_date,
            head_hash: [0; 32],
            contents: Some(Contents::default()),
        }
    }
}

/// One command as it was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Place in the journal, from 1 without gaps.
    pub seq: u64,
    /// The command's time.
    pub at: Timestamp,
    /// Who.
    pub principal: Arc<str>,
    /// In which role.
    pub role: Arc<str>,
    /// The command, JSON.
    pub command: String,
    /// What it came to, JSON.
    pub outcome: String,
    /// Last ledger row when it had run.
    pub last_ledger_seq: u64,
}

/// A record as a batch leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChange {
    /// Which record.
    pub key: RecordKey,
    /// New body, JSON; `None` when deleted.
    pub body: Option<Vec<u8>>,
    /// Check value of the body; 0 when deleted.
    pub check: u32,
    /// Index entries to remove: index and value.
    pub removed: Vec<(&'static str, String)>,
    /// Index entries to add.
    pub added: Vec<(&'static str, String)>,
}

/// Personal data, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Id.
    pub id: String,
    /// Nonce of the encryption.
    pub nonce: [u8; 12],
    /// Cipher text with its tag.
    pub cipher_text: Vec<u8>,
}

/// A batch that no later command can change any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBatch {
    /// The shard's row after the batch.
    pub head: ShardHead,
    /// Merkle root over journal and ledger rows and the head's sums.
    pub root: Hash,
    /// Journal rows with their check values.
    pub journal: Vec<(JournalRow, u32)>,
    /// Ledger rows with their check values.
    pub rows: Vec<(Row, u32)>,
    /// Accounts opened by the batch.
    pub opened: Vec<(AccountId, NewAccount)>,
    /// Account checkpoints swept with the batch, including those of `opened` accounts.
    pub accounts: Vec<(AccountId, AccountState)>,
    /// Records changed.
    pub records: Vec<RecordChange>,
    /// Secrets added.
    pub secrets: Vec<SealedSecret>,
}

/// The batch being filled.
#[derive(Default)]
pub(crate) struct BatchBuilder {
    pub journal: Vec<JournalRow>,
    pub rows: Vec<Row>,
    pub opened: Vec<(AccountId, NewAccount)>,
    pub changed: Vec<RecordKey>,
    pub secrets: Vec<SealedSecret>,
    pub dirtied: usize,
    /// Length of the texts and secrets in it: what commands said and were answered. Their records are not encoded yet.
    pub bytes: usize,
}

impl BatchBuilder {
    pub fn is_empty(&self) -> bool {
        // A command that is set aside leaves a record and no journal row.
        self.journal.is_empty() && self.changed.is_empty()
    }
}

/// Journal or ledger rows with their check values.
pub type Checked<T> = Vec<(T, u32)>;

/// Hashes the rows of a batch: their check values and the root, in which the sums are the last leaf.
pub fn hash_rows(
    journal: Vec<JournalRow>,
    rows: Vec<Row>,
    contents: Option<&Contents>,
) -> (Checked<JournalRow>, Checked<Row>, Hash) {
    let mut tree = MerkleTree::default();
    let mut bytes = Vec::with_capacity(256);
    let journal = journal
        .into_iter()
        .map(|row| {
            leaf::journal_leaf(&row, &mut bytes);
            let check = merkle::check_value(&tree.add(&bytes));
            (row, check)
        })
        .collect();
    let rows = rows
        .into_iter()
        .map(|row| {
            leaf::ledger_leaf(&row, &mut bytes);
            let check = merkle::check_value(&tree.add(&bytes));
            (row, check)
        })
        .collect();
    if let Some(contents) = contents {
        leaf::contents_leaf(contents, &mut bytes);
        tree.add(&bytes);
    }
    (journal, rows, tree.root())
}
