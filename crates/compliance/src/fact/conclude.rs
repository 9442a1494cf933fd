//! What follows from stated facts. A conclusion is drawn only when everything it rests on is known;
//! otherwise the concluded fact stays missing and the decision asks.

use super::facts::Facts;
use super::pooling::pooled;
use super::table::{FactId, id};
use super::value::{Receiver, Value, Word};

const ACQUIRER: FactId = id("acquirer");
const ACTOR_ACQUIRING_REGIONS: FactId = id("actor.acquiring_regions");
const ACTOR_KIND: FactId = id("actor.kind");
const BANK_ROLE: FactId = id("bank_role");
const CERTIFICATE: FactId = id("certificate");
const CERT_ISSUER: FactId = id("cert_issuer");
const CERT_STATED: FactId = id("cert_stated");
const CERT_VALID: FactId = id("cert_valid");
const CHANNEL_USER: FactId = id("channel_user");
const CLEARED: FactId = id("cleared");
const CODE: FactId = id("code");
const CROSS_INSTITUTION: FactId = id("cross_institution");
const DIRECT: FactId = id("direct");
const FACTORS: FactId = id("factors");
const FACTOR_COUNT: FactId = id("factor_count");
const FUNDS_ROUTE: FactId = id("funds_route");
const INFORMATION_ROUTE: FactId = id("information_route");
const INTER_NPI: FactId = id("inter_npi");
const LEVEL: FactId = id("level");
const MERCHANT_IN_REGION: FactId = id("merchant.in_region");
const MERCHANT_ONLINE: FactId = id("merchant.online");
const MERCHANT_PHYSICAL: FactId = id("merchant.physical");
const MERCHANT_PROVINCE: FactId = id("merchant.province");
const POOLED: FactId = id("pooled");
const RECEIVERS: FactId = id("receivers");
const RECEIVERS_ENTITLED: FactId = id("receivers_entitled");
const ROUTE: FactId = id("route");
const SAME_OWNER: FactId = id("same_owner");
const SAVED_COPY: FactId = id("saved_copy");
const SETTLEMENT_PAYER: FactId = id("settlement_payer");
const SOURCE: FactId = id("source");
const SOURCE_OWNER: FactId = id("source_owner");
const TARGET_OWNER: FactId = id("target_owner");
const TOUCHES_BANK_ACCOUNT: FactId = id("touches_bank_account");
const VIA_PLATFORM: FactId = id("via_platform");

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

pub(super) fn word(facts: &Facts, id: FactId) -> Option<&str> {
    facts.stated_value(id).and_then(Value::as_word)
}

fn words(facts: &Facts, id: FactId) -> Option<&[Word]> {
    facts.stated_value(id).and_then(Value::as_words)
}

fn flag(facts: &Facts, id: FactId) -> Option<bool> {
    facts.stated_value(id).and_then(Value::as_flag)
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
    // Money out of a bank's account has passed the bank, whatever was drawn.
    let from_bank =
        word(facts, SOURCE).is_some_and(|source| ["bank_account", "credit_card"].contains(&source));
    for id in [ROUTE, INFORMATION_ROUTE, FUNDS_ROUTE] {
        if let Some(route) = words(facts, id) {
            // The way to the bank is left out: nothing follows from what is there.
            if from_bank && matches!(route, [hop] if !is_bank(hop)) {
                continue;
            }
            known = true;
            hops = hops.max(route.len());
            direct |= direct_hop(route);
            platform &= route.iter().any(|hop| hop == "nucc" || hop == "unionpay");
            bank |= route.iter().any(|hop| is_bank(hop));
            inter_npi |= route.iter().filter(|hop| hop.starts_with("npi")).count() > 1;
        }
    }
    let borrowed = word(facts, CHANNEL_USER).zip(word(facts, ACTOR_KIND));
    if word(facts, BANK_ROLE) == Some("springboard") {
        facts.conclude(DIRECT, true);
    } else if known {
        facts.conclude(DIRECT, direct);
    } else if borrowed.is_some_and(|(user, owner)| user != owner && ["bank", "npi"].contains(&user))
    {
        facts.conclude(DIRECT, true);
    }
    let stated_direct = flag(facts, DIRECT);
    if known || stated_direct == Some(true) {
        facts.conclude(CLEARED, known && !direct && stated_direct != Some(true));
        facts.conclude(
            VIA_PLATFORM,
            known && platform && stated_direct != Some(true),
        );
    }
    if known {
        facts.conclude(CROSS_INSTITUTION, hops > 1);
        facts.conclude(INTER_NPI, inter_npi);
    }
    if known || from_bank {
        facts.conclude(TOUCHES_BANK_ACCOUNT, bank || from_bank);
    }
}

