//! Webhooks by the Standard Webhooks scheme: signing, where they may go, delivery.

mod address;
mod delivery;
mod event;
mod secret;

pub use address::{UrlProblem, check_url};
pub use delivery::{Delivery, Message, WebhookSender};
pub use event::body;
pub(crate) use event::described;
pub use secret::{SecretProblem, WebhookSecret};
