//! The channels' side, in process and over HTTP.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod connectors;
mod support;
mod unionpay_core;
mod unionpay_http;
mod wechat_bill;
mod wechat_core;
mod wechat_http;
