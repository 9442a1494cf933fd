//! Money that leaves an institution though nobody brought it, or that is not the institution's to spend.

use super::legs::leaves_reserve;
use super::{Draft, Gathered, text};
use crate::fact::Value;
use crate::flow::model::{GoodsOf, MoneyLeg, PartyId};
use crate::flow::view::View;

/// An institution that pays out more than came in advances the rest: of whose money is asked.
pub(super) fn overdrawn(gathered: &Gathered<'_>, position: usize, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let flow = view.flow;
    let payer = flow.party(leg.from);
    let lends = |leg: &MoneyLeg| leg.service.as_deref() == Some("advance");
    if !["bank", "npi"].contains(&payer.kind.as_ref()) || lends(leg) {
        return None;
    }
    let brought: Vec<Option<i64>> = flow
        .legs
        .iter()
        .filter(|other| other.holder == leg.from)
        .map(|other| other.amount)
        .collect();
    if brought.is_empty() {
        // A bank moves money of its own; an institution's only money is its customers'.
        return (payer.kind == "npi").then(|| {
            advance(
                text(
                    format!("{} pays, and no leg brings the money to it", payer.name.en),
                    format!("{}付款，但未画出其资金来源", payer.name.zh),
                ),
                gathered,
                leg,
            )
        });
    }
    // An amount that is not stated may be any.
    let sum = brought.iter().try_fold(0i64, |sum, amount| {
        amount.map(|fen| sum.saturating_add(fen))
    })?;
    let paid = flow
        .legs
        .iter()
        .take(position + 1)
        .filter(|other| other.from == leg.from && !lends(other))
        .filter_map(|other| other.amount)
        .fold(0i64, i64::saturating_add);
    (paid > sum && leg.amount.is_some()).then(|| {
        advance(
            text(
                format!("{} pays out more than came in", payer.name.en),
                format!("{}付出的资金多于收到的资金", payer.name.zh),
            ),
            gathered,
            leg,
        )
    })
}

fn advance(seen: crate::pack::Text, gathered: &Gathered<'_>, leg: &MoneyLeg) -> Draft {
    Draft::new(seen)
        .actor(gathered.view.flow.party(leg.from))
        .with("service", "advance")
        .with("funding", Value::Unknown)
}

/// Customers' money that goes from a reserve to an institution which does not pay it to its owner.
pub(super) fn spent(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let flow = view.flow;
    let target = flow.party(leg.holder);
    let to_institution = target.is_institution() && leg.to == leg.holder;
    if !to_institution || leaves_reserve(gathered, leg) != Some(true) {
        return None;
    }
    let on_the_way = match view.goods(leg) {
        Some(GoodsOf::Party(owner)) => leg.holder == owner || leads_to(view, leg.holder, owner),
        Some(GoodsOf::Unknown) | None => view.passes_on(leg.holder),
    };
    if on_the_way {
        return None;
    }
    let payer = flow.party(leg.from);
    let draft = Draft::new(text(
        format!(
            "customers' money leaves the reserve of {} for {}, from where no leg leads to its owner",
            payer.name.en, target.name.en
        ),
        format!(
            "客户备付金由{}划至{}，未画出由其付给资金所有人",
            payer.name.zh, target.name.zh
        ),
    ))
    .actor(payer)
    .with("service", "payout")
    .with("from_reserve", true)
    .with("user_instruction", Value::Unknown)
    .needed("reserve_use", leg.purpose.clone().map(Value::Word))
    .maybe("purpose", leg.purpose.clone().map(Value::Word));
    Some(draft)
}

/// Whether legs lead from a party's books to another party.
fn leads_to(view: View<'_>, from: PartyId, to: PartyId) -> bool {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(party) = reached.get(next).copied() {
        next += 1;
        for (_, leg) in view.outgoing(party) {
            if leg.to == to {
                return true;
            }
            if !reached.contains(&leg.holder) {
                reached.push(leg.holder);
            }
        }
    }
    false
}
