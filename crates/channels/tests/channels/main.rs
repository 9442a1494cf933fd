//! The connectors through their public interface, against messages and keys made elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bill;
mod crypto;
mod golden;
mod never_guesses;
mod openssl;
mod support;
mod unionpay_fields;
mod unionpay_notifications;
mod unionpay_responses;
mod wechat_errors;
mod wechat_notifications;
mod wechat_requests;
mod wechat_responses;
