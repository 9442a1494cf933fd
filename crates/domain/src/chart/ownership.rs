//! Which accounts belong to the business and are closed to clients of the plain ledger.
//!
//! Cost: one bit an account, one record for 4,096 account numbers. A batch of transfers looks up one
//! record per distinct block of numbers it names (a book of a million accounts has 245), and nothing
//! per transfer but a bit. A block without business accounts has no record; that absence is cached.

use engine::{Interrupt, Record, Tx};
use ledger::AccountId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const BLOCK: u64 = 4_096;

/// Business accounts among 4,096 account numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessAccounts {
    /// Number of the block, in decimal.
    pub block: String,
    /// 64 words of 64 bits, lowest number first; hexadecimal because JSON numbers end at 2^53
    /// for many readers.
    pub words: Vec<String>,
}

impl Record for BusinessAccounts {
    const KIND: &'static str = "business_accounts";
    fn key(&self) -> &str {
        &self.block
    }
}

impl BusinessAccounts {
    /// Key of the block in which an account's number lies.
    pub fn key_of(account: AccountId) -> String {
        (account.0 / BLOCK).to_string()
    }
}

fn place(account: AccountId) -> (usize, u64) {
    let within = account.0 % BLOCK;
    let word = usize::try_from(within / 64).unwrap_or(0);
    (word, 1 << (within % 64))
}

/// Marks an account as the business's.
pub(crate) fn claim(tx: &mut Tx<'_>, account: AccountId) -> Result<(), Interrupt> {
    let key = BusinessAccounts::key_of(account);
    let mut record = match tx.get::<BusinessAccounts>(&key)? {
        Some(record) => (*record).clone(),
        None => BusinessAccounts {
            block: key,
            words: vec!["0".to_owned(); 64],
        },
    };
    let (word, bit) = place(account);
    if let Some(text) = record.words.get_mut(word) {
        *text = format!("{:x}", read(text) | bit);
    }
    tx.put(record)
}

fn read(text: &str) -> u64 {
    // A word that cannot be read closes its 64 accounts to clients: damage must not open a door.
    u64::from_str_radix(text, 16).unwrap_or(u64::MAX)
}

/// Blocks looked up in one command.
#[derive(Default)]
pub(crate) struct Ownership {
    blocks: BTreeMap<u64, Option<Arc<[u64]>>>,
    last: Option<(u64, Option<Arc<[u64]>>)>,
}

impl Ownership {
    /// Whether an account is closed to clients.
    pub fn is_business(&mut self, tx: &mut Tx<'_>, account: AccountId) -> Result<bool, Interrupt> {
        let number = account.0 / BLOCK;
        if self.last.as_ref().is_none_or(|(last, _)| *last != number) {
            let block = self.block(tx, number)?;
            self.last = Some((number, block));
        }
        let Some((_, Some(words))) = &self.last else {
            return Ok(false);
        };
        let (word, bit) = place(account);
        Ok(words.get(word).is_some_and(|bits| bits & bit != 0))
    }

    fn block(&mut self, tx: &mut Tx<'_>, number: u64) -> Result<Option<Arc<[u64]>>, Interrupt> {
        if let Some(block) = self.blocks.get(&number) {
            return Ok(block.clone());
        }
        let record = tx.get::<BusinessAccounts>(&number.to_string())?;
        let words = record.map(|record| record.words.iter().map(|text| read(text)).collect());
        self.blocks.insert(number, words.clone());
        Ok(words)
    }
}
