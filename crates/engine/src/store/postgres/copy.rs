//! Ledger and journal rows as the bytes of a binary COPY, written straight into one buffer.

use crate::batch::JournalRow;
use bytes::{BufMut, Bytes, BytesMut};
use ledger::{Row, Touch};

/// Signature, flags and length of the header's extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A number that no column can hold.
#[derive(Debug)]
pub(super) struct TooGreat(pub u64);

/// Rows being encoded.
pub(super) struct Encoder {
    out: BytesMut,
    shard: i16,
    too_great: Option<u64>,
}

impl Encoder {
    pub fn new(shard: i16, size: usize) -> Encoder {
        let mut out = BytesMut::with_capacity(size + HEADER.len() + 2);
        out.put_slice(HEADER);
        Encoder {
            out,
            shard,
            too_great: None,
        }
    }

    pub fn finish(mut self) -> Result<Bytes, TooGreat> {
        self.out.put_i16(-1);
        match self.too_great {
            None => Ok(self.out.freeze()),
            Some(number) => Err(TooGreat(number)),
        }
    }

    /// Columns as in `ledger_columns`.
    pub fn ledger(&mut self, row: &Row, check: u32) {
        self.out.put_i16(25);
        self.int2(self.shard);
        self.int2(i16::from(row.kind.code()));
        self.int4(row.date.to_yyyymmdd());
        self.count(row.seq);
        self.int8(row.amount);
        self.touch(&row.debit);
        self.touch(&row.credit);
        self.rare(&row.debit);
        self.rare(&row.credit);
        self.id(row.id);
        self.id(row.hold);
        self.int4(i32::from(row.code));
        self.int4(check.cast_signed());
        match row.attributes {
            0 => self.null(),
            attributes => self.int4(attributes.cast_signed()),
        }
        match row.reference.as_deref() {
            None => self.null(),
            Some(reference) => self.text(reference),
        }
    }

    fn touch(&mut self, touch: &Touch) {
        self.count(touch.account);
        self.int8(touch.debits_posted);
        self.int8(touch.credits_posted);
        self.count(touch.prev_seq);
    }

    fn rare(&mut self, touch: &Touch) {
        for amount in [touch.debits_held, touch.credits_held] {
            match amount {
                0 => self.null(),
                amount => self.int8(amount),
            }
        }
        match touch.prev_day_seq {
            0 => self.null(),
            seq => self.count(seq),
        }
    }

    /// Columns as in `journal_columns`.
    pub fn journal(&mut self, row: &JournalRow, check: u32) {
        self.out.put_i16(9);
        self.int2(self.shard);
        self.count(row.seq);
        self.int8(row.at.as_millisecond());
        self.count(row.last_ledger_seq);
        self.int4(check.cast_signed());
        for text in [&*row.principal, &*row.role, &row.command, &row.outcome] {
            self.text(text);
        }
    }

    fn int2(&mut self, number: i16) {
        self.out.put_i32(2);
        self.out.put_i16(number);
    }

    fn int4(&mut self, number: i32) {
        self.out.put_i32(4);
        self.out.put_i32(number);
    }

    fn int8(&mut self, number: i64) {
        self.out.put_i32(8);
        self.out.put_i64(number);
    }

    fn count(&mut self, number: u64) {
        match i64::try_from(number) {
            Ok(number) => self.int8(number),
            Err(_) => self.too_great = Some(number),
        }
    }

    fn id(&mut self, id: u128) {
        if id == 0 {
            return self.null();
        }
        self.out.put_i32(16);
        self.out.put_u128(id);
    }

    fn text(&mut self, text: &str) {
        match i32::try_from(text.len()) {
            Ok(length) => {
                self.out.put_i32(length);
                self.out.put_slice(text.as_bytes());
            }
            Err(_) => self.too_great = Some(text.len() as u64),
        }
    }

    fn null(&mut self) {
        self.out.put_i32(-1);
    }
}
