//! The channels' side of the protocols, with faults on demand.
//!
//! Real HTTP servers that speak WeChat Pay API v3 and UnionPay ACP 5.1.0 as the channels do:
//! they authenticate, decipher, keep books of their own, write bills from them, and send signed
//! notifications. Independent clients can talk to them.
//!
//! Each channel is a pure core (a state machine given requests and an instant), a gateway
//! (HTTP messages as values) and a thin server. Messages are built, read and checked here from
//! the protocols' description, not with the connectors' code, so that the two sides check each
//! other; only the cryptographic primitives are shared.
//!
//! Invariants: a core does no I/O and reads no clock; a day's bill is written only from the
//! channel's own books; differences are planted in the written file, never in the books; the
//! servers listen on the loopback interface only.

mod agenda;
mod channels_side;
mod clock;
mod connection;
mod control;
mod delivery;
mod demo;
mod error;
mod exchange;
mod fault;
pub mod keys;
mod outbox;
mod parameters;
mod random;
mod sandbox;
mod server;
mod shared;
pub mod unionpay;
pub mod wechat;

pub use clock::{Clock, SimClock};
pub use error::SandboxError;
pub use fault::{ApiOperation, Fault, FaultPlan, FaultSwitch, Trigger};
pub use keys::{CertifiedKey, SandboxKeys, generate_merchant};
pub use outbox::{Attempt, DeliveryCounts};
pub use parameters::{
    DemoMerchants, DemoUnionpayMerchant, DemoWechatMerchant, SandboxParameters, UnionpayParameters,
    WechatParameters,
};
pub use sandbox::{RunningSandbox, Sandbox, SandboxConfig};
pub use unionpay::{UnionpayMerchant, UnionpaySettings};
pub use wechat::{SerialMode, WechatMerchant, WechatSettings};
