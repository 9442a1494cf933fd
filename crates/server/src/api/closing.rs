//! Business dates and their close.

use super::money::MoneySchema;
use calendar::BusinessDate;
use domain::closing::{DayClose, Figure, Tally};
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
    /// Number of the account.
    pub account: u64,
    /// Balance on its normal side.
    #[schema(value_type = MoneySchema)]
    pub balance: Money,
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

impl From<DayClose> for DayCloseView {
    fn from(close: DayClose) -> DayCloseView {
        DayCloseView {
            date: close.date,
            next_date: close.next_date,
            figures: close
                .figures
                .into_iter()
                .map(|(figure, tally)| (figure, TallyView::from(tally)))
                .collect(),
            balances: close
                .balances
                .into_iter()
                .map(|balance| ClosingBalanceView {
                    name: balance.name,
                    account: balance.account,
                    balance: balance.balance,
                })
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
