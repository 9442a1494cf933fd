//! What goes over the wire: request bodies, views of records, and their schemas.
//!
//! Views are apart from the records of the domain, so that a record can change its form without
//! changing the API.

pub mod accounts;
pub mod bank_account;
pub mod cases;
pub mod clearings;
pub mod closing;
pub mod compliance;
pub mod decisions;
pub mod enums;
pub mod flow;
pub mod launches;
pub mod merchants;
pub mod money;
pub mod payments;
pub mod payouts;
pub mod profile;
pub mod reconciliations;
pub mod refunds;
pub mod resting_money;
pub mod risk;
pub mod rules;
pub mod settlements;
pub mod signing_keys;
pub mod splits;
pub mod transfers;
pub mod webhooks;
