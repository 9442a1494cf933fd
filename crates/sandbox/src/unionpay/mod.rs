//! UnionPay ACP 5.1.0, the channel's side: pay-outs and their query.
//!
//! [`core`](UnionpayCore) is the channel as a state machine with books of its own; around it
//! the gateway reads, authenticates, deciphers and signs messages as values.

mod books;
mod core;
pub(crate) mod gateway;
mod message;
mod request;
mod response;

pub use self::core::{BackNotification, CoreAnswer, PayoutOrder, UnionpayCore, UnionpaySettings};
pub use books::{OrderKey, Payout, PayoutState, PayoutTotals};
pub use gateway::UnionpayMerchant;
pub use message::Fields;
