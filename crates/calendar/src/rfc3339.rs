//! Serde form of an instant: RFC 3339 in Shanghai time, to the millisecond.
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Payment {
//!     #[serde(with = "calendar::rfc3339")]
//!     created_at: jiff::Timestamp,
//!     #[serde(with = "calendar::rfc3339::option", default)]
//!     paid_at: Option<jiff::Timestamp>,
//! }
//! ```
//!
//! Reading accepts any offset. Parts of a millisecond are dropped on writing, so instants that are
//! compared with their stored form should carry none.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserializer, Serializer};

use crate::text::{parse_rfc3339, rfc3339_shanghai};

/// Writes `2018-06-08T10:34:56+08:00`.
pub fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339_shanghai(*instant))
}

/// Reads an RFC 3339 time with any offset.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_str(InstantVisitor)
}

struct InstantVisitor;

impl serde::de::Visitor<'_> for InstantVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time in the form yyyy-MM-ddTHH:mm:ss+08:00")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        parse_rfc3339(text).map_err(E::custom)
    }
}

/// The same for an instant that may be absent (`null`).
pub mod option {
    use std::fmt;

    use jiff::Timestamp;
    use serde::{Deserializer, Serializer};

    /// Writes the time, or null.
    pub fn serialize<S: Serializer>(
        instant: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match instant {
            Some(instant) => super::serialize(instant, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a time, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        deserializer.deserialize_option(OptionVisitor)
    }

    struct OptionVisitor;

    impl<'de> serde::de::Visitor<'de> for OptionVisitor {
        type Value = Option<Timestamp>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("null or a time in the form yyyy-MM-ddTHH:mm:ss+08:00")
        }

        fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}
