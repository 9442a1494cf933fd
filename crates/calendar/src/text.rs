//! The written forms of an instant that channels and our API use, all in Shanghai time.

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::shanghai::{SHANGHAI, shanghai_datetime};

/// A text is not an instant in the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTimeError {
    /// The characters are not arranged as the form demands.
    #[error("the time is not in the form {form}")]
    Malformed {
        /// The form that was expected, in the notation of the channel documents.
        form: &'static str,
    },
    /// The form is right, but no calendar or clock shows this.
    #[error("the time names a day, hour, minute or second that does not exist")]
    NoSuchInstant,
}

const RFC3339: &str = "yyyy-MM-ddTHH:mm:ss+08:00";
const COMPACT: &str = "yyyyMMddHHmmss";
const SPACED: &str = "yyyy-MM-dd HH:mm:ss";

/// `2018-06-08T10:34:56+08:00`; milliseconds appear only if they are not zero, smaller parts never.
pub fn rfc3339_shanghai(instant: Timestamp) -> String {
    let wall = shanghai_datetime(instant);
    let date_and_time = written(wall, "-", "T", ":");
    let millisecond = wall.millisecond();
    if millisecond == 0 {
        format!("{date_and_time}+08:00")
    } else {
        format!("{date_and_time}.{millisecond:03}+08:00")
    }
}

/// Reads an RFC 3339 time with any offset; the separator is `T`, an offset or `Z` must be there.
pub fn parse_rfc3339(text: &str) -> Result<Timestamp, ParseTimeError> {
    const ERROR: ParseTimeError = ParseTimeError::Malformed { form: RFC3339 };
    let bytes = text.as_bytes();
    let (Some(head), Some(tail)) = (bytes.get(..19), bytes.get(19..)) else {
        return Err(ERROR);
    };
    let tail = match tail.split_first() {
        Some((b'.', rest)) => {
            let fraction = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if fraction == 0 || fraction > 9 {
                return Err(ERROR);
            }
            rest.get(fraction..).unwrap_or_default()
        }
        _ => tail,
    };
    let zoned = tail == b"Z" || fits(tail, "+00:00") || fits(tail, "-00:00");
    if !fits(head, "0000-00-00T00:00:00") || !zoned {
        return Err(ERROR);
    }
    text.parse().map_err(|_| ParseTimeError::NoSuchInstant)
}

/// `20180608103456`, the form of UnionPay and NetsUnion fields; parts of a second are dropped.
pub fn compact(instant: Timestamp) -> String {
    written(shanghai_datetime(instant), "", "", "")
}

/// Reads [`compact`].
pub fn parse_compact(text: &str) -> Result<Timestamp, ParseTimeError> {
    parse_fixed(text, "00000000000000", COMPACT)
}

/// `2018-06-08 10:34:56`, the form of Alipay fields; parts of a second are dropped.
pub fn spaced(instant: Timestamp) -> String {
    written(shanghai_datetime(instant), "-", " ", ":")
}

/// Reads [`spaced`].
pub fn parse_spaced(text: &str) -> Result<Timestamp, ParseTimeError> {
    parse_fixed(text, "0000-00-00 00:00:00", SPACED)
}

fn written(wall: DateTime, dash: &str, middle: &str, colon: &str) -> String {
    format!(
        "{:04}{dash}{:02}{dash}{:02}{middle}{:02}{colon}{:02}{colon}{:02}",
        wall.year(),
        wall.month(),
        wall.day(),
        wall.hour(),
        wall.minute(),
        wall.second()
    )
}

fn parse_fixed(text: &str, pattern: &str, form: &'static str) -> Result<Timestamp, ParseTimeError> {
    if !fits(text.as_bytes(), pattern) {
        return Err(ParseTimeError::Malformed { form });
    }
    let mut digits = text.bytes().filter(u8::is_ascii_digit);
    let mut take = |count: usize| -> i16 {
        digits
            .by_ref()
            .take(count)
            .fold(0, |value, byte| value * 10 + i16::from(byte - b'0'))
    };
    let year = take(4);
    let mut small = || i8::try_from(take(2)).unwrap_or(i8::MAX);
    let (month, day, hour, minute, second) = (small(), small(), small(), small(), small());
    DateTime::new(year, month, day, hour, minute, second, 0)
        .and_then(|wall| SHANGHAI.to_timestamp(wall))
        .map_err(|_| ParseTimeError::NoSuchInstant)
}

/// Whether the text has a digit wherever the pattern has `0` and equals it elsewhere.
fn fits(text: &[u8], pattern: &str) -> bool {
    text.len() == pattern.len()
        && text
            .iter()
            .zip(pattern.bytes())
            .all(|(found, wanted)| match wanted {
                b'0' => found.is_ascii_digit(),
                other => *found == other,
            })
}
