//! Transfers, holds and reversals of the plain ledger.

use super::accounts::kind_name;
use super::decisions::DecisionView;
use super::enums;
use super::money::{MoneySchema, PositiveMinor, PositiveMoney};
use calendar::BusinessDate;
use domain::chart::Movement;
use domain::transfer::{
    CompactTransfer, HeldTrade, PlacedHold, RefusedTransfer, Reversal, TransfersPosted,
};
use engine::ids::{id_text, parse_id_text};
use jiff::Timestamp;
use ledger::{Row, Side};
use money::{Currency, Money};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A 128-bit id as text of 26 characters (a ULID is one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdText(pub u128);

impl<'de> Deserialize<'de> for IdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = IdText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id of 26 characters of 0-9 and A-Z without I, L, O, U, above zero")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<IdText, E> {
                match parse_id_text(text) {
                    Some(id) if id != 0 => Ok(IdText(id)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A transfer to be posted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "01KABCDEFGHJKMNPQRSTVWXYZ0", "debit": 42, "credit": 43,
    "amount": {"amount": 500, "currency": "CNY"}, "code": 1001
}))]
pub struct NewTransfer {
    /// Your own id, unique for ever: 26 characters, a ULID fits. The same id with the same content
    /// is the same transfer.
    #[schema(value_type = String, min_length = 26, max_length = 26)]
    pub id: IdText,
    /// Number of the account debited (借).
    pub debit: u64,
    /// Number of the account credited (贷).
    pub credit: u64,
    /// Amount.
    #[schema(value_type = MoneySchema)]
    pub amount: PositiveMoney,
    /// What kind of movement: 1000 to 65535, yours to number.
    #[schema(minimum = 1000, maximum = 65535)]
    pub code: u16,
    /// Business object it belongs to, 1 to 64 characters.
    #[serde(default)]
    pub reference: Option<String>,
}

/// One transfer of a batch, as an object or as `[id, debit, credit, amount, code]`.
#[derive(Debug, Clone, Copy)]
pub struct BatchItem(pub CompactTransfer);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemObject {
    id: IdText,
    debit: u64,
    credit: u64,
    amount: PositiveMinor,
    code: u16,
}

#[derive(Deserialize)]
struct ItemArray(IdText, u64, u64, PositiveMinor, u16);

impl<'de> Deserialize<'de> for BatchItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Item;
        impl<'de> Visitor<'de> for Item {
            type Value = BatchItem;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or [id, debit, credit, amount, code]")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BatchItem, A::Error> {
                let item = ItemObject::deserialize(MapAccessDeserializer::new(map))?;
                Ok(BatchItem(CompactTransfer {
                    id: item.id.0,
                    debit: item.debit,
                    credit: item.credit,
                    amount: item.amount.0,
                    code: item.code,
                }))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<BatchItem, A::Error> {
                let item = ItemArray::deserialize(SeqAccessDeserializer::new(seq))?;
                Ok(BatchItem(CompactTransfer {
                    id: item.0.0,
                    debit: item.1,
                    credit: item.2,
                    amount: item.3.0,
                    code: item.4,
                }))
            }
        }
        deserializer.deserialize_any(Item)
    }
}

/// One transfer of a batch.
#[derive(utoipa::ToSchema)]
#[schema(as = BatchTransfer)]
#[allow(dead_code, reason = "describes BatchItem in the API's description")]
pub struct BatchItemSchema {
    /// Your own id, unique for ever.
    #[schema(min_length = 26, max_length = 26)]
    id: String,
    /// Number of the account debited.
    debit: u64,
    /// Number of the account credited.
    credit: u64,
    /// Minor units, above zero.
    #[schema(minimum = 1)]
    amount: i64,
    /// What kind of movement.
    #[schema(minimum = 1000, maximum = 65535)]
    code: u16,
}

/// A batch of transfers.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "currency": "CNY", "linked": true,
    "transfers": [{"id": "01KABCDEFGHJKMNPQRSTVWXYZ0", "debit": 42, "credit": 43, "amount": 500, "code": 1001}]
}))]
pub struct TransferBatch {
    /// Currency of all of them.
    #[schema(value_type = String)]
    pub currency: Currency,
    /// All or none; otherwise each for itself.
    #[serde(default)]
    pub linked: bool,
    /// Business object they belong to.
    #[serde(default)]
    pub reference: Option<String>,
    /// 1 to 8,192; each an object, or shorter `[id, debit, credit, amount, code]`.
    #[schema(value_type = Vec<BatchItemSchema>)]
    pub transfers: Vec<BatchItem>,
}

/// A transfer of a batch that was refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RefusedView {
    /// Position, from 0.
    pub index: u32,
    /// Stable code.
    #[schema(value_type = String, example = "insufficient_funds")]
    pub code: domain::Code,
    /// For people.
    pub detail: String,
}

impl From<RefusedTransfer> for RefusedView {
    fn from(refused: RefusedTransfer) -> RefusedView {
        RefusedView {
            index: refused.index,
            code: refused.code,
            detail: refused.message,
        }
    }
}

