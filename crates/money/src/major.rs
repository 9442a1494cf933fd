//! Reading amounts that a bill or a form writes in major units.

use crate::{Currency, Money};

/// A text is not an amount in major units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// There is no digit before the point, after it, or at all.
    #[error("a digit is missing at position {position}: write amounts like 123.45, 0.50 or -3")]
    MissingDigit {
        /// Zero-based position in characters.
        position: usize,
    },
    /// A character that no amount contains: a blank, a back-tick, a grouping comma, a plus sign.
    #[error(
        "unexpected character {found:?} at position {position}: remove everything but digits, one point and a leading minus"
    )]
    UnexpectedCharacter {
        /// The first character that does not belong.
        found: char,
        /// Zero-based position in characters.
        position: usize,
    },
    /// Decimals that the currency cannot hold.
    #[error("{currency} has {allowed} decimals; the digit at decimal {decimal} is not zero")]
    TooManyDecimals {
        /// The currency that was asked for.
        currency: Currency,
        /// How many decimals the currency has.
        allowed: u8,
        /// One-based place of the first decimal that would be lost.
        decimal: usize,
    },
    /// The amount does not fit into 64 bits of minor units.
    #[error("the amount exceeds the range of 64-bit minor units")]
    Overflow,
}

/// Reads an amount in major units: `123.45`, `0.5`, `-3`.
///
/// Nothing is trimmed: a blank, a back-tick, a grouping comma or a plus sign is an error, because a
/// caller who meets one has not read the field the way its format says. More decimals than the
/// currency has are accepted only if they are zeros (`1.500` is `CNY 1.50`).
pub fn parse_major(text: &str, currency: Currency) -> Result<Money, ParseAmountError> {
    let (negative, start) = match text.strip_prefix('-') {
        Some(_) => (true, 1),
        None => (false, 0),
    };
    let mut reader = Reader {
        currency,
        negative,
        minor: 0,
    };
    let mut decimals: Option<usize> = None;
    let mut last_was_digit = false;
    let mut position = start;
    for found in text.chars().skip(start) {
        match (found, decimals) {
            ('0'..='9', None) => reader.push(found)?,
            ('0'..='9', Some(seen)) => {
                reader.push_decimal(found, seen + 1)?;
                decimals = Some(seen + 1);
            }
            ('.', None) if last_was_digit => decimals = Some(0),
            ('.', None) => return Err(ParseAmountError::MissingDigit { position }),
            _ => return Err(ParseAmountError::UnexpectedCharacter { found, position }),
        }
        last_was_digit = found != '.';
        position += 1;
    }
    if !last_was_digit {
        return Err(ParseAmountError::MissingDigit { position });
    }
    for _ in decimals.unwrap_or(0)..usize::from(currency.exponent()) {
        reader.push('0')?;
    }
    Ok(Money::new(reader.minor, currency))
}

/// Accumulates digits with the sign applied, so that the most negative amount can be read too.
struct Reader {
    currency: Currency,
    negative: bool,
    minor: i64,
}

impl Reader {
    fn push(&mut self, digit: char) -> Result<(), ParseAmountError> {
        let value = i64::from(digit.to_digit(10).unwrap_or(0));
        let signed = if self.negative { -value } else { value };
        self.minor = self
            .minor
            .checked_mul(10)
            .and_then(|minor| minor.checked_add(signed))
            .ok_or(ParseAmountError::Overflow)?;
        Ok(())
    }

    fn push_decimal(&mut self, digit: char, decimal: usize) -> Result<(), ParseAmountError> {
        let allowed = self.currency.exponent();
        if decimal <= usize::from(allowed) {
            self.push(digit)
        } else if digit == '0' {
            Ok(())
        } else {
            Err(ParseAmountError::TooManyDecimals {
                currency: self.currency,
                allowed,
                decimal,
            })
        }
    }
}
