//! What follows from stated facts. A conclusion is drawn only when everything it rests on is known;
//! otherwise the concluded fact stays missing and the decision asks.

use super::facts::Facts;
use super::value::{Leg, Receiver, Value, Word};

/// Bodies that clear between institutions.
const CLEARING: [&str; 6] = [
    "nucc",
    "unionpay",
    "pbc_interbank",
    "cityclear",
    "ruralclear",
    "clearing_org",
];
/// Factor classes: items of one class count once.
const FACTOR_CLASSES: [(&str, &[&str]); 3] = [
    ("knowledge", &["knowledge"]),
    ("possession", &["possession_cert", "possession_otp"]),
    ("biometric", &["biometric"]),
];

fn word<'a>(facts: &'a Facts, path: &str) -> Option<&'a str> {
    facts.get(path).and_then(Value::as_word)
}

fn words<'a>(facts: &'a Facts, path: &str) -> Option<&'a [Word]> {
    facts.get(path).and_then(Value::as_words)
}

fn flag(facts: &Facts, path: &str) -> Option<bool> {
    facts.get(path).and_then(Value::as_flag)
}

/// Adds every conclusion to the stated facts.
pub(crate) fn conclude(facts: &mut Facts) {
    route(facts);
    strength(facts);
    ownership(facts);
    money(facts);
}

fn is_bank(hop: &str) -> bool {
    hop.starts_with("bank")
}

/// Whether two institutions stand beside each other with no clearing body between them.
pub(crate) fn direct_hop(route: &[Word]) -> bool {
    route.windows(2).any(|pair| match pair {
        [from, to] => !CLEARING.contains(&from.as_ref()) && !CLEARING.contains(&to.as_ref()),
        _ => false,
    })
}

fn route(facts: &mut Facts) {
    let mut known = false;
    let mut direct = false;
    let mut platform = true;
    let mut bank = false;
    let mut hops = 0;
    let mut inter_npi = false;
    for path in ["route", "information_route", "funds_route"] {
        if let Some(route) = words(facts, path) {
            known = true;
            hops = hops.max(route.len());
            direct |= direct_hop(route);
            platform &= route.iter().any(|hop| hop == "nucc" || hop == "unionpay");
            bank |= route.iter().any(|hop| is_bank(hop));
            inter_npi |= route.iter().filter(|hop| hop.starts_with("npi")).count() > 1;
        }
    }
    let borrowed = word(facts, "channel_user").zip(word(facts, "actor.kind"));
    if word(facts, "bank_role") == Some("springboard") {
        facts.conclude_named("direct", true);
    } else if known {
        facts.conclude_named("direct", direct);
    } else if borrowed.is_some_and(|(user, owner)| user != owner && ["bank", "npi"].contains(&user))
    {
        facts.conclude_named("direct", true);
    }
    let stated_direct = flag(facts, "direct");
    if known || stated_direct == Some(true) {
        facts.conclude_named("cleared", known && !direct && stated_direct != Some(true));
        facts.conclude_named(
            "via_platform",
            known && platform && stated_direct != Some(true),
        );
    }
    if known {
        facts.conclude_named("cross_institution", hops > 1);
        facts.conclude_named("inter_npi", inter_npi);
        facts.conclude_named("touches_bank_account", bank);
    }
}

fn strength(facts: &mut Facts) {
    if word(facts, "code") == Some("static") {
        facts.conclude_named("level", "D");
    }
    let Some(factors) = words(facts, "factors") else {
        return;
    };
    let stated = factors.iter().any(|factor| factor == "possession_cert");
    let void = flag(facts, "cert_valid") == Some(false)
        || word(facts, "cert_issuer").is_some_and(|issuer| issuer != "licensed_ca");
    // Whether the certificate counts is open as long as its state is stated to be unknown.
    if stated
        && !void
        && (facts.get("cert_valid") == Some(&Value::Unknown)
            || facts.get("cert_issuer") == Some(&Value::Unknown))
    {
        return;
    }
    let certificate = stated && !void;
    let count = FACTOR_CLASSES
        .iter()
        .filter(|(_, items)| {
            items.iter().any(|item| {
                factors.iter().any(|factor| factor == item)
                    && (*item != "possession_cert" || certificate)
            })
        })
        .count();
    // A saved copy of a dynamic code is a static code.
    let code = word(facts, "code").map(str::to_owned);
    let copy = flag(facts, "saved_copy") == Some(true);
    let count = i64::try_from(count).unwrap_or(0);
    facts.conclude_named("factor_count", count);
    facts.conclude_named("certificate", certificate);
    facts.conclude_named("cert_stated", stated);
    let level = match (code.as_deref(), count >= 2, certificate) {
        (Some("dynamic"), _, _) if copy => "D",
        (Some("dynamic"), true, true) => "A",
        (Some("dynamic"), true, false) => "B",
        (Some("dynamic"), false, _) => "C",
        _ => return,
    };
    facts.conclude_named("level", level);
}

fn ownership(facts: &mut Facts) {
    if flag(facts, "merchant.online") == Some(true) {
        facts.conclude_named("merchant.physical", false);
    }
    if let Some((source, target)) = word(facts, "source_owner").zip(word(facts, "target_owner")) {
        let same = source == target;
        facts.conclude_named("same_owner", same);
    }
    if let Some((province, regions)) =
        word(facts, "merchant.province").zip(words(facts, "actor.acquiring_regions"))
    {
        let inside = regions.iter().any(|region| region == province);
        facts.conclude_named("merchant.in_region", inside);
    }
    let acquirer = word(facts, "settlement_payer")
        .or_else(|| word(facts, "actor.kind").filter(|kind| ["bank", "npi"].contains(kind)))
        .map(str::to_owned);
    if let Some(acquirer) = acquirer {
        facts.conclude_named("acquirer", acquirer);
    }
}

fn money(facts: &mut Facts) {
    let own_account = word(facts, "actor.kind").map(|kind| format!("{kind}.account"));
    let pooled = match (facts.get("legs"), own_account) {
        (Some(Value::Legs(legs)), Some(own)) => Some(passes_through(legs, &own)),
        (Some(Value::Legs(legs)), None) => {
            // Somebody's own account in the middle; whose is not stated, so only "no" is certain.
            let middle = legs
                .iter()
                .any(|leg| leg.to.ends_with(".account") && passes_through(legs, &leg.to));
            (!middle).then_some(false)
        }
        _ => word(facts, "holder").map(|holder| !holder.ends_with(".reserve") && !is_bank(holder)),
    };
    if let Some(pooled) = pooled {
        facts.conclude_named("pooled", pooled);
    }
    let entitled = match facts.get("receivers") {
        Some(Value::Receivers(receivers)) => entitled(receivers),
        _ => None,
    };
    if let Some(entitled) = entitled {
        facts.conclude_named("receivers_entitled", entitled);
    }
}

fn passes_through(legs: &[Leg], account: &str) -> bool {
    legs.iter().any(|leg| leg.to == account) && legs.iter().any(|leg| leg.from == account)
}

/// Every receiver was checked by an institution, and a natural person has a known relation.
fn entitled(receivers: &[Receiver]) -> Option<bool> {
    let mut all = true;
    for receiver in receivers {
        let kind = receiver.kind.as_deref()?;
        let checked = ["bank", "npi"].contains(&receiver.onboarded_by.as_deref()?);
        if kind == "natural_person" {
            all &= receiver.relation.as_deref()? != "none" && checked;
        } else {
            all &= checked;
        }
    }
    Some(all)
}
