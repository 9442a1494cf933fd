//! Response codes (`respCode`, `origRespCode`).
//!
//! Only a code that is known to mean "declined" is a failure. The status codes, codes that
//! speak of debited or pending money (42, 70, 74, 75, 83), 69, the catch-all 99 and unlisted
//! ones are left to a later query, the bill or a person.

use super::Fields;
use crate::answer::Refusal;

/// What a code says about a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// 00, or A6 (success with a defect).
    Success,
    /// Declined; `true` if the same request may be accepted later.
    Declined(bool),
    /// Anything else.
    Unclear,
}

/// Reads a code.
pub(super) fn meaning(code: &str) -> Meaning {
    match code {
        "00" | "A6" => Meaning::Success,
        // System closed or busy, our signature refused, balance not yet there.
        "02" | "06" | "11" | "64" => Meaning::Declined(true),
        "10" | "13" | "14" | "30" | "31" | "32" | "33" | "35" | "36" | "38" | "39" | "40"
        | "41" | "43" | "44" | "45" | "61" | "62" | "63" | "65" | "66" | "67" | "68" | "71"
        | "72" | "73" | "76" | "77" | "78" | "79" | "80" | "81" | "82" | "84" => {
            Meaning::Declined(false)
        }
        _ => Meaning::Unclear,
    }
}

/// Reads the code of a payout that was asked after. A channel that is closed or busy, or refuses a signature,
/// says so of a request: whether the payout ended is then as open as before.
pub(super) fn meaning_of_outcome(code: &str) -> Meaning {
    match code {
        "02" | "06" | "11" => Meaning::Unclear,
        _ => meaning(code),
    }
}

/// The reason as the message states it.
pub(super) fn refusal(code: &str, fields: &Fields, text_field: &str, later: bool) -> Refusal {
    let message = fields.get(text_field).unwrap_or_default();
    Refusal {
        code: code.to_owned(),
        message: message.chars().take(256).collect(),
        later,
    }
}
