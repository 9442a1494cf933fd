//! Products that were declared as new.

use super::ProposeLaunch;
use crate::regulation::RuleRefusal;
use calendar::BusinessDate;
use channels::operation::Channel;
use engine::Record;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What can be declared as new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// Payments through WeChat Pay.
    WechatPayments,
    /// Payouts through UnionPay.
    UnionpayPayouts,
    /// Splits of payments.
    Splits,
}

impl Product {
    /// All of them.
    pub const ALL: [Product; 3] = [
        Product::WechatPayments,
        Product::UnionpayPayouts,
        Product::Splits,
    ];

    /// Its name, in keys and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Product::WechatPayments => "wechat_payments",
            Product::UnionpayPayouts => "unionpay_payouts",
            Product::Splits => "splits",
        }
    }

    /// Payments through a channel, if it takes any.
    pub(crate) fn payments(channel: Channel) -> Option<Product> {
        match channel {
            Channel::Wechat => Some(Product::WechatPayments),
            Channel::Unionpay => None,
        }
    }

    /// Payouts through a channel, if it makes any.
    pub(crate) fn payouts(channel: Channel) -> Option<Product> {
        match channel {
            Channel::Unionpay => Some(Product::UnionpayPayouts),
            Channel::Wechat => None,
        }
    }
}

/// A product that was declared as new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The product.
    pub product: Product,
    /// What was reported of it.
    pub report: ProposeLaunch,
    /// What the rules have against its day, as far as was known with the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Box<RuleRefusal>>,
    /// The first day on which the rules let it begin, if there is one within a year of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_day: Option<BusinessDate>,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Declared at.
    #[serde(with = "calendar::rfc3339")]
    pub created_at: Timestamp,
    /// Last changed at.
    #[serde(with = "calendar::rfc3339")]
    pub updated_at: Timestamp,
    /// Business date of the last proposal.
    pub business_date: BusinessDate,
}

impl Launch {
    /// Whether it may be used on a day.
    pub fn has_begun(&self, day: BusinessDate) -> bool {
        self.approved_by.is_some() && day >= self.report.launch_on
    }
}

impl Record for Launch {
    const KIND: &'static str = "launch";
    fn key(&self) -> &str {
        self.product.name()
    }
}
