//! The book's commands through its public interface: every subject in a file of its own.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod adjustments;
mod cases;
mod clearings;
mod conservation;
mod contradictions;
mod damaged_rows;
mod days;
mod judged_again;
mod late_answers;
mod late_refunds;
mod launches;
mod limits;
mod many_buckets;
mod merchants;
mod order_closing;
mod overdue_payouts;
mod payments;
mod payout_approvals;
mod payout_purposes;
mod payouts;
mod refund_fees;
mod refunds;
mod repeats;
mod reports;
mod returned_payouts;
mod risk;
mod rule_packs;
mod settlements;
mod splits;
mod support;
mod transfers;
mod underpayments;
mod unexpected_payments;
mod webhooks;
