//! Business dates and their close.

use super::money::MoneySchema;
use calendar::BusinessDate;
use domain::closing::{ClosingBalance, DayClose, Figure, Tally};
use jiff::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where to turn to.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "2026-11-21"}))]
pub struct DayTurn {
    /// The date to move to; the following civil day if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub to: Option<BusinessDate>,
}

/// How many and how much.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Tally)]
pub struct TallyView {
    /// How many.
    pub count: u64,
    /// How much, where amounts mean something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneySchema>)]
    pub amount: Option<Money>,
}

impl From<Tally> for TallyView {
    fn from(tally: Tally) -> TallyView {
        TallyView {
            count: tally.count,
            amount: tally.amount,
        }
    }
}

/// Balance of an internal account at the close.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClosingBalanceView {
    /// Name of the account.
    #[schema(example = "RSV")]
    pub name: String,
    /// Number of the account; absent where several shards keep one each and this is their sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<u64>,
    /// Balance on its normal side.
    #[schema(value_type = MoneySchema)]
    pub balance: Money,
}

impl From<ClosingBalance> for ClosingBalanceView {
    fn from(balance: ClosingBalance) -> ClosingBalanceView {
        ClosingBalanceView {
            name: balance.name,
            account: Some(balance.account),
            balance: balance.balance,
        }
    }
}

/// A closed business date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DayClose)]
pub struct DayCloseView {
    /// The business date.
    #[schema(format = Date)]
    pub date: String,
    /// The date that follows.
    #[schema(value_type = String, format = Date)]
    pub next_date: BusinessDate,
    /// Its figures by name: payments_succeeded, fees, refunds_requested, …
    #[schema(value_type = BTreeMap<String, TallyView>)]
    pub figures: BTreeMap<Figure, TallyView>,
    /// Internal accounts at the moment of the close.
    pub balances: Vec<ClosingBalanceView>,
    /// Principal who closed it.
    pub closed_by: String,
    /// Closed at.
    #[serde(with = "calendar::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub closed_at: Timestamp,
}

impl DayCloseView {
    /// The close of a whole book out of those of its shards; `None` without any.
    pub fn of_shards(closes: Vec<DayClose>) -> Option<DayCloseView> {
        let mut closes = closes.into_iter();
        let first = closes.next()?;
        let mut view = DayCloseView::from(first);
        for close in closes {
            merge_figures(&mut view.figures, close.figures);
            for balance in close.balances {
                let known = view
                    .balances
                    .iter_mut()
                    .find(|known| known.name == balance.name);
                match known {
                    Some(known) => {
                        known.account = None;
                        known.balance = sum(known.balance, balance.balance);
                    }
                    None => view.balances.push(ClosingBalanceView::from(balance)),
                }
            }
            view.next_date = view.next_date.max(close.next_date);
            view.closed_at = view.closed_at.max(close.closed_at);
        }
        Some(view)
    }
}

/// Sums of reports; a sum too large to be written is shown as the largest that can be.
fn sum(one: Money, other: Money) -> Money {
    Money::new(one.amount().saturating_add(other.amount()), one.currency())
}

/// Adds the figures of a shard to those of others.
pub fn merge_figures(
    figures: &mut BTreeMap<Figure, TallyView>,
    more: impl IntoIterator<Item = (Figure, Tally)>,
) {
    for (figure, tally) in more {
        let known = figures.entry(figure).or_insert(TallyView {
            count: 0,
            amount: None,
        });
        known.count = known.count.saturating_add(tally.count);
        known.amount = match (known.amount, tally.amount) {
            (Some(one), Some(other)) if one.currency() == other.currency() => Some(sum(one, other)),
            (one, other) => one.or(other),
        };
    }
}

impl From<DayClose> for DayCloseView {
    fn from(close: DayClose) -> DayCloseView {
        let mut figures = BTreeMap::new();
        merge_figures(&mut figures, close.figures);
        DayCloseView {
            date: close.date,
            next_date: close.next_date,
            figures,
            balances: close
                .balances
                .into_iter()
                .map(ClosingBalanceView::from)
                .collect(),
            closed_by: close.closed_by,
            closed_at: close.closed_at,
        }
    }
}

/// The running business date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CurrentDay {
    /// The business date of everything that is posted now.
    #[schema(value_type = String, format = Date)]
    pub date: BusinessDate,
    /// Its figures so far.
    #[schema(value_type = BTreeMap<String, TallyView>)]
    pub figures: BTreeMap<Figure, TallyView>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::DayCloseView;
    use domain::closing::{ClosingBalance, DayClose};
    use money::{Currency, Money};
    use std::collections::BTreeMap;

    fn close(balances: &[(&str, u64, i64)]) -> DayClose {
        let balances = balances
            .iter()
            .map(|(name, account, amount)| ClosingBalance {
                name: (*name).to_owned(),
                account: *account,
                balance: Money::new(*amount, Currency::CNY),
            });
        DayClose {
            date: "2026-11-20".into(),
            next_date: "2026-11-21".parse().unwrap(),
            figures: BTreeMap::new(),
            balances: balances.collect(),
            closed_by: "li.na".into(),
            closed_at: "2026-11-21T00:00:00+08:00".parse().unwrap(),
        }
    }

    #[test]
    fn a_balance_that_only_some_shards_have_is_in_the_sum() {
        let closes = vec![
            close(&[("RSV", 1, 100)]),
            close(&[("RSV", 11, 20), ("SUS", 12, 3)]),
            close(&[("SUS", 22, 4)]),
        ];
        let view = DayCloseView::of_shards(closes).unwrap();
        let found: Vec<(&str, i64)> = view
            .balances
            .iter()
            .map(|balance| (balance.name.as_str(), balance.balance.amount()))
            .collect();
        assert_eq!(found, [("RSV", 120), ("SUS", 7)]);
    }
}
