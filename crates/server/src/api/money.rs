//! Amounts in requests and answers.

use ::money::{Currency, Money};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A whole number of minor units of a currency.
#[derive(utoipa::ToSchema)]
#[schema(as = Money, example = json!({"amount": 12345, "currency": "CNY"}))]
#[allow(dead_code, reason = "describes money::Money in the API's description")]
pub struct MoneySchema {
    /// Minor units (fen for CNY); above zero in requests.
    #[schema(example = 12345)]
    amount: i64,
    /// ISO 4217 code.
    #[schema(example = "CNY", min_length = 3, max_length = 3)]
    currency: String,
}

/// An amount that a request moves: above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositiveMoney(pub Money);

impl<'de> Deserialize<'de> for PositiveMoney {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            amount: PositiveMinor,
            currency: Currency,
        }
        let parts = Parts::deserialize(deserializer)?;
        Ok(PositiveMoney(Money::new(parts.amount.0, parts.currency)))
    }
}

/// Minor units above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositiveMinor(pub i64);

impl<'de> Deserialize<'de> for PositiveMinor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Units;

        impl Visitor<'_> for Units {
            type Value = PositiveMinor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of minor units from 1 to 9223372036854775807")
            }

            fn visit_i64<E: Error>(self, amount: i64) -> Result<PositiveMinor, E> {
                if amount > 0 {
                    Ok(PositiveMinor(amount))
                } else {
                    Err(E::invalid_value(Unexpected::Signed(amount), &self))
                }
            }

            fn visit_u64<E: Error>(self, amount: u64) -> Result<PositiveMinor, E> {
                i64::try_from(amount)
                    .map_err(|_| E::invalid_value(Unexpected::Unsigned(amount), &self))
                    .and_then(|amount| self.visit_i64(amount))
            }
        }

        deserializer.deserialize_i64(Units)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::PositiveMoney;
    use crate::extract::parse;

    #[test]
    fn wrong_amounts_are_refused_by_field() {
        let cases = [
            (r#"{"amount":0,"currency":"CNY"}"#, "amount"),
            (r#"{"amount":-5,"currency":"CNY"}"#, "amount"),
            (r#"{"amount":1.5,"currency":"CNY"}"#, "amount"),
            (r#"{"amount":"5","currency":"CNY"}"#, "amount"),
            (
                r#"{"amount":9223372036854775808,"currency":"CNY"}"#,
                "amount",
            ),
            (r#"{"amount":1e400,"currency":"CNY"}"#, "amount"),
            (r#"{"amount":5,"currency":"RMB"}"#, "currency"),
            (r#"{"amount":5,"currency":"XXX"}"#, "currency"),
            (r#"{"amount":5}"#, "currency"),
            (r#"{"amount":5,"currency":"CNY","unit":"yuan"}"#, "unit"),
        ];
        for (body, field) in cases {
            let problem = parse::<PositiveMoney>(body.as_bytes()).expect_err(body);
            assert_eq!(problem.field.as_deref().unwrap_or(""), field, "{body}");
        }
        let largest = parse::<PositiveMoney>(br#"{"amount":9223372036854775807,"currency":"JPY"}"#);
        assert_eq!(largest.unwrap().0.amount(), i64::MAX);
    }
}
