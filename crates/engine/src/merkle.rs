//! Merkle root over a batch's rows, hashed as in RFC 6962 section 2.1.

use sha2::{Digest, Sha256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// Builds the root leaf by leaf in memory that grows with the logarithm of their number.
#[derive(Debug, Default, Clone)]
pub struct MerkleTree {
    /// Roots of complete subtrees, largest first, with their number of leaves.
    subtrees: Vec<(u64, Hash)>,
}

impl MerkleTree {
    /// Adds a leaf's data and returns its hash.
    pub fn add(&mut self, data: &[u8]) -> Hash {
        let hash = leaf_hash(data);
        self.push(hash);
        hash
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut size = 1;
        let mut hash = leaf;
        while let Some((left_size, left)) = self.subtrees.last() {
            if *left_size != size {
                break;
            }
            hash = node(left, &hash);
            size *= 2;
            self.subtrees.pop();
        }
        self.subtrees.push((size, hash));
    }

    /// The root; of no leaves, the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev();
        let Some((_, mut hash)) = subtrees.next().copied() else {
            return Sha256::digest([]).into();
        };
        for (_, left) in subtrees {
            hash = node(left, &hash);
        }
        hash
    }
}

/// Hash of a leaf's data.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0u8])
        .chain_update(data)
        .finalize()
        .into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1u8])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Chains a batch's root to the head before it.
pub fn chain(previous: &Hash, root: &Hash, batch_seq: u64) -> Hash {
    Sha256::new()
        .chain_update([2u8])
        .chain_update(previous)
        .chain_update(root)
        .chain_update(batch_seq.to_be_bytes())
        .finalize()
        .into()
}

/// First four bytes of a hash: the check value stored with a row.
pub fn check_value(hash: &Hash) -> u32 {
    let [a, b, c, d, ..] = *hash;
    u32::from_be_bytes([a, b, c, d])
}

/// Check value of bytes that are not part of the tree.
pub fn check_of(parts: &[&[u8]]) -> u32 {
    check_value(&hash_of(parts))
}

/// Hash of bytes that are not part of the tree.
pub fn hash_of(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursive definition of RFC 6962, to compare with.
    fn definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                let (left, right) = many.split_at(split);
                node(&definition(left), &definition(right))
            }
        }
    }

    #[test]
    fn agrees_with_the_recursive_definition() {
        for count in 0..70u8 {
            let mut tree = MerkleTree::default();
            let leaves: Vec<Hash> = (0..count).map(|i| tree.add(&[i])).collect();
            assert_eq!(tree.root(), definition(&leaves), "{count} leaves");
        }
    }
}
