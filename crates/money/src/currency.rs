//! ISO 4217 currencies that have a minor unit.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency in which money can be held.
///
/// Codes without a minor unit (gold, the test code `XTS`, "no currency" `XXX`) are refused on every
/// way in, so that [`Currency::exponent`] always has an answer. In JSON a currency is its
/// three-letter code, `"CNY"`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(iso_currency::Currency);

/// The given text is not the code of a currency in which money can be held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown currency code {code:?}: give three upper-case letters of ISO 4217, for instance CNY"
)]
pub struct UnknownCurrency {
    /// What was given, cut to eight characters.
    pub code: String,
}

impl Currency {
    /// Renminbi yuan (人民币), minor unit fen.
    pub const CNY: Currency = Currency(iso_currency::Currency::CNY);
    /// United States dollar.
    pub const USD: Currency = Currency(iso_currency::Currency::USD);
    /// Hong Kong dollar.
    pub const HKD: Currency = Currency(iso_currency::Currency::HKD);
    /// Euro.
    pub const EUR: Currency = Currency(iso_currency::Currency::EUR);
    /// Japanese yen, which has no subdivision.
    pub const JPY: Currency = Currency(iso_currency::Currency::JPY);

    /// The three-letter code, upper case.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The ISO 4217 number, for instance 156 for CNY; card networks send this form.
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// Number of decimals of the major unit: 2 for CNY, 0 for JPY, 3 for BHD.
    pub fn exponent(self) -> u8 {
        self.0
            .exponent()
            .and_then(|exponent| u8::try_from(exponent).ok())
            .unwrap_or(0)
    }

    /// The currency with this ISO 4217 number, if money can be held in it.
    pub fn from_numeric(numeric: u16) -> Option<Currency> {
        iso_currency::Currency::from_numeric(numeric).and_then(Self::with_minor_unit)
    }

    /// The currency with this three-letter code, if money can be held in it.
    pub fn from_code(code: &str) -> Option<Currency> {
        iso_currency::Currency::from_code(code).and_then(Self::with_minor_unit)
    }

    fn with_minor_unit(currency: iso_currency::Currency) -> Option<Currency> {
        currency.exponent().map(|_| Currency(currency))
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::from_code(code).ok_or_else(|| UnknownCurrency {
            code: code.chars().take(8).collect(),
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CodeVisitor;

        impl serde::de::Visitor<'_> for CodeVisitor {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a three-letter ISO 4217 currency code")
            }

            fn visit_str<E: serde::de::Error>(self, code: &str) -> Result<Currency, E> {
                code.parse().map_err(E::custom)
            }
        }

        deserializer
            .deserialize_str(CodeVisitor)
            .map_err(D::Error::custom)
    }
}
