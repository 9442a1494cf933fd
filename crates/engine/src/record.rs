//! Records: what the application keeps, by kind and key.
//!
//! A record has a JSON body (readable with any database client) and named index values. A scan
//! runs over one index in value order. Adding a kind needs no change of the database schema.

use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A row of the application.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name of the kind, lower-case, e.g. `payment`.
    const KIND: &'static str;
    /// Unique within the kind.
    fn key(&self) -> &str;
    /// Index values for scans and lists; none by default.
    fn indexes(&self, _out: &mut Indexes) {}
}

/// Index entries of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexes(pub(crate) Vec<(&'static str, String)>);

impl Indexes {
    /// Adds an entry, once; values order as text, so numbers and times are zero-padded.
    pub fn add(&mut self, index: &'static str, value: String) {
        let known = |(name, known): &(&str, String)| *name == index && *known == value;
        if !self.0.iter().any(known) {
            self.0.push((index, value));
        }
    }
}

/// A time as an index value that orders like the time.
pub fn index_time(time: jiff::Timestamp) -> String {
    format!("{:015}", time.as_millisecond().max(0))
}

/// Kind and key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// Kind.
    pub kind: &'static str,
    /// Key within the kind.
    pub key: Arc<str>,
}

impl RecordKey {
    /// A key of a kind.
    pub fn of<R: Record>(key: &str) -> RecordKey {
        RecordKey {
            kind: R::KIND,
            key: Arc::from(key),
        }
    }
}

impl Hash for RecordKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        KeyRef {
            kind: self.kind,
            key: &self.key,
        }
        .hash(state);
    }
}

/// Borrowed form for look-ups without an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyRef<'a> {
    pub kind: &'static str,
    pub key: &'a str,
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.key.hash(state);
    }
}

impl hashbrown::Equivalent<RecordKey> for KeyRef<'_> {
    fn equivalent(&self, other: &RecordKey) -> bool {
        self.key == &*other.key && self.kind == other.kind
    }
}

/// A typed record without its type.
pub(crate) trait AnyRecord: Send + Sync {
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error>;
    fn index_entries(&self) -> Indexes;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<R: Record> AnyRecord for R {
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
    fn index_entries(&self) -> Indexes {
        let mut indexes = Indexes::default();
        self.indexes(&mut indexes);
        indexes
    }
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