/// What became of a batch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BatchResult {
    /// Posted now.
    pub posted: u32,
    /// Posted before under the same ids with the same content.
    pub repeated: u32,
    /// Refused, each for itself; empty when linked.
    pub refused: Vec<RefusedView>,
}

impl From<TransfersPosted> for BatchResult {
    fn from(posted: TransfersPosted) -> BatchResult {
        BatchResult {
            posted: posted.posted,
            repeated: posted.repeated,
            refused: posted.refused.into_iter().map(RefusedView::from).collect(),
        }
    }
}

/// A transfer that was posted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PostedTransfer {
    /// Its id.
    #[schema(example = "01KABCDEFGHJKMNPQRSTVWXYZ0")]
    pub id: String,
    /// Posted before with the same content.
    pub repeated: bool,
}

/// A transfer or hold in the books.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Transfer)]
pub struct TransferView {
    /// Its id.
    pub id: String,
    /// `transfer` or `capture`.
    #[schema(example = "transfer")]
    pub kind: &'static str,
    /// Number of the account debited.
    pub debit: u64,
    /// Number of the account credited.
    pub credit: u64,
    /// Amount.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// What kind of movement.
    pub code: u16,
    /// The same in words, for the institution's own movements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<&'static str>,
    /// Business object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The hold it draws on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// Business date.
    #[schema(value_type = String, format = Date)]
    pub date: BusinessDate,
    /// Place in the book's sequence.
    pub seq: u64,
}

impl TransferView {
    /// A ledger row in the currency of its accounts.
    pub fn new(row: &Row, currency: Currency) -> TransferView {
        TransferView {
            id: id_text(row.id),
            kind: kind_name(row.kind),
            debit: row.debit.account,
            credit: row.credit.account,
            amount: Money::new(row.amount, currency),
            code: row.code,
            movement: Movement::from_code(row.code).map(Movement::english),
            reference: row.reference.as_deref().map(str::to_owned),
            hold: (row.hold != 0).then(|| id_text(row.hold)),
            date: row.date,
            seq: row.seq,
        }
    }
}

/// A reversal to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reversal_id": "01KABCDEFGHJKMNPQRSTVWXYZ1", "reason": "booked twice"}))]
pub struct NewReversal {
    /// Your own id of the reversal, unique for ever.
    #[schema(value_type = String, min_length = 26, max_length = 26)]
    pub reversal_id: IdText,
    /// Why, 1 to 200 characters.
    pub reason: String,
}

/// A reversal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Reversal)]
pub struct ReversalView {
    /// The transfer.
    pub original: String,
    /// Its mirror image.
    pub reversal: String,
    /// Why.
    pub reason: String,
    /// Reversed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Reversal> for ReversalView {
    fn from(reversal: Reversal) -> ReversalView {
        ReversalView {
            original: reversal.original,
            reversal: reversal.reversal,
            reason: reversal.reason,
            created_at: reversal.created_at,
        }
    }
}

/// An amount to be reserved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"account": 42, "side": "debit", "amount": {"amount": 500, "currency": "CNY"}}))]
pub struct NewHold {
    /// Number of the account.
    pub account: u64,
    /// Side on which it is reserved; to keep money back, the outgoing one (debit of a liability).
    #[schema(schema_with = enums::side)]
    pub side: Side,
    /// Amount.
    #[schema(value_type = MoneySchema)]
    pub amount: PositiveMoney,
    /// Business object it belongs to.
    #[serde(default)]
    pub reference: Option<String>,
    /// The trade whose money is held back from its merchant, judged by the rules of regulation. A hold
    /// without one is a reservation of your own.
    #[serde(default)]
    pub trade: Option<HeldTradeBody>,
}

/// A trade whose money is held back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HeldTrade, example = json!({"real": true, "confirmed_on": "2026-11-01", "risk": false}))]
pub struct HeldTradeBody {
    /// It is a real trade.
    #[serde(default)]
    pub real: Option<bool>,
    /// Day on which the payer confirmed that it got what it paid for, or will at the latest.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub confirmed_on: Option<BusinessDate>,
    /// It is held for a documented risk.
    #[serde(default)]
    pub risk: Option<bool>,
}

impl From<HeldTradeBody> for HeldTrade {
    fn from(body: HeldTradeBody) -> HeldTrade {
        HeldTrade {
            real: body.real,
            confirmed_on: body.confirmed_on,
            risk: body.risk,
        }
    }
}

/// A hold.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Hold)]
pub struct HoldView {
    /// Its id.
    pub id: String,
    /// Number of the account.
    pub account: u64,
    /// Not yet captured or released, minor units.
    pub remaining: i64,
    /// The decision by which it was placed or released, for a hold of a trade's money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
}

impl From<PlacedHold> for HoldView {
    fn from(hold: PlacedHold) -> HoldView {
        HoldView {
            id: hold.hold,
            account: hold.account,
            remaining: hold.remaining,
            decision: hold.decision.map(DecisionView::from),
        }
    }
}
