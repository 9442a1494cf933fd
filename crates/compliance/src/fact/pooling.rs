//! Whether others' money passes somebody who is not licensed to hold it.
//!
//! A place is a holder (`platform`) or one of the holder's accounts (`platform.account`). Names are free, so a
//! conclusion is drawn from those only that are known: a name that nobody knows may be anybody's.

use super::conclude::word;
use super::facts::Facts;
use super::table::{FactId, id};
use super::value::{Leg, Value};

const ACTOR_KIND: FactId = id("actor.kind");
const HOLDER: FactId = id("holder");
const LEGS: FactId = id("legs");

/// Accounts in which a payment institution holds customers' money by its licence.
const CUSTOMERS: [&str; 2] = ["npi.reserve", "npi.sub_account"];
/// Those who pay and are paid on their own account: what they receive is theirs to pass on.
const ENDS: [&str; 14] = [
    "buyer",
    "payer",
    "customer",
    "cardholder",
    "consumer",
    "natural_person",
    "seller",
    "merchant",
    "micro_merchant",
    "supplier",
    "payee",
    "receiver",
    "employee",
    "company",
];
/// Those of the above whose money comes in first.
const PAYERS: [&str; 5] = ["buyer", "payer", "customer", "cardholder", "consumer"];
/// Those who stand between, and institutions outside the accounts of their customers.
const BETWEEN: [&str; 11] = [
    "platform",
    "aggregator",
    "isv",
    "npi",
    "p2p_platform",
    "lender",
    "wealth",
    "guarantee",
    "trust",
    "fx",
    "agent",
];

/// What is known of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place<'a> {
    /// A bank, or an institution's account of customers' money.
    Licensed,
    /// Of somebody who stands between.
    Between(&'a str),
    /// Of a payer or payee.
    End(&'a str),
    /// Nobody knows whose.
    Unknown,
}

fn place(name: &str) -> Place<'_> {
    let owner = name.split('.').next().unwrap_or(name);
    if CUSTOMERS.contains(&name) || owner == "bank" {
        Place::Licensed
    } else if BETWEEN.contains(&owner) {
        Place::Between(owner)
    } else if ENDS.contains(&owner) {
        Place::End(owner)
    } else {
        Place::Unknown
    }
}

/// Whether money that is not theirs passes somebody without the licence to hold it, if that is known.
pub(super) fn pooled(facts: &Facts) -> Option<bool> {
    let actor = word(facts, ACTOR_KIND);
    let legs = match facts.stated_value(LEGS) {
        Some(Value::Legs(legs)) => Some(by_legs(legs, actor)),
        _ => None,
    };
    let holder = word(facts, HOLDER).map(by_holder);
    match (legs, holder) {
        (Some(Some(true)), _) | (_, Some(Some(true))) => Some(true),
        (Some(None), _) | (_, Some(None)) => None,
        (Some(Some(false)), _) | (_, Some(Some(false))) => Some(false),
        (None, None) => None,
    }
}

fn by_holder(holder: &str) -> Option<bool> {
    match place(holder) {
        Place::Licensed => Some(false),
        Place::Between(_) | Place::End(_) => Some(true),
        Place::Unknown => None,
    }
}

/// Whether a payee takes money into an account that it keeps for that, or straight from a payer.
fn collects(leg: &Leg) -> bool {
    leg.to.contains('.') || PAYERS.contains(&leg.from.as_ref())
}

fn by_legs(legs: &[Leg], actor: Option<&str>) -> Option<bool> {
    let pays = |place_of: Place<'_>| legs.iter().any(|leg| place(&leg.from) == place_of);
    let mut known = !legs.is_empty();
    for leg in legs {
        let to = place(&leg.to);
        let owner = match to {
            Place::Between(owner) => owner,
            // Whoever is asked about is not excused by being a payee.
            Place::End(owner) if actor == Some(owner) && collects(leg) => owner,
            Place::End(_) | Place::Licensed => continue,
            Place::Unknown => {
                known = false;
                continue;
            }
        };
        if pays(to) {
            match actor {
                Some(_) => return Some(true),
                // Whose account it is to the one who acts is not said.
                None => known = false,
            }
        } else if PAYERS.contains(&leg.from.as_ref()) && actor == Some(owner) {
            // A payer's money came in; where it went on to is not drawn.
            known = false;
        }
    }
    let unknown = |leg: &Leg| place(&leg.from) == Place::Unknown;
    (known && !legs.iter().any(unknown)).then_some(false)
}
