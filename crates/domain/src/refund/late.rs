//! The refund of a late success that comes to nothing.
//!
//! The books made it by themselves for a merchant that had been told "closed". What is left of it is not the
//! merchant's to spend as long as nobody looked: it stays in transit until two people say whether the payer is
//! paid in another way or the merchant keeps the payment after all.

use super::ending::open_case;
use super::{Refund, RefundOrigin, RefundStatus, save};
use crate::case::CaseKind;
use crate::context::Context;
use engine::Interrupt;

/// The channel will not make it: people decide.
pub(super) fn strand(cx: &mut Context<'_, '_>, mut refund: Refund) -> Result<(), Interrupt> {
    cx.tx.settle_effect(&refund.effect)?;
    refund.status = RefundStatus::Stranded;
    let reason = "a payment that came after its order had been closed cannot go back by the way it came: pay \
                  the payer in another way, or leave it to the merchant if the goods were delivered"
        .to_owned();
    let amount = refund.amount;
    open_case(cx, &refund, CaseKind::RefundStranded, reason, amount)?;
    save(cx.tx, refund)
}

/// Whether people have it before them. An older word of the channel that arrives now, that it is under way or
/// not known, does not take it from them; its final word does.
pub(super) fn is_with_people(refund: &Refund) -> bool {
    refund.origin == RefundOrigin::LateSuccess && refund.status == RefundStatus::Stranded
}
