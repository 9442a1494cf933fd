//! Sums over what is stored besides journal and ledger: records, their index entries, sealed secrets. Each
//! batch carries them, so that a row that was deleted, added or changed outside the program shows.
//!
//! A table's sum is the number of its rows and the sum of their SHA-256 hashes modulo 2^256. A batch takes
//! out the hash of what it replaces and adds that of what it writes: the cost is that of the batch, not of
//! the book, and no order of rows is needed. The sums are a leaf of the batch's Merkle tree.
//!
//! Such a sum shows accidents and careless edits. Somebody with enough computing time can construct rows that
//! leave it as it was.

use crate::batch::SealedSecret;
use crate::leaf;
use crate::merkle::Hash;

/// A stored row that the sums cover.
#[derive(Debug, Clone, Copy)]
pub enum ContentRow<'a> {
    /// A record.
    Record {
        /// Kind.
        kind: &'a str,
        /// Key.
        key: &'a str,
        /// Body, JSON.
        body: &'a [u8],
        /// Check value as stored.
        check: u32,
    },
    /// An index entry.
    Index {
        /// Kind of the record.
        kind: &'a str,
        /// Index.
        name: &'a str,
        /// Value.
        value: &'a str,
        /// Key of the record.
        key: &'a str,
    },
    /// A sealed secret.
    Secret(&'a SealedSecret),
}

/// Number and sum of the rows of one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableSum {
    /// Rows.
    pub rows: u64,
    /// Lowest word first.
    sum: [u64; 4],
}

impl TableSum {
    /// A row is there now.
    pub fn add(&mut self, hash: &Hash) {
        self.rows = self.rows.wrapping_add(1);
        let mut carry = false;
        for (word, more) in self.sum.iter_mut().zip(words(hash)) {
            let (sum, first) = word.overflowing_add(more);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *word = sum;
            carry = first || second;
        }
    }

    /// A row is no longer there.
    pub fn remove(&mut self, hash: &Hash) {
        self.rows = self.rows.wrapping_sub(1);
        let mut borrow = false;
        for (word, less) in self.sum.iter_mut().zip(words(hash)) {
            let (rest, first) = word.overflowing_sub(less);
            let (rest, second) = rest.overflowing_sub(u64::from(borrow));
            *word = rest;
            borrow = first || second;
        }
    }
}

fn words(hash: &Hash) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(hash.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// The sums of a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Records.
    pub records: TableSum,
    /// Index entries.
    pub indexes: TableSum,
    /// Sealed secrets.
    pub secrets: TableSum,
}

/// Length of the stored form.
pub const CONTENTS_BYTES: usize = 120;

impl Contents {
    /// Takes a stored row in.
    pub fn add(&mut self, row: &ContentRow<'_>) {
        match row {
            ContentRow::Record {
                kind, key, body, ..
            } => self.records.add(&leaf::record_hash(kind, key, body)),
            ContentRow::Index {
                kind,
                name,
                value,
                key,
            } => self.indexes.add(&leaf::index_hash(kind, name, value, key)),
            ContentRow::Secret(secret) => self.secrets.add(&leaf::secret_hash(secret)),
        }
    }

    /// The stored form: for each table its rows and its sum, lowest byte first.
    pub fn to_bytes(&self) -> [u8; CONTENTS_BYTES] {
        let mut bytes = [0; CONTENTS_BYTES];
        let tables = [self.records, self.indexes, self.secrets];
        let words = tables
            .iter()
            .flat_map(|table| std::iter::once(table.rows).chain(table.sum));
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    /// Reads the stored form; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Contents> {
        let bytes: &[u8; CONTENTS_BYTES] = bytes.try_into().ok()?;
        let mut words = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word));
        let mut table = || {
            let rows = words.next()?;
            let sum = [words.next()?, words.next()?, words.next()?, words.next()?];
            Some(TableSum { rows, sum })
        };
        Some(Contents {
            records: table()?,
            indexes: table()?,
            secrets: table()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_and_removed_in_any_order_leaves_nothing() {
        let hashes: Vec<Hash> = (0..40u8)
            .map(|n| crate::merkle::hash_of(&[&[n]]))
            .chain([[0xff; 32]])
            .collect();
        let mut table = TableSum::default();
        hashes.iter().for_each(|hash| table.add(hash));
        let all = table;
        hashes
            .iter()
            .rev()
            .step_by(2)
            .for_each(|hash| table.remove(hash));
        assert_ne!(table, all);
        hashes
            .iter()
            .rev()
            .skip(1)
            .step_by(2)
            .for_each(|hash| table.remove(hash));
        assert_eq!(table, TableSum::default());
    }

    #[test]
    fn the_stored_form_reads_back() {
        let mut contents = Contents::default();
        contents.records.add(&[7; 32]);
        contents.indexes.add(&[0xff; 32]);
        contents.indexes.add(&[0xff; 32]);
        assert_eq!(Contents::from_bytes(&contents.to_bytes()), Some(contents));
        assert_eq!(Contents::from_bytes(&[0; 119]), None);
    }
}
