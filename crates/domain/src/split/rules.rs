//! What the rules are asked about a split.

use super::{ReceiverKind, SplitPlan};
use crate::context::Context;
use crate::launch::{self, Product};
use crate::merchant::{CheckedBy, Merchant, MerchantKind};
use crate::regulation::{self, Question, Ruling};
use crate::rejection::Refusable;
use channels::operation::Channel;
use compliance::{Action, Receiver, Value};
use std::sync::Arc;

/// Whether a payment that came over a channel may be split like this.
pub(crate) fn ask(
    cx: &mut Context<'_, '_>,
    main: &Merchant,
    plan: &SplitPlan,
    channel: Channel,
) -> Refusable<Arc<Ruling>> {
    launch::require(cx, Some(Product::Splits))?;
    let mut receivers = Vec::with_capacity(plan.receivers.len());
    let own = cx.settings.institution.kind.map(|kind| kind.word());
    for receiver in &plan.receivers {
        let merchant = cx.tx.expect::<Merchant>(&receiver.merchant)?;
        let relation = match receiver.kind {
            ReceiverKind::Seller => "supplier",
            ReceiverKind::Commission => "commission",
            ReceiverKind::Platform => "platform",
            ReceiverKind::Agent => "agent",
        };
        let onboarded_by = merchant.profile.checked_by.and_then(|by| match by {
            CheckedBy::Institution => own,
            CheckedBy::Bank => Some("bank"),
            CheckedBy::Npi => Some("npi"),
            CheckedBy::Platform | CheckedBy::Isv => Some("none"),
        });
        receivers.push(Receiver {
            kind: merchant
                .profile
                .kind
                .map(|kind: MerchantKind| kind.word().into()),
            onboarded_by: onboarded_by.map(Into::into),
            relation: Some(relation.into()),
            purpose: None,
        });
    }
    let question = Question::new(Action::Split)
        .with("service", "split")
        .over(channel)
        .maybe("permission", main.profile.split_permission)
        .with("receivers", Value::from(receivers));
    regulation::decide(cx, question)
}