fn strength(facts: &mut Facts) {
    if word(facts, CODE) == Some("static") {
        facts.conclude(LEVEL, "D");
    }
    let Some(factors) = words(facts, FACTORS) else {
        return;
    };
    let stated = factors.iter().any(|factor| factor == "possession_cert");
    let void = flag(facts, CERT_VALID) == Some(false)
        || word(facts, CERT_ISSUER).is_some_and(|issuer| issuer != "licensed_ca");
    // Whether the certificate counts is open as long as its state is stated to be unknown.
    if stated
        && !void
        && (facts.stated_value(CERT_VALID) == Some(&Value::Unknown)
            || facts.stated_value(CERT_ISSUER) == Some(&Value::Unknown))
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
    let code = word(facts, CODE).map(str::to_owned);
    let copy = flag(facts, SAVED_COPY) == Some(true);
    let count = i64::try_from(count).unwrap_or(0);
    facts.conclude(FACTOR_COUNT, count);
    facts.conclude(CERTIFICATE, certificate);
    facts.conclude(CERT_STATED, stated);
    let level = match (code.as_deref(), count >= 2, certificate) {
        (Some("dynamic"), _, _) if copy => "D",
        (Some("dynamic"), true, true) => "A",
        (Some("dynamic"), true, false) => "B",
        (Some("dynamic"), false, _) => "C",
        _ => return,
    };
    facts.conclude(LEVEL, level);
}

fn ownership(facts: &mut Facts) {
    if flag(facts, MERCHANT_ONLINE) == Some(true) {
        facts.conclude(MERCHANT_PHYSICAL, false);
    }
    if let Some((source, target)) = word(facts, SOURCE_OWNER).zip(word(facts, TARGET_OWNER)) {
        let same = source == target;
        facts.conclude(SAME_OWNER, same);
    }
    if let Some((province, regions)) =
        word(facts, MERCHANT_PROVINCE).zip(words(facts, ACTOR_ACQUIRING_REGIONS))
    {
        let inside = regions.iter().any(|region| region == province);
        facts.conclude(MERCHANT_IN_REGION, inside);
    }
    let acquirer = word(facts, SETTLEMENT_PAYER)
        .or_else(|| word(facts, ACTOR_KIND).filter(|kind| ["bank", "npi"].contains(kind)))
        .map(str::to_owned);
    if let Some(acquirer) = acquirer {
        facts.conclude(ACQUIRER, acquirer);
    }
}

fn money(facts: &mut Facts) {
    if let Some(pooled) = pooled(facts) {
        facts.conclude(POOLED, pooled);
    }
    let entitled = match facts.stated_value(RECEIVERS) {
        Some(Value::Receivers(receivers)) => entitled(receivers),
        _ => None,
    };
    if let Some(entitled) = entitled {
        facts.conclude(RECEIVERS_ENTITLED, entitled);
    }
}

/// Every receiver was checked by an institution, and a natural person has a known relation. One that was not
/// is enough for "no", whatever is not known of the others.
fn entitled(receivers: &[Receiver]) -> Option<bool> {
    let each = receivers.iter().map(|receiver| {
        let checked = receiver.onboarded_by.as_deref();
        let checked = checked.map(|by| ["bank", "npi"].contains(&by));
        let related = match receiver.kind.as_deref() {
            Some("natural_person") => receiver.relation.as_deref().map(|word| word != "none"),
            Some(_) => Some(true),
            None => None,
        };
        match (related, checked) {
            // Who a person is to the seller is settled first: a practitioners' case asks for it.
            (None, _) => None,
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), checked) => checked,
        }
    });
    let each: Vec<Option<bool>> = each.collect();
    if each.contains(&Some(false)) {
        Some(false)
    } else if each.contains(&None) {
        None
    } else {
        Some(true)
    }
}
