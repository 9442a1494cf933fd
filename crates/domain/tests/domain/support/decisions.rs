//! What people of the institution decide: about cases, and about what channels leave open.

use super::{Book, finance};
use domain::case::{Case, CloseCase, ExplainCase};
use domain::payment::AcceptUnderpayment;
use domain::payout::{CancelPayout, ResolvePayout, ResolvedPayout, ReturnPayout};
use domain::refund::{ResolveRefund, ResolvedRefund};
use domain::{Rejection, Reply, Request};

/// What [`Book::explain`] says.
pub const EXPLANATION: &str = "the payer typed the amount";

/// That a request about a case answered with.
pub fn case_of(reply: Reply) -> Case {
    match reply {
        Reply::Case(case) => (*case).clone(),
        other => panic!("{other:?}"),
    }
}

impl Book {
    pub fn explain(&mut self, case: &str) -> Result<Reply, Rejection> {
        let command = ExplainCase {
            case: case.into(),
            explanation: EXPLANATION.into(),
        };
        self.ask(&finance(), Request::ExplainCase(command))
    }

    pub fn close_case(&mut self, case: &str) -> Result<Reply, Rejection> {
        let command = CloseCase {
            case: case.into(),
            resolution: "done".into(),
        };
        self.ask(&finance(), Request::CloseCase(command))
    }

    pub fn accept_underpayment(&mut self, payment: &str) -> Result<Reply, Rejection> {
        let command = AcceptUnderpayment {
            payment: payment.into(),
            reason: "the merchant agrees".into(),
        };
        self.ask_approved(&finance(), Request::AcceptUnderpayment(command))
    }

    pub fn resolve_refund(
        &mut self,
        refund: &str,
        outcome: ResolvedRefund,
    ) -> Result<Reply, Rejection> {
        let command = ResolveRefund {
            refund: refund.into(),
            outcome,
            evidence: "letter of the bank".into(),
        };
        self.ask_approved(&finance(), Request::ResolveRefund(command))
    }

    pub fn resolve_payout(
        &mut self,
        payout: &str,
        outcome: ResolvedPayout,
    ) -> Result<Reply, Rejection> {
        let command = ResolvePayout {
            payout: payout.into(),
            outcome,
            evidence: "letter of the bank".into(),
        };
        self.ask_approved(&finance(), Request::ResolvePayout(command))
    }

    pub fn cancel_payout(&mut self, payout: &str) -> Result<Reply, Rejection> {
        let command = CancelPayout {
            payout: payout.into(),
            reason: "UnionPay cannot be reached".into(),
        };
        self.ask_approved(&finance(), Request::CancelPayout(command))
    }

    /// People say that a payout was paid which the channel declined.
    pub fn say_paid(&mut self, payout: &str) {
        self.decline(payout);
        self.resolve_payout(payout, ResolvedPayout::Paid).unwrap();
    }

    /// The payee's bank sent a payout back.
    pub fn return_payout(&mut self, payout: &str) -> Result<Reply, Rejection> {
        let command = ReturnPayout {
            payout: payout.into(),
            evidence: "statement line 17".into(),
        };
        self.ask_approved(&finance(), Request::ReturnPayout(command))
    }
}
