//! Ids: prefix, shard code, and a time-ordered random part, all from the command's admission.

use jiff::Timestamp;
use ledger::{AccountId, TransferId};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Account numbers of a shard: 2^43, with ten bits for the shard above them.
const ACCOUNT_BITS: u32 = 43;

/// Two characters that name a shard in every id and channel reference; 1,024 shards at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShardCode(u16);

/// A text that is no shard code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a shard code: two characters of 0-9 and A-Z without I, L, O, U")]
pub struct ShardCodeError;

impl ShardCode {
    /// The first shard, the only one on an embedded store.
    pub const FIRST: ShardCode = ShardCode(0);

    /// By number, 0 to 1,023.
    pub fn new(number: u16) -> Option<ShardCode> {
        (number < 1024).then_some(ShardCode(number))
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Account numbers of this shard begin after this one: every account number of a book names its
    /// shard, and stays below 2^53, which every JSON reader can take.
    pub fn account_base(self) -> u64 {
        u64::from(self.0) << ACCOUNT_BITS
    }

    /// The shard of an account number; `None` for numbers beyond the last shard.
    pub fn of_account(account: AccountId) -> Option<ShardCode> {
        u16::try_from(account.0 >> ACCOUNT_BITS)
            .ok()
            .and_then(ShardCode::new)
    }

    /// Finds the shard in an id (`pay_00…`) or a channel reference (`00…`).
    pub fn of_id(id: &str) -> Result<ShardCode, ShardCodeError> {
        let body = id.rsplit_once('_').map_or(id, |(_, body)| body);
        body.get(..2).ok_or(ShardCodeError)?.parse()
    }
}

impl fmt::Display for ShardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(2);
        encode(u128::from(self.0), 2, &mut text);
        f.write_str(&text)
    }
}

impl std::str::FromStr for ShardCode {
    type Err = ShardCodeError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 2 {
            return Err(ShardCodeError);
        }
        let number = decode(text).ok_or(ShardCodeError)?;
        u16::try_from(number)
            .ok()
            .and_then(ShardCode::new)
            .ok_or(ShardCodeError)
    }
}

impl TryFrom<String> for ShardCode {
    type Error = ShardCodeError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ShardCode> for String {
    fn from(code: ShardCode) -> String {
        code.to_string()
    }
}

/// Writes the low `5 * width` bits.
pub(crate) fn encode(value: u128, width: u32, out: &mut String) {
    for position in (0..width).rev() {
        let index = ((value >> (5 * position)) & 31) as usize;
        out.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'0')));
    }
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(text: &str) -> Option<u128> {
    let mut value = 0u128;
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|c| *c == byte)?;
        value = value.checked_mul(32)?.checked_add(digit as u128)?;
    }
    Some(value)
}

/// Text of a 128-bit id, as the API shows transfer ids.
pub fn id_text(value: u128) -> String {
    let mut text = String::with_capacity(26);
    encode(value, 26, &mut text);
    text
}

/// Reads [`id_text`]; 26 characters.
pub fn parse_id_text(text: &str) -> Option<u128> {
    if text.len() != 26 || text.as_bytes().first().is_some_and(|c| *c > b'7') {
        return None;
    }
    decode(text)
}

/// Source of ids within one command: the same admission gives the same ids again.
#[derive(Debug, Clone)]
pub struct IdSource {
    shard: ShardCode,
    millisecond: u64,
    seed: u128,
    counter: u32,
}

impl IdSource {
    /// Ids for a command admitted at `now` with a random `seed`.
    pub fn new(shard: ShardCode, now: Timestamp, seed: u128) -> IdSource {
        let millisecond = u64::try_from(now.as_millisecond()).unwrap_or(0);
        IdSource {
            shard,
            millisecond,
            seed,
            counter: 0,
        }
    }

    /// 48 bits of time, 16 of order within the command, 64 mixed from the seed: ids made later are
    /// greater (to the millisecond, and within a command), which keeps database pages full.
    fn next(&mut self) -> u128 {
        self.counter += 1;
        let time = u128::from(self.millisecond & ((1 << 48) - 1));
        let order = u128::from(self.counter & 0xffff);
        time << 80 | order << 64 | mix(self.seed, self.counter) & u128::from(u64::MAX)
    }

    /// `prefix_` + shard code + 26 characters.
    pub fn id(&mut self, prefix: &str) -> String {
        let value = self.next();
        let mut text = String::with_capacity(prefix.len() + 29);
        text.push_str(prefix);
        text.push('_');
        encode(u128::from(self.shard.number()), 2, &mut text);
        encode(value, 26, &mut text);
        text
    }

    /// Id of a transfer.
    pub fn transfer(&mut self) -> TransferId {
        TransferId(self.next())
    }

    /// 96 unpredictable bits, when the seed is.
    pub fn nonce(&mut self) -> [u8; 12] {
        self.counter += 1;
        let bytes = mix(self.seed ^ (0x5bd1 << 64), self.counter).to_le_bytes();
        let mut nonce = [0; 12];
        for (to, from) in nonce.iter_mut().zip(bytes) {
            *to = from;
        }
        nonce
    }
}

/// Mixes a counter into a seed: two rounds of a 64-bit finaliser over both halves.
fn mix(seed: u128, counter: u32) -> u128 {
    let word = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let low = seed as u64;
    let high = (seed >> 64) as u64;
    let a = word(low.wrapping_add(u64::from(counter).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let b = word(high ^ a.rotate_left(32));
    u128::from(a) << 64 | u128::from(b)
}
