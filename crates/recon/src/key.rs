//! The key by which the two sides meet.

use std::sync::Arc;

use hashbrown::Equivalent;

use crate::EntryKind;

/// Channel, kind and reference of one movement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) channel: Arc<str>,
    pub(crate) kind: EntryKind,
    pub(crate) reference: String,
}

/// The same, borrowed: a line is looked up without being copied.
#[derive(Hash)]
pub(crate) struct KeyRef<'a> {
    pub(crate) channel: &'a str,
    pub(crate) kind: EntryKind,
    pub(crate) reference: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.kind == key.kind && self.reference == key.reference && self.channel == &*key.channel
    }
}
