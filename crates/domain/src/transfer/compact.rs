//! A transfer in few bytes: `["01JD…", 12, 13, 500, 1001]`.

use engine::ids::{id_text, parse_id_text};
use ledger::{AccountId, Transfer, TransferId};
use money::{Currency, Money};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// One transfer of a client; in JSON the array `[id, debit, credit, amount, code]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactTransfer {
    /// Chosen by the client, unique for ever; in JSON text of 26 characters (`engine::id_text`).
    pub id: u128,
    /// Number of the account debited.
    pub debit: u64,
    /// Number of the account credited.
    pub credit: u64,
    /// Minor units, above zero.
    pub amount: i64,
    /// Kind of movement, 1,000 or above.
    pub code: u16,
}

impl CompactTransfer {
    /// The ledger's transfer.
    pub fn transfer(&self, currency: Currency) -> Transfer {
        Transfer {
            id: TransferId(self.id),
            debit: AccountId(self.debit),
            credit: AccountId(self.credit),
            amount: Money::new(self.amount, currency),
            code: self.code,
        }
    }
}

/// The text form of an id, read without an allocation.
struct IdText(u128);

impl<'de> Deserialize<'de> for IdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = IdText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a transfer id of 26 characters of 0-9 and A-Z without I, L, O, U")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<IdText, E> {
                parse_id_text(text)
                    .map(IdText)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(IdVisitor)
    }
}

impl Serialize for CompactTransfer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (
            id_text(self.id),
            self.debit,
            self.credit,
            self.amount,
            self.code,
        )
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CompactTransfer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, debit, credit, amount, code) =
            <(IdText, u64, u64, i64, u16)>::deserialize(deserializer)?;
        Ok(CompactTransfer {
            id: id.0,
            debit,
            credit,
            amount,
            code,
        })
    }
}
