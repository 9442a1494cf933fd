//! Money that an institution takes from outside: how it gets there, and under which licence.

use super::{Draft, Gathered, text};
use crate::fact::{Value, Word};
use crate::flow::model::MoneyLeg;
use crate::flow::view::View;

/// Licences under which nothing but prepaid cards is issued and accepted.
const PREPAID: [&str; 2] = ["prepaid", "stored_value_2"];
/// Licences for the cards that are taken in shops.
const ACQUIRING: [&str; 2] = ["card_acquiring", "processing_1"];

/// Whether money comes from a balance that an institution keeps already, so that no other takes part.
pub(super) fn from_balance(leg: &MoneyLeg) -> bool {
    matches!(
        leg.source.as_deref(),
        Some("payment_account_balance" | "prepaid")
    )
}

/// Whether money is taken into an institution's books from elsewhere.
fn collects(view: View<'_>, leg: &MoneyLeg) -> bool {
    view.flow.party(leg.holder).is_institution() && leg.from != leg.holder
}

/// The service of a leg as stated, or as the drawing shows it.
pub(super) fn service(view: View<'_>, leg: &MoneyLeg) -> Word {
    let flow = view.flow;
    match &leg.service {
        Some(service) => service.clone(),
        None if leg.code.is_some() => "code_acquiring".into(),
        None if flow.party(leg.from).is_institution() => "payout".into(),
        None if flow.party(leg.holder).is_institution() => "online_payment".into(),
        None => "transfer".into(),
    }
}

/// A way that is not drawn may be a direct link, whatever else the leg raises.
pub(super) fn unknown_way(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let drawn = leg.route.is_some() || leg.funds_route.is_some();
    if drawn || !collects(view, leg) || from_balance(leg) {
        return None;
    }
    let holder = view.flow.party(leg.holder);
    let draft = Draft::new(text(
        format!("how the money gets to {} is not drawn", holder.name.en),
        format!("未画出资金如何到达{}", holder.name.zh),
    ))
    .actor(holder)
    .word("service", &service(view, leg))
    .stage(view.flow)
    .with("route", Value::Unknown);
    Some(draft)
}

/// Whether what an institution does is outside the licences that it states.
pub(super) fn licence_scope(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let flow = view.flow;
    let holder = flow.party(leg.holder);
    let licences = holder.licences.as_ref()?;
    if holder.kind != "npi" || licences.is_empty() || !collects(view, leg) {
        return None;
    }
    let service = service(view, leg);
    // Moving reserves to another institution is no business with customers.
    if flow.party(leg.from).is_institution() && leg.service.is_none() {
        return None;
    }
    let only = |known: &[&str]| {
        licences
            .iter()
            .all(|licence| known.contains(&licence.as_ref()))
    };
    let in_shops = ["code_acquiring", "card_acquiring"].contains(&service.as_ref());
    let no_cards = licences
        .iter()
        .all(|licence| !ACQUIRING.contains(&licence.as_ref()));
    let outside = if only(&PREPAID) {
        // Its own prepaid cards it may take; whether others are taken the drawing does not say.
        if leg.source.as_deref() == Some("prepaid") {
            return None;
        }
        leaves_house(leg).then_some(true)
    } else if only(&[PREPAID, ACQUIRING].concat()) && !in_shops {
        // Whether the payment is a card's in a shop after all is the question.
        None
    } else if service == "card_acquiring" && no_cards {
        None
    } else {
        return None;
    };
    Some(
        Draft::new(text(
            format!(
                "{} provides {service}; its licences are {}",
                holder.name.en,
                licences.join(", ")
            ),
            format!(
                "{}办理{service}业务，所持许可为{}",
                holder.name.zh,
                licences.join("、")
            ),
        ))
        .actor(holder)
        .word("service", &service)
        .needed("outside_licence", outside),
    )
}

/// Whether a payment touches another institution.
fn leaves_house(leg: &MoneyLeg) -> bool {
    [&leg.route, &leg.funds_route]
        .into_iter()
        .flatten()
        .any(|hops| hops.len() > 1)
}
