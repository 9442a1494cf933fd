//! Money of merchants that rests in this book.

use super::money::MoneySchema;
use calendar::BusinessDate;
use compliance::risk::{Alarm, Resting, RestingReport};
use money::{Currency, Money};
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmView {
    /// It is on its way.
    None,
    /// To be looked at.
    Flag,
    /// It must leave.
    Red,
}

impl From<Alarm> for AlarmView {
    fn from(alarm: Alarm) -> AlarmView {
        match alarm {
            Alarm::None => AlarmView::None,
            Alarm::Flag => AlarmView::Flag,
            Alarm::Red => AlarmView::Red,
        }
    }
}

/// English and 中文.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TextView {
    /// English.
    pub en: String,
    /// 中文。
    pub zh: String,
}

impl From<compliance::Text> for TextView {
    fn from(text: compliance::Text) -> TextView {
        TextView {
            en: text.en,
            zh: text.zh,
        }
    }
}

/// What rests of one merchant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RestingView {
    /// Whose.
    pub merchant: String,
    /// How much.
    #[schema(value_type = MoneySchema)]
    pub amount: Money,
    /// Days that the oldest part has rested.
    pub days: i32,
    /// Alarm.
    pub alarm: AlarmView,
}

impl RestingView {
    fn new(resting: Resting, currency: Currency) -> RestingView {
        RestingView {
            merchant: resting.owner,
            amount: Money::new(resting.amount, currency),
            days: resting.days,
            alarm: resting.alarm.into(),
        }
    }
}

/// Money of merchants that rests in this book: taken, and not yet paid out to them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RestingMoneyView {
    /// As of.
    #[schema(value_type = String, format = Date)]
    pub as_of: BusinessDate,
    /// Everything that rests.
    #[schema(value_type = MoneySchema)]
    pub total: Money,
    /// The worst alarm.
    pub alarm: AlarmView,
    /// What it means, if there is an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<TextView>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<TextView>,
    /// By merchant, the worst first; at most a thousand.
    pub merchants: Vec<RestingView>,
    /// Merchants with money that rests, those that are not listed included.
    pub merchant_count: usize,
}

impl RestingMoneyView {
    /// The first merchants of a report.
    pub fn new(report: RestingReport, as_of: BusinessDate, most: usize) -> RestingMoneyView {
        let currency = Currency::CNY;
        RestingMoneyView {
            as_of,
            total: Money::new(i64::try_from(report.total).unwrap_or(i64::MAX), currency),
            alarm: report.alarm.into(),
            says: report.says.map(TextView::from),
            remedy: report.remedy.map(TextView::from),
            merchant_count: report.owners.len(),
            merchants: report
                .owners
                .into_iter()
                .take(most)
                .map(|resting| RestingView::new(resting, currency))
                .collect(),
        }
    }
}
