//! Connectors to payment channels, without I/O.
//!
//! A connector turns an [`Operation`] into an [`http::Request`] value and an
//! [`http::Response`] or a notification back into a [`Report`]. It never opens a
//! connection, reads a clock or draws a random number: time and nonce are arguments.
//!
//! Invariant: nothing in this crate turns an error into a business failure. Whatever is
//! not a verified statement of the channel is [`Report::Unknown`].

pub mod answer;
pub mod connector;
pub mod crypto;
pub mod http;
pub mod operation;
pub mod unionpay;
pub mod wechat;

pub use answer::{
    Answer, Instrument, Notification, OrderState, Payer, PayoutState, RefundState, Refusal, Report,
};
pub use connector::{Connector, ConnectorError, NotificationError, SignatureError};
pub use operation::{Channel, ChannelReference, Operation, PayeeAccount};
pub use unionpay::{UnionpayConfig, UnionpayConnector};
pub use wechat::{WechatConfig, WechatConnector};
