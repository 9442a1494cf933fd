//! Decimal yuan to exact integers.

use money::Money;

/// Units of 0.00001 yuan in a fen.
const E5_PER_FEN: i64 = 1_000;

/// Reads `-12.34500` as units of 0.00001 yuan: an optional minus sign, 1 to 12 digits, two to
/// five decimals. Fewer would hide that a file was cut within its last number.
pub(super) fn parse_e5(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if (2..=5).contains(&fraction.len()) => (whole, fraction),
        _ => return None,
    };
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=12).contains(&whole.len()) || !only_digits(whole) || !only_digits(fraction) {
        return None;
    }
    let magnitude: i64 = format!("{whole}{fraction:0<5}").parse().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Whole fen only.
pub(super) fn exact_fen(e5: i64) -> Option<Money> {
    (e5 % E5_PER_FEN == 0).then(|| Money::cny(e5 / E5_PER_FEN))
}

/// Whole fen, halves away from zero.
pub(super) fn rounded_fen(e5: i64) -> Money {
    let (quotient, rest) = (e5 / E5_PER_FEN, e5 % E5_PER_FEN);
    let carry = if rest.abs() * 2 >= E5_PER_FEN {
        rest.signum()
    } else {
        0
    };
    Money::cny(quotient + carry)
}
