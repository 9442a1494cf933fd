//! WeChat Pay API v3, the channel's side.
//!
//! [`core`](WechatCore) is the channel as a state machine with books of its own; around it
//! the gateway reads, authenticates and signs HTTP messages as values.

mod announcement;
mod authorization;
mod bill_text;
mod bills;
mod books;
mod core;
mod download;
pub(crate) mod gateway;
mod merchant;
mod orders;
mod plant;
mod refunds;
mod refusal;
mod request;
mod seal;
mod view;

pub use self::core::{AutoPay, MerchantTerms, PayError, WechatCore, WechatSettings};
pub use announcement::Announcement;
pub use bills::{BillLocation, BillQuery};
pub use books::{Books, DayTotals, Entry, Payment, Refund, RefundState, Trade, TradeState};
pub use merchant::{SerialMode, WechatMerchant};
pub use plant::{Difference, PlantError, PlantOrder, PlantedDifference};
pub use refusal::Refusal;
pub use request::{NativeOrder, OrderAmount, RefundAmount, RefundOrder};
pub(crate) use seal::public_key_id;
